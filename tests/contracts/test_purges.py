import asyncio
from datetime import timedelta

import pytest

from innkeeper.errors import Fenced, ReceiptRefused
from innkeeper.ids import InstallationId, ReceiptId
from innkeeper.store.base import ERASABLE, Store, Vault
from innkeeper.store.records import (
    EventState,
    InstallationStatus,
    Owner,
    Receipt,
    Tombstone,
)
from tests.contracts.houses import (
    DAY,
    MINUTE,
    NOW,
    House,
    accepted,
    body,
    opened,
    owner,
    person,
    purge_begun,
    user_grant,
)

pytestmark = pytest.mark.anyio


HOLDER = "prg_of_the_test"


async def held(store: Store, installation_id: InstallationId) -> None:
    """Take the lease of a purge, and keep it."""
    until = NOW + 30 * DAY
    assert await store.lease_purge(installation_id, holder=HOLDER, now=NOW, until=until)


def receipt(name: str = "rcp_1", sequence: int = 1) -> Receipt:
    return Receipt(ReceiptId(name), sequence, b'{"complete":true}', b"signature", "key-1")


async def test_begins_a_purge_that_can_be_begun_again(store: Store) -> None:
    ana, _ = await store.open_installation(owner(), person(), authorized_at=NOW)
    purge = await purge_begun(store, ana.id)
    assert (purge.installation_id, purge.generation) == (ana.id, 1)
    assert (purge.owner, purge.receipt_id) == (owner(), ana.receipt_id)
    assert (purge.authorized_at, purge.removed_at) == (NOW, NOW + MINUTE)
    assert (purge.started_at, purge.deadline_at) == (NOW + MINUTE, NOW + MINUTE + DAY)
    assert (purge.done, purge.attempts, purge.next_at) == ({}, 0, NOW + MINUTE)
    assert await purge_begun(store, ana.id, removed_at=NOW + 5 * MINUTE) == purge
    assert await store.purges() == [purge]
    found = await store.find_installation(owner())
    assert found is not None
    assert found.status is InstallationStatus.PURGING


async def test_a_removal_ends_nothing_that_was_authorized_after_it(store: Store) -> None:
    ana = await opened(store, at=NOW + MINUTE)
    for removed_at in (NOW, NOW + MINUTE - timedelta(milliseconds=1)):
        begun = await store.begin_purge(
            ana, removed_at=removed_at, now=NOW + DAY, deadline_at=NOW + 2 * DAY
        )
        assert begun is None
    assert await store.purges() == []
    assert await store.mark_welcomed(ana)
    assert (await purge_begun(store, ana, removed_at=NOW + MINUTE)).installation_id == ana


async def test_there_is_no_purge_of_nobody(store: Store) -> None:
    nobody = InstallationId("ins_nobody")
    assert await store.begin_purge(nobody, removed_at=NOW, now=NOW, deadline_at=NOW + DAY) is None
    assert await store.purges() == []


async def test_a_purge_remembers_its_steps_and_attempts_over_a_restart(
    house: House, vault: Vault, store: Store
) -> None:
    ana = await opened(store)
    await purge_begun(store, ana)
    await held(store, ana)
    for step in ("bot:notes", "grants", "grants", "state"):
        await store.begin_step(ana, step, holder=HOLDER)
    assert await store.record_step(ana, "bot:notes", 7, holder=HOLDER) == 7
    assert await store.record_step(ana, "grants", 1, holder=HOLDER, done=False) == 1
    assert await store.record_step(ana, "grants", 2, holder=HOLDER) == 3
    await store.defer_purge(ana, until=NOW + DAY, holder=HOLDER)
    await store.close()
    store = house.store(vault)
    await store.open()
    (purge,) = await store.purges()
    assert purge.done == {"bot:notes": 7, "grants": 3}
    assert purge.tries == {"bot:notes": 1, "grants": 2, "state": 1}
    assert (purge.attempts, purge.next_at) == (1, NOW + DAY)
    await store.close()


