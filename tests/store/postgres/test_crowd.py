# pyright: reportPrivateUsage=false
# These tests look behind the contract, which has its own suite.

"""Many handlers at once want the database: all have their turn, and the signs of life go first."""

import asyncio

import pytest

from innkeeper.errors import DatabaseUnreachable
from innkeeper.store.postgres import PostgresStore, connection
from innkeeper.store.postgres.connection import Connection
from innkeeper.store.postgres.crowd import Crowd
from tests.contracts.houses import NOW, accepted, body

pytestmark = pytest.mark.anyio


async def rest(connection: Connection) -> None:
    await connection.execute("SELECT pg_sleep(0.1)")


@pytest.mark.slow
async def test_nobody_is_refused_because_the_line_is_long(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "CONNECT_SECONDS", 0.5)
    await asyncio.gather(*(store._db.write(rest, alone=True) for _ in range(80)))


@pytest.mark.slow
async def test_arrivals_and_signs_of_life_go_past_the_line(store: PostgresStore) -> None:
    line = [asyncio.create_task(store._db.write(rest, alone=True)) for _ in range(70)]
    await asyncio.sleep(0)
    await accepted(store, body())
    await store.keep_alive()
    assert await store.ready()
    await store.census(now=NOW)
    assert not line[-1].done()
    await asyncio.gather(*line)


async def test_who_waits_for_nothing_is_sent_home() -> None:
    crowd = Crowd(1)
    async with crowd.turn():
        line = [asyncio.create_task(crowd.turn().__aenter__()) for _ in range(3)]
        await asyncio.sleep(0)
        line[0].cancel()
        crowd.send_home(DatabaseUnreachable("PostgreSQL cannot be reached", "TimeoutError"))
        told = await asyncio.gather(*line, return_exceptions=True)
    kinds = [type(each) for each in told]
    assert kinds == [asyncio.CancelledError, DatabaseUnreachable, DatabaseUnreachable]
    async with crowd.turn():  # the room is free again
        pass


async def test_a_turn_that_nobody_takes_goes_to_the_next() -> None:
    crowd = Crowd(1)
    first = crowd.turn()
    await first.__aenter__()
    gone = asyncio.create_task(crowd.turn().__aenter__())
    then = asyncio.create_task(crowd.turn().__aenter__())
    await asyncio.sleep(0)
    await first.__aexit__(None, None, None)
    gone.cancel()
    async with asyncio.timeout(5):
        await then
    assert gone.cancelled()
