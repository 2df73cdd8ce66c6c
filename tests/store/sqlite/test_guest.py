"""A guest writes beside the process that has the database to itself."""

from collections.abc import AsyncIterator

import pytest

from innkeeper.errors import StoreUnavailable
from innkeeper.store.records import Outcome
from innkeeper.store.seal import KeyRing
from innkeeper.store.sqlite import SqliteStore
from innkeeper.store.vault import SqliteVault
from tests.contracts.houses import APP, NOW, SqliteHouse, opened

pytestmark = pytest.mark.anyio


@pytest.fixture
async def guest(house: SqliteHouse, store: SqliteStore) -> AsyncIterator[SqliteStore]:
    assert await store.ready()  # it is open, and has the file to itself
    folder = house.folder
    vault = SqliteVault(
        str(folder / "vault.db"), KeyRing.parse(house.ring), app=APP, read_only=True
    )
    guest = SqliteStore(str(folder / "store.db"), vault=vault, app=APP, guest=True)
    await vault.open()
    await guest.open()
    yield guest
    await guest.close()
    await vault.close()


async def test_settles_a_case_that_the_app_then_finds_settled(
    store: SqliteStore, guest: SqliteStore
) -> None:
    ana = await opened(store)
    case = await store.open_case("one", installation_id=ana, now=NOW)
    assert await guest.close_case(case.id, outcome=Outcome.PURGE, now=NOW)
    assert not await store.close_case(case.id, outcome=Outcome.KEPT, now=NOW)
    (found,) = await store.unsettled_cases(limit=9)
    assert found.outcome is Outcome.PURGE
    assert await store.ready()


async def test_the_app_goes_on_after_the_guest_has_left(
    store: SqliteStore, guest: SqliteStore
) -> None:
    ana = await opened(store)
    await guest.open_case("one", installation_id=ana, now=NOW)
    await guest.close()
    assert len(await store.cases_of(ana)) == 1
    await store.set_state(ana, "key", b"value")
    await store.scrub()
    assert await store.ready()


async def test_a_guest_makes_and_migrates_nothing(house: SqliteHouse, vault: SqliteVault) -> None:
    path = house.folder / "other.db"
    guest = SqliteStore(str(path), vault=vault, app=APP, guest=True)
    with pytest.raises(StoreUnavailable):
        await guest.open()
    assert not path.exists()