async def test_refuses_a_step_of_no_purge(store: Store) -> None:
    ana = await opened(store)
    assert await store.lease_purge(ana, holder=HOLDER, now=NOW, until=NOW + MINUTE) is None
    with pytest.raises(Fenced):
        await store.begin_step(ana, "grants", holder=HOLDER)
    with pytest.raises(Fenced):
        await store.record_step(ana, "grants", 1, holder=HOLDER)


async def test_one_holder_at_a_time_carries_a_purge_out(store: Store) -> None:
    ana = await opened(store)
    await purge_begun(store, ana)
    late = NOW + 3 * MINUTE
    assert await store.lease_purge(ana, holder="a", now=NOW + MINUTE, until=late) is not None
    assert await store.lease_purge(ana, holder="b", now=NOW + MINUTE, until=late) is None
    assert await store.purges(due_by=NOW + 2 * MINUTE) == []
    with pytest.raises(Fenced):
        await store.begin_step(ana, "grants", holder="b")
    with pytest.raises(Fenced):
        await store.record_step(ana, "grants", 1, holder="b")
    await store.defer_purge(ana, until=NOW + DAY, holder="b")
    (purge,) = await store.purges(due_by=late)
    assert (purge.done, purge.attempts) == ({}, 0)


async def test_a_holder_may_keep_a_purge_and_loses_it_when_its_time_is_over(store: Store) -> None:
    ana = await opened(store)
    await purge_begun(store, ana)
    for until in (NOW + 2 * MINUTE, NOW + 3 * MINUTE):
        assert await store.lease_purge(ana, holder="a", now=NOW + MINUTE, until=until) is not None
    await store.begin_step(ana, "bot:notes", holder="a")
    late = NOW + 3 * MINUTE
    taken = await store.lease_purge(ana, holder="b", now=late, until=late + MINUTE)
    assert taken is not None
    assert taken.tries == {"bot:notes": 1}
    with pytest.raises(Fenced):
        await store.record_step(ana, "bot:notes", 7, holder="a")
    assert await store.lease_purge(ana, holder="a", now=late, until=late + MINUTE) is None
    assert await store.record_step(ana, "bot:notes", 2, holder="b") == 2


async def test_what_is_erased_is_counted_as_it_goes(store: Store) -> None:
    ana = await opened(store)
    await store.save_grant(user_grant(ana), replaces=0, now=NOW)
    await purge_begun(store, ana)
    await held(store, ana)
    await store.begin_step(ana, "grants", holder=HOLDER)
    assert await store.erase(ana, "grants") == 1
    assert await store.erase(ana, "grants") == 0
    assert await store.record_step(ana, "grants", 0, holder=HOLDER) == 1
    assert await store.erase_installation(ana) == 1
    assert await store.record_step(ana, "installation", 0, holder=HOLDER) == 1


async def test_what_was_made_only_to_be_purged_is_not_counted(store: Store) -> None:
    ana = await opened(store)
    await store.begin_purge(
        ana, removed_at=NOW + MINUTE, now=NOW + MINUTE, deadline_at=NOW + DAY, held=False
    )
    await held(store, ana)
    assert await store.erase_installation(ana) == 1
    assert await store.record_step(ana, "installation", 0, holder=HOLDER) == 0


async def test_a_purge_goes_on_after_its_installations_row_is_gone(store: Store) -> None:
    ana = await opened(store)
    begun = await purge_begun(store, ana)
    assert await store.erase_installation(ana) == 1
    assert await store.erase_installation(ana) == 0
    assert await store.find_installation(owner()) is None
    (purge,) = await store.purges()
    assert (purge.installation_id, purge.receipt_id) == (ana, begun.receipt_id)
    assert purge.owner is None


async def test_keeps_the_receipt_and_drops_the_purge(store: Store) -> None:
    ana = await opened(store)
    await purge_begun(store, ana)
    await held(store, ana)
    await store.record_step(ana, "grants", 1, holder=HOLDER)
    for _ in range(2):
        await store.end_purge(ana, receipt())
    assert await store.purges() == []
    assert await store.get_receipt(ReceiptId("rcp_1")) == receipt()
    assert await store.get_receipt(ReceiptId("rcp_2")) is None
    await purge_begun(store, ana)
    assert (await store.purges())[0].done == {}


