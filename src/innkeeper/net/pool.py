"""How does a request leave over sockets? Over one of a pool of connections that are kept.

No redirects, no cookies, no proxies from the environment, no compressed answers:
each of these has carried somebody's tokens to a place they did not belong. Nor is anything
sent a second time on another connection: whoever asked decides that.
"""

import asyncio
import functools
import re
import socket
import ssl
from collections import defaultdict
from typing import Any, Final, NamedTuple, cast
from urllib.parse import urlsplit

import aiohappyeyeballs

from innkeeper.errors import AnswerLost, Unreachable
from innkeeper.net.exchange import Request, Response, shown_address
from innkeeper.net.line import Line
from innkeeper.net.resolving import AddressRefused, MachineResolver, Resolver

MOST_CONNECTIONS: Final = 100
IDLE_SECONDS: Final = 15.0
"""How long a connection is kept: servers close theirs after a minute or so, unannounced."""
_SECOND_ADDRESS_SECONDS: Final = 0.25

_URL: Final = re.compile(r"[!-~]+", re.ASCII)
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_VALUE: Final = re.compile(r"[\t -~\x80-\xff]*")
_OTHERWISE_FRAMED: Final = frozenset({"HEAD", "CONNECT"})
"""Methods whose answers have no body, whatever their headers say."""
_OURS: Final = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "upgrade", "expect"}
)
"""Headers that decide where a request ends, or whom it is for."""
_UNLESS_SAID: Final = {"user-agent": "Innkeeper", "accept-encoding": "identity"}
_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})
_PORTS: Final = {"http": 80, "https": 443}


class Origin(NamedTuple):
    """Whom a connection is to."""

    scheme: str
    host: str
    port: int


class _Target(NamedTuple):
    origin: Origin
    host: str
    """As the header says it."""
    path: str


