# pyright: reportPrivateUsage=false
"""Whatever ends too early, on either loop: nothing is sent twice, hangs, or is left open."""

import asyncio
import os
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from innkeeper.errors import AnswerLost, Unreachable
from innkeeper.net import pool
from innkeeper.net.outbound import HttpTransport, Request
from innkeeper.net.resolving import Address, AddressRefused, CheckedResolver, is_public
from tests.net.certificates import Certificates
from tests.net.peers import OK, Peer, Wire, says

pytestmark = pytest.mark.anyio

ONE = OK + b"Content-Length: 2\r\n\r\n{}"


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    wire = Wire()
    yield wire
    await wire.close()


@pytest.fixture
def certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Certificates:
    made = Certificates(tmp_path)
    machines = ssl.create_default_context
    monkeypatch.setattr(ssl, "create_default_context", lambda: machines(cafile=made.authority))
    return made


class Names:
    """Leads every name to the same addresses, once it may."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses
        self.asked = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def resolve(self, host: str, port: int) -> Sequence[Address]:
        del host
        self.asked.set()
        await self.may_answer.wait()
        stream, tcp = socket.SOCK_STREAM, socket.IPPROTO_TCP
        return [
            (socket.AF_INET6, stream, tcp, "", (at, port, 0, 0))
            if ":" in at
            else (socket.AF_INET, stream, tcp, "", (at, port))
            for at in self.addresses
        ]

    async def close(self) -> None:
        """Nothing is held."""


def keeps(answer: bytes, *, heard: list[socket.socket] | None = None) -> Peer:
    """Answer every request alike; show the connection's socket."""

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if heard is not None:
            number = writer.get_extra_info("socket").fileno()
            heard.append(socket.socket(fileno=os.dup(number)))
        while True:
            writer.write(answer)
            await reader.readuntil(b"\r\n\r\n")

    return peer


async def ask(wire: Wire, url: str, *, deadline: float = 5.0, body: bytes = b"") -> bytes:
    return (await wire.transport.send(Request("POST", url, body=body), deadline=deadline)).body


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


async def no_more_open_than(most: int) -> bool:
    """Tell whether so few files are open, once the peers have hung up, too."""
    for _ in range(1_000):
        if open_files() <= most:
            return True
        await asyncio.sleep(0.005)
    return False


def let_go(used: pool.Pool) -> None:
    """Keep no connection for the next request."""
    for kept in used._idle.values():
        for line in kept:
            line.close()
        kept.clear()


async def test_a_connection_whose_end_has_arrived_is_not_chosen(wire: Wire):
    peers: list[socket.socket] = []
    url = await wire.serve(keeps(ONE, heard=peers))
    assert await ask(wire, url) == b"{}"
    peers[0].shutdown(socket.SHUT_WR)  # and nobody has read it yet

    assert await ask(wire, url) == b"{}"
    assert wire.greeted == 2
    for peer in peers:
        peer.close()


async def test_what_a_connection_takes_and_never_answers_is_not_said_again(wire: Wire):
    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(ONE)
        wire.heads.append(await reader.readuntil(b"\r\n\r\n"))

    url = await wire.serve(peer)
    assert await ask(wire, url) == b"{}"
    with pytest.raises(AnswerLost):
        await ask(wire, url)

    assert (len(wire.heads), wire.greeted) == (2, 1)


async def test_a_peer_that_hangs_up_at_once_is_not_waited_for(wire: Wire):
    server = await asyncio.start_server(lambda _, writer: writer.transport.abort(), "127.0.0.1", 0)
    wire.servers.append(server)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"

    for _ in range(20):
        with pytest.raises(Unreachable, match=r"broke off|no connection"):
            await ask(wire, url)