async def test_receipts_form_one_chain(store: Store) -> None:
    assert await store.last_receipt() is None
    ids = [await opened(store, name) for name in ("ana", "bob", "eve")]
    for each in ids:
        await purge_begun(store, each)
    await store.end_purge(ids[0], receipt("rcp_1", 1))
    with pytest.raises(ReceiptRefused):
        await store.end_purge(ids[1], receipt("rcp_2", 1))
    assert len(await store.purges()) == 2
    await store.end_purge(ids[1], receipt("rcp_2", 2))
    await store.end_purge(ids[2], receipt("rcp_3", 3))
    assert [each.sequence for each in await store.receipts()] == [1, 2, 3]
    assert [each.sequence for each in await store.receipts(limit=2)] == [1, 2]
    assert await store.last_receipt() == receipt("rcp_3", 3)


async def test_erases_all_of_one_and_nothing_of_another(store: Store) -> None:
    ids = [await opened(store), await opened(store, "bob")]
    for name, each in zip(("ana", "bob"), ids, strict=True):
        await store.save_grant(user_grant(each), replaces=0, now=NOW)
        await store.set_state(each, "a", b"1")
        await store.set_state(each, "b", b"2")
        await accepted(store, body(name), name=name)
        await store.open_case("doubt", installation_id=each, now=NOW)
    ana, bob = ids
    await purge_begun(store, ana)
    assert [await store.erase(ana, part) for part in ERASABLE] == [1, 2, 1, 1]
    assert [await store.erase(ana, part) for part in ERASABLE] == [0, 0, 0, 0]
    await store.erase_installation(ana)
    await store.scrub()
    assert await store.find_grant(bob) is not None
    assert await store.get_state(bob, "b") == b"2"
    assert [case.installation_id for case in await store.cases()] == [bob]
    states = {row.installation_id: row.state for row in await store.inbox_rows()}
    assert states == {None: EventState.DROPPED, bob: EventState.CLAIMED}
    with pytest.raises(KeyError):
        await store.erase(bob, "everything")


async def test_erasing_the_inbox_drops_what_was_never_looked_at(store: Store) -> None:
    ana = await opened(store)
    mine = [await accepted(store, body(text=f"mine {n}")) for n in range(300)]
    other = await accepted(store, body("bob"))
    unreadable = await accepted(store, b"no JSON at all")
    await purge_begun(store, ana)
    assert await store.erase(ana, "inbox") == 300
    states = {row.id: row.state for row in await store.inbox_rows(limit=1000)}
    assert {states[each.id] for each in mine} == {EventState.DROPPED}
    assert states[other.id] is states[unreadable.id] is EventState.CLAIMED
    again = await accepted(store, body(text="mine 7"))
    assert (again.fresh, again.state) == (False, EventState.DROPPED)


async def test_erasing_an_accounts_inbox_drops_what_any_of_its_users_did(store: Store) -> None:
    whole = Owner(owner().account_id)
    installation, _ = await store.open_installation(whole, person(), authorized_at=NOW)
    await accepted(store, body())
    other = await accepted(store, body("bob"))
    await purge_begun(store, installation.id)
    assert await store.erase(installation.id, "inbox") == 1
    assert [row.id for row in await store.inbox_rows() if row.state is EventState.CLAIMED] == [
        other.id
    ]


async def test_erasing_the_inbox_spares_what_is_newer_than_the_removal(store: Store) -> None:
    ana = await opened(store)
    removed_at = NOW + MINUTE
    at_removal = await accepted(store, body(at=removed_at, text="with it"), name="ana")
    newer = await accepted(store, body(at=removed_at + MINUTE, text="back"), name="ana")
    unlinked = await accepted(store, body(at=removed_at + MINUTE, text="back again"))
    await purge_begun(store, ana, removed_at=removed_at)
    assert await store.erase(ana, "inbox") == 1
    rows = {row.id: row for row in await store.inbox_rows()}
    assert rows[at_removal.id].state is EventState.DROPPED
    for spared in (newer, unlinked):
        assert rows[spared.id].state is EventState.CLAIMED
        assert rows[spared.id].installation_id is None


