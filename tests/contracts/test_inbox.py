import asyncio
import hashlib
from datetime import timedelta
from typing import Any

import pytest

from innkeeper.errors import KeyBroken, StoreUnavailable
from innkeeper.ids import EventId
from innkeeper.store.base import Store, Vault
from innkeeper.store.records import EventState
from tests.contracts.houses import (
    DAY,
    MINUTE,
    NOW,
    House,
    accepted,
    body,
    opened,
    owner,
    purge_begun,
)

pytestmark = pytest.mark.anyio


async def test_accepts_an_event_as_claimed_by_this_process(store: Store) -> None:
    fresh = await accepted(store, body(), name="ana")
    assert (fresh.fresh, fresh.state, fresh.answer) == (True, EventState.CLAIMED, None)
    assert await store.claim(now=NOW + DAY, limit=10) == []


async def test_keeps_an_event_for_anybody(store: Store) -> None:
    content = body(text="for anybody")
    key = hashlib.sha256(content).digest()
    kept = await store.accept(
        key=key, name="bot_notification", body=content, owner=None, now=NOW, claimed=False
    )
    assert (kept.fresh, kept.state) == (True, EventState.READY)
    again = await accepted(store, content)
    assert (again.id, again.fresh, again.state) == (kept.id, False, EventState.READY)
    (event,) = await store.claim(now=NOW, limit=10)
    assert (event.id, event.body) == (kept.id, content)


async def test_who_says_that_it_lives_keeps_what_it_holds(store: Store) -> None:
    event = await accepted(store, body())
    for _ in range(3):
        assert await store.keep_alive() == 0
    assert await store.claim(now=NOW + DAY, limit=10) == []
    assert (await accepted(store, body())).id == event.id


async def test_answers_a_repeated_delivery_with_the_first_ones_state_and_answer(
    store: Store,
) -> None:
    first = await accepted(store, body())
    again = await accepted(store, body(), now=NOW + MINUTE)
    assert (again.id, again.fresh, again.state) == (first.id, False, EventState.CLAIMED)

    await store.finish(first.id, EventState.DONE, now=NOW, answer=b'{"head":"hi"}')
    again = await accepted(store, body(), now=NOW + 2 * MINUTE)
    assert (again.id, again.fresh) == (first.id, False)
    assert (again.state, again.answer) == (EventState.DONE, b'{"head":"hi"}')


async def test_keeps_one_of_many_equal_deliveries_that_come_at_once(store: Store) -> None:
    same = await asyncio.gather(*(accepted(store, body()) for _ in range(50)))
    assert sum(each.fresh for each in same) == 1
    assert len({each.id for each in same}) == 1


async def test_keeps_a_hundred_different_events_that_come_at_once(store: Store) -> None:
    bodies = [body(text=f"line {number}") for number in range(100)]
    fresh = await asyncio.gather(*(accepted(store, each) for each in bodies))
    assert all(each.fresh for each in fresh)
    assert await store.reclaim(now=NOW) == 100
    claimed = await store.claim(now=NOW, limit=1000)
    assert sorted(each.body for each in claimed) == sorted(bodies)


async def test_tells_new_from_known_within_one_burst(store: Store) -> None:
    await accepted(store, body(text="known"))
    texts = ["new 1", "known", "new 2", "new 1"]
    found = await asyncio.gather(*(accepted(store, body(text=text)) for text in texts))
    assert [each.fresh for each in found] == [True, False, True, False]
    assert found[3].id == found[0].id


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe garbage", b'{"event_ts":"12"}', b'{"event_ts": 99999999999999999999}'],
)
async def test_keeps_bodies_that_nobody_can_read(store: Store, content: bytes) -> None:
    assert (await accepted(store, content)).fresh
    assert not (await accepted(store, content)).fresh
    await store.reclaim(now=NOW)
    (event,) = await store.claim(now=NOW, limit=1)
    assert event.body == content


async def test_gives_back_what_was_claimed_when_a_process_died(
    house: House, vault: Vault, store: Store
) -> None:
    lost = await accepted(store, body())
    await store.close()
    store = house.store(vault)
    await store.open()
    assert await store.claim(now=NOW, limit=10) == []
    assert await store.reclaim(now=NOW) == 1
    (event,) = await store.claim(now=NOW, limit=10)
    assert (event.id, event.name, event.body) == (lost.id, "bot_notification", body())
    assert (event.received_at, event.attempts) == (NOW, 2)
    await store.close()


