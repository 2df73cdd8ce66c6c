"""How do we call somebody? One request, one answer, a total deadline and a byte cap.

No redirects, no cookies, no proxies from the environment, no compressed answers:
each of these has carried somebody's tokens to a place they did not belong.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver

from innkeeper.errors import AnswerLost, Unreachable

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

DEADLINE_SECONDS = 10.0
ANSWER_LIMIT_BYTES = 65_536
DEADLINE = "innkeeper.deadline"
"""The ASGI extension that says, in process, how many seconds the client would wait."""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. Headers and body may hold secrets, so neither is printed."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP answer; header names are in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    body: bytes = field(default=b"", repr=False)

    @property
    def content_type(self) -> str:
        """The answer's media type, or nothing."""
        return self.headers.get("content-type", "")


class Transport(Protocol):
    """Carries one request and brings its answer."""

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
            AnswerLost: If it may have: the answer timed out, broke off, or was too large.
        """
        ...

    async def aclose(self) -> None:
        """Let go of every connection."""
        ...


class HttpTransport:
    """Carries requests over sockets, from one pool for the life of the process.

    Args:
        resolver: Turns names into addresses; the machine's own when omitted. It is closed
            with the transport.
    """

    def __init__(self, *, resolver: AbstractResolver | None = None) -> None:
        self._resolver = resolver
        self._session: aiohttp.ClientSession | None = None

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
        gone_out: list[bool] = []
        try:
            async with asyncio.timeout(deadline):
                return await self._exchange(request, limit_bytes, gone_out)
        except TimeoutError:
            what = "no answer in time"
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError):
            what = "not an address to call"
        except aiohttp.ClientConnectorError:
            what = "no connection"
        except (aiohttp.ClientError, OSError) as error:
            what = f"the answer broke off ({type(error).__name__})"
        except ValueError:
            what = "not a request to send"
        outcome = AnswerLost if gone_out else Unreachable
        raise outcome(what, _address(request.url))

    async def _exchange(self, request: Request, limit_bytes: int, gone_out: list[bool]) -> Response:
        session = self._session or self._open()
        async with session.request(
            request.method,
            request.url,
            headers=request.headers,
            data=request.body or None,
            allow_redirects=False,
            trace_request_ctx=gone_out,
        ) as answer:
            body = await _capped(answer, limit_bytes)
            return Response(answer.status, _joined(answer.headers.items()), body)

    def _open(self) -> aiohttp.ClientSession:
        trace = aiohttp.TraceConfig()
        trace.on_request_headers_sent.append(_note_sending)
        self._session = aiohttp.ClientSession(
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            headers={"user-agent": "Innkeeper", "accept-encoding": "identity"},
            timeout=aiohttp.ClientTimeout(total=None),
            connector=aiohttp.TCPConnector(limit=100, resolver=self._resolver),
            skip_auto_headers=("content-type",),
            trace_configs=[trace],
        )
        return self._session

    async def aclose(self) -> None:
        """Let go of every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None
        if self._resolver is not None:
            await self._resolver.close()


async def _capped(answer: aiohttp.ClientResponse, limit_bytes: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in answer.content.iter_any():
        size += len(chunk)
        if size > limit_bytes:
            raise AnswerLost("the answer is too large", f"over {limit_bytes} bytes")
        chunks.append(chunk)
    return b"".join(chunks)


async def _note_sending(
    _session: aiohttp.ClientSession,
    context: SimpleNamespace,
    _parameters: aiohttp.TraceRequestHeadersSentParams,
) -> None:
    context.trace_request_ctx.append(True)  # from here on it may take effect


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Lower the names, and put a repeated header's values on a line each."""
    found: dict[str, str] = {}
    for name, value in pairs:
        key = name.lower()
        found[key] = f"{found[key]}\n{value}" if key in found else value
    return found


def _address(url: str) -> str:
    return url.partition("?")[0][:200]


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
            raise Unreachable("not a request to send", _address(request.url)) from None
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
            self._headers = _joined((k.decode("latin-1"), v.decode("latin-1")) for k, v in headers)
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
