# pyright: reportPrivateUsage=false
# These tests look behind the contract, which has its own suite.

"""A way to the server that goes dead without a word: found out once, and not by each connection."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from innkeeper.errors import StoreUnavailable
from innkeeper.store.addresses import PostgresAddress
from innkeeper.store.postgres import connection
from innkeeper.store.postgres.connection import Connection, Connections
from tests.postgres import Server

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

SEVERAL = 5


class Way:
    """Leads to a server. What was begun before it went dead stays open, and nothing comes through.

    So it is when a machine is gone, or a router has forgotten a connection.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._alive = asyncio.Event()
        self.begun = 0
        self._ends: list[asyncio.StreamWriter] = []

    def go_dead(self) -> None:
        """Swallow what comes by the connections that are there."""
        self._alive.set()
        self._alive = asyncio.Event()

    async def close(self) -> None:
        """Break off all connections, the dead ones as well."""
        for end in self._ends:
            end.transport.abort()
        for end in self._ends:
            with suppress(OSError):
                await end.wait_closed()

    async def lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.begun += 1
        dead = self._alive
        there, back = await asyncio.open_connection("127.0.0.1", self._port)
        self._ends += [writer, back]

        async def carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while piece := await source.read(65536):
                if not dead.is_set():
                    sink.write(piece)
                    await sink.drain()
            sink.close()

        with suppress(OSError):
            async with asyncio.TaskGroup() as ways:
                ways.create_task(carry(reader, back))
                ways.create_task(carry(there, writer))


@pytest.fixture
async def way(postgres: Server) -> AsyncIterator[tuple[Way, PostgresAddress]]:
    host, _, rest = postgres.url.rpartition(":")
    port, _, name = rest.partition("/")
    way = Way(int(port))
    server = await asyncio.start_server(way.lead, "127.0.0.1", 0)
    async with server:
        leads_in = server.sockets[0].getsockname()[1]
        yield way, PostgresAddress.parse(f"{host}:{leads_in}/{name}", schema="public")
        await way.close()


async def rest(taken: Connection) -> None:
    await taken.execute("SELECT pg_sleep(0.1)")


async def test_one_silence_is_enough(
    way: tuple[Way, PostgresAddress], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "ANSWER_SECONDS", 0.5)
    dead, address = way
    connections = Connections(address)
    await connections.open()

    async def use() -> None:
        async with connections.taken() as taken:
            await rest(taken)

    await asyncio.gather(*(use() for _ in range(SEVERAL)))
    assert dead.begun == SEVERAL
    dead.go_dead()
    with pytest.raises(StoreUnavailable):
        await use()
    await asyncio.gather(*(use() for _ in range(SEVERAL)))
    await connections.close()
