# pyright: reportPrivateUsage=false
# These tests look behind the contract, which has its own suite.

"""A server that goes away, and comes back: nothing is lost, and nobody waits long."""

import asyncio
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, cast

import asyncpg  # pyright: ignore[reportMissingTypeStubs]  # it has none
import pytest

from innkeeper.errors import DatabaseUnreachable, StoreUnavailable
from innkeeper.store.postgres import PostgresStore
from innkeeper.store.postgres.connection import Connection, explained
from innkeeper.store.records import EventState
from tests.contracts.houses import NOW, PostgresHouse, accepted, body, opened
from tests.postgres import Server, own_server

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


@pytest.fixture(scope="module")
def own(postgres: Server) -> Iterator[Server]:
    """A server that nobody else uses."""
    with own_server(postgres) as server:
        yield server


@pytest.fixture
def house(own: Server) -> Iterator[PostgresHouse]:
    with own.space() as space:
        yield PostgresHouse(own, space)


async def until_it_works(store: PostgresStore) -> float:
    """Give the seconds until an arrival is kept again."""
    start = time.monotonic()
    for number in range(1000):
        try:
            await accepted(store, body(text=f"again {number}"))
        except StoreUnavailable:
            await asyncio.sleep(0.02)
        else:
            break
    return time.monotonic() - start


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT, signal.SIGKILL])
async def test_rides_out_a_restart(
    own: Server, store: PostgresStore, how: signal.Signals
) -> None:  # F41 F51
    ana = await opened(store)
    event = await accepted(store, body())
    await asyncio.to_thread(own.stop, how)
    assert not await store.ready()
    with pytest.raises(StoreUnavailable):
        await accepted(store, body(text="refused"))
    with pytest.raises(StoreUnavailable):
        await store.claim(now=NOW, limit=1)
    store.finish_soon(event.id, EventState.DONE)
    await asyncio.to_thread(own.start)
    assert await until_it_works(store) < 1.0
    await store.set_state(ana, "due", b"friday")
    async with asyncio.timeout(5):
        while (await accepted(store, body())).state is not EventState.DONE:  # noqa: ASYNC110  # it tells nobody
            await asyncio.sleep(0.05)
    await store.keep_alive()
    assert await store.ready()


async def test_takes_events_while_it_restarts_again_and_again(  # F41
    own: Server, store: PostgresStore
) -> None:
    kept: dict[str, str] = {}
    stopping, arrived = asyncio.Event(), asyncio.Event()

    async def deliver(sender: int) -> None:
        number = 0
        while not stopping.is_set():
            text = f"{sender} {number}"
            try:
                kept[(await accepted(store, body(text=text))).id] = text
                arrived.set()
                number += 1
            except StoreUnavailable:
                await asyncio.sleep(0.01)

    async def more() -> None:
        """Wait until some more were kept."""
        wanted = len(kept) + 8
        async with asyncio.timeout(20):
            while len(kept) < wanted:
                arrived.clear()
                await arrived.wait()

    senders = [asyncio.create_task(deliver(each)) for each in range(8)]
    for how in (signal.SIGQUIT, signal.SIGINT, signal.SIGQUIT):
        await more()
        await asyncio.to_thread(own.restart, how)
    await more()
    stopping.set()
    await asyncio.gather(*senders)
    rows = {row.id for row in await store.inbox_rows(limit=1_000_000)}
    assert kept.keys() <= rows


async def test_a_connection_cut_off_within_an_answer_is_one_that_was_lost() -> None:
    error = asyncpg.InternalClientError("cannot switch to state 11")
    assert isinstance(explained(error), DatabaseUnreachable)


@pytest.mark.parametrize(
    "error",
    [asyncpg.DeadlockDetectedError, asyncpg.SerializationError],
    ids=lambda each: each.__name__,
)
async def test_a_transaction_that_may_succeed_at_once_is_tried_again_and_not_for_ever(  # F44
    store: PostgresStore, error: type[Exception]
) -> None:
    ana, tries = await opened(store), 0

    async def job(_connection: Connection) -> int:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise error
        return tries

    assert await store._db.write(job) == 3
    tries = -100
    with pytest.raises(StoreUnavailable):
        await store._db.write(job)
    assert tries == -97
    await store.set_state(ana, "due", b"friday")


async def test_a_table_that_somebody_locks_is_told_and_got_over(  # F44
    own: Server, house: PostgresHouse, store: PostgresStore
) -> None:
    await accepted(store, body(text="before"))
    other: Any = await cast("Any", asyncpg).connect(own.url)
    held = other.transaction()
    await held.start()
    await other.execute(f"LOCK TABLE {house.space}.inbox IN ACCESS EXCLUSIVE MODE")
    with pytest.raises(StoreUnavailable, match="LockNotAvailable"):
        await accepted(store, body())
    await held.rollback()
    await other.close()
    assert await until_it_works(store) < 1.0


async def test_a_server_without_a_connection_to_spare_is_told_and_got_over(  # F44
    own: Server, house: PostgresHouse
) -> None:
    crowd: list[Any] = []
    with suppress(asyncpg.TooManyConnectionsError):
        while True:
            crowd.append(await cast("Any", asyncpg).connect(own.url))
    vault = house.vault()
    with pytest.raises(StoreUnavailable):
        await vault.open()
    for each in crowd:
        await each.close()
    await vault.open()
    await vault.close()
