"""Many purges at once free what they deleted, and none waits for another until it is refused."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import cast

import asyncpg
import pytest

from innkeeper.store.postgres import PostgresStore
from innkeeper.store.postgres.connection import Connection, Connections
from innkeeper.store.postgres.vacuum import Vacuum
from tests.contracts.houses import PostgresHouse, opened

pytestmark = pytest.mark.anyio


class Held:
    """Connections that are given out one after the other, once they may be."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self.asked = asyncio.Event()
        self.may = asyncio.Event()
        self.given = 0

    @asynccontextmanager
    async def taken(self) -> AsyncGenerator[Connection]:
        self.given += 1
        self.asked.set()
        await self.may.wait()
        async with self._connections.taken() as connection:
            yield connection


async def test_those_who_wait_share_the_next_one(store: PostgresStore) -> None:
    held = Held(store._db._connections)
    vacuum = Vacuum(cast("Connections", held), "grants", "states")
    async with asyncio.timeout(20):
        first = asyncio.create_task(vacuum.run())
        await held.asked.wait()
        others = [asyncio.create_task(vacuum.run()) for _ in range(20)]
        await asyncio.sleep(0)
        held.may.set()
        await asyncio.gather(first, *others)
        assert held.given == 2  # what they deleted, the first may not have seen
        await vacuum.run()
    assert held.given == 3


async def test_passes_over_what_another_process_frees_now(
    store: PostgresStore, house: PostgresHouse
) -> None:
    await opened(store)
    other = await asyncpg.connect(house.server.url)
    try:
        async with asyncio.timeout(4), other.transaction():  # less than a lock is waited for
            space = store._db.address.schema
            await other.execute(f"LOCK TABLE {space}.grants IN SHARE UPDATE EXCLUSIVE MODE")
            await store.scrub()
    finally:
        await other.close()
