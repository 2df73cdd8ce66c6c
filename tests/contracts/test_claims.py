import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from innkeeper.errors import Fenced
from innkeeper.ids import EventId, InstallationId
from innkeeper.store.base import Store, Vault
from innkeeper.store.records import Effect, EventState
from tests.contracts.houses import DAY, NOW, House, accepted, body, opened, purge_begun

pytestmark = pytest.mark.anyio


async def happened(store: Store, text: str = "one", name: str = "ana") -> EventId:
    return (await accepted(store, body(name, text=text), name=name)).id


# what is used up


async def test_one_event_uses_a_thing_up_and_may_go_on_with_it(store: Store) -> None:
    ana = await opened(store)
    one, two = await happened(store, "one"), await happened(store, "two")
    assert await store.consume(ana, "order 7", event=one)
    assert not await store.consume(ana, "order 7", event=two)
    assert await store.consume(ana, "order 7", event=one)
    assert await store.consume(ana, "order 8", event=two)


async def test_what_one_installation_has_used_up_another_has_not(store: Store) -> None:
    ana, bob = await opened(store), await opened(store, "bob")
    assert await store.consume(ana, "order 7", event=await happened(store))
    assert await store.consume(bob, "order 7", event=await happened(store, name="bob"))


async def test_one_of_fifty_events_at_once_gets_it(store: Store) -> None:
    ana = await opened(store)
    events = [await happened(store, f"press {number}") for number in range(50)]
    got = await asyncio.gather(
        *(store.consume(ana, "order 7", event=event) for event in events * 2)
    )
    assert sum(got) == 2
    assert got[:50] == got[50:]


async def test_it_stays_used_up_when_the_event_is_forgotten_and_another_has_its_id(
    house: House, vault: Vault, store: Store
) -> None:
    ana = await opened(store)
    one = await happened(store)
    assert await store.consume(ana, "order 7", event=one)
    await store.finish(one, EventState.DONE, now=NOW)
    await store.expire_inbox(hashes_before=NOW + DAY, bodies_before=NOW - DAY)
    assert await store.inbox_rows() == []
    await store.close()
    store = house.store(vault)
    await store.open()
    assert not await store.consume(ana, "order 7", event=await happened(store, "two"))
    await store.close()


# what is done once


async def test_an_effect_begins_once_and_then_tells_what_it_gave(store: Store) -> None:
    ana, one = await opened(store), await happened(store)
    assert await store.begin_effect(ana, one, "charge") == Effect(fresh=True)
    assert await store.begin_effect(ana, one, "charge") == Effect(fresh=False)
    await store.end_effect(ana, one, "charge", result=b"")
    assert await store.begin_effect(ana, one, "charge") == Effect(fresh=False, result=b"")


async def test_effects_of_other_events_and_other_keys_are_others(store: Store) -> None:
    ana, one, two = await opened(store), await happened(store), await happened(store, "two")
    assert (await store.begin_effect(ana, one, "charge")).fresh
    assert (await store.begin_effect(ana, two, "charge")).fresh
    assert (await store.begin_effect(ana, one, "ship")).fresh


async def test_one_of_fifty_callers_begins_an_effect(store: Store) -> None:
    ana, one = await opened(store), await happened(store)
    begun = await asyncio.gather(*(store.begin_effect(ana, one, "charge") for _ in range(50)))
    assert sum(effect.fresh for effect in begun) == 1


async def test_an_effect_that_did_not_come_about_begins_again(store: Store) -> None:
    ana, one = await opened(store), await happened(store)
    await store.begin_effect(ana, one, "charge")
    await store.drop_effect(one, "charge")
    assert (await store.begin_effect(ana, one, "charge")).fresh
    await store.end_effect(ana, one, "charge", result=b"7")
    await store.drop_effect(one, "charge")
    assert (await store.begin_effect(ana, one, "charge")).result == b"7"


async def test_reviving_an_event_begins_again_what_has_no_known_end(store: Store) -> None:
    ana, one, two = await opened(store), await happened(store), await happened(store, "two")
    for event in (one, two):
        await store.begin_effect(ana, event, "charge")
    await store.begin_effect(ana, one, "ship")
    await store.end_effect(ana, one, "ship", result=b"sent")
    assert not await store.revive(one, now=NOW)
    assert not (await store.begin_effect(ana, one, "charge")).fresh
    await store.finish(one, EventState.DEAD, now=NOW, installation_id=ana)
    assert await store.revive(one, now=NOW)
    assert (await store.begin_effect(ana, one, "charge")).fresh
    assert (await store.begin_effect(ana, one, "ship")).result == b"sent"
    assert not (await store.begin_effect(ana, two, "charge")).fresh


