# pyright: reportPrivateUsage=false
# These tests look behind the contract, which has its own suite.

from pathlib import Path

import pytest

from innkeeper.errors import Fenced, SealBroken
from innkeeper.store.records import (
    EventState,
)
from innkeeper.store.sqlite import SqliteStore
from tests.contracts.houses import (
    NOW,
    accepted,
    body,
    opened,
    owner,
    purge_begun,
    user_grant,
)
from tests.store.sqlite.beside import by_hand

pytestmark = pytest.mark.anyio


async def test_refuses_a_sealed_value_that_was_moved(store: SqliteStore, tmp_path: Path) -> None:
    ana, bob = await opened(store), await opened(store, "bob")
    for each in (ana, bob):
        await store.save_grant(user_grant(each), replaces=0, now=NOW)
        await store.set_state(each, "due", b"friday")
    for table in ("installations", "grants", "states"):
        by_hand(
            tmp_path,
            "UPDATE table_ SET sealed = (SELECT sealed FROM table_ AS other"
            " WHERE other.rowid <> table_.rowid)".replace("table_", table),
        )
    for read in (store.find_installation(owner()), store.find_grant(ana)):
        with pytest.raises(SealBroken):
            await read
    with pytest.raises(SealBroken):
        await store.get_state(ana, "due")
    with pytest.raises(SealBroken):
        await store.installations()


async def test_refuses_an_older_value_put_back_in_place(store: SqliteStore, tmp_path: Path) -> None:
    ana = await opened(store)
    await store.set_state(ana, "due", b"friday")
    by_hand(tmp_path, "CREATE TABLE kept AS SELECT sealed FROM states")
    await store.set_state(ana, "due", b"monday")
    by_hand(tmp_path, "UPDATE states SET sealed = (SELECT sealed FROM kept)")
    with pytest.raises(SealBroken):
        await store.get_state(ana, "due")


async def test_sets_aside_an_event_whose_body_was_altered(
    store: SqliteStore, tmp_path: Path
) -> None:
    first = await accepted(store, body(text="1"))
    second = await accepted(store, body(text="2"))
    third = await accepted(store, body(text="3"))
    by_hand(
        tmp_path,
        "UPDATE inbox_bodies SET sealed = (SELECT sealed FROM inbox_bodies WHERE id = 3)"
        " WHERE id IN (1, 2)",
    )
    await store.reclaim(now=NOW)
    assert [event.id for event in await store.claim(now=NOW, limit=10)] == [third.id]
    rows = {row.id: (row.state, row.reason) for row in await store.inbox_rows()}
    assert rows[first.id] == rows[second.id] == (EventState.QUARANTINED, "seal_broken")


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE installations SET welcomed = 1",
        "UPDATE installations SET status = 'live'",
        "INSERT INTO grants (id, installation_id, kind) VALUES ('g', '{id}', 'user')",
        "UPDATE grants SET used_at = 5",
        "INSERT INTO states VALUES ('{id}', x'00', 1, x'00')",
        "UPDATE states SET version = 5",
        "INSERT INTO cases (id, installation_id, reason, opened_at) VALUES ('c', '{id}', 'r', 1)",
        "INSERT INTO inbox_bodies VALUES (77, '{id}', x'00')",
        "UPDATE inbox_bodies SET installation_id = '{id}'",
        "INSERT INTO inbox_answers VALUES (1, '{id}', x'00')",
    ],
)
async def test_the_database_itself_refuses_a_write_that_forgets_the_fence(
    store: SqliteStore, sql: str
) -> None:
    ana = await opened(store)
    await store.save_grant(user_grant(ana), replaces=0, now=NOW)
    await store.set_state(ana, "due", b"friday")
    await accepted(store, body())
    await purge_begun(store, ana)
    with pytest.raises(Fenced):
        await store._db.change(sql.format(id=ana))