async def test_a_peer_that_stops_reading_is_given_up_in_time(wire: Wire):
    async def stuck(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.Event().wait()

    url = await wire.serve(stuck)
    with pytest.raises(AnswerLost, match="in time"):
        await ask(wire, url, deadline=0.2, body=b"a" * 20_000_000)
    assert not wire.transport.open()._busy


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
async def test_whoever_is_cancelled_anywhere_leaves_nothing_open(
    wire: Wire, certificates: Certificates, *, tls: bool
):
    url = await wire.serve(keeps(ONE), tls=certificates.server() if tls else None)
    used, before = wire.transport.open(), open_files()
    await ask(wire, url)
    let_go(used)
    for turns in range(40):
        asking = asyncio.create_task(ask(wire, url))
        for _ in range(turns):
            await asyncio.sleep(0)
        asking.cancel()
        with suppress(asyncio.CancelledError):
            assert await asking == b"{}"
        let_go(used)
        assert (used._busy, used._room._value) == (set(), pool.MOST_CONNECTIONS)

    assert await no_more_open_than(before)
    assert await ask(wire, url) == b"{}"


async def test_who_is_still_connecting_when_all_is_closed_says_nothing(wire: Wire):
    names = Names("127.0.0.1")
    names.may_answer.clear()
    wire.transport = HttpTransport(resolver=lambda: names)
    url = (await wire.serve(keeps(ONE))).replace("127.0.0.1", "bot.test")
    asking = asyncio.create_task(ask(wire, url))
    await names.asked.wait()
    await wire.transport.aclose()
    names.may_answer.set()

    with pytest.raises(Unreachable) as caught:
        await asking
    assert (isinstance(caught.value, AnswerLost), wire.heads) == (False, [])


async def test_a_thousand_at_once_take_turns(wire: Wire, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pool, "MOST_CONNECTIONS", 10)
    url = await wire.serve(keeps(ONE))
    done: list[int] = []

    async def one(place: int) -> None:
        assert await ask(wire, url, deadline=30.0) == b"{}"
        done.append(place)

    await asyncio.gather(*(one(place) for place in range(1_000)))
    assert wire.greeted <= 10
    assert all(abs(place - at) < 100 for at, place in enumerate(done))  # in the order they came


async def test_no_more_than_so_many_are_open_whoever_they_are_to(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(pool, "MOST_CONNECTIONS", 3)
    urls = [await wire.serve(keeps(ONE)) for _ in range(5)]
    for url in [*urls, *reversed(urls)]:
        assert await ask(wire, url) == b"{}"
        used = wire.transport.open()
        assert sum(map(len, used._idle.values())) <= 3

    assert wire.greeted == 5 + 2  # the last three were still there


async def test_failures_leave_nothing_behind(wire: Wire, certificates: Certificates):
    closed = await wire.serve(says(b""))
    wire.servers[0].close()
    nothing = await wire.serve(says(b""))
    garbage = await wire.serve(says(b"\x16\x03\x01"))
    unproven = await wire.serve(says(ONE), tls=certificates.server(signed=False))
    before = open_files()
    for url in [closed, nothing, garbage, unproven] * 25:
        with pytest.raises(Unreachable):
            await ask(wire, url)
    for port in range(1, 50):
        with pytest.raises(Unreachable):
            await ask(wire, f"http://127.0.0.1:{port}/")
    used = wire.transport.open()
    assert await no_more_open_than(before + 9)
    assert (used._busy, len(used._idle)) == (set(), 0)


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(Request("GET / HTTP/1.1\r\nx: y\r\n\r\nGET", "{}"), id="method-smuggles"),
        pytest.param(Request("", "{}"), id="no-method"),
        pytest.param(Request("HEAD", "{}"), id="head"),
        pytest.param(Request("connect", "{}"), id="connect"),
        pytest.param(Request("POST", "{}", {"Content-Length": "0"}, b"x"), id="length"),
        pytest.param(Request("POST", "{}", {"transfer-Encoding": "chunked"}), id="encoding"),
        pytest.param(Request("POST", "{}", {"HOST": "evil.test"}), id="host"),
        pytest.param(Request("POST", "{}", {"connection": "x-a"}), id="connection"),
        pytest.param(Request("POST", "{}", {"x": "a\0"}), id="nul"),
        pytest.param(Request("POST", "{}", {"x": "a\r"}), id="cr"),
        pytest.param(Request("POST", "{}", {"x": "\u0100"}), id="not-latin-1"),
        pytest.param(Request("POST", "{}", {"x: y\r\nz": "a"}), id="name-smuggles"),
        pytest.param(Request("POST", "{}a\r\nx: y"), id="path-smuggles"),
        pytest.param(Request("POST", "{}?a b"), id="query-has-a-space"),
        pytest.param(Request("POST", "https://./"), id="host-is-a-dot"),
    ],
)
async def test_what_could_be_understood_in_two_ways_is_not_sent(wire: Wire, request_: Request):
    url = await wire.serve(says(ONE))
    asked = Request(
        request_.method, request_.url.replace("{}", url), request_.headers, request_.body
    )
    with pytest.raises(Unreachable, match="not a request"):
        await wire.transport.send(asked)
    assert wire.heads == []


async def test_what_is_said_anyway_may_be_said_otherwise_but_once(wire: Wire):
    url = await wire.serve(says(ONE))
    await wire.transport.send(Request("GET", url, {"User-Agent": "Zoom", "Accept": "a"}))

    assert wire.heads[0].lower().count(b"user-agent: zoom\r\n") == 1
    assert wire.heads[0].lower().count(b"user-agent") == 1


