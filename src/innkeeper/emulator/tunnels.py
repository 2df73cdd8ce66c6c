"""By which of Zoom's names was this asked for? Told by the proxy, once for each connection.

A program with Zoom's hosts written into it reaches the emulator through
`innkeeper emulator proxy`. What it asks arrives here under the name of the host that it
meant, and what it is told holds Zoom's addresses, which lead back through the proxy.
"""

import re
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from innkeeper.emulator import answers
from innkeeper.net.connection import WIRE, Wire
from innkeeper.net.inbound import BodyTooLarge, ClientGone, read_body
from innkeeper.net.outbound import Scope

TUNNEL_PATH: Final = "/_emulator/tunnel"
_ZOOM_URL: Final = "https://zoom.us"
_ZOOM_API_URL: Final = "https://api.zoom.us"
_ZOOM: Final = re.compile(r"(?:(?:api|marketplace|api-[a-z]+)\.)?zoom\.us")


def plays(host: str) -> bool:
    """Tell whether the emulator stands in for a host.

    Example:
        >>> [plays(host) for host in ("zoom.us", "api-us.zoom.us", "zoom.us.evil.test")]
        [True, True, False]
    """
    return _ZOOM.fullmatch(host) is not None


def tunnel_of(scope: Scope) -> str:
    """Name the host that a request's connection was opened to; empty where none was named."""
    wire = _wire(scope)
    return wire.opened_to if wire is not None else ""


def zoom_url(request: Request) -> str:
    """Give the address of Zoom's pages and tokens, as the asking program knows it."""
    return _ZOOM_URL if tunnel_of(request.scope) else answers.world_of(request).base_url


def api_url(request: Request) -> str:
    """Give the address of Zoom's API, as the asking program knows it."""
    return _ZOOM_API_URL if tunnel_of(request.scope) else answers.world_of(request).base_url


class _Opening(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    host: str


class Tunnels:
    """Answers the proxy, which says what host its client asked for."""

    def routes(self) -> list[Route]:
        """List what is answered here."""
        return [Route(TUNNEL_PATH, self.open, methods=["POST"])]

    async def open(self, request: Request) -> Response:
        """Take all that follows on this connection as asked of one of Zoom's hosts."""
        try:
            body = await read_body(request.scope, request.receive, limit_bytes=1024)
            host = msgspec.json.decode(body, type=_Opening).host
        except (msgspec.DecodeError, BodyTooLarge, ClientGone):
            host = ""
        wire = _wire(request.scope)
        if wire is None or wire.opened_to or not plays(host):
            fix = "Send {'host': 'api.zoom.us'}, once, on a connection of its own."
            refusal = {"error": "tunnel_refused", "message": "this opens no tunnel", "fix": fix}
            return answers.json_answer(refusal, 400)
        wire.opened_to = host
        return Response(status_code=204)


def _wire(scope: Scope) -> Wire | None:
    extensions: dict[str, dict[str, Any]] = scope.get("extensions") or {}
    found: Wire | None = extensions.get(WIRE, {}).get("wire")
    return found