async def test_erasing_the_inbox_judges_what_has_no_time_by_when_it_came(store: Store) -> None:
    ana = await opened(store)
    undated = b'{"event":"x","payload":{"accountId":"account-of-ana","userId":"user-ana"}%s}'
    early = await accepted(store, undated % b"", now=NOW)
    broken = await accepted(store, undated % b',"event":"y"', now=NOW)
    await purge_begun(store, ana)
    late = await accepted(store, undated % b',"more":1', now=NOW + 2 * MINUTE)
    assert await store.erase(ana, "inbox") == 2
    rows = {row.id: row.state for row in await store.inbox_rows()}
    assert (rows[early.id], rows[broken.id]) == (EventState.DROPPED, EventState.DROPPED)
    assert rows[late.id] is EventState.CLAIMED


async def test_erasing_the_inbox_takes_what_was_set_aside_or_answered(store: Store) -> None:
    ana = await opened(store)
    dead = await accepted(store, body(text="dead"))
    answered = await accepted(store, body(text="answered"))
    await store.finish(dead.id, EventState.DEAD, now=NOW, installation_id=ana)
    await store.finish(answered.id, EventState.DONE, now=NOW, installation_id=ana, answer=b"Hi Ana")
    assert {row.installation_id for row in await store.inbox_rows()} == {ana}
    await purge_begun(store, ana)
    assert await store.erase(ana, "inbox") == 2
    assert {row.installation_id for row in await store.inbox_rows()} == {None}
    assert not await store.revive(dead.id, now=NOW)
    again = await accepted(store, body(text="answered"))
    assert (again.state, again.answer) == (EventState.DONE, None)


async def test_erasing_an_orphans_inbox_asks_the_tombstone_when_it_was_removed(
    store: Store, vault: Vault
) -> None:
    ana = await opened(store)
    removed_at = NOW + MINUTE
    await accepted(store, body(text="old"))
    newer = await accepted(store, body(at=removed_at + MINUTE, text="newer"))
    await vault.bury(Tombstone(ana, 1, removed_at, removed_at), owner=owner())
    await vault.destroy_key(ana)
    assert await store.erase(ana, "inbox") == 1
    (left,) = [row for row in await store.inbox_rows() if row.state is EventState.CLAIMED]
    assert left.id == newer.id


async def test_a_body_that_nobody_can_read_goes_with_its_installation(
    store: Store, vault: Vault
) -> None:
    ana = await opened(store)
    await accepted(store, body(), name="ana")
    await accepted(store, body("bob"))
    await vault.destroy_days_before((NOW + DAY).date())
    assert await store.erase(ana, "inbox") == 1


async def test_a_reinstall_during_the_purge_is_not_touched_by_it(
    store: Store, vault: Vault
) -> None:
    old = await opened(store)
    await store.set_state(old, "due", b"friday")
    await purge_begun(store, old)
    back, new = await store.open_installation(owner(), person(), authorized_at=NOW + 2 * MINUTE)
    assert new
    assert (back.id != old, back.generation) == (True, 2)
    await store.set_state(back.id, "due", b"monday")
    await store.save_grant(user_grant(back.id), replaces=0, now=NOW)
    event = await accepted(store, body(at=NOW + 3 * MINUTE), name="ana")

    for part in ERASABLE:
        await store.erase(old, part)
    await store.erase_installation(old)
    await vault.destroy_key(old)
    await store.scrub()
    await store.end_purge(old, receipt())

    assert await store.find_installation(owner()) == back
    assert await store.get_state(back.id, "due") == b"monday"
    assert await store.find_grant(back.id) is not None
    (row,) = await store.inbox_rows()
    assert (row.id, row.state, row.installation_id) == (event.id, EventState.CLAIMED, back.id)


