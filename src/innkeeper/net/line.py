"""How is HTTP/1.1 spoken by a client? One connection, one request on it at a time.

httptools reads the answer, as it reads requests for uvicorn. Whatever it does not take, and
whatever comes unasked, ends the connection: nothing that was said on it is believed any more.
"""

import asyncio
import select
import ssl
from typing import Any, Final

import httptools

from innkeeper.errors import AnswerLost
from innkeeper.net.exchange import Response

HEAD_LIMIT_BYTES: Final = 65_536
MOST_FIELDS: Final = 128
_AROUND: Final = 8
"""How many bytes may come for each byte of a body: one of its own and six around it, in chunks."""
_VERSIONS: Final = frozenset({"1.0", "1.1"})
_INTERIM: Final = frozenset({100, 102, 103})
"""Those of which httptools knows that they have no body."""
_FINAL: Final = range(200, 1000)
_POLL: Final = getattr(select, "poll", None)
"""Tells whether anything waits to be read; Windows has none."""


class Line(asyncio.Protocol):
    """A connection to somebody, kept for the next request as long as it is in order."""

    def __init__(self) -> None:
        self._transport: Any = None
        self._unread: Any = None
        self._parser: Any = None
        self._waiter: asyncio.Future[Response] | None = None
        self._headers: dict[str, str] = {}
        self._parts: list[bytes] = []
        self._limit_bytes = 0
        self._size = 0
        self._received = self._head_bytes = self._fields = 0
        self._in_body = False
        self._until_end = False
        self._usable = True
        self.idle_since = 0.0

    # for who sends

    @property
    def free(self) -> bool:
        """Whether another request may be sent."""
        return self._usable and self._waiter is None

    @property
    def quiet(self) -> bool:
        """Whether nothing waits to be read: no end, and nothing that nobody asked for."""
        return self._unread is None or not self._unread.poll(0)

    def send(self, request: bytes, *, limit_bytes: int) -> "asyncio.Future[Response]":
        """Send a request, and give what its answer will be in.

        The future fails with `AnswerLost` if the answer is too large, else with `OSError`.
        """
        self._parser = httptools.HttpResponseParser(self)
        self._limit_bytes, self._size = limit_bytes, 0
        self._received = self._head_bytes = self._fields = 0
        self._waiter = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._waiter

    def close(self) -> None:
        """End the connection, whatever is under way."""
        self._usable = False
        if self._transport is not None:
            self._transport.abort()

    # from the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Be ready; uvloop cannot end a connection as early as this."""
        self._transport = transport
        under = transport.get_extra_info("socket")
        if _POLL is not None and under is not None:
            self._unread = _POLL()
            self._unread.register(under.fileno(), select.POLLIN)

    def data_received(self, data: bytes) -> None:
        """Read on."""
        if self._waiter is None:
            self.close()  # nobody has asked
            return
        self._received += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._fail(_broken(error))
        else:
            if self._received > HEAD_LIMIT_BYTES + _AROUND * self._size:
                self._fail(AnswerLost("the answer is too large", "what is around its body"))

    def eof_received(self) -> None:
        """End an answer that lasts until the other side says that this is all."""
        self._usable = False
        if self._in_body and self._until_end and not self._cut_off():
            self._complete()

    def _cut_off(self) -> bool:
        """Tell whether TCP has ended and TLS has not: then it may be anybody who ended it."""
        tls = self._transport.get_extra_info("ssl_object")
        try:
            return tls is not None and tls.read(1) != b""
        except ssl.SSLError:
            return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Lose an answer that is not whole."""
        self._fail(exc or ConnectionResetError("closed before the answer was whole"))

    # from the parser

    def on_message_begin(self) -> None:
        """Begin with an answer; a second one was not asked for."""
        if self._waiter is None:
            self._usable = False
        self._headers, self._in_body = {}, False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; what follows the body is none, but counts."""
        self._fields += 1
        self._head_bytes += len(name) + len(value)
        if self._fields > MOST_FIELDS or self._head_bytes > HEAD_LIMIT_BYTES:
            raise httptools.HttpParserError("too many headers")
        if self._in_body:
            return
        key, text = name.decode("latin-1").lower(), value.strip(b" \t").decode("latin-1")
        known = self._headers.get(key)
        self._headers[key] = text if known is None else f"{known}\n{text}"

    def on_headers_complete(self) -> None:
        """Look at the head."""
        status = self._parser.get_status_code()
        self._in_body = status in _FINAL
        known = self._in_body or status in _INTERIM
        if not known or self._parser.get_http_version() not in _VERSIONS:
            raise httptools.HttpParserError("not an answer to what was asked")
        self._until_end = not {"content-length", "transfer-encoding"} & self._headers.keys()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body, up to the limit."""
        self._size += len(body)
        if self._size > self._limit_bytes:
            self._fail(AnswerLost("the answer is too large", f"over {self._limit_bytes} bytes"))
        elif self._waiter is not None:
            self._parts.append(body)

    def on_message_complete(self) -> None:
        """Give the answer, but for one that only says that another will come."""
        if self._in_body:
            self._usable = self._usable and self._parser.should_keep_alive()
            self._complete()

    def _complete(self) -> None:
        waiter, self._waiter = self._waiter, None
        self._in_body = False
        if waiter is not None and not waiter.done():
            status = self._parser.get_status_code()
            waiter.set_result(Response(status, self._headers, b"".join(self._parts)))
        self._parts = []

    def _fail(self, error: Exception) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_exception(error)
        self._parts = []
        self.close()


def _broken(error: Exception) -> ConnectionError:
    """Say that what came was no HTTP; its words may quote what came."""
    return ConnectionError(type(error).__name__)
