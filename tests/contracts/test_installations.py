import asyncio

import pytest

from innkeeper.errors import Fenced
from innkeeper.ids import AccountId, InstallationId, ReceiptId
from innkeeper.secret import Secret
from innkeeper.store.base import Store, Vault
from innkeeper.store.records import (
    InstallationStatus,
    Owner,
    PendingInstall,
    Tombstone,
)
from tests.contracts.houses import DAY, MINUTE, NOW, House, opened, owner, person, purge_begun

pytestmark = pytest.mark.anyio


def pending(attempt: str = "attempt-1") -> PendingInstall:
    return PendingInstall(attempt, Secret("verifier-of-pkce"), NOW + 10 * MINUTE, "what-it-carries")


async def test_opens_an_installation_once_for_each_owner(store: Store) -> None:
    first, new = await store.open_installation(owner(), person(), authorized_at=NOW)
    assert new
    assert (first.generation, first.status, first.welcomed) == (1, InstallationStatus.LIVE, False)
    assert (first.owner, first.person, first.authorized_at) == (owner(), person(), NOW)
    assert await store.find_installation(owner()) == first
    assert await store.get_installation(first.id) == first
    assert await store.find_by_receipt(first.receipt_id) == first
    assert await store.installations() == [first]


async def test_finds_nothing_that_is_not_there(store: Store) -> None:
    await opened(store)
    assert await store.find_installation(owner("bob")) is None
    assert await store.find_installation(Owner(owner().account_id)) is None
    assert await store.get_installation(InstallationId("ins_nobody")) is None
    assert await store.find_by_receipt(ReceiptId("rcp_nobody")) is None


async def test_tells_an_account_from_a_user_without_an_id(store: Store) -> None:
    whole = Owner(AccountId("account"))
    await store.open_installation(whole, person(), authorized_at=NOW)
    assert await store.find_installation(Owner(AccountId("account"), owner().user_id)) is None
    found = await store.find_installation(whole)
    assert found is not None
    assert found.owner == whole


async def test_many_who_open_at_once_get_one_installation(store: Store) -> None:
    found = await asyncio.gather(
        *(store.open_installation(owner(), person(), authorized_at=NOW) for _ in range(20))
    )
    assert sum(new for _, new in found) == 1
    assert len({installation.id for installation, _ in found}) == 1
    assert len(await store.installations()) == 1


async def test_authorizing_anew_keeps_what_it_is_and_moves_who_it_is(store: Store) -> None:
    first, _ = await store.open_installation(owner(), person(), authorized_at=NOW)
    await store.mark_welcomed(first.id)
    await store.set_status(first.id, InstallationStatus.NEEDS_REAUTH)
    again, new = await store.open_installation(owner(), person("new"), authorized_at=NOW + MINUTE)
    assert not new
    assert (again.id, again.generation, again.receipt_id) == (first.id, 1, first.receipt_id)
    assert (again.welcomed, again.status) == (True, InstallationStatus.NEEDS_REAUTH)
    assert (again.person, again.authorized_at) == (person("new"), NOW + MINUTE)
    back, _ = await store.open_installation(owner(), person(), authorized_at=NOW)
    assert back.authorized_at == NOW + MINUTE


async def test_a_new_generation_follows_a_tombstone(store: Store, vault: Vault) -> None:
    old = InstallationId("ins_of_long_ago")
    await vault.bury(Tombstone(old, 4, NOW - DAY, NOW - DAY), owner=owner())
    installation, _ = await store.open_installation(owner(), person(), authorized_at=NOW)
    assert installation.generation == 5
    other, _ = await store.open_installation(owner("bob"), person("bob"), authorized_at=NOW)
    assert other.generation == 1


async def test_has_its_key_in_the_vault_before_it_has_a_row(store: Store, vault: Vault) -> None:
    found = await vault.find_key(await opened(store))
    assert found is not None
    assert len(found[1]) == 32


async def test_moves_a_live_installation_to_needs_reauth_and_back(store: Store) -> None:
    ana = await opened(store)
    for status in (InstallationStatus.NEEDS_REAUTH, InstallationStatus.LIVE):
        await store.set_status(ana, status)
        found = await store.get_installation(ana)
        assert found is not None
        assert found.status is status
    with pytest.raises(ValueError, match="begin_purge"):
        await store.set_status(ana, InstallationStatus.PURGING)


async def test_one_of_many_takes_the_welcome(store: Store) -> None:
    ana = await opened(store)
    taken = await asyncio.gather(*(store.mark_welcomed(ana) for _ in range(20)))
    assert sum(taken) == 1


async def test_nothing_is_written_to_an_installation_that_is_over(store: Store) -> None:
    ana = await opened(store)
    await purge_begun(store, ana)
    for each in (ana, InstallationId("ins_nobody")):
        with pytest.raises(Fenced):
            await store.set_status(each, InstallationStatus.LIVE)
        with pytest.raises(Fenced):
            await store.mark_welcomed(each)


async def test_survives_a_restart(house: House, vault: Vault, store: Store) -> None:
    ana, _ = await store.open_installation(owner(), person(), authorized_at=NOW)
    await store.begin_install("state", pending())
    await store.close()
    await vault.close()
    vault = house.vault()
    await vault.open()
    store = house.store(vault)
    await store.open()
    assert await store.find_installation(owner()) == ana
    assert await store.consume_state("state") == pending()
    await store.close()
    await vault.close()


async def test_lists_installations_oldest_first(store: Store) -> None:
    ids = [await opened(store, name) for name in ("ana", "bob", "eve")]
    assert [each.id for each in await store.installations()] == ids
    assert [each.id for each in await store.installations(limit=2)] == ids[:2]


async def test_an_installation_whose_key_is_gone_is_an_orphan_and_nothing_else(
    store: Store, vault: Vault
) -> None:
    ana, bob = await opened(store), await opened(store, "bob")
    assert await store.orphans() == []
    await vault.destroy_key(ana)
    assert await store.orphans() == [ana]
    assert await store.find_installation(owner()) is None
    assert await store.get_installation(ana) is None
    assert [each.id for each in await store.installations()] == [bob]


async def test_an_orphan_does_not_keep_its_owner_from_coming_back(
    store: Store, vault: Vault
) -> None:
    ana = await opened(store)
    await vault.destroy_key(ana)
    back, new = await store.open_installation(owner(), person(), authorized_at=NOW)
    assert new
    assert (back.generation, back.id != ana) == (2, True)
    assert await store.orphans() == [ana]
    await store.erase_installation(ana)
    assert await store.orphans() == []
    assert await store.find_installation(owner()) == back


# begun at /install


async def test_one_of_fifty_gets_a_begun_installation(store: Store) -> None:
    await store.begin_install("state", pending())
    assert await store.peek_state("state") == pending()
    found = await asyncio.gather(*(store.consume_state("state") for _ in range(50)))
    assert [each for each in found if each is not None] == [pending()]
    assert await store.peek_state("state") is None
    assert await store.consume_state("state") is None


async def test_states_do_not_stand_in_for_each_other(store: Store) -> None:
    await store.begin_install("one", pending("1"))
    await store.begin_install("two", pending("2"))
    assert await store.consume_state("three") is None
    assert await store.consume_state("two") == pending("2")
    assert await store.consume_state("one") == pending("1")


async def test_drops_begun_installations_whose_time_is_up(store: Store) -> None:
    await store.begin_install("state", pending())
    assert await store.expire_pending(before=NOW + 10 * MINUTE) == 0
    assert await store.expire_pending(before=NOW + 11 * MINUTE) == 1
    assert await store.consume_state("state") is None