async def test_does_not_give_an_id_twice_after_a_restart(
    house: House, vault: Vault, store: Store
) -> None:
    before = await accepted(store, body(text="before"))
    await store.close()
    store = house.store(vault)
    await store.open()
    after = await accepted(store, body(text="after"))
    assert after.fresh
    assert after.id != before.id
    await store.close()


async def test_claims_what_is_due_the_longest_due_first(store: Store) -> None:
    ids = [(await accepted(store, body(text=str(number)))).id for number in range(4)]
    for event, minutes in zip(ids, (3, 1, 2, 9), strict=True):
        await store.defer(event, until=NOW + minutes * MINUTE, reason="later")
    assert await store.next_due() == NOW + MINUTE
    assert await store.claim(now=NOW, limit=10) == []
    due = await store.claim(now=NOW + 5 * MINUTE, limit=2)
    assert [event.id for event in due] == [ids[1], ids[2]]
    rest = await store.claim(now=NOW + 5 * MINUTE, limit=10)
    assert [event.id for event in rest] == [ids[0]]
    assert await store.next_due() == NOW + 9 * MINUTE


async def test_claims_an_event_for_one_of_many_only(store: Store) -> None:
    event = await accepted(store, body())
    await store.defer(event.id, until=NOW, reason="later")
    claims = await asyncio.gather(*(store.claim(now=NOW, limit=10) for _ in range(20)))
    assert sum(len(claim) for claim in claims) == 1


@pytest.mark.parametrize("opened_before", [0, 1])
async def test_what_was_claimed_while_the_vault_went_away_is_given_once_it_is_back(
    vault: Vault, store: Store, monkeypatch: pytest.MonkeyPatch, opened_before: int
) -> None:
    kept = [await accepted(store, body(text=f"{number}")) for number in range(5)]
    assert await store.reclaim(now=NOW) == 5
    find, left = vault.find_key, opened_before

    async def find_key(subject: str) -> tuple[str, bytes] | None:
        nonlocal left
        left -= 1
        if left < 0:
            raise StoreUnavailable("the vault cannot be read")
        return await find(subject)

    with monkeypatch.context() as away:
        away.setattr(vault, "find_key", find_key)
        claimed = list(await store.claim(now=NOW, limit=3)) if opened_before else []
        assert len(claimed) == opened_before
        for _ in range(10):  # which is no attempt
            with pytest.raises(StoreUnavailable):
                await store.claim(now=NOW, limit=3)
    while len(claimed) < 5:
        found = await store.claim(now=NOW, limit=2)
        assert 0 < len(found) <= 2
        claimed += found
    assert await store.claim(now=NOW, limit=2) == []
    assert {event.id for event in claimed} == {each.id for each in kept}
    assert {event.attempts for event in claimed} == {2}


