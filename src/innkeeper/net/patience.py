"""How much may a sender take? Of every request the head is bounded in size, the rest in time.

Whoever holds a connection open without ever finishing a request holds nothing else up:
not the others, and not the end of the server.
"""

import asyncio
from typing import Any, Final

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from innkeeper.net.connection import WIRE, Wire

HEAD_LIMIT_BYTES: Final = 32_768
ARRIVAL_SECONDS: Final = 10.0
"""How long a request may be on its way, from its first byte to its last."""


class PatientProtocol(HttpToolsProtocol):
    """uvicorn's HTTP, with an end to its patience.

    A head that is too large is answered with 400; a request that does not become whole
    in time is broken off, and so is, at once, whatever is still arriving when the server
    stops. A request that is whole is always let finish.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_bytes = 0
        self._in_head = True
        self._timer: asyncio.TimerHandle | None = None
        self._wire: Wire | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request."""
        super().connection_made(transport)
        self._wire = Wire(transport)
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._disarm()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Wait for the whole of it."""
        self._head_bytes, self._in_head = 0, True
        self._arm()
        super().on_message_begin()
        self.scope["extensions"] = {WIRE: {"wire": self._wire}}

    def on_url(self, url: bytes) -> None:
        """Take the address, up to the limit."""
        self._count(url)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header, up to the limit."""
        self._count(name + value)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Start on the request; its body may follow."""
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Give the answer all the time it needs."""
        self._disarm()
        super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        """Take what arrived."""
        if self.timeout_keep_alive_task is not None:
            self._arm()  # idle until now; line ends before a request begin none
        begun = self._in_head
        super().data_received(data)
        if begun and self._in_head and not self.transport.is_closing():
            self._head_bytes += len(data)  # a value without an end is told to nobody yet
            if self._head_bytes > 2 * HEAD_LIMIT_BYTES:
                self.transport.close()

    def shutdown(self) -> None:
        """End soon: after the answer that is under way, or now."""
        if self._timer is not None:
            self._break_off()
        super().shutdown()

    def _count(self, part: bytes) -> None:
        self._head_bytes += len(part)
        if self._head_bytes > HEAD_LIMIT_BYTES:
            raise httptools.HttpParserError("the head of the request is too large")

    def _arm(self) -> None:
        self._disarm()
        self._timer = self.loop.call_later(ARRIVAL_SECONDS, self._break_off)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _break_off(self) -> None:
        self._disarm()
        self.transport.close()
