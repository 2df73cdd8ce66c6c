import asyncio

import pytest

from innkeeper.errors import Fenced
from innkeeper.ids import InstallationId
from innkeeper.store.base import Store, Vault
from tests.contracts.houses import House, opened, purge_begun

pytestmark = pytest.mark.anyio


async def test_keeps_each_installations_values_apart(store: Store) -> None:
    ana, bob = await opened(store), await opened(store, "bob")
    await store.set_state(ana, "due", b"friday")
    await store.set_state(bob, "due", b"monday")
    await store.set_state(ana, "other", b"")
    assert await store.get_state(ana, "due") == b"friday"
    assert await store.get_state(bob, "due") == b"monday"
    assert await store.get_state(ana, "other") == b""
    assert await store.get_state(bob, "other") is None
    assert await store.get_state(InstallationId("ins_nobody"), "due") is None


async def test_the_last_of_many_writes_stands(store: Store) -> None:
    ana = await opened(store)
    await asyncio.gather(*(store.set_state(ana, "count", str(n).encode()) for n in range(50)))
    assert await store.get_state(ana, "count") == b"49"


async def test_deletes_a_value_once(store: Store) -> None:
    ana = await opened(store)
    await store.set_state(ana, "due", b"friday")
    assert await store.delete_state(ana, "due")
    assert not await store.delete_state(ana, "due")
    assert await store.get_state(ana, "due") is None


async def test_values_survive_a_restart(house: House, vault: Vault, store: Store) -> None:
    ana = await opened(store)
    await store.set_state(ana, "due", b"friday")
    await store.close()
    store = house.store(vault)
    await store.open()
    assert await store.get_state(ana, "due") == b"friday"
    await store.close()


async def test_nothing_is_written_for_an_installation_that_is_over(
    store: Store, vault: Vault
) -> None:
    ana, bob = await opened(store), await opened(store, "bob")
    await store.set_state(ana, "due", b"friday")
    await purge_begun(store, ana)
    await vault.destroy_key(bob)
    for each in (ana, bob, InstallationId("ins_nobody")):
        with pytest.raises(Fenced):
            await store.set_state(each, "due", b"monday")
    assert await store.get_state(ana, "due") == b"friday"
    assert await store.get_state(bob, "due") is None