async def test_a_live_installation_comes_before_one_that_is_being_purged(store: Store) -> None:
    old = await opened(store)
    await purge_begun(store, old)
    new = await opened(store, at=NOW + 2 * MINUTE)
    found = await store.find_installation(owner())
    assert found is not None
    assert (found.id, found.status) == (new, InstallationStatus.LIVE)
    await purge_begun(store, new, removed_at=NOW + 3 * MINUTE)
    third, _ = await store.open_installation(owner(), person(), authorized_at=NOW + 4 * MINUTE)
    assert third.generation == 3


async def test_lists_the_purges_that_are_due(store: Store) -> None:
    ana, bob = await opened(store), await opened(store, "bob")
    begun = await purge_begun(store, ana)
    await purge_begun(store, bob)
    await held(store, bob)
    await store.defer_purge(bob, until=NOW + DAY, holder=HOLDER)
    assert await store.purges(due_by=NOW) == []
    due = await store.purges(due_by=NOW + 2 * MINUTE)
    assert [each.installation_id for each in due] == [ana]
    assert len(await store.purges()) == 2
    assert await store.find_purge(begun.receipt_id) == begun
    assert await store.find_purge(ReceiptId("rcp_nobody")) is None


async def test_raises_each_alarm_once(house: House, vault: Vault, store: Store) -> None:
    ana, bob = await opened(store), await opened(store, "bob")
    begun = await purge_begun(store, ana)
    assert begun.alarm == 0
    whole = begun.deadline_at - begun.started_at
    await purge_begun(store, bob, removed_at=begun.started_at + whole * 0.4)

    async def at(share: float) -> dict[InstallationId, int]:
        found = await store.alarm_purges(now=begun.started_at + whole * share)
        assert await store.alarm_purges(now=begun.started_at + whole * share) == []
        return dict(found)

    assert await at(0.49) == {}
    assert await at(0.5) == {ana: 50}
    await store.close()
    store = house.store(vault)
    await store.open()
    assert await at(0.85) == {ana: 80}
    assert await at(1.3) == {ana: 100, bob: 80}
    assert {each.alarm for each in await store.purges()} == {100, 80}
    assert await store.overdue_purges(now=begun.deadline_at) == 1
    assert await store.overdue_purges(now=begun.deadline_at - MINUTE) == 0
    at_once = await asyncio.gather(
        *(store.alarm_purges(now=begun.started_at + 2 * whole) for _ in range(5))
    )
    assert [each for some in at_once for each in some] == [(bob, 100)]
    await store.close()


async def test_a_purge_remembers_on_which_terms_it_was_begun(store: Store) -> None:
    ana = await opened(store)
    purge = await store.begin_purge(
        ana, removed_at=NOW, now=NOW, deadline_at=NOW + DAY, held=False, retain=True
    )
    assert purge is not None
    assert (purge.held, purge.retain) == (False, True)
    assert await purge_begun(store, ana) == purge


async def test_tells_who_is_neither_gone_nor_being_purged(store: Store) -> None:
    ana, bob = await opened(store), await opened(store, "bob")
    nobody = InstallationId("ins_nobody")
    assert set(await store.live_among([ana, bob, nobody])) == {ana, bob}
    await purge_begun(store, ana)
    assert await store.live_among([ana, bob, nobody]) == [bob]
    assert await store.live_among([]) == []


async def test_adopts_receipts_that_a_backup_does_not_know(store: Store) -> None:
    ana = await opened(store)
    await purge_begun(store, ana)
    await store.end_purge(ana, receipt())
    for _ in range(2):
        await store.adopt_receipts([receipt(), receipt("rcp_2", 2)])
    assert [each.id for each in await store.receipts()] == ["rcp_1", "rcp_2"]


# reports


async def reporting(store: Store, ana: InstallationId) -> None:
    await store.begin_purge(
        ana, removed_at=NOW, now=NOW, deadline_at=NOW + DAY, report=b"what-zoom-said-of-ana"
    )


