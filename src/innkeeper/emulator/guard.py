"""May this request come in at all? Only for this machine's names, and from no other site.

An emulator holds secrets and does what it is told. A page from elsewhere must reach it
neither by a name of its own that resolves to loopback, nor by posting a form.
"""

import ipaddress
import re
from collections.abc import Collection, Iterable
from urllib.parse import urlsplit

from innkeeper.emulator.traffic.records import REFUSAL, Refusal
from innkeeper.emulator.tunnels import tunnel_of
from innkeeper.emulator.world import World
from innkeeper.net.inbound import header_values, send_answer
from innkeeper.net.outbound import AsgiApp, Message, Receive, Scope, Send

OFFSET_HEADER = b"x-emulator-clock-offset"
CONTROL_PREFIX = "/_emulator"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_NAMED = re.compile(r"(?P<host>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+)(?::[0-9]{1,5})?")


class Guard:
    """ASGI middleware: checks Host and Origin, and writes the clock's lead on every answer.

    Args:
        hosts: Names besides loopback's own, such as that of the emulator's base URL.
    """

    def __init__(self, app: AsgiApp, world: World, *, hosts: Iterable[str] = ()) -> None:
        self._app = app
        self._world = world
        self._hosts = frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, unless it must not come in."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def stamped(message: Message) -> None:
            if message["type"] == "http.response.start":
                ahead = round(self._world.clock.offset.total_seconds())
                headers = [*message.get("headers", ()), (OFFSET_HEADER, str(ahead).encode())]
                message = {**message, "headers": headers}
            await send(message)

        if tunnel_of(scope):
            scope["scheme"] = "https"  # which the proxy spoke
        refusal = self._refusal(scope)
        if refusal is None:
            await self._app(scope, receive, stamped)
            return
        scope[REFUSAL] = refusal
        body = b'{"error":"forbidden","message":"Only this machine may ask, and no other site."}'
        await send_answer(stamped, 403, body)

    def _refusal(self, scope: Scope) -> Refusal | None:
        client = scope.get("client")
        if client is not None and not _is_loopback(client[0]):
            return Refusal("guard.client", "the request comes from another machine")
        hosts = header_values(scope, b"host")
        host = hosts[0].decode("latin-1") if len(hosts) == 1 else ""
        tunnel = tunnel_of(scope)
        if not (_is_meant(host, tunnel) if tunnel else _is_ours(host, self._hosts)):
            return Refusal("guard.host", "the Host header names no host of this machine")
        guarded = scope["method"] not in _SAFE or scope["path"].startswith(CONTROL_PREFIX)
        if guarded and _from_elsewhere(scope, f"{scope['scheme']}://{host}"):
            return Refusal("guard.origin", "the request comes from a page of another site")
        return None


def _is_ours(host: str, named: Collection[str]) -> bool:
    found = _NAMED.fullmatch(host)
    if found is None:
        return False
    name = found["host"].lower()
    return name == "localhost" or name in named or _is_loopback(name.strip("[]"))


def _is_meant(host: str, tunnel: str) -> bool:
    return host.lower().removesuffix(":443") == tunnel


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _from_elsewhere(scope: Scope, origin: str) -> bool:
    """Tell whether a browser says that another site's page is asking.

    Pages with `Referrer-Policy: no-referrer`, ours among them, post with `Origin: null`;
    then `Sec-Fetch-Site` decides.
    """
    sites = header_values(scope, b"sec-fetch-site")
    if sites:
        return any(site not in {b"same-origin", b"none"} for site in sites)
    return any(_origin(value) != origin.lower() for value in header_values(scope, b"origin"))


def _origin(value: bytes) -> str:
    try:
        parts = urlsplit(value.decode("latin-1").lower())
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}"
