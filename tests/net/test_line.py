# pyright: reportPrivateUsage=false
"""What is an answer, to whom, and where does it end? Whatever the pieces that it comes in."""

import asyncio
from collections.abc import Iterable

import pytest

from innkeeper.errors import AnswerLost
from innkeeper.net.exchange import Response
from innkeeper.net.line import HEAD_LIMIT_BYTES, Line

pytestmark = pytest.mark.anyio

LIMIT = 1_000
OK = b"HTTP/1.1 200 OK\r\n"
ONE = OK + b"Content-Length: 2\r\n\r\n{}"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"
PIECES = pytest.mark.parametrize("piece", [1, 7, 1_000_000])


class Deaf(asyncio.Transport):
    """A connection that says nothing, and is over as soon as it is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        pass

    def abort(self) -> None:
        self.closed = True


def asked() -> tuple[Line, "asyncio.Future[Response]"]:
    line = Line()
    line.connection_made(Deaf())
    return line, line.send(b"", limit_bytes=LIMIT)


def cut(whole: bytes, piece: int) -> Iterable[bytes]:
    return (whole[start : start + piece] for start in range(0, len(whole), piece))


def hear(line: Line, answer: bytes, piece: int) -> int:
    """Let an answer come until the line is closed; tell how much of it was heard."""
    heard = 0
    for part in cut(answer, piece):
        if line._transport.closed:
            break
        line.data_received(part)
        heard += len(part)
    return heard


@PIECES
@pytest.mark.parametrize(
    ("answer", "body"),
    [
        pytest.param(b"\r\n\r\n" + ONE, b"{}", id="begins-with-empty-lines"),
        pytest.param(OK + b"X:\r\nContent-Length: 2\r\n\r\n{}", b"{}", id="empty-value"),
        pytest.param(OK + b"X: \xff\xe9\r\nContent-Length: 2\r\n\r\n{}", b"{}", id="latin-1"),
        pytest.param(CHUNKED + b"0\r\n\r\n", b"{}", id="chunks"),
        pytest.param(CHUNKED + b"1;a=b\r\n!\r\n0\r\nX: y\r\n\r\n", b"{}!", id="chunks-say-more"),
        pytest.param(b"HTTP/1.1 204 No\r\n\r\n", b"", id="204"),
        pytest.param(b"HTTP/1.1 304 No\r\nContent-Length: 9\r\n\r\n", b"", id="304-with-a-length"),
        pytest.param(
            b"HTTP/1.1 100 Go\r\n\r\nHTTP/1.1 103 Go\r\nX: y\r\n\r\n" + ONE, b"{}", id="1xx"
        ),
    ],
)
async def test_an_answer_is_whole_and_the_next_may_be_asked_for(
    answer: bytes, body: bytes, piece: int
):
    line, waiter = asked()
    hear(line, answer, piece)

    assert (waiter.result().body, line.free) == (body, True)


@PIECES
@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(
            b"HTTP/1.1 150 Go\r\nContent-Length: 4\r\n\r\nevil" + ONE, id="1xx-has-a-body"
        ),
        pytest.param(
            b"HTTP/1.1 100 Go\r\nContent-Length: 4\r\n\r\nevil" + ONE, id="100-has-a-body"
        ),
        pytest.param(b"HTTP/1.1 000 No\r\nContent-Length: 0\r\n\r\n", id="status-0"),
        pytest.param(b"HTTP/1.1 099 No\r\nContent-Length: 0\r\n\r\n", id="status-99"),
        pytest.param(b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n", id="status-2000"),
        pytest.param(OK + b"X: a\r\n b: c\r\nContent-Length: 0\r\n\r\n", id="folded"),
        pytest.param(OK + b"X: a\0b\r\nContent-Length: 0\r\n\r\n", id="nul"),
        pytest.param(OK + b"X: a\rb: c\r\nContent-Length: 0\r\n\r\n", id="bare-cr"),
        pytest.param(OK + b"X: a\nb: c\r\nContent-Length: 0\r\n\r\n", id="bare-lf"),
        pytest.param(OK + b"Content-Length : 0\r\n\r\n", id="space-before-colon"),
        pytest.param(OK + b"X\xc3\xa9: a\r\nContent-Length: 0\r\n\r\n", id="name-of-utf-8"),
        pytest.param(OK + b"Content-Length: 0, 0\r\n\r\n", id="length-is-a-list"),
        pytest.param(OK + b"Content-Length: +0\r\n\r\n", id="length-has-a-sign"),
        pytest.param(OK + b"Content-Length: %d\r\n\r\n" % 2**64, id="length-overflows"),
        pytest.param(
            OK + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
            id="chunks-and-length",
        ),
        pytest.param(OK + b"Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n", id="chunk-0x"),
        pytest.param(OK + b"Transfer-Encoding: chunked\r\n\r\n0\n\n", id="chunk-lf"),
        pytest.param(CHUNKED + b"0\r\nContent-Length: 9\r\n\r\n", id="length-behind-the-body"),
        pytest.param(b"{}", id="http-0.9"),
        pytest.param(b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n", id="http-2"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", id="http-2-preface"),
    ],
)
async def test_what_is_no_answer_ends_the_connection(answer: bytes, piece: int):
    line, waiter = asked()
    hear(line, answer, piece)

    assert isinstance(waiter.exception(), ConnectionError)
    assert (line.free, line._transport.closed) == (False, True)


@pytest.mark.parametrize(
    ("head", "flood"),
    [
        pytest.param(b"", b"\r\n", id="empty-lines"),
        pytest.param(b"HTTP/1.1 200 ", b"a", id="reason"),
        pytest.param(OK + b"X", b"x", id="name"),
        pytest.param(OK + b"X: ", b"x", id="value"),
        pytest.param(OK, b"X: a\r\n", id="headers"),
        pytest.param(b"", b"HTTP/1.1 100 Go\r\n\r\n", id="1xx"),
        pytest.param(b"", b"HTTP/1.1 103 Go\r\nX: y\r\n\r\n", id="1xx-with-headers"),
        pytest.param(CHUNKED + b"2;", b"a", id="chunk-extension"),
        pytest.param(CHUNKED + b"2;", b"a=b;", id="chunk-extensions"),
        pytest.param(CHUNKED + b"0\r\nX: ", b"a", id="trailer"),
        pytest.param(CHUNKED + b"0\r\n", b"X: a\r\n", id="trailers"),
        pytest.param(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"0" * 50, id="zeros"),
    ],
)
async def test_what_is_not_body_cannot_go_on_for_ever(head: bytes, flood: bytes):
    line, waiter = asked()
    heard = hear(line, head + flood * (200_000 // len(flood)), 1_000)

    assert waiter.exception() is not None
    assert heard < HEAD_LIMIT_BYTES + 2_000


async def test_a_head_that_comes_at_once_is_no_longer_than_others():
    line, waiter = asked()
    hear(line, OK + b"X: " + b"a" * HEAD_LIMIT_BYTES + b"\r\nContent-Length: 0\r\n\r\n", 1_000_000)

    assert isinstance(waiter.exception(), ConnectionError)


@PIECES
async def test_a_body_in_the_smallest_of_chunks_is_whole(piece: int):
    line, waiter = asked()
    chunks = OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * LIMIT + b"0\r\n\r\n"
    hear(line, chunks, piece)

    assert (waiter.result().body, line.free) == (b"a" * LIMIT, True)


@PIECES
@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(OK + b"Content-Length: 1001\r\n\r\n" + b"a" * 1_001, id="length"),
        pytest.param(OK + b"\r\n" + b"a" * 1_001, id="until-it-ends"),
        pytest.param(
            OK + b"Transfer-Encoding: chunked\r\n\r\n" + (b"1\r\na\r\n" * 1_001), id="chunks"
        ),
    ],
)
async def test_a_body_over_its_limit_is_let_go(answer: bytes, piece: int):
    line, waiter = asked()
    hear(line, answer, piece)

    assert isinstance(waiter.exception(), AnswerLost)
    assert (line._parts, line._transport.closed) == ([], True)


@pytest.mark.parametrize("piece", [1, 1_000])
async def test_only_an_end_that_was_said_ends_an_answer(piece: int):
    line, waiter = asked()
    hear(line, OK + b"\r\n{}", piece)
    line.eof_received()
    line.connection_lost(None)
    assert (waiter.result().body, line.free) == (b"{}", False)

    line, waiter = asked()
    hear(line, OK + b"\r\n{}", piece)
    line.connection_lost(None)
    assert isinstance(waiter.exception(), ConnectionResetError)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(OK, id="half-a-head"),
        pytest.param(b"HTTP/1.1 100 Go\r\n\r\n", id="1xx"),
        pytest.param(OK + b"Content-Length: 3\r\n\r\n{}", id="half-a-body"),
        pytest.param(CHUNKED, id="chunks-without-end"),
        pytest.param(OK + b"Transfer-Encoding: identity\r\n\r\n{}", id="encoded-somehow"),
    ],
)
async def test_an_end_before_an_answer_is_whole_loses_it(answer: bytes):
    line, waiter = asked()
    line.data_received(answer)
    line.eof_received()
    line.connection_lost(None)

    assert isinstance(waiter.exception(), ConnectionResetError)
    assert not line.free


@pytest.mark.parametrize(
    "more",
    [
        pytest.param(ONE.replace(b"{}", b"no"), id="another-answer"),
        pytest.param(b"H", id="the-beginning-of-one"),
        pytest.param(b"{}", id="more-body"),
        pytest.param(b"HTTP/1.1 100 Go\r\n\r\n", id="1xx"),
    ],
)
@pytest.mark.parametrize("at_once", [True, False])
async def test_what_comes_behind_an_answer_changes_nothing_but_ends_the_connection(
    more: bytes, *, at_once: bool
):
    line, waiter = asked()
    hear(line, ONE + more, 1_000_000 if at_once else len(ONE))

    answer = waiter.result()
    assert (answer.body, answer.headers, line.free) == (b"{}", {"content-length": "2"}, False)


@PIECES
async def test_a_value_ends_before_the_spaces_behind_it(piece: int):
    line, waiter = asked()
    hear(line, OK + b"Content-Type: \t text/html \t \r\nContent-Length: 2 \r\n\r\n{}", piece)

    assert waiter.result().headers == {"content-type": "text/html", "content-length": "2"}


async def test_nothing_of_an_answer_is_kept_for_the_next():
    line, waiter = asked()
    hear(line, OK + b"X: y\r\nContent-Length: 6\r\n\r\nsecret", 3)
    first = waiter.result()
    second = line.send(b"", limit_bytes=LIMIT)
    hear(line, ONE, 3)

    assert (first.body, first.headers["x"]) == (b"secret", "y")
    assert second.result() == Response(200, {"content-length": "2"}, b"{}")
    assert line._parts == []
