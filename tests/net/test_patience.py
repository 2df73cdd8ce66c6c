"""A sender who takes too much, or too long, holds nothing up."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from innkeeper.net import patience
from innkeeper.net.inbound import ClientGone, read_body, send_answer
from innkeeper.net.outbound import Receive, Scope, Send
from innkeeper.net.serving import LOCAL, bind, serving

pytestmark = pytest.mark.anyio

HEAD = b"POST / HTTP/1.1\r\nHost: here\r\n"


class Desk:
    """An application that reads a body, then answers when it may."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.gone = 0
        self.reading = asyncio.Event()
        self.read = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.reading.set()
        try:
            self.bodies.append(await read_body(scope, receive))
        except ClientGone:
            self.gone += 1
            return
        self.read.set()
        await self.may_answer.wait()
        await send_answer(send, 200, b"{}")


class Caller:
    """One connection to the desk."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def says(self, *parts: bytes) -> None:
        for part in parts:
            self._writer.write(part)

    async def hears_the_end(self) -> bytes:
        """Read until the connection is closed."""
        heard = b""
        try:
            async with asyncio.timeout(5):
                while part := await self._reader.read(65_536):
                    heard += part
        except ConnectionError:
            pass  # closed with something unread: that is an end as well
        return heard

    async def hears(self) -> bytes:
        """Read one answer."""
        async with asyncio.timeout(5):
            return await self._reader.readuntil(b"{}")


@asynccontextmanager
async def calling(port: int) -> AsyncGenerator[Caller]:
    reader, writer = await asyncio.open_connection(LOCAL, port)
    try:
        yield Caller(reader, writer)
    finally:
        writer.close()


@asynccontextmanager
async def open_desk(desk: Desk) -> AsyncGenerator[int]:
    listener = bind(LOCAL, 0)
    port: int = listener.getsockname()[1]
    async with serving(desk, listener):
        yield port


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "ARRIVAL_SECONDS", 0.05)
    monkeypatch.setattr(patience, "IDLE_SECONDS", 0.05)


async def test_takes_a_head_of_usual_size() -> None:
    desk = Desk()
    async with open_desk(desk) as port, calling(port) as caller:
        caller.says(HEAD, b"Cookie: a=" + b"c" * 20_000, b"\r\nContent-Length: 4\r\n\r\n", b"body")
        assert (await caller.hears()).startswith(b"HTTP/1.1 200 ")
    assert desk.bodies == [b"body"]


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: here\r\n\r\n",
        HEAD + b"Cookie: a=" + b"c" * 100_000 + b"\r\n\r\n",
        HEAD + b"A" * 100_000 + b": b\r\n\r\n",
        HEAD + b"A: b\r\n" * 50_000 + b"\r\n",
    ],
    ids=["address", "cookie", "name", "many"],
)
async def test_refuses_a_head_that_is_too_large(head: bytes) -> None:
    desk = Desk()
    async with open_desk(desk) as port, calling(port) as caller:
        caller.says(head)
        heard = await caller.hears_the_end()
    assert heard.startswith(b"HTTP/1.1 431 ") or heard == b""
    assert desk.bodies == []
    assert not desk.reading.is_set()


@pytest.mark.parametrize("start", [b"GET /", HEAD + b"A: ", HEAD + b"A"])
async def test_does_not_collect_a_value_without_an_end(start: bytes) -> None:
    desk = Desk()
    async with open_desk(desk) as port, calling(port) as caller:
        caller.says(start, *[b"x" * 65_536] * 8)
        await caller.hears_the_end()
    assert not desk.reading.is_set()


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("half", [b"", b"\r\n", b"GET / HT", HEAD, HEAD + b"A: b"])
async def test_breaks_off_a_head_that_does_not_come(half: bytes) -> None:
    desk = Desk()
    async with open_desk(desk) as port, calling(port) as caller:
        caller.says(half)
        assert await caller.hears_the_end() == b""
    assert not desk.reading.is_set()


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    "half",
    [
        b"Content-Length: 10\r\n\r\nhalf",
        b"Transfer-Encoding: chunked\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n0\r\n",
    ],
)
async def test_breaks_off_a_body_that_does_not_come(half: bytes) -> None:
    desk = Desk()
    async with open_desk(desk) as port, calling(port) as caller:
        caller.says(HEAD + half)
        assert await caller.hears_the_end() == b""
    assert (desk.bodies, desk.gone) == ([], 1)


@pytest.mark.usefixtures("impatient")
async def test_breaks_off_a_second_request_as_well() -> None:
    async with open_desk(Desk()) as port, calling(port) as caller:
        caller.says(HEAD + b"Content-Length: 0\r\n\r\n")
        assert (await caller.hears()).startswith(b"HTTP/1.1 200 ")
        caller.says(b"\r\n")
        assert await caller.hears_the_end() == b""


@pytest.mark.usefixtures("impatient")
async def test_gives_an_answer_all_the_time_it_needs() -> None:
    desk = Desk()
    desk.may_answer.clear()
    async with open_desk(desk) as port, calling(port) as patient, calling(port) as other:
        patient.says(HEAD + b"Content-Length: 4\r\n\r\nbody")
        assert await other.hears_the_end() == b""  # so the time is over
        desk.may_answer.set()
        assert (await patient.hears()).startswith(b"HTTP/1.1 200 ")


@pytest.mark.slow
async def test_ends_with_what_is_whole_and_without_what_is_not() -> None:
    desk = Desk()
    desk.may_answer.clear()
    server = AsyncExitStack()
    port = await server.enter_async_context(open_desk(desk))
    async with calling(port) as whole, calling(port) as half:
        half.says(HEAD + b"Content-Length: 10\r\n\r\nhalf")
        await desk.reading.wait()
        whole.says(HEAD + b"Content-Length: 4\r\n\r\nbody")
        await desk.read.wait()
        ending = asyncio.create_task(server.aclose())
        assert await half.hears_the_end() == b""
        desk.may_answer.set()
        assert (await whole.hears()).startswith(b"HTTP/1.1 200 ")
        await ending
    assert (desk.bodies, desk.gone) == ([b"body"], 1)
