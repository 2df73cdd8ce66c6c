"""Webhooks come in past ASGI: what HTTP may say, how much of it, and how long it may take."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import pytest

from innkeeper.net import patience, protocol
from innkeeper.net.inbound import BODY_LIMIT_BYTES, Headers, send_answer
from innkeeper.net.intake import Intake, Reply, Take
from innkeeper.net.outbound import Receive, Scope, Send
from innkeeper.net.serving import LOCAL, bind, serving

pytestmark = pytest.mark.anyio

KEY = b"x-key: good"


@dataclass(frozen=True)
class Said:
    status: int
    body: bytes


@dataclass
class House:
    """Takes deliveries that carry the key; ASGI answers whatever else comes."""

    taken: list[bytes] = field(default_factory=list[bytes])
    others: list[str] = field(default_factory=list[str])
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)
    error: Exception | None = None

    def __post_init__(self) -> None:
        self.may_answer.set()

    def look(self, headers: Headers) -> Reply | Take:
        keys = [value for name, value in headers if name == b"x-key"]
        return self._take if keys == [b"good"] else Said(401, b"{}")

    async def _take(self, body: bytes) -> Reply:
        self.taken.append(body)
        self.arrived.set()
        await self.may_answer.wait()
        if self.error is not None:
            raise self.error
        return Said(200, b"{}")

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        self.others.append(scope["path"])
        await send_answer(send, 404, b"{}")


class Line:
    """A connection, down to its bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def says(self, data: bytes) -> None:
        self._writer.write(data)

    async def hears(self) -> bytes:
        """Read one answer, head and body."""
        async with asyncio.timeout(10):
            head = await self._reader.readuntil(b"\r\n\r\n")
            length = int(head.partition(b"content-length: ")[2].split(b"\r\n")[0])
            return head + await self._reader.readexactly(length)

    async def hears_end_of_head(self) -> bytes:
        """Read a head that no body follows."""
        async with asyncio.timeout(10):
            return await self._reader.readuntil(b"\r\n\r\n")

    async def hears_the_end(self) -> bytes:
        """Read until the connection is closed."""
        heard = b""
        try:
            async with asyncio.timeout(10):
                while part := await self._reader.read(65_536):
                    heard += part
        except ConnectionError:
            pass  # closed with something unread: that is an end as well
        return heard

    def hangs_up(self) -> None:
        self._writer.transport.abort()


Call = Callable[[], Awaitable[Line]]


@asynccontextmanager
async def open_house(house: House) -> AsyncGenerator[Call]:
    listener = bind(LOCAL, 0)
    intake = Intake(frozenset({b"/events"}), house.look)
    async with AsyncExitStack() as lines, serving(house, listener, intake=intake):

        async def call() -> Line:
            reader, writer = await asyncio.open_connection(*listener.getsockname())
            lines.callback(writer.close)
            return Line(reader, writer)

        yield call


def request(
    *headers: bytes,
    method: bytes = b"POST",
    target: bytes = b"/events",
    version: bytes = b"HTTP/1.1",
    body: bytes = b"body",
    length: bool = True,
    end: bytes = b"\r\n",
) -> bytes:
    lines = [b"%b %b %b" % (method, target, version), b"host: here", KEY]
    lines += [b"content-length: %d" % len(body)] * length
    return end.join([*lines, *headers, b"", b""]) + body


def chunked(*chunks: bytes, coding: bytes = b"chunked", trailer: bytes = b"\r\n") -> bytes:
    written = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return request(b"transfer-encoding: " + coding, body=written + b"0\r\n" + trailer, length=False)


def with_length(value: bytes) -> bytes:
    return request(b"content-length: " + value, length=False)


async def answers(data: bytes, house: House | None = None) -> bytes:
    """Say it, and hear the first line of the answer."""
    async with open_house(house or House()) as call:
        line = await call()
        line.says(data)
        return (await line.hears()).partition(b"\r\n")[0]


