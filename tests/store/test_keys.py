from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from innkeeper.ids import AccountId, UserId
from innkeeper.store import keys as module
from innkeeper.store.keys import Keys, owner_index
from innkeeper.store.records import Owner
from innkeeper.store.seal import BlindIndex
from innkeeper.store.vault import SqliteVault
from tests.contracts.houses import SqliteHouse

pytestmark = pytest.mark.anyio


@pytest.fixture
async def vault(tmp_path: Path) -> AsyncIterator[SqliteVault]:
    vault = SqliteHouse(tmp_path).vault()
    await vault.open()
    yield vault
    await vault.close()


async def test_keeps_a_seal_at_hand_until_its_key_is_destroyed(vault: SqliteVault) -> None:
    keys = Keys(vault, app="app")
    assert await keys.find("ins_1") is None
    seal = await keys.make("ins_1")
    assert await keys.find("ins_1") is seal
    await vault.destroy_key("ins_1")
    assert await keys.find("ins_1") is None
    assert (await keys.make("ins_1")).key_id != seal.key_id


async def test_notices_that_a_key_was_made_anew(vault: SqliteVault) -> None:
    keys = Keys(vault, app="app")
    seal = await keys.make("day:2026-11-23")
    await vault.destroy_key("day:2026-11-23")
    await vault.make_key("day:2026-11-23")
    found = await keys.find("day:2026-11-23")
    assert found is not None
    assert found.key_id != seal.key_id


async def test_keeps_a_bounded_number_of_seals(
    vault: SqliteVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_CACHE_SIZE", 2)
    keys = Keys(vault, app="app")
    first = await keys.make("ins_1")
    for subject in ("ins_2", "ins_3"):
        await keys.make(subject)
    again = await keys.find("ins_1")
    assert again is not None
    assert again is not first
    assert again.key_id == first.key_id


def test_an_account_is_not_found_as_one_of_its_users() -> None:
    index = BlindIndex(b"k" * 32, app="app")
    account = Owner(AccountId("a"))
    assert owner_index(index, account) != owner_index(index, Owner(AccountId("a"), UserId("")))
    assert owner_index(index, account) == owner_index(index, Owner(AccountId("a")))