# TLS


def says_and(end: Callable[[Any], None]) -> Peer:
    async def peer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK + b"\r\nhalf")
        await writer.drain()
        end(writer.transport)

    return peer


async def test_an_answer_that_was_cut_off_is_not_taken_for_a_whole_one(
    wire: Wire, certificates: Certificates
):
    def cut(transport: Any) -> None:
        number = transport.get_extra_info("socket").fileno()
        with socket.socket(fileno=os.dup(number)) as same:
            same.shutdown(socket.SHUT_WR)  # TCP ends, and TLS has not said so

    url = await wire.serve(says_and(cut), tls=certificates.server())
    with pytest.raises(AnswerLost):
        await ask(wire, url)


async def test_an_answer_may_last_until_tls_says_that_this_is_all(
    wire: Wire, certificates: Certificates
):
    url = await wire.serve(says_and(lambda to: to.close()), tls=certificates.server())
    assert await ask(wire, url) == b"half"


@pytest.mark.parametrize("host", ["bot.test", "bot.test.", "BOT.test"])
async def test_a_name_is_asked_for_and_proven_as_it_is_written_in_certificates(
    wire: Wire, certificates: Certificates, host: str
):
    tls, asked = certificates.server(host="bot.test"), list[str | None]()
    tls.sni_callback = lambda _connection, name, _context: asked.append(name)
    wire.transport = HttpTransport(resolver=lambda: Names("127.0.0.1"))
    url = (await wire.serve(keeps(ONE), tls=tls)).replace("127.0.0.1", host)

    assert (await ask(wire, url), asked) == (b"{}", ["bot.test"])


async def test_another_name_than_that_of_the_certificate_is_told_nothing(
    wire: Wire, certificates: Certificates
):
    wire.transport = HttpTransport(resolver=lambda: Names("127.0.0.1"))
    url = await wire.serve(keeps(ONE), tls=certificates.server(host="bot.test"))

    for host in ("evil.test", "a.bot.test", "127.0.0.1"):
        with pytest.raises(Unreachable, match="no connection"):
            await ask(wire, url.replace("127.0.0.1", host))
    assert wire.heads == []


# where a name leads


async def test_a_name_that_leads_nowhere_is_not_called(wire: Wire):
    wire.transport = HttpTransport(resolver=Names)
    with pytest.raises(Unreachable, match="no connection"):
        await ask(wire, "http://bot.test/")


async def test_one_of_ten_addresses_suffices(wire: Wire):
    addresses = ["::1", *(f"127.0.0.{n}" for n in range(2, 10)), "127.0.0.1"]
    wire.transport = HttpTransport(resolver=lambda: Names(*addresses))
    url = await wire.serve(keeps(ONE))

    assert await ask(wire, url.replace("127.0.0.1", "bot.test")) == b"{}"
    assert len(wire.heads) == 1


async def test_an_address_that_says_nothing_does_not_keep_from_the_next(wire: Wire):
    wire.transport = HttpTransport(resolver=lambda: Names("127.0.0.2", "127.0.0.1"))
    url = await wire.serve(keeps(ONE))
    port = wire.servers[0].sockets[0].getsockname()[1]
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.2", port))
        full.listen(0)
        for waiting in (first, second):  # no more are let in than these
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.2", port))

        assert await ask(wire, url.replace("127.0.0.1", "bot.test")) == b"{}"


@pytest.mark.parametrize("place", [0, 1, 2])
async def test_one_address_that_is_refused_refuses_them_all(wire: Wire, place: int):
    addresses = ["170.114.0.1", "170.114.0.2"]
    addresses.insert(place, "10.0.0.7")
    wire.transport = HttpTransport(
        resolver=lambda: CheckedResolver(Names(*addresses), may=is_public)
    )
    with pytest.raises(Unreachable, match="where nothing is sent"):
        await ask(wire, "http://api.zoom.us/")
    with pytest.raises(AddressRefused):
        await CheckedResolver(Names(*addresses), may=is_public).resolve("api.zoom.us", 80)


async def test_an_address_in_place_of_a_name_is_looked_at_as_well(wire: Wire):
    url = await wire.serve(keeps(ONE))
    wire.transport = HttpTransport(resolver=lambda: CheckedResolver(may=is_public))
    for refused in (url, "http://10.0.0.7/", "http://[::1]/", "http://0x7f.1/"):
        with pytest.raises(Unreachable, match="where nothing is sent"):
            await ask(wire, refused)
    assert wire.heads == []