@pytest.mark.parametrize(
    ("data", "body"),
    [
        (request(), b"body"),
        (request(target=b"/events?event=app_deauthorized&plainToken=x"), b"body"),
        (request(version=b"HTTP/1.0"), b"body"),
        (chunked(b"bo", b"dy"), b"body"),
        (chunked(b"body", coding=b"Chunked"), b"body"),
        (request(body=b"b" * BODY_LIMIT_BYTES), b"b" * BODY_LIMIT_BYTES),
        (request(body=b""), b""),
    ],
    ids=["plain", "W58", "W70-1.0", "chunks", "W67-Chunked", "W73-cap", "empty"],
)
async def test_takes_a_delivery(data: bytes, body: bytes) -> None:
    house = House()
    assert await answers(data, house) == b"HTTP/1.1 200 OK"
    assert (house.taken, house.others) == ([body], [])


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (request(target=b"http://evil/events"), 400),
        (request(target=b"*"), 400),
        (request(b"content-length: 3"), 400),
        (request(b"content-length: 4"), 400),
        (with_length(b"-1"), 400),
        (with_length(b"+2"), 400),
        (with_length(b"0x2"), 400),
        (with_length(b"2 2"), 400),
        (with_length(b"99999999999999999999"), 400),
        (request(b"transfer-encoding: chunked"), 400),
        (chunked(b"body", coding=b"chunked, identity"), 400),
        (chunked(b"body", coding=b"xchunked"), 400),
        (request(b"transfer-encoding: chunked", body=b"zz\r\n", length=False), 400),
        (request(b"transfer-encoding: chunked", body=b"-1\r\n", length=False), 400),
        (request(b"transfer-encoding: chunked", body=b"1" * 17 + b"\r\n", length=False), 400),
        (request(b"transfer-encoding: chunked", body=b"2\r\nabX", length=False), 400),
        (request(end=b"\n"), 400),
        (request(b"a: b\r\n c"), 400),
        (request(b"a : b"), 400),
        (b"POST /events\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (request(version=b"HTTP/2.0"), 400),
        (request(version=b"HTTP/9.9"), 400),
        (request(method=b"FOO"), 405),
        (request(*[b"a%d: b" % count for count in range(65)]), 431),
        (request(b"a: " + b"b" * 17_500), 431),
        (with_length(b"10737418240"), 413),
        (request(body=b"b" * (BODY_LIMIT_BYTES + 1)), 413),
        (chunked(*[b"b" * 65_536] * 4, b"b"), 413),
    ],
    ids=[
        "W59",
        "asterisk",
        "W61-two",
        "W61-equal",
        "W62-negative",
        "W62-plus",
        "W62-hex",
        "W62-blank",
        "W62-huge",
        "both",
        "W67-identity",
        "W67-x",
        "W65-zz",
        "W65-negative",
        "W65-17",
        "W65-no-crlf",
        "W68-lf",
        "W68-fold",
        "W68-space",
        "W70-0.9",
        "W70-PRI",
        "version-2.0",
        "version-9.9",
        "W55-FOO",
        "W71-fields",
        "W71-bytes",
        "W74",
        "W73-over",
        "chunks-over",
    ],
)
async def test_refuses_what_is_framed_wrong_or_too_large(data: bytes, status: int) -> None:
    house = House()
    async with open_house(house) as call:
        line = await call()
        line.says(data)
        heard = await line.hears_the_end()
    assert heard == b"" or heard.startswith(b"HTTP/1.1 %d " % status)
    assert (house.taken, house.others) == ([], [])


async def test_says_why_before_it_closes() -> None:
    async with open_house(House()) as call:
        line = await call()
        line.says(request(target=b"http://evil/events", body=b""))
        assert await line.hears_the_end() == (
            b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        )