def trusting() -> ssl.SSLContext:
    """Make what decides whom to believe: the machine's authorities, and TLS of today."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


class Pool:
    """Connections that are kept for the next request; made where a loop runs.

    Args:
        resolver: Turns names into addresses; the machine's own when omitted. It is closed
            with the pool.
    """

    def __init__(self, resolver: Resolver | None = None) -> None:
        self._resolver = resolver or MachineResolver()
        self._idle: defaultdict[Origin, list[Line]] = defaultdict(list)
        self._busy: set[Line] = set()
        self._room = asyncio.Semaphore(MOST_CONNECTIONS)
        self._tls: ssl.SSLContext | None = None
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    async def send(self, request: Request, *, deadline: float, limit_bytes: int) -> Response:
        """Send a request and read its whole answer within `deadline` seconds.

        Raises:
            Unreachable: If the request cannot have taken effect.
            AnswerLost: If it may have.
        """
        try:
            target = _target(request.url)
            written = _written(request, target)
        except ValueError:
            raise Unreachable("not a request to send", shown_address(request.url)) from None
        line: Line | None = None
        try:
            async with asyncio.timeout(deadline), self._room:
                line = self._kept(target.origin) or await self._connected(target.origin)
                try:
                    return await line.send(written, limit_bytes=limit_bytes)
                finally:
                    self._put_back(target.origin, line)
        except TimeoutError:
            what = "no answer in time"
        except AddressRefused:
            what = "no connection: the name leads where nothing is sent"
        except ssl.SSLCertVerificationError as error:
            what = f"no connection: the certificate is not believed, {error.verify_message}"
        except (OSError, UnicodeError) as error:
            what = f"the answer broke off ({type(error).__name__})" if line else "no connection"
        outcome = Unreachable if line is None else AnswerLost
        raise outcome(what, shown_address(request.url))

    async def aclose(self) -> None:
        """Let go of every connection; whatever is under way is lost."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        for line in [*self._busy, *(line for kept in self._idle.values() for line in kept)]:
            line.close()
        self._idle.clear()
        await asyncio.sleep(0)  # their transports are closed now
        await self._resolver.close()

    def _kept(self, origin: Origin) -> Line | None:
        kept = self._idle.get(origin)
        while kept:
            line = kept.pop()
            if line.free and line.idle_since + IDLE_SECONDS > self._loop.time() and line.quiet:
                self._busy.add(line)
                return line
            line.close()
        return None

    async def _connected(self, origin: Origin) -> Line:
        self._make_room()
        line = Line()
        self._busy.add(line)
        try:
            await self._connect(origin, line)
        except BaseException:
            self._busy.discard(line)
            line.close()
            raise
        return line

    def _make_room(self) -> None:
        """Close what has rested longest, if as many are open as may be."""
        if len(self._busy) + sum(map(len, self._idle.values())) >= MOST_CONNECTIONS:
            resting = [kept for kept in self._idle.values() if kept]
            min(resting, key=lambda kept: kept[0].idle_since).pop(0).close()

    async def _connect(self, origin: Origin, line: Line) -> None:
        tls = origin.scheme == "https"
        if tls and self._tls is None:
            self._tls = await asyncio.to_thread(trusting)  # it reads a hundred certificates
        found = await self._resolver.resolve(origin.host, origin.port)
        if not found:
            raise ConnectionAbortedError
        connect = cast("Any", aiohappyeyeballs).start_connection  # typed in part
        connected: socket.socket = await connect(
            found, happy_eyeballs_delay=_SECOND_ADDRESS_SECONDS, interleave=1
        )
        await self._loop.create_connection(  # from here on, the socket is the loop's to close
            lambda: line,
            sock=connected,
            ssl=self._tls if tls else None,
            server_hostname=origin.host.rstrip(".") if tls else None,
        )
        if self._closed or not line.free:
            raise ConnectionAbortedError

    def _put_back(self, origin: Origin, line: Line) -> None:
        self._busy.discard(line)
        if self._closed or not line.free:
            line.close()
            return
        line.idle_since = self._loop.time()
        self._idle[origin].append(line)
        if self._timer is None:
            self._timer = self._loop.call_later(IDLE_SECONDS, self._sweep)

    def _sweep(self) -> None:
        """Close what nobody has used for long."""
        until = self._loop.time() - IDLE_SECONDS
        left: defaultdict[Origin, list[Line]] = defaultdict(list)
        for origin, kept in self._idle.items():
            for line in kept:
                if line.free and line.idle_since > until:
                    left[origin].append(line)
                else:
                    line.close()
        self._idle = left
        self._timer = self._loop.call_later(IDLE_SECONDS, self._sweep) if left else None


@functools.lru_cache(maxsize=128)
def _target(url: str) -> _Target:
    parts = urlsplit(url)
    if _URL.fullmatch(url) is None or not parts.hostname or "@" in parts.netloc:
        raise ValueError
    port = parts.port or _PORTS.get(parts.scheme)
    if parts.scheme not in _PORTS or port is None or not parts.hostname.strip("."):
        raise ValueError
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return _Target(Origin(parts.scheme, parts.hostname, port), parts.netloc, path)


def _written(request: Request, target: _Target) -> bytes:
    if _NAME.fullmatch(request.method) is None or request.method.upper() in _OTHERWISE_FRAMED:
        raise ValueError
    said = _UNLESS_SAID | {name.lower(): value for name, value in request.headers.items()}
    if not _may_say(*said) or _VALUE.fullmatch("".join(said.values())) is None:
        raise ValueError
    length = len(request.body)
    framed = f"content-length: {length}\r\n" if length or request.method in _WITH_BODY else ""
    fields = "".join([f"{name}: {value}\r\n" for name, value in said.items()])
    start = f"{request.method} {target.path} HTTP/1.1\r\nhost: {target.host}\r\n"
    return f"{start}{fields}{framed}\r\n".encode("latin-1") + request.body


@functools.lru_cache(maxsize=128)
def _may_say(*names: str) -> bool:
    return all(_NAME.fullmatch(name) is not None and name not in _OURS for name in names)
