"""Who takes events in for anybody wakes a worker, in the same transaction."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import asyncpg
import pytest

from innkeeper.errors import StoreUnavailable
from innkeeper.store.postgres import PostgresStore
from innkeeper.store.postgres.nudges import Nudges
from innkeeper.store.records import Accepted, EventState
from tests.contracts.houses import NOW, PostgresHouse, body

pytestmark = pytest.mark.anyio


async def put_in(store: PostgresStore, text: str) -> Accepted:
    content = body(text=text)
    key = hashlib.sha256(content).digest()
    return await store.accept(
        key=key, name="bot_notification", body=content, owner=None, now=NOW, claimed=False
    )


@asynccontextmanager
async def hearing(store: PostgresStore) -> AsyncIterator[asyncio.Event]:
    woken = asyncio.Event()
    task = asyncio.create_task(store.nudged(woken.set))
    await woken.wait()  # it is woken once as it begins to listen
    yield woken
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def jobs(house: PostgresHouse) -> list[str]:
    connection = await asyncpg.connect(house.server.url)
    await connection.execute("SELECT set_config('search_path', $1, false)", house.space)
    rows = await connection.fetch("SELECT payload FROM pgqueuer ORDER BY id")
    await connection.close()
    return [row[0].decode() for row in rows]


async def test_wakes_a_worker_for_what_came_in(store: PostgresStore, other: PostgresStore) -> None:
    async with hearing(other) as woken, asyncio.timeout(20):
        woken.clear()
        event = await put_in(store, "due")
        assert (event.fresh, event.state) == (True, EventState.READY)
        await woken.wait()
        (claimed,) = await other.claim(now=NOW, limit=10)
        assert (claimed.id, claimed.attempts) == (event.id, 1)


async def test_a_nudge_falls_to_one(
    house: PostgresHouse, store: PostgresStore, other: PostgresStore
) -> None:
    heard: list[str] = []
    tasks = [
        asyncio.create_task(each.nudged(partial(heard.append, name)))
        for name, each in (("one", store), ("two", other))
    ]
    async with asyncio.timeout(20):
        while set(heard) != {"one", "two"}:  # noqa: ASYNC110  # each is woken once at the begin
            await asyncio.sleep(0)
        heard.clear()
        for number in range(5):
            await put_in(store, str(number))
        while not heard or await jobs(house):  # noqa: ASYNC110  # nobody tells
            await asyncio.sleep(0)
    assert 1 <= len(heard) <= 5
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_the_environment_has_no_say_in_its_tables(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PGQUEUER_PREFIX", "PGQUEUER_SCHEMA", "PGQUEUER_QUEUE_TABLE", "CHANNEL"):
        monkeypatch.setenv(name, "elsewhere")
    assert Nudges(store._db.address)._settings == store._nudges._settings


async def test_a_nudge_names_what_one_transaction_kept(
    house: PostgresHouse, store: PostgresStore
) -> None:
    first = await put_in(store, "0")
    assert await jobs(house) == [first.id]
    found = await asyncio.gather(*(put_in(store, str(number)) for number in range(9)))
    named = [each for job in await jobs(house) for each in job.split(",")]
    assert sorted(named, key=int) == sorted({each.id for each in found}, key=int)
    assert len(await jobs(house)) < 9


async def test_what_was_known_wakes_nobody(house: PostgresHouse, store: PostgresStore) -> None:
    event = await put_in(store, "known")
    again = await put_in(store, "known")
    assert (again.id, again.fresh, again.state) == (event.id, False, EventState.READY)
    assert len(await jobs(house)) == 1


async def test_what_is_not_kept_wakes_nobody(
    house: PostgresHouse, store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = store._nudges.send

    async def cut_off(connection: Any, events: Sequence[int]) -> None:
        await whole(connection, events)
        raise ConnectionResetError

    monkeypatch.setattr(store._nudges, "send", cut_off)
    with pytest.raises(StoreUnavailable):
        await put_in(store, "lost")
    assert await jobs(house) == []
    assert await store.inbox_rows() == []


async def test_what_nobody_was_woken_for_is_claimed_all_the_same(
    store: PostgresStore, other: PostgresStore
) -> None:
    event = await put_in(store, "due")
    assert [each.id for each in await other.claim(now=NOW, limit=1)] == [event.id]


async def test_what_is_revived_wakes_a_worker(
    house: PostgresHouse, store: PostgresStore, other: PostgresStore
) -> None:
    event = await put_in(store, "dead")
    (claimed,) = await store.claim(now=NOW, limit=1)
    await store.finish(claimed.id, EventState.DEAD, now=NOW)
    async with hearing(other) as woken, asyncio.timeout(20):
        while await jobs(house):  # noqa: ASYNC110  # the first nudge; nobody tells
            await asyncio.sleep(0)
        woken.clear()
        assert await store.revive(event.id, now=NOW)
        await woken.wait()
    assert [each.id for each in await other.claim(now=NOW, limit=1)] == [event.id]


async def test_what_is_not_revived_wakes_nobody(
    house: PostgresHouse, store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = await put_in(store, "dead")
    before = await jobs(house)
    assert not await store.revive(event.id, now=NOW)
    assert await jobs(house) == before

    async def cut_off(_connection: Any, _events: Sequence[int]) -> None:
        raise ConnectionResetError

    await store.claim(now=NOW, limit=1)
    await store.finish(event.id, EventState.DEAD, now=NOW)
    monkeypatch.setattr(store._nudges, "send", cut_off)
    with pytest.raises(StoreUnavailable):
        await store.revive(event.id, now=NOW)
    assert [row.state for row in await store.inbox_rows()] == [EventState.DEAD]