@pytest.mark.parametrize(
    ("method", "target", "path"),
    [
        (b"GET", b"/events", "/events"),
        (b"PUT", b"/events", "/events"),
        (b"POST", b"/events/", "/events/"),
        (b"POST", b"//events", "//events"),
        (b"POST", b"/%65vents", "/events"),
        (b"POST", b"/events%00", "/events\0"),
        (b"POST", b"/events;x=1", "/events;x=1"),
        (b"POST", b"/install", "/install"),
    ],
)
async def test_gives_everything_else_to_asgi(method: bytes, target: bytes, path: str) -> None:
    house = House()
    assert await answers(request(method=method, target=target), house) == b"HTTP/1.1 404 Not Found"
    assert (house.taken, house.others) == ([], [path])


@pytest.mark.parametrize("before", [b"", request()], ids=["first", "second"])
async def test_refuses_by_the_head_alone(before: bytes) -> None:
    """W79: the body is not asked for, nor read."""
    house = House()
    async with open_house(house) as call:
        line = await call()
        line.says(before)
        heard = await line.hears() if before else b""
        line.says(request(b"expect: 100-continue", body=b"").replace(KEY, b"x-key: bad"))
        heard = await line.hears_the_end()
    assert heard.startswith(b"HTTP/1.1 401 Unauthorized")
    assert len(house.taken) == bool(before)


async def test_asks_for_the_body_where_it_is_welcome() -> None:
    house = House()
    async with open_house(house) as call:
        line = await call()
        line.says(request(b"expect: 100-continue")[:-4])
        assert (await line.hears_end_of_head()).startswith(b"HTTP/1.1 100 ")
        line.says(b"body")
        assert (await line.hears()).startswith(b"HTTP/1.1 200 OK")
    assert house.taken == [b"body"]


async def test_takes_no_header_from_behind_the_body() -> None:
    """W23: what a trailer says about a body is not what its head said."""
    data = chunked(b"body", trailer=KEY + b"\r\n\r\n").replace(KEY + b"\r\n", b"", 1)
    house = House()
    assert await answers(data, house) == b"HTTP/1.1 401 Unauthorized"
    assert house.taken == []


async def test_answers_in_the_order_of_the_requests() -> None:
    house = House()
    async with open_house(house) as call:
        line = await call()
        line.says(request(body=b"1") + request(target=b"/other", body=b"2") + request(body=b"3"))
        lines = [(await line.hears()).split(b"\r\n")[0] for _ in range(3)]
    assert [each.split()[1] for each in lines] == [b"200", b"404", b"404"]
    assert (house.taken, house.others) == ([b"1"], ["/other", "/events"])


async def test_goes_on_by_the_same_connection() -> None:
    house = House()
    async with open_house(house) as call:
        line = await call()
        for body in (b"1", b"2", b"3"):
            line.says(request(body=body))
            assert b"connection: close" not in await line.hears()
        line.says(request(b"connection: close", body=b"4"))
        assert (await line.hears_the_end()).count(b"connection: close") == 1
    assert house.taken == [b"1", b"2", b"3", b"4"]


async def test_is_not_disturbed_by_who_hangs_up() -> None:
    house = House()
    house.may_answer.clear()
    async with open_house(house) as call:
        gone, other = await call(), await call()
        gone.says(request())
        await house.arrived.wait()
        gone.hangs_up()
        other.says(request())
        house.may_answer.set()
        assert (await other.hears()).startswith(b"HTTP/1.1 200 OK")
    assert house.taken == [b"body", b"body"]


async def test_asks_to_come_again_where_taking_fails(caplog: pytest.LogCaptureFixture) -> None:
    house = House(error=RuntimeError("about somebody"))
    async with open_house(house) as call:
        line = await call()
        line.says(request())
        heard = await line.hears()
    assert heard.startswith(b"HTTP/1.1 503 Service Unavailable")
    assert b"retry-after: 5" in heard
    assert "RuntimeError" in caplog.text
    assert "about somebody" not in caplog.text