async def test_an_event_whose_key_was_altered_is_quarantined_and_keeps_nobody_back(
    vault: Vault, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost, other = [await accepted(store, body(text=text)) for text in ("lost", "other")]
    await store.reclaim(now=NOW)
    find, asked = vault.find_key, []

    async def find_key(subject: str) -> tuple[str, bytes] | None:
        asked.append(subject)
        if len(asked) == 1:
            raise KeyBroken("a key in the vault does not open")
        return await find(subject)

    monkeypatch.setattr(vault, "find_key", find_key)
    assert [event.id for event in await store.claim(now=NOW, limit=3)] == [other.id]
    (row,) = [row for row in await store.inbox_rows() if row.id == lost.id]
    assert (row.state, row.reason) == (EventState.QUARANTINED, "key_broken")


async def test_what_waits_for_the_vault_is_forgotten_where_others_may_take_it(
    vault: Vault, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await accepted(store, body())
    await store.reclaim(now=NOW)

    async def find_key(_subject: str) -> tuple[str, bytes] | None:
        raise StoreUnavailable("the vault cannot be read")

    with monkeypatch.context() as away:
        away.setattr(vault, "find_key", find_key)
        with pytest.raises(StoreUnavailable):
            await store.claim(now=NOW, limit=3)
    assert await store.reclaim(now=NOW) == 1
    (event,) = await store.claim(now=NOW, limit=3)
    assert event.attempts == 3


async def test_counts_how_often_an_event_was_claimed(store: Store) -> None:
    event = await accepted(store, body())
    for attempt in (2, 3):
        await store.defer(event.id, until=NOW, reason="ValueError")
        (again,) = await store.claim(now=NOW, limit=1)
        assert again.attempts == attempt
    (row,) = await store.inbox_rows()
    assert (row.attempts, row.reason, row.state) == (3, "ValueError", EventState.CLAIMED)


@pytest.mark.parametrize("state", [EventState.DONE, EventState.IGNORED, EventState.DROPPED])
async def test_an_event_that_has_ended_is_never_claimed_again(
    store: Store, state: EventState
) -> None:
    event = await accepted(store, body())
    await store.finish(event.id, state, now=NOW, reason="because")
    await store.defer(event.id, until=NOW, reason="too late")
    assert await store.reclaim(now=NOW) == 0
    assert not await store.revive(event.id, now=NOW)
    assert await store.claim(now=NOW + DAY, limit=10) == []
    (row,) = await store.inbox_rows()
    assert (row.state, row.reason) == (state, "because")


async def test_an_event_that_has_ended_stays_as_it_is(store: Store) -> None:
    event = await accepted(store, body())
    await store.finish(event.id, EventState.DROPPED, now=NOW, reason="removed")
    await store.finish(event.id, EventState.DONE, now=NOW, answer=b"late")
    await store.finish(event.id, EventState.DEAD, now=NOW, reason="late")
    again = await accepted(store, body())
    assert (again.state, again.answer) == (EventState.DROPPED, None)


async def test_refuses_an_end_that_is_none(store: Store) -> None:
    event = await accepted(store, body())
    with pytest.raises(ValueError, match="ready"):
        await store.finish(event.id, EventState.READY, now=NOW)
    with pytest.raises(ValueError, match="dead"):
        store.finish_soon(event.id, EventState.DEAD)


async def test_an_end_that_nobody_waits_for_is_written_with_the_next_commit(store: Store) -> None:
    event = await accepted(store, body())
    store.finish_soon(event.id, EventState.DONE)
    assert await store.ready()
    assert (await accepted(store, body())).state is EventState.DONE


async def test_an_end_that_nobody_waits_for_is_written_before_closing(
    house: House, vault: Vault, store: Store
) -> None:
    event = await accepted(store, body())
    store.finish_soon(event.id, EventState.DONE)
    await store.close()
    store = house.store(vault)
    await store.open()
    assert (await accepted(store, body())).state is EventState.DONE
    await store.close()


async def test_an_end_that_nobody_waits_for_is_written_even_if_nothing_else_is(
    store: Store,
) -> None:
    event = await accepted(store, body())
    store.finish_soon(event.id, EventState.DONE)
    async with asyncio.timeout(5):
        while (await store.inbox_rows())[0].state is not EventState.DONE:  # noqa: ASYNC110  # it tells nobody
            await asyncio.sleep(0)


@pytest.mark.parametrize("state", [EventState.DEAD, EventState.QUARANTINED])
async def test_what_was_set_aside_keeps_its_body_and_can_be_revived(
    store: Store, state: EventState
) -> None:
    event = await accepted(store, body())
    await store.finish(event.id, state, now=NOW, reason="KeyError")
    assert await store.reclaim(now=NOW) == 0
    assert await store.claim(now=NOW + DAY, limit=10) == []
    assert await store.revive(event.id, now=NOW + MINUTE)
    assert not await store.revive(event.id, now=NOW + MINUTE)
    assert await store.next_due() == NOW + MINUTE
    (again,) = await store.claim(now=NOW + MINUTE, limit=10)
    assert (again.body, again.attempts) == (body(), 1)


@pytest.mark.parametrize("event", ["", "nonsense", "-1", "٣", "999999", "9" * 40])
async def test_an_unknown_event_is_nobodys(store: Store, event: str) -> None:
    await store.finish(EventId(event), EventState.DONE, now=NOW, answer=b"x")
    await store.finish(EventId(event), EventState.DEAD, now=NOW)
    await store.defer(EventId(event), until=NOW, reason="later")
    assert not await store.revive(EventId(event), now=NOW)
    assert await store.inbox_rows() == []
    assert await store.inbox_row(EventId(event)) is None
    assert await store.read_body(EventId(event)) is None


async def test_lists_events_newest_first_with_whose_they_are(store: Store) -> None:
    ana = await opened(store)
    first = await accepted(store, body(text="1"), name="ana")
    second = await accepted(store, body(text="2"), name="bob", now=NOW + MINUTE)
    third = await accepted(store, body(text="3"))
    await store.defer(third.id, until=NOW, reason="later", installation_id=ana)
    rows = await store.inbox_rows()
    assert [row.id for row in rows] == [third.id, second.id, first.id]
    assert [row.installation_id for row in rows] == [ana, None, ana]
    assert rows[1].received_at == NOW + MINUTE
    assert [row.id for row in await store.inbox_rows(limit=1)] == [third.id]


async def test_lists_only_what_stands_there_page_by_page(store: Store) -> None:
    ids = [(await accepted(store, body(text=str(number)))).id for number in range(6)]
    for event in ids[:3]:
        await store.finish(event, EventState.DEAD, now=NOW, reason="KeyError")
    await store.finish(ids[3], EventState.DONE, now=NOW)
    await store.defer(ids[4], until=NOW + MINUTE, reason="later")

    async def listed(*states: EventState, **page: Any) -> list[EventId]:
        return [row.id for row in await store.inbox_rows(states=states, **page)]

    assert await listed(EventState.DEAD) == [ids[2], ids[1], ids[0]]
    assert await listed(EventState.DEAD, limit=2) == [ids[2], ids[1]]
    assert await listed(EventState.DEAD, before=ids[1]) == [ids[0]]
    assert await listed(EventState.READY, EventState.CLAIMED) == [ids[5], ids[4]]
    assert await listed(EventState.DONE) == [ids[3]]
    assert await listed(EventState.DONE, EventState.READY) == [ids[4], ids[3]]
    assert await listed() == []
    assert [row.id for row in await store.inbox_rows(before=ids[2])] == [ids[1], ids[0]]
    assert await store.inbox_rows(before=EventId("nonsense")) == []


async def test_looks_at_one_event(store: Store) -> None:
    ana = await opened(store)
    event = await accepted(store, body(), name="ana")
    row = await store.inbox_row(event.id)
    assert row is not None
    assert (row.state, row.due_at, row.installation_id) == (EventState.CLAIMED, None, ana)
    await store.defer(event.id, until=NOW + MINUTE, reason="KeyError")
    row = await store.inbox_row(event.id)
    assert row is not None
    assert (row.state, row.due_at, row.reason) == (EventState.READY, NOW + MINUTE, "KeyError")
    assert [row] == list(await store.inbox_rows())
    await store.finish(event.id, EventState.DEAD, now=NOW)
    row = await store.inbox_row(event.id)
    assert row is not None
    assert (row.state, row.due_at) == (EventState.DEAD, None)
    assert await store.inbox_row(EventId("999999")) is None


@pytest.mark.parametrize("state", EventState)
async def test_reads_a_body_while_it_is_kept(store: Store, state: EventState) -> None:
    event = await accepted(store, body())
    assert await store.read_body(event.id) == body()
    if state is EventState.READY:
        await store.defer(event.id, until=NOW, reason="later")
    elif state is not EventState.CLAIMED:
        await store.finish(event.id, state, now=NOW)
    erased = state in {EventState.DONE, EventState.IGNORED, EventState.DROPPED}
    assert await store.read_body(event.id) == (None if erased else body())


async def test_a_body_whose_days_key_is_gone_is_not_read(store: Store, vault: Vault) -> None:
    event = await accepted(store, body())
    await store.finish(event.id, EventState.DEAD, now=NOW)
    await vault.destroy_days_before((NOW + DAY).date())
    assert await store.read_body(event.id) is None


async def test_revives_nothing_of_an_installation_that_is_gone(store: Store) -> None:
    ana = await opened(store)
    event = await accepted(store, body(), name="ana")
    await store.finish(event.id, EventState.DEAD, now=NOW, installation_id=ana)
    await purge_begun(store, ana)
    assert not await store.revive(event.id, now=NOW)
    row = await store.inbox_row(event.id)
    assert row is not None
    assert (row.state, row.reason) == (EventState.DROPPED, "removed")
    assert await store.read_body(event.id) is None


@pytest.mark.parametrize(
    ("name", "state", "again"),
    [
        ("bot_installed", EventState.DEAD, True),
        ("bot_installed", EventState.QUARANTINED, False),
        ("bot_installed", EventState.CLAIMED, False),
        ("bot_notification", EventState.DEAD, False),
    ],
)
async def test_a_welcome_that_died_is_taken_anew_when_it_is_revived(
    store: Store, name: str, state: EventState, again: bool
) -> None:
    ana, bob = await opened(store), await opened(store, "bob")
    key = hashlib.sha256(body()).digest()
    event = await store.accept(key=key, name=name, body=body(), owner=owner(), now=NOW)
    for each in (ana, bob):
        assert await store.mark_welcomed(each)
    if state is not EventState.CLAIMED:
        await store.finish(event.id, state, now=NOW, installation_id=ana)
    assert await store.revive(event.id, now=NOW) is (state is not EventState.CLAIMED)
    assert await store.mark_welcomed(ana) is again
    assert not await store.mark_welcomed(bob)


@pytest.mark.parametrize("state", [EventState.CLAIMED, EventState.READY, EventState.DONE])
async def test_revives_nothing_that_was_not_set_aside(store: Store, state: EventState) -> None:
    event = await accepted(store, body())
    if state is EventState.READY:
        await store.defer(event.id, until=NOW + DAY, reason="later")
    elif state is EventState.DONE:
        await store.finish(event.id, state, now=NOW)
    assert not await store.revive(event.id, now=NOW)
    assert [row.state for row in await store.inbox_rows()] == [state]
    assert await store.claim(now=NOW, limit=1) == []


async def test_of_many_who_revive_an_event_one_does(store: Store) -> None:
    event = await accepted(store, body())
    await store.finish(event.id, EventState.DEAD, now=NOW)
    done = await asyncio.gather(*(store.revive(event.id, now=NOW) for _ in range(9)))
    assert sorted(done) == [*([False] * 8), True]
    assert len(await store.claim(now=NOW, limit=9)) == 1


async def test_time_forgets_bodies_and_hashes_and_the_days_keys(store: Store, vault: Vault) -> None:
    old = await accepted(store, body(text="old"))
    dead = await accepted(store, body(text="dead"))
    answered = await accepted(store, body(text="answered"))
    await store.finish(dead.id, EventState.DEAD, now=NOW)
    await store.finish(answered.id, EventState.DONE, now=NOW, answer=b"card")
    young = await accepted(store, body(text="young"), now=NOW + 5 * DAY)
    assert await vault.find_key("day:2026-11-23") is not None

    await store.expire_inbox(hashes_before=NOW, bodies_before=NOW + 4 * DAY)
    assert await vault.find_key("day:2026-11-23") is not None, "it is needed yet"
    assert await vault.find_key("day:2026-11-28") is not None
    rows = {row.id: row.state for row in await store.inbox_rows()}
    assert rows == {
        old.id: EventState.CLAIMED,
        dead.id: EventState.DROPPED,
        answered.id: EventState.DONE,
        young.id: EventState.CLAIMED,
    }
    assert not await store.revive(dead.id, now=NOW)
    assert await store.read_body(dead.id) is None
    assert (await accepted(store, body(text="answered"))).answer is None

    await store.finish(old.id, EventState.DONE, now=NOW)
    await store.expire_inbox(hashes_before=NOW, bodies_before=NOW + 4 * DAY)
    assert await vault.find_key("day:2026-11-23") is None
    await store.expire_inbox(hashes_before=NOW + DAY, bodies_before=NOW)
    assert [row.id for row in await store.inbox_rows()] == [young.id]
    assert (await accepted(store, body(text="old"), now=NOW + 5 * DAY)).fresh


async def test_time_does_not_forget_what_is_still_to_be_done(store: Store) -> None:
    event = await accepted(store, body())
    await store.expire_inbox(hashes_before=NOW + DAY, bodies_before=NOW)
    assert not (await accepted(store, body())).fresh
    await store.defer(event.id, until=NOW, reason="later")
    assert [each.body for each in await store.claim(now=NOW, limit=1)] == [body()]


async def test_the_newest_of_those_that_ended_keep_their_bodies(store: Store) -> None:
    events = [await accepted(store, body(text=str(n))) for n in range(5)]
    for event in events[:4]:
        await store.finish(event.id, EventState.DEAD, now=NOW)
    await store.expire_inbox(hashes_before=NOW, bodies_before=NOW, at_most=2)
    kept = [await store.read_body(event.id) is not None for event in events]
    assert kept == [False, False, True, True, True]
    assert [row.reason for row in await store.inbox_rows(states=[EventState.DROPPED])] == [
        "expired",
        "expired",
    ]
    assert not (await accepted(store, body(text="0"))).fresh


async def test_a_body_is_kept_if_that_is_wanted_and_can_be_revived(store: Store) -> None:
    ana = await opened(store)
    done, answered, removed = [await accepted(store, body(text=str(n))) for n in range(3)]
    await store.finish(done.id, EventState.DONE, now=NOW, keep_body=True, installation_id=ana)
    await store.finish(answered.id, EventState.DONE, now=NOW, keep_body=True, answer=b"card")
    await store.finish(removed.id, EventState.DROPPED, now=NOW, keep_body=True)
    assert [await store.read_body(each.id) for each in (done, answered, removed)] == [
        body(text="0"),
        body(text="1"),
        None,
    ]
    assert (await accepted(store, body(text="1"))).answer == b"card"
    assert await store.claim(now=NOW + DAY, limit=10) == []
    row = await store.inbox_row(done.id)
    assert row is not None
    assert (row.state, row.installation_id) == (EventState.DONE, ana)
    assert not await store.revive(removed.id, now=NOW)
    assert await store.revive(done.id, now=NOW)
    assert [event.body for event in await store.claim(now=NOW, limit=10)] == [body(text="0")]


async def test_what_was_handled_and_kept_goes_with_its_installation_however_new_it_is(
    store: Store,
) -> None:
    ana = await opened(store)
    late = NOW + DAY
    done, dead = [await accepted(store, body(text=n, at=late), name="ana") for n in "12"]
    await store.finish(done.id, EventState.DONE, now=NOW, keep_body=True, installation_id=ana)
    await store.finish(dead.id, EventState.DEAD, now=NOW, installation_id=ana)
    await purge_begun(store, ana)
    assert await store.erase(ana, "inbox") == 2
    assert [await store.read_body(each.id) for each in (done, dead)] == [None, None]


async def test_an_event_whose_days_key_is_gone_is_dropped(store: Store, vault: Vault) -> None:
    event = await accepted(store, body())
    await store.defer(event.id, until=NOW, reason="later")
    await vault.destroy_days_before((NOW + DAY).date())
    assert await store.claim(now=NOW, limit=1) == []
    (row,) = await store.inbox_rows()
    assert (row.state, row.reason) == (EventState.DROPPED, "key_gone")


async def test_an_answer_whose_days_key_is_gone_is_not_given(store: Store, vault: Vault) -> None:
    event = await accepted(store, body())
    await store.finish(event.id, EventState.DONE, now=NOW, answer=b"card")
    await vault.destroy_days_before((NOW + DAY).date())
    again = await accepted(store, body(), now=NOW + DAY)
    assert (again.fresh, again.state, again.answer) == (False, EventState.DONE, None)


async def test_keeps_events_of_several_days(store: Store) -> None:
    for day in range(3):
        await accepted(store, body(text=str(day)), now=NOW + timedelta(days=day))
    await store.reclaim(now=NOW + 3 * DAY)
    claimed = await store.claim(now=NOW + 3 * DAY, limit=10)
    assert [event.body for event in claimed] == [body(text=str(day)) for day in range(3)]


async def test_an_arrival_for_somebody_who_is_being_purged_is_kept_as_nobodys(
    store: Store,
) -> None:
    ana = await opened(store)
    arrivals, _ = await asyncio.gather(
        asyncio.gather(*(accepted(store, body(text=str(n)), name="ana") for n in range(20))),
        purge_begun(store, ana),
    )
    assert all(each.fresh for each in arrivals)
    late = await accepted(store, body(text="late"), name="ana")
    assert late.fresh
    assert (await store.inbox_rows())[0].installation_id is None
    assert await store.find_installation(owner()) is not None


async def test_nothing_is_kept_of_an_event_whose_installation_is_gone(store: Store) -> None:
    ana = await opened(store)
    ids = [(await accepted(store, body(text=str(n)))).id for n in range(3)]
    await purge_begun(store, ana)
    await store.defer(ids[0], until=NOW, reason="later", installation_id=ana)
    await store.finish(ids[1], EventState.DEAD, now=NOW, installation_id=ana)
    await store.finish(ids[2], EventState.DONE, now=NOW, installation_id=ana, answer=b"Hi Ana")
    states = [row.state for row in await store.inbox_rows()]
    assert states == [EventState.DONE, EventState.DROPPED, EventState.DROPPED]
    assert (await accepted(store, body(text="2"))).answer is None
    assert await store.claim(now=NOW + DAY, limit=10) == []
