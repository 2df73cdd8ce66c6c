"""How do we call somebody? One request, one answer, a total deadline and a byte cap."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from innkeeper.errors import AnswerLost, Unreachable
from innkeeper.net.exchange import (
    ANSWER_LIMIT_BYTES,
    DEADLINE,
    DEADLINE_SECONDS,
    AsgiApp,
    Message,
    Receive,
    Request,
    Response,
    Scope,
    Send,
    Transport,
    joined,
    shown_address,
)

if TYPE_CHECKING:
    from innkeeper.net.pool import Pool
    from innkeeper.net.resolving import Resolver

__all__ = [
    "ANSWER_LIMIT_BYTES",
    "DEADLINE",
    "DEADLINE_SECONDS",
    "AsgiApp",
    "AsgiTransport",
    "HttpTransport",
    "Message",
    "Receive",
    "Request",
    "Response",
    "Scope",
    "Send",
    "Transport",
]


class HttpTransport:
    """Carries requests over sockets, from one pool that the first of them opens.

    Args:
        resolver: Makes what turns names into addresses; the machine's own when omitted.
            What it made is closed with the transport.
    """

    def __init__(self, *, resolver: "Callable[[], Resolver] | None" = None) -> None:
        self._resolver = resolver
        self._pool: Pool | None = None

    async def send(
        self,
        request: Request,
        *,
        deadline: float = DEADLINE_SECONDS,
        limit_bytes: int = ANSWER_LIMIT_BYTES,
    ) -> Response:
        """Send a request and read its whole answer within `deadline` seconds.

        Raises:
            Unreachable: If the request cannot have taken effect.
            AnswerLost: If it may have.
        """
        return await self.open().send(request, deadline=deadline, limit_bytes=limit_bytes)

    def open(self) -> "Pool":
        """Open the pool, if that was not done yet; the first time, it has to be loaded."""
        if self._pool is None:
            from innkeeper.net.pool import Pool  # noqa: PLC0415  # TLS, once something is sent

            self._pool = Pool(self._resolver() if self._resolver is not None else None)
        return self._pool

    async def aclose(self) -> None:
        """Let go of every connection; the next request opens new ones."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.aclose()


class AsgiTransport:
    """Carries requests to ASGI applications in this process: no sockets, no ports.

    Args:
        apps: The application at each origin, such as `http://bot.test`.
    """

    def __init__(self, apps: Mapping[str, AsgiApp] | None = None) -> None:
        self.apps: dict[str, AsgiApp] = dict(apps or {})

    async def send(
        self,
        request: Request,
        *,
        deadline: float = DEADLINE_SECONDS,
        limit_bytes: int = ANSWER_LIMIT_BYTES,
    ) -> Response:
        """Hand a request to the application at its origin and collect the answer.

        Raises:
            Unreachable: If no application is at that origin.
            AnswerLost: If the application failed before its answer was whole.
        """
        try:
            scope = _scope(request)
        except ValueError:
            raise Unreachable("not a request to send", shown_address(request.url)) from None
        origin = f"{scope['scheme']}://{urlsplit(request.url).netloc}"
        app = self.apps.get(origin)
        if app is None:
            raise Unreachable("no application", origin)
        scope["extensions"] = {DEADLINE: {"seconds": deadline}}
        answer = _Collector(request.body, limit_bytes)
        try:
            await app(scope, answer.receive, answer.send)
        except AnswerLost:
            raise
        except Exception as error:
            raise AnswerLost("the application failed", type(error).__name__) from error
        return answer.response()

    async def aclose(self) -> None:
        """Nothing is held."""


class _Collector:
    def __init__(self, body: bytes, limit_bytes: int) -> None:
        self._incoming: list[Message] = [{"type": "http.request", "body": body}]
        self._limit_bytes = limit_bytes
        self._status = 0
        self._headers: dict[str, str] = {}
        self._body = bytearray()

    async def receive(self) -> Message:
        if self._incoming:
            return self._incoming.pop()
        connected: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        return await connected  # for ever: the client does not leave before it has the answer

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            headers: Iterable[tuple[bytes, bytes]] = message.get("headers", [])
            self._headers = joined((k.decode("latin-1"), v.decode("latin-1")) for k, v in headers)
        else:
            self._body += message.get("body", b"")
            self._check_size()

    def _check_size(self) -> None:
        if len(self._body) > self._limit_bytes:
            raise AnswerLost("the answer is too large", f"over {self._limit_bytes} bytes")

    def response(self) -> Response:
        if not self._status:
            raise AnswerLost("the application did not answer")
        self._check_size()  # an application may have overheard it
        return Response(self._status, self._headers, bytes(self._body))


def _scope(request: Request) -> Scope:
    parts = urlsplit(request.url)
    headers = {"host": parts.netloc, "content-length": str(len(request.body))}
    headers |= {name.lower(): value for name, value in request.headers.items()}
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": parts.scheme,
        "path": unquote(parts.path) or "/",
        "raw_path": (parts.path or "/").encode(),
        "query_string": parts.query.encode(),
        "root_path": "",
        "headers": [(k.encode("latin-1"), v.encode("latin-1")) for k, v in headers.items()],
        "client": ("127.0.0.1", 50_000),
        "server": (parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)),
        "state": {},
    }