async def test_a_report_waits_for_the_end_of_its_purge(store: Store, vault: Vault) -> None:
    ana = await opened(store)
    await reporting(store, ana)
    assert await store.reports(due_by=NOW + DAY) == []
    await store.erase_installation(ana)
    await vault.destroy_key(ana)
    await store.end_purge(ana, receipt())
    (report,) = await store.reports(due_by=NOW)
    assert (report.installation_id, report.content) == (ana, b"what-zoom-said-of-ana")
    assert (report.started_at, report.deadline_at) == (NOW, NOW + DAY)
    assert (report.attempts, report.alarmed) == (0, False)
    assert "ana" not in repr(report)


async def test_a_report_is_put_off_and_ends(house: House, vault: Vault, store: Store) -> None:
    ana = await opened(store)
    await reporting(store, ana)
    await store.end_purge(ana, receipt())
    await store.defer_report(ana, until=NOW + MINUTE)
    await store.defer_report(ana, until=NOW + MINUTE, alarmed=True)
    await store.defer_report(ana, until=NOW + MINUTE)
    await store.close()
    store = house.store(vault)
    await store.open()
    assert await store.reports(due_by=NOW) == []
    (report,) = await store.reports(due_by=NOW + MINUTE)
    assert (report.attempts, report.alarmed) == (3, True)
    for _ in range(2):
        await store.end_report(ana)
    assert await store.reports(due_by=NOW + DAY) == []
    assert await vault.find_key(f"report:{ana}") is None
    await store.close()


async def test_a_report_without_a_key_is_dropped(store: Store, vault: Vault) -> None:
    ana = await opened(store)
    await reporting(store, ana)
    await store.end_purge(ana, receipt())
    await vault.destroy_key(f"report:{ana}")
    assert await store.reports(due_by=NOW + DAY) == []
    await vault.make_key(f"report:{ana}")
    assert await store.reports(due_by=NOW + DAY) == []


async def test_hastens_the_purges_that_wait(store: Store) -> None:
    ana, bob = await opened(store), await opened(store, "bob")
    for each in (ana, bob):
        await purge_begun(store, each)
    await held(store, bob)
    await store.defer_purge(bob, until=NOW + DAY, holder=HOLDER)
    assert await store.hasten_purges(now=NOW + 2 * MINUTE) == 1
    assert await store.hasten_purges(now=NOW + 2 * MINUTE) == 0
    due = await store.purges(due_by=NOW + 2 * MINUTE)
    assert [each.installation_id for each in due] == [ana, bob]
    assert [each.attempts for each in due] == [0, 1]


async def test_counts_what_erasing_would_delete(store: Store) -> None:
    ana, bob = await opened(store), await opened(store, "bob")
    for each, name in ((ana, "ana"), (bob, "bob")):
        await store.replace_grant(user_grant(each), now=NOW)
        await store.set_state(each, "last", b"value")
        await store.open_case("one", installation_id=each, now=NOW)
        for text in ("first", "second"):
            await accepted(store, body(name, text=text), name=name)
    event = await accepted(store, body(text="third"), name="ana")
    await store.finish(event.id, EventState.DONE, now=NOW, installation_id=ana, answer=b"Hello Ana")
    counted = await store.count_erasable(ana)
    assert counted == {"grants": 1, "state": 1, "inbox": 3, "cases": 1}
    assert list(counted) == list(ERASABLE)
    assert await store.count_erasable(ana) == counted
    await purge_begun(store, ana)
    assert await store.count_erasable(ana) == counted
    assert {part: await store.erase(ana, part) for part in ERASABLE} == counted
    assert not any((await store.count_erasable(ana)).values())
    assert (await store.count_erasable(bob))["grants"] == 1


async def test_erases_more_than_is_erased_at_once(store: Store) -> None:
    ana, bob = await opened(store), await opened(store, "bob")
    await asyncio.gather(*(store.set_state(ana, f"key {n}", b"value") for n in range(2003)))
    await store.set_state(bob, "key", b"value")
    await purge_begun(store, ana)
    assert await store.erase(ana, "state") == 2003
    assert await store.erase(ana, "state") == 0
    assert await store.get_state(bob, "key") == b"value"
