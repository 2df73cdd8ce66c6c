"""Who holds an event, and who takes over what a dead process held."""

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncpg
import pytest

from innkeeper.errors import StoreUnavailable
from innkeeper.store.postgres import PostgresStore, arrivals
from innkeeper.store.postgres.connection import Connection
from innkeeper.store.records import EventState
from tests.contracts.houses import DAY, NOW, PostgresHouse, accepted, body

pytestmark = pytest.mark.anyio

TWO_MINUTES = "UPDATE {}.processes SET beat_at = beat_at - interval '2 minutes' WHERE id = ANY($1)"


async def silence(house: PostgresHouse, *stores: PostgresStore) -> None:
    """Let the server believe that nothing was heard of these for two minutes."""
    connection = await asyncpg.connect(house.server.url)
    names = [name for store in stores for name in store._names]
    await connection.execute(TWO_MINUTES.format(house.space), names)
    await connection.close()


async def test_takes_over_what_a_silent_process_held(  # F09
    house: PostgresHouse, store: PostgresStore, other: PostgresStore
) -> None:
    arrived = await accepted(other, body(text="arrived"))
    claimed = await accepted(other, body(text="claimed"))
    await other.defer(claimed.id, until=NOW, reason="again")
    assert len(await other.claim(now=NOW, limit=10)) == 1
    await store.keep_alive()
    assert await store.claim(now=NOW + DAY, limit=10) == []

    await silence(house, other)
    assert await store.keep_alive() == 2
    assert await store.keep_alive() == 0
    taken = await store.claim(now=NOW, limit=10)
    assert [event.id for event in taken] == [arrived.id, claimed.id]
    assert [event.attempts for event in taken] == [2, 3]


async def test_who_was_taken_for_dead_disturbs_nobody(  # F09
    house: PostgresHouse, store: PostgresStore, other: PostgresStore
) -> None:
    event = await accepted(other, body())
    await store.keep_alive()
    await silence(house, other)
    await store.keep_alive()
    assert len(await store.claim(now=NOW, limit=10)) == 1
    await other.keep_alive()
    await other.defer(event.id, until=NOW, reason="late")
    assert await other.claim(now=NOW + DAY, limit=10) == []
    await store.finish(event.id, EventState.DONE, now=NOW)
    (row,) = await store.inbox_rows()
    assert row.state is EventState.DONE
    again = await accepted(other, body(text="it works on"))
    await other.defer(again.id, until=NOW, reason="later")
    assert [each.id for each in await store.claim(now=NOW, limit=10)] == [again.id]


async def test_who_was_out_itself_judges_nobody(  # F50 F66
    house: PostgresHouse, store: PostgresStore, other: PostgresStore
) -> None:
    await accepted(other, body())
    await silence(house, store, other)  # the server was down: nobody was heard
    assert await store.keep_alive() == 0
    await other.keep_alive()
    assert await store.keep_alive() == 0
    assert await store.claim(now=NOW + DAY, limit=10) == []


async def test_who_leaves_gives_back_what_it_held(
    house: PostgresHouse, store: PostgresStore
) -> None:
    vault = house.vault()
    await vault.open()
    leaving = house.store(vault)
    await leaving.open()
    event = await accepted(leaving, body())
    await leaving.close()
    await vault.close()
    assert await store.keep_alive() == 1
    assert [each.id for each in await store.claim(now=NOW, limit=10)] == [event.id]


async def test_each_of_many_events_is_claimed_by_one(
    store: PostgresStore, other: PostgresStore
) -> None:
    ids = [(await accepted(store, body(text=str(number)))).id for number in range(60)]
    for each in ids:
        await store.defer(each, until=NOW, reason="later")
    claims = await asyncio.gather(
        *(by.claim(now=NOW, limit=7) for _ in range(6) for by in (store, other))
    )
    claimed = [event.id for claim in claims for event in claim]
    assert sorted(claimed, key=int) == sorted(ids, key=int)


async def test_two_processes_that_are_sent_the_same_keep_it_once(
    store: PostgresStore, other: PostgresStore
) -> None:
    texts = [str(number) for number in range(80)]
    there = [accepted(store, body(text=text)) for text in texts]
    here = [accepted(other, body(text=text)) for text in reversed(texts)]
    found = await asyncio.gather(*there, *here)
    assert sum(each.fresh for each in found) == 80
    assert len({each.id for each in found}) == 80


async def test_gives_back_an_arrival_whose_answer_was_lost(  # F42
    store: PostgresStore, other: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = arrivals.write_arrivals

    async def cut_off(connection: Connection, items: Sequence[Any]) -> Sequence[Any]:
        await whole(connection, items)
        raise ConnectionResetError

    monkeypatch.setattr(store._arrivals, "_bulk", cut_off)
    with pytest.raises(StoreUnavailable):
        await accepted(store, body())
    monkeypatch.setattr(store._arrivals, "_bulk", whole)
    again = await accepted(other, body())
    assert (again.fresh, again.state) == (False, EventState.CLAIMED)
    await store.keep_alive()
    (event,) = await other.claim(now=NOW, limit=10)
    assert (event.id, event.body) == (again.id, body())


async def test_gives_back_a_claim_whose_answer_was_lost(  # F42
    store: PostgresStore, other: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [(await accepted(store, body(text=text))).id for text in ("known", "lost")]
    await store.defer(ids[0], until=NOW, reason="later")
    assert len(await store.claim(now=NOW, limit=10)) == 1
    await store.defer(ids[1], until=NOW, reason="later")
    whole = store._db.rows

    async def cut_off(sql: str, *values: object) -> Sequence[Any]:
        await whole(sql, *values)
        raise StoreUnavailable

    monkeypatch.setattr(store._db, "rows", cut_off)
    with pytest.raises(StoreUnavailable):
        await store.claim(now=NOW, limit=10)
    monkeypatch.setattr(store._db, "rows", whole)
    assert await other.claim(now=NOW, limit=10) == []
    assert [each.id for each in await store.claim(now=NOW, limit=10)] == [ids[1]]


async def test_a_lost_claim_gives_back_nothing_whose_end_is_on_its_way(
    store: PostgresStore, other: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    handled = await accepted(store, body())
    await store.defer(handled.id, until=NOW, reason="later")
    assert len(await store.claim(now=NOW, limit=10)) == 1

    async def away(*_: object) -> Sequence[Any]:
        raise StoreUnavailable

    with monkeypatch.context() as outage:
        outage.setattr(store._endings, "_bulk", away)
        store.finish_soon(handled.id, EventState.DONE)
        with monkeypatch.context() as lost:
            lost.setattr(store._db, "rows", away)
            with pytest.raises(StoreUnavailable):
                await store.claim(now=NOW, limit=10)
        assert await store.claim(now=NOW, limit=10) == []
    await store.close()
    assert [row.state for row in await other.inbox_rows()] == [EventState.DONE]
