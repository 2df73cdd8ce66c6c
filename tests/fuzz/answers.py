# pyright: reportPrivateUsage=false
"""What may a server answer? Anything, in any pieces; and what is whole is read as it was meant."""

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_parser import HttpResponseParserPy
from hypothesis import strategies as st

from innkeeper.errors import AnswerLost
from innkeeper.net.exchange import ANSWER_LIMIT_BYTES, Response, joined
from innkeeper.net.line import Line
from tests.fuzz.inputs import CUTS, ENDS, HEADER_VALUES, NAMES, damaged

_WITHOUT_BODY: Final = frozenset({204, 304})


@dataclass(frozen=True, slots=True)
class Whole:
    """An answer, and what it is to be read as."""

    said: bytes
    meant: Response
    ends: bool
    """Whether it lasts until the connection ends."""


class _Socket(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None: ...

    def abort(self) -> None:
        self.closed = True


_NAME = st.from_regex(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}", fullmatch=True).filter(
    lambda name: (
        name.lower() not in {"content-length", "transfer-encoding", "connection", "upgrade"}
    )
)
_VALUE = st.text(
    st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=20
).map(lambda text: text.strip(" \t"))
_FIELDS = st.lists(st.tuples(_NAME, _VALUE), max_size=5)
_SPACE = st.sampled_from(["", " ", "\t", "  "])
_END = st.sampled_from(["", " ", "  "])  # of chunks, llhttp knows none that are followed by a tab


@st.composite
def _head(draw: st.DrawFn, status: int, fields: list[tuple[str, str]]) -> bytes:
    reason = draw(st.sampled_from(["", " ", " OK", " Not at all \xe9"]))
    lines = [f"{name}:{draw(_SPACE)}{value}{draw(_END)}" for name, value in fields]
    return "\r\n".join([f"HTTP/1.1 {status}{reason}", *lines, "", ""]).encode("latin-1")


@st.composite
def _chunked(draw: st.DrawFn, body: bytes) -> bytes:
    said = b""
    while body:
        size = draw(st.integers(1, len(body)))
        more = draw(st.sampled_from([b"", b";a", b";a=b", b';a="b"']))
        said += b"%x%b\r\n%b\r\n" % (size, more, body[:size])
        body = body[size:]
    trailers = [f"x-{name}: {value}\r\n".encode("latin-1") for name, value in draw(_FIELDS)]
    return said + b"0\r\n" + b"".join(trailers) + b"\r\n"


@st.composite
def whole_answers(draw: st.DrawFn) -> Whole:
    """Think of an answer, and write it in one of the ways in which it may be written."""
    status = draw(st.sampled_from([200, 201, 204, 304, 400, 429, 500, 999]))
    fields, body = draw(_FIELDS), b""
    framing = "none"
    if status not in _WITHOUT_BODY:
        body = draw(st.binary(max_size=300))
        framing = draw(st.sampled_from(["length", "chunks", "end"]))
    field = {
        "length": [("Content-Length", str(len(body)))],
        "chunks": [("transfer-encoding", "chunked")],
    }.get(framing, [])
    place = draw(st.integers(0, len(fields)))
    fields = [*fields[:place], *field, *fields[place:]]
    said = b"".join(
        draw(_head(draw(st.sampled_from([100, 102, 103])), draw(_FIELDS)))
        for _ in range(draw(st.integers(0, 2)))
    )
    said += draw(_head(status, fields))
    said += draw(_chunked(body)) if framing == "chunks" else body
    return Whole(said, Response(status, joined(fields), body), framing == "end")


@st.composite
def _nearly(draw: st.DrawFn) -> bytes:
    """Write an answer that is seldom right."""
    version = draw(st.sampled_from([b"HTTP/1.1"] * 20 + [b"HTTP/1.0", b"HTTP/2.0", b"RTSP/1.0"]))
    status = draw(st.sampled_from([b"200"] * 9 + [b"100", b"101", b"150", b"204", b"000", b"x"]))
    fields = draw(st.lists(st.tuples(NAMES, HEADER_VALUES), max_size=4))
    end = draw(ENDS)
    lines = [b"%b %b OK" % (version, status), *(b"%b: %b" % field for field in fields), b"", b""]
    return end.join(lines) + draw(st.binary(max_size=20) | st.just(b"2\r\n{}\r\n0\r\n\r\n"))


WHOLE: Final = st.tuples(whole_answers(), CUTS)
ODD: Final = st.tuples(
    st.lists(
        st.binary(max_size=80) | _nearly() | damaged(whole_answers().map(lambda it: it.said)),
        min_size=1,
        max_size=3,
    ).map(b"".join),
    CUTS,
    st.sampled_from([0, 10, ANSWER_LIMIT_BYTES]),
    st.sampled_from([None, ConnectionResetError("reset")]),
)


def _hear(line: Line, said: bytes, cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(said)]
    for start, end in pairwise(places):
        if said[start:end] and not line._transport.closed:
            line.data_received(said[start:end])


def _asked(limit_bytes: int = ANSWER_LIMIT_BYTES) -> tuple[Line, "asyncio.Future[Response]"]:
    line = Line()
    line.connection_made(_Socket())
    return line, line.send(b"", limit_bytes=limit_bytes)


async def _hear_odd(told: tuple[bytes, list[int], int, Exception | None]) -> None:
    said, cuts, limit_bytes, end = told
    line, waiter = _asked(limit_bytes)
    _hear(line, said, cuts)
    if end is None and not line._transport.closed:
        line.eof_received()
    line.connection_lost(end)
    assert (waiter.done(), line.free, line._parts) == (True, False, [])
    if waiter.exception() is None:
        answer = waiter.result()
        assert 200 <= answer.status <= 999
        assert len(answer.body) <= limit_bytes
        assert not any("\r" in value or "\0" in value for value in answer.headers.values())
    else:
        assert isinstance(waiter.exception(), (AnswerLost, OSError))


async def _hear_whole(told: tuple[Whole, list[int]]) -> None:
    answer, cuts = told
    line, waiter = _asked()
    _hear(line, answer.said, cuts)
    if answer.ends:
        assert not waiter.done()
        line.eof_received()
    assert waiter.result() == answer.meant
    assert line.free is not answer.ends
    assert await _by_aiohttp(answer) == answer.meant


async def _by_aiohttp(answer: Whole) -> Response:
    """Ask somebody else, who may well be right."""
    loop = asyncio.get_running_loop()
    parser: Any = HttpResponseParserPy(
        BaseProtocol(loop), loop, 2**16, read_until_eof=True, auto_decompress=False
    )
    messages, _, _ = parser.feed_data(answer.said)
    if answer.ends:
        parser.feed_eof()
    message, payload = messages[-1]
    pairs = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in message.raw_headers]
    return Response(message.code, joined(pairs), await payload.read())


@contextmanager
def odd_answers() -> Generator[Callable[[Any], None]]:
    """Hear anything: an answer comes of it, or the loss of one, and nothing is left."""
    with asyncio.Runner() as runner:

        def play(told: Any) -> None:
            runner.run(_hear_odd(told))

        yield play


@contextmanager
def whole_ones() -> Generator[Callable[[Any], None]]:
    """Hear what is right: it is read as it was meant, and as aiohttp reads it."""
    with asyncio.Runner() as runner:

        def play(told: Any) -> None:
            runner.run(_hear_whole(told))

        yield play