async def test_asks_to_come_again_before_zoom_gives_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # F40 F56
    monkeypatch.setattr(protocol, "ANSWER_SECONDS", 0.05)
    house = House()
    house.may_answer.clear()
    async with open_house(house) as call:
        line = await call()
        line.says(request())
        assert (await line.hears()).startswith(b"HTTP/1.1 503 ")
        house.may_answer.set()
        line.says(request())
        assert (await line.hears()).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(("name", "most"), [("MOST_DELIVERIES", 1), ("MOST_HELD_BYTES", 3)])
async def test_asks_to_come_again_where_it_is_too_much(
    monkeypatch: pytest.MonkeyPatch, name: str, most: int
) -> None:
    monkeypatch.setattr(protocol, name, most)
    house = House()
    house.may_answer.clear()
    async with open_house(house) as call:
        first, second = await call(), await call()
        first.says(request())
        await house.arrived.wait()
        second.says(request())
        assert (await second.hears_the_end()).startswith(b"HTTP/1.1 503 ")
        house.may_answer.set()
        assert (await first.hears()).startswith(b"HTTP/1.1 200 ")
        third = await call()
        third.says(request())
        assert (await third.hears()).startswith(b"HTTP/1.1 200 ")


async def test_makes_room_by_letting_the_longest_silent_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(protocol, "MOST_CONNECTIONS", 3)
    house = House()
    async with open_house(house) as call:
        busy, silent, late = await call(), await call(), await call()
        busy.says(request())
        await busy.hears()
        late.says(b"POST /ev")
        newest = await call()
        newest.says(request())
        assert (await newest.hears()).startswith(b"HTTP/1.1 200 ")
        assert await silent.hears_the_end() == b""
        busy.says(request())
        assert (await busy.hears()).startswith(b"HTTP/1.1 200 ")


async def test_hears_one_good_sender_among_many_silent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # F60
    """W77: those who say nothing are let go, and hold nobody up meanwhile."""
    monkeypatch.setattr(patience, "IDLE_SECONDS", 0.2)
    async with open_house(House()) as call:
        silent = [await call() for _ in range(200)]
        good = await call()
        good.says(request())
        assert (await good.hears()).startswith(b"HTTP/1.1 200 ")
        assert await asyncio.gather(*(line.hears_the_end() for line in silent)) == [b""] * 200


@pytest.mark.parametrize("sent", range(0, len(request()), 9))
async def test_breaks_off_what_does_not_become_whole(
    monkeypatch: pytest.MonkeyPatch, sent: int
) -> None:
    """W64, W76: at whatever byte it stops."""
    monkeypatch.setattr(patience, "IDLE_SECONDS", 0.05)
    monkeypatch.setattr(patience, "ARRIVAL_SECONDS", 0.05)
    house = House()
    async with open_house(house) as call:
        line = await call()
        line.says(request()[:sent])
        assert await line.hears_the_end() == b""
    assert (house.taken, house.others) == ([], [])


@pytest.mark.parametrize("cut", [1, 7, 20, 60])
async def test_takes_a_delivery_in_any_parts(cut: int) -> None:
    house = House()
    data = request(body=b"some longer body")
    async with open_house(house) as call:
        line = await call()
        for start in range(0, len(data), cut):
            line.says(data[start : start + cut])
            await asyncio.sleep(0)
        assert (await line.hears()).startswith(b"HTTP/1.1 200 ")
    assert house.taken == [b"some longer body"]


async def test_lets_what_is_under_way_end_with_the_server() -> None:
    house = House()
    house.may_answer.clear()
    server = AsyncExitStack()
    call = await server.enter_async_context(open_house(house))
    whole, half = await call(), await call()
    half.says(request()[:-1])
    whole.says(request())
    await house.arrived.wait()
    ending = asyncio.create_task(server.aclose())
    assert await half.hears_the_end() == b""
    house.may_answer.set()
    assert (await whole.hears_the_end()).startswith(b"HTTP/1.1 200 ")
    await ending
