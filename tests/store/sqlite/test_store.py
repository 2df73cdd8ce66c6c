# pyright: reportPrivateUsage=false
# These tests look behind the contract, which has its own suite.

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from innkeeper.ids import EventId
from innkeeper.store.records import (
    EventState,
)
from innkeeper.store.sqlite import SqliteStore
from tests.contracts.houses import (
    MINUTE,
    NOW,
    accepted,
    body,
    opened,
    owner,
    person,
    purge_begun,
)
from tests.store.sqlite.beside import by_hand

pytestmark = pytest.mark.anyio


async def test_forgets_hashes_a_thousand_at_a_time(store: SqliteStore) -> None:
    events = await asyncio.gather(*(accepted(store, body(text=str(n))) for n in range(1500)))
    for event in events:
        store.finish_soon(event.id, EventState.DONE)
    await store.ready()
    forgotten = await store.expire_inbox(hashes_before=NOW + MINUTE, bodies_before=NOW)
    assert forgotten == 1500
    assert await store.inbox_rows() == []


async def test_remembers_a_bounded_number_of_owners(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("innkeeper.store.sqlite.part._LINKS_KEPT", 2)
    names = ("ana", "bob", "eve")
    ids = [await opened(store, name) for name in names]
    assert set(store._links.values()) == {ids[2]}
    for name in names:
        await store.find_installation(owner(name))
    assert len(store._links) <= 2


async def test_forgets_whose_an_installation_was_when_it_is_purged(store: SqliteStore) -> None:
    ana = await opened(store)
    assert store._links == {owner(): ana}
    await purge_begun(store, ana)
    await store.find_installation(owner())
    assert store._links == {}


async def test_an_installation_that_is_purged_while_it_is_authorized_is_opened_anew(
    store: SqliteStore,
) -> None:
    first = await opened(store)
    _, (again, new) = await asyncio.gather(
        purge_begun(store, first),
        store.open_installation(owner(), person(), authorized_at=NOW + timedelta(hours=1)),
    )
    assert new
    assert (again.id != first, again.generation) == (True, 2)
    assert await store.find_installation(owner()) == again


async def test_erasing_goes_on_where_a_body_was_altered(store: SqliteStore, tmp_path: Path) -> None:
    ana = await opened(store)
    await accepted(store, body(text="1"), name="ana")
    await accepted(store, body(text="2"))
    await accepted(store, b'{"event":"account","payload":{"accountId":"account-of-ana"}}')
    by_hand(tmp_path, "UPDATE inbox_bodies SET sealed = x'01' WHERE id IN (1, 2)")
    await purge_begun(store, ana)
    assert await store.erase(ana, "inbox") == 1
    states = {row.id: row.state for row in await store.inbox_rows()}
    assert (states[EventId("1")], states[EventId("2")]) == (
        EventState.DROPPED,
        EventState.CLAIMED,
    )
