"""Connections are kept for the next request, and no answer reaches whoever did not ask for it."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from innkeeper.errors import AnswerLost, Unreachable
from innkeeper.net import pool
from innkeeper.net.outbound import Request
from tests.net.peers import OK, Peer, Wire, says

pytestmark = pytest.mark.anyio

TWO = b"Content-Length: 2\r\n\r\n{}"
ONE = OK + TWO


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    wire = Wire()
    yield wire
    await wire.close()


def answers(*answers: bytes) -> Peer:
    """Answer each request on a connection with the next of these; then hang up."""

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for place, answer in enumerate(answers):
            if place:
                await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)

    return peer


def keeps(answer: bytes) -> Peer:
    """Answer every request on a connection alike."""
    return answers(*[answer] * 100)


async def ask(wire: Wire, url: str, *, deadline: float = 5.0) -> bytes:
    return (await wire.transport.send(Request("POST", url, body=b""), deadline=deadline)).body


async def test_a_connection_serves_one_request_after_the_other(wire: Wire):
    url = await wire.serve(keeps(ONE))

    assert [await ask(wire, url) for _ in range(5)] == [b"{}"] * 5
    assert wire.greeted == 1


async def test_each_of_two_at_a_time_has_a_connection_of_its_own(wire: Wire):
    url = await wire.serve(keeps(ONE))

    assert await asyncio.gather(ask(wire, url), ask(wire, url)) == [b"{}"] * 2
    assert wire.greeted == 2


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(OK + b"Connection: close\r\n" + TWO, id="says-so"),
        pytest.param(b"HTTP/1.0 200 OK\r\n" + TWO, id="http-1.0"),
        pytest.param(OK + b"\r\n{}", id="until-it-ends"),
        pytest.param(ONE + b"HTTP/1.1 200 OK\r\n" + TWO, id="answers-twice"),
        pytest.param(ONE + b"and more", id="says-more"),
    ],
)
async def test_a_connection_that_is_not_in_order_is_not_used_again(wire: Wire, answer: bytes):
    url = await wire.serve(says(answer))

    assert [await ask(wire, url) for _ in range(2)] == [b"{}"] * 2
    assert wire.greeted == 2


async def test_what_comes_unasked_answers_nobody(wire: Wire):
    may_speak, hung_up = asyncio.Event(), asyncio.Event()

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(ONE)
        await may_speak.wait()
        if wire.greeted == 1:
            writer.write(OK + b"Content-Length: 4\r\n\r\nevil")
            await reader.read()
            hung_up.set()

    url = await wire.serve(peer)
    assert await ask(wire, url) == b"{}"
    may_speak.set()
    await hung_up.wait()

    assert await ask(wire, url) == b"{}"
    assert wire.greeted == 2


async def test_a_late_answer_answers_nobody_else(wire: Wire):
    late = asyncio.Event()

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if wire.greeted == 1:
            await reader.read()
            late.set()
        writer.write(ONE)

    url = await wire.serve(peer)
    with pytest.raises(AnswerLost, match="no answer in time"):
        await ask(wire, url, deadline=0.1)
    await late.wait()

    assert await ask(wire, url) == b"{}"
    assert wire.greeted == 2


async def test_who_is_cancelled_leaves_no_connection_behind(wire: Wire):
    asked, left = asyncio.Event(), asyncio.Event()

    async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()
        left.set()

    url = await wire.serve(silent)
    asking = asyncio.create_task(ask(wire, url))
    await asked.wait()
    asking.cancel()

    with pytest.raises(asyncio.CancelledError):
        await asking
    await left.wait()


@pytest.mark.parametrize(
    "before", [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early\r\n\r\n"]
)
async def test_an_answer_that_only_says_that_one_will_come_is_passed_over(
    wire: Wire, before: bytes
):
    url = await wire.serve(keeps(before * 3 + ONE))

    assert [await ask(wire, url) for _ in range(2)] == [b"{}"] * 2
    assert wire.greeted == 1


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000, id="continues-for-ever"),
        pytest.param(
            b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n" + ONE,
            id="switches",
        ),
        pytest.param(OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", id="two-lengths"),
        pytest.param(OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", id="cut-chunks"),
    ],
)
async def test_what_is_no_answer_is_lost(wire: Wire, answer: bytes):
    url = await wire.serve(says(answer))

    with pytest.raises(AnswerLost):
        await ask(wire, url)


async def test_what_follows_a_chunked_body_is_no_header(wire: Wire):
    chunks = b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nRetry-After: 99\r\n\r\n"
    url = await wire.serve(keeps(OK + chunks))

    answer = await wire.transport.send(Request("GET", url))
    assert (answer.body, "retry-after" in answer.headers) == (b"{}", False)


async def test_a_connection_that_rests_for_long_is_closed(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(pool, "IDLE_SECONDS", 0.05)
    hung_up = asyncio.Event()

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(ONE)
        await reader.read()
        hung_up.set()

    assert await ask(wire, await wire.serve(peer)) == b"{}"
    await asyncio.wait_for(hung_up.wait(), 5)


async def test_who_comes_when_all_are_in_use_waits_and_sends_nothing(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(pool, "MOST_CONNECTIONS", 1)
    asked = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()

    url = await wire.serve(silent)
    first = asyncio.create_task(ask(wire, url))
    await asked.wait()

    with pytest.raises(Unreachable, match="in time") as caught:
        await ask(wire, url, deadline=0.1)
    assert not isinstance(caught.value, AnswerLost)
    assert len(wire.heads) == 1
    await wire.transport.aclose()
    with pytest.raises(AnswerLost):
        await first


async def test_a_name_with_two_addresses_is_reached_where_one_of_them_takes_nobody(wire: Wire):
    url = await wire.serve(keeps(ONE))

    assert await ask(wire, url.replace("127.0.0.1", "localhost")) == b"{}"


@pytest.mark.parametrize(
    "url", ["http://user:word@127.0.0.1/", "http://127.0.0.1/a b", "http://\xfc.test/", "http:///x"]
)
async def test_a_half_address_is_not_called(wire: Wire, url: str):
    with pytest.raises(Unreachable, match="not a request"):
        await ask(wire, url)