async def test_an_effect_is_forgotten_with_its_event(store: Store) -> None:
    ana, one = await opened(store), await happened(store)
    await store.begin_effect(ana, one, "charge")
    await store.end_effect(ana, one, "charge", result=b"7")
    await store.finish(one, EventState.DONE, now=NOW)
    assert (await store.begin_effect(ana, one, "charge")).result == b"7"
    await store.expire_inbox(hashes_before=NOW + DAY, bodies_before=NOW - DAY)
    with pytest.raises(Fenced):
        await store.begin_effect(ana, one, "charge")


async def test_effects_survive_a_restart(house: House, vault: Vault, store: Store) -> None:
    ana, one = await opened(store), await happened(store)
    await store.begin_effect(ana, one, "charge")
    await store.end_effect(ana, one, "charge", result=b"7")
    await store.begin_effect(ana, one, "ship")
    await store.close()
    store = house.store(vault)
    await store.open()
    assert (await store.begin_effect(ana, one, "charge")).result == b"7"
    assert await store.begin_effect(ana, one, "ship") == Effect(fresh=False)
    await store.close()


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["begin", "end", "drop"]), st.sampled_from(["a", "b"]))
    )
)
async def test_an_effect_is_free_under_way_or_ended(store: Store, steps: list[tuple[str, str]]):
    ana, event = await opened(store), (await accepted(store, body(text=repr(steps)))).id
    known: dict[str, bytes | None] = {}
    for step, key in steps:
        if step == "begin":
            begun = await store.begin_effect(ana, event, key)
            assert begun == Effect(fresh=key not in known, result=known.get(key))
            known.setdefault(key, None)
        elif step == "end" and key in known:
            known[key] = known[key] or b"given"
            await store.end_effect(ana, event, key, result=b"given")
        elif step == "drop":
            await store.drop_effect(event, key)
            if known.get(key, b"") is None:
                del known[key]


# whom it is for


async def test_nothing_is_claimed_for_an_installation_that_is_over(
    store: Store, vault: Vault
) -> None:
    ana, bob, one = await opened(store), await opened(store, "bob"), await happened(store)
    assert await store.consume(ana, "order 7", event=one)
    assert (await store.begin_effect(ana, one, "charge")).fresh
    assert (await store.begin_effect(bob, one, "pay")).fresh
    await purge_begun(store, ana)
    await vault.destroy_key(bob)
    with pytest.raises(Fenced):
        await store.end_effect(bob, one, "pay", result=b"7")
    for each in (ana, InstallationId("ins_nobody")):
        with pytest.raises(Fenced):
            await store.consume(each, "order 7", event=one)
        with pytest.raises(Fenced):
            await store.begin_effect(each, one, "charge")
        with pytest.raises(Fenced):
            await store.end_effect(each, one, "charge", result=b"7")


async def test_nothing_is_claimed_by_an_event_that_is_not_there(store: Store) -> None:
    ana = await opened(store)
    for event in (EventId("999"), EventId("none of ours")):
        with pytest.raises(Fenced):
            await store.consume(ana, "order 7", event=event)
        with pytest.raises(Fenced):
            await store.begin_effect(ana, event, "charge")
    assert await store.consume(ana, "order 7", event=await happened(store))


async def test_a_purge_takes_it_along_and_counts_it(store: Store) -> None:
    ana, bob, one = await opened(store), await opened(store, "bob"), await happened(store)
    await store.set_state(ana, "due", b"friday")
    await store.consume(ana, "order 7", event=one)
    await store.begin_effect(ana, one, "charge")
    other = await happened(store, name="bob")
    await store.consume(bob, "order 7", event=other)
    await purge_begun(store, ana)
    assert await store.erase(ana, "state") == 3
    assert await store.erase(ana, "state") == 0
    assert not await store.consume(bob, "order 7", event=one)


async def test_time_passes_over_an_event_of_somebody_who_left(store: Store) -> None:
    ana, one = await opened(store), await happened(store)
    await store.consume(ana, "order 7", event=one)
    await store.begin_effect(ana, one, "charge")
    await store.end_effect(ana, one, "charge", result=b"7")
    await purge_begun(store, ana)
    await store.finish(one, EventState.DONE, now=NOW)
    assert await store.expire_inbox(hashes_before=NOW + DAY, bodies_before=NOW - DAY) == 1
