# pyright: reportPrivateUsage=false
# These tests look behind the contract, which has its own suite.

"""A server that is gone for good, and its standby in its place: nothing acknowledged is lost."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, cast

import asyncpg  # pyright: ignore[reportMissingTypeStubs]  # it has none
import pytest

from innkeeper.errors import StoreUnavailable
from innkeeper.store.postgres import PostgresStore
from tests.contracts.houses import PostgresHouse, accepted, body
from tests.postgres import Server, own_server, standby_of

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

SENDERS = 8
ENOUGH = 200
_ALONE_SECONDS = 0.2
"""How long the server goes on without its standby: what it acknowledged by itself would be lost."""


@pytest.fixture(scope="module")
def primary(postgres: Server) -> Iterator[Server]:
    with own_server(postgres) as server:
        yield server


@pytest.fixture
def standby(primary: Server) -> Iterator[Server]:
    server = standby_of(primary)
    yield server
    server.stop()


@pytest.fixture
def house(primary: Server, standby: Server) -> PostgresHouse:  # noqa: ARG001  # it stands
    return PostgresHouse(primary, "failover")


async def take_over(standby: Server, primary: Server) -> None:
    """Make the standby the server, at the address that the server had."""
    connection: Any = await cast("Any", asyncpg).connect(standby.url)
    try:
        assert await connection.fetchval("SELECT pg_promote()")
        await connection.execute("ALTER SYSTEM RESET synchronous_standby_names")
    finally:
        await connection.close()
    standby.url = primary.url
    await asyncio.to_thread(standby.restart)


async def test_a_standby_that_commits_waited_for_has_them_all(  # F43
    primary: Server, standby: Server, store: PostgresStore
) -> None:
    acked, enough = set[str](), asyncio.Event()

    async def send(sender: int) -> None:
        with suppress(StoreUnavailable):
            for number in range(100_000):
                text = f"{sender}/{number}"
                await accepted(store, body(text=text))
                acked.add(text)
                if len(acked) >= ENOUGH:
                    enough.set()

    async with asyncio.timeout(60):
        senders = [asyncio.create_task(send(each)) for each in range(SENDERS)]
        await enough.wait()
        await asyncio.to_thread(standby.stop, signal.SIGQUIT)
        await asyncio.sleep(_ALONE_SECONDS)
        await asyncio.to_thread(primary.stop, signal.SIGKILL)
        await asyncio.gather(*senders)
        await asyncio.to_thread(standby.start)
        await take_over(standby, primary)
        while not await store.ready():  # noqa: ASYNC110  # it tells nobody
            await asyncio.sleep(0.05)
    for text in acked:
        assert not (await accepted(store, body(text=text))).fresh, text
