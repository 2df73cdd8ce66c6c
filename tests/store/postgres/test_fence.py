"""Nothing is written for somebody who leaves, whichever process writes it."""

import asyncio

import asyncpg
import pytest

from innkeeper.errors import DatabaseUnreachable, Fenced, StoreUnavailable
from innkeeper.store.addresses import PostgresAddress
from innkeeper.store.postgres import PostgresStore, PostgresVault
from innkeeper.store.postgres.connection import Connection
from innkeeper.store.postgres.part import hold
from innkeeper.store.seal import KeyRing
from tests.contracts.houses import (
    NOW,
    PostgresHouse,
    accepted,
    body,
    opened,
    purge_begun,
    user_grant,
)

pytestmark = pytest.mark.anyio


async def test_a_purge_waits_for_a_write_that_has_begun(
    store: PostgresStore, other: PostgresStore
) -> None:
    ana = await opened(store)
    held, go_on = asyncio.Event(), asyncio.Event()

    async def job(connection: Connection) -> bool:
        live = await hold(connection, ana)
        held.set()
        await go_on.wait()
        return live

    writing = asyncio.create_task(store._db.write(job))
    await held.wait()
    purging = asyncio.create_task(purge_begun(other, ana))
    done, _ = await asyncio.wait([purging], timeout=0.2)
    assert not done
    go_on.set()
    assert await writing
    assert (await purging).installation_id == ana
    with pytest.raises(Fenced):
        await store.set_state(ana, "due", b"friday")


async def test_of_writes_and_a_purge_at_once_nothing_is_left_over(
    store: PostgresStore, other: PostgresStore
) -> None:
    ana = await opened(store)
    await store.find_installation((await store.installations())[0].owner)
    writes = [store.set_state(ana, str(number), b"x") for number in range(20)]
    writes += [accepted(store, body(text=str(number)), name="ana") for number in range(20)]  # type: ignore[misc]
    writes.append(store.save_grant(user_grant(ana), replaces=0, now=NOW))  # type: ignore[arg-type]
    ended = await asyncio.gather(*writes, purge_begun(other, ana), return_exceptions=True)
    wrong = [each for each in ended if isinstance(each, Exception) and not isinstance(each, Fenced)]
    assert wrong == []
    for part in ("state", "grants", "inbox"):
        await other.erase(ana, part)
    for part in ("state", "grants"):
        assert await store.erase(ana, part) == 0
    assert all(row.installation_id is None for row in await store.inbox_rows())


FORGOTTEN = {
    "states": "INSERT INTO states (installation_id, key_index, version, sealed)"
    " VALUES ($1, '', 1, '')",
    "grants": "INSERT INTO grants (id, installation_id, kind) VALUES ($1, $1, 'user')",
    "cases": "INSERT INTO cases (id, installation_id, reason, opened_at) VALUES ($1, $1, '', 0)",
    "inbox_bodies": "INSERT INTO inbox_bodies (id, installation_id, sealed, attempts)"
    " VALUES (1, $1, '', 0)",
    "installations": "UPDATE installations SET status = 'live' WHERE id = $1",
}


@pytest.mark.parametrize("table", FORGOTTEN)
async def test_a_write_that_forgets_the_fence_is_refused(store: PostgresStore, table: str) -> None:
    ana = await opened(store)
    await purge_begun(store, ana)
    with pytest.raises(Fenced):
        await store._db.change(FORGOTTEN[table], ana)


async def test_a_key_that_one_destroys_is_forgotten_by_all(
    house: PostgresHouse, vault: PostgresVault
) -> None:
    elsewhere = house.vault()
    await elsewhere.open()
    await vault.make_key("ins_1")
    await vault.make_key("day:2026-11-01")
    subjects = ("ins_1", "day:2026-11-01")
    assert all([await elsewhere.find_key(subject) for subject in subjects])
    await vault.destroy_key("ins_1")
    await vault.destroy_days_before(NOW.date())
    async with asyncio.timeout(10):
        while any([await elsewhere.find_key(subject) for subject in subjects]):  # noqa: ASYNC110  # it tells nobody
            await asyncio.sleep(0.01)
    await elsewhere.close()


async def test_one_app_does_not_open_anothers_schema(
    house: PostgresHouse, vault: PostgresVault, store: PostgresStore
) -> None:
    assert await store.ready()
    foreign = PostgresStore(house.server.address(house.space), vault=vault, app="another-app")
    with pytest.raises(StoreUnavailable, match="another app's"):
        await foreign.open()


async def test_says_what_is_wrong_where_nobody_answers(house: PostgresHouse) -> None:
    url = "postgresql://innkeeper:very-secret@127.0.0.1:1/db"
    address = PostgresAddress.parse(url, schema="x")
    vault = PostgresVault(address, KeyRing.parse(house.ring), app="app")
    with pytest.raises(DatabaseUnreachable) as refused:
        await vault.open()
    assert "very-secret" not in str(refused.value)
    assert isinstance(refused.value.__cause__, (OSError, asyncpg.PostgresError))
