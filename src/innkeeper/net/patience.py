"""How much may a sender take? Of every request the head is bounded in size, the rest in time.

Whoever holds a connection open without ever finishing a request holds nothing else up:
not the others, and not the end of the server.
"""

import asyncio
import sys
from typing import Any, ClassVar, Final

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from innkeeper.net.connection import WIRE, Wire

HEAD_LIMIT_BYTES: Final = 32_768
ARRIVAL_SECONDS: Final = 10.0
"""How long a request may be on its way, from its first byte to its last."""
IDLE_SECONDS: Final = 5.0
"""How long a connection may be open without a request."""

_TOO_LARGE: Final = 431
_BAD: Final = 400
_WRONG_METHOD: Final = STATUS_LINE[405] + b"allow: GET, HEAD, POST\r\n"
_AND_NO_MORE: Final = b"content-length: 0\r\nconnection: close\r\n\r\n"


class PatientProtocol(HttpToolsProtocol):
    """uvicorn's HTTP, with an end to its patience.

    A head that is too large is answered with 431; a request that does not become whole
    in time is broken off, and so is, at once, whatever is still arriving when the server
    stops. A request that is whole is always let finish.
    """

    head_limit_bytes: ClassVar[int] = HEAD_LIMIT_BYTES

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_bytes = 0
        self._in_head = True
        self._idle = True
        self._refusal = _BAD
        self._wire: Wire | None = None
        self._due: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._wakes_at = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request."""
        super().connection_made(transport)
        self._wire = Wire(transport)
        self._expect(IDLE_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._due = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Wait for the whole of it."""
        self._begin()
        super().on_message_begin()
        self.scope["extensions"] = {WIRE: {"wire": self._wire}}

    def on_url(self, url: bytes) -> None:
        """Take the address, up to the limit."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header, up to the limit."""
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Start on the request; its body may follow."""
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Give the answer all the time it needs."""
        self._due = None
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Go on to the request that waits, or wait for the next."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        else:
            self._idle = True
            self._expect(IDLE_SECONDS)

    def data_received(self, data: bytes) -> None:
        """Take what arrived."""
        if self._idle:
            self._idle = False
            self._expect(ARRIVAL_SECONDS)  # line ends before a request begin none
        begun = self._in_head
        super().data_received(data)
        if begun and self._in_head and not self.transport.is_closing():
            self._head_bytes += len(data)  # a value without an end is told to nobody yet
            if self._head_bytes > 2 * self.head_limit_bytes:
                self.transport.close()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  # uvicorn's words
        """Answer what is no request, and close."""
        if self.transport.is_closing():
            return
        unknown = isinstance(sys.exception(), httptools.HttpParserInvalidMethodError)
        start = _WRONG_METHOD if unknown else STATUS_LINE[self._refusal]
        self.transport.write(start + _AND_NO_MORE)
        self.transport.close()

    def shutdown(self) -> None:
        """End soon: after the answer that is under way, or now."""
        if self._due is not None:
            self.transport.close()
        super().shutdown()

    def _begin(self) -> None:
        self._head_bytes, self._in_head = 0, True
        if self._due is None:  # it came while the one before is answered
            self._expect(ARRIVAL_SECONDS)

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > self.head_limit_bytes:
            self._refuse(_TOO_LARGE)

    def _refuse(self, status: int) -> None:
        self._refusal = status
        raise httptools.HttpParserError("the head of the request is refused")

    # One timer serves a connection for all of its life: to move a time costs nothing,
    # where to cancel a timer and set another for each request would cost as much as the
    # parser.

    def _expect(self, seconds: float) -> None:
        """Break the connection off unless something happens within this time."""
        self._due = due = self.loop.time() + seconds
        if self._timer is not None:
            if self._wakes_at <= due:
                return
            self._timer.cancel()
        self._wake_after(seconds)

    def _wake_after(self, seconds: float) -> None:
        self._wakes_at = self.loop.time() + seconds
        self._timer = self.loop.call_later(seconds, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._due is None:
            return
        left = self._due - self.loop.time()
        if left > 0:
            self._wake_after(left)
        else:
            self._due = None
            self._overdue()

    def _overdue(self) -> None:
        self.transport.close()
