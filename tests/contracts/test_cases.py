"""What is in doubt, and how is it settled? Once, whoever does it."""

import asyncio
from datetime import UTC, datetime

import pytest

from innkeeper.errors import Fenced
from innkeeper.store.base import Store
from innkeeper.store.records import InstallationStatus, Outcome
from tests.contracts.houses import DAY, MINUTE, NOW, opened, owner, person, purge_begun

pytestmark = pytest.mark.anyio


async def test_opens_one_case_for_one_doubt(store: Store) -> None:
    ana = await opened(store)
    cases = await asyncio.gather(
        *(store.open_case("send_refused", installation_id=ana, now=NOW) for _ in range(10))
    )
    assert len({case.id for case in cases}) == 1
    assert cases[0].installation_id == ana
    other = await store.open_case("grant_died", installation_id=ana, now=NOW + MINUTE)
    nobodys = await store.open_case("grant_died", installation_id=None, now=NOW + MINUTE)
    again = await store.open_case("grant_died", installation_id=None, now=NOW + DAY)
    assert nobodys == again
    assert len({cases[0].id, other.id, nobodys.id}) == 3


async def test_lists_open_cases_first(store: Store) -> None:
    first = await store.open_case("one", installation_id=None, now=NOW)
    second = await store.open_case("two", installation_id=None, now=NOW + MINUTE)
    assert await store.close_case(first.id, outcome=Outcome.KEPT, now=NOW + DAY)
    assert not await store.close_case(first.id, outcome=Outcome.PURGE, now=NOW + DAY)
    assert not await store.close_case("case_nobody", outcome=Outcome.KEPT, now=NOW)
    listed = await store.cases()
    assert [case.id for case in listed] == [second.id, first.id]
    assert (listed[1].outcome, listed[1].closed_at) == (Outcome.KEPT, NOW + DAY)
    reopened = await store.open_case("one", installation_id=None, now=NOW + 2 * DAY)
    assert reopened.id != first.id


async def test_there_is_no_doubt_about_an_installation_that_is_over(store: Store) -> None:
    ana = await opened(store)
    await purge_begun(store, ana)
    with pytest.raises(Fenced):
        await store.open_case("send_refused", installation_id=ana, now=NOW)
    assert await store.cases() == []


async def test_finds_a_case_by_its_id(store: Store) -> None:
    case = await store.open_case("one", installation_id=await opened(store), now=NOW)
    assert await store.get_case(case.id) == case
    assert not case.decided
    assert await store.get_case("case_nobody") is None


async def test_lists_whose_case_it_is_newest_first(store: Store) -> None:
    ana, bob = await opened(store), await opened(store, "bob")
    first = await store.open_case("one", installation_id=ana, now=NOW)
    second = await store.open_case("two", installation_id=ana, now=NOW + MINUTE)
    nobodys = await store.open_case("one", installation_id=None, now=NOW)
    await store.close_case(second.id, outcome=Outcome.KEPT, now=NOW + DAY)
    assert [case.id for case in await store.cases_of(ana)] == [second.id, first.id]
    assert await store.cases_of(bob) == []
    assert await store.cases_of(None) == [nobodys]
    assert len(await store.cases(limit=2)) == 2


async def test_one_of_many_settles_a_case(store: Store) -> None:
    case = await store.open_case("one", installation_id=await opened(store), now=NOW)
    outcomes = [Outcome.KEPT, Outcome.PURGE, Outcome.LIVES, Outcome.UNANSWERED]
    closed = await asyncio.gather(
        *(store.close_case(case.id, outcome=each, now=NOW + DAY) for each in outcomes)
    )
    assert closed.count(True) == 1
    (settled,) = await store.cases()
    assert settled.outcome is outcomes[closed.index(True)]


async def test_lists_what_is_not_settled_page_by_page(store: Store) -> None:
    ana = await opened(store)
    cases = [await store.open_case(f"{n}", installation_id=ana, now=NOW) for n in range(5)]
    await store.open_case("one", installation_id=None, now=NOW)
    for case, outcome in zip(cases, Outcome, strict=False):
        await store.close_case(case.id, outcome=outcome, now=NOW)
    wanted = sorted(
        case.id
        for case, outcome in zip(cases, [*Outcome, None], strict=True)
        if outcome not in {Outcome.KEPT, Outcome.LIVES}
    )
    first = await store.unsettled_cases(limit=2)
    rest = await store.unsettled_cases(after=first[-1].id, limit=2)
    assert [case.id for case in (*first, *rest)] == wanted
    assert [case.decided for case in (*first, *rest)].count(True) == 2
    for opened_by, count in ((NOW, 3), (NOW - MINUTE, 2)):
        assert len(await store.unsettled_cases(opened_by=opened_by, limit=9)) == count
    long_ago = datetime.min.replace(tzinfo=UTC)
    assert all(case.decided for case in await store.unsettled_cases(opened_by=long_ago, limit=9))


async def test_counts_the_doubtful_among_the_living(store: Store) -> None:
    assert await store.count_doubtful() == (0, 0)
    ana, bob = await opened(store), await opened(store, "bob")
    gone = await opened(store, "cem")
    for each in (ana, bob, gone):
        await store.open_case("one", installation_id=each, now=NOW)
    await store.open_case("two", installation_id=ana, now=NOW)
    (case,) = await store.cases_of(bob)
    await store.close_case(case.id, outcome=Outcome.KEPT, now=NOW)
    await store.open_case("one", installation_id=None, now=NOW)
    await purge_begun(store, gone)
    assert await store.count_doubtful() == (1, 2)


async def test_authorizing_again_settles_what_was_doubted_before(store: Store) -> None:
    ana = await opened(store)
    before = await store.open_case("one", installation_id=ana, now=NOW + MINUTE)
    after = await store.open_case("two", installation_id=ana, now=NOW + 3 * MINUTE)
    again, fresh = await store.open_installation(owner(), person(), authorized_at=NOW + 2 * MINUTE)
    assert (again.id, fresh) == (ana, False)
    settled = await store.get_case(before.id)
    assert settled is not None
    assert (settled.outcome, settled.closed_at) == (Outcome.LIVES, NOW + 2 * MINUTE)
    assert await store.get_case(after.id) == after


@pytest.mark.parametrize("outcome", [Outcome.PURGE, Outcome.UNANSWERED])
async def test_authorizing_again_begins_beside_what_was_decided_to_be_purged(
    store: Store, outcome: Outcome
) -> None:
    ana = await opened(store)
    case = await store.open_case("one", installation_id=ana, now=NOW)
    await store.close_case(case.id, outcome=outcome, now=NOW + MINUTE)
    again, fresh = await store.open_installation(owner(), person(), authorized_at=NOW + DAY)
    assert fresh
    assert (again.generation, again.status) == (2, InstallationStatus.LIVE)
    old = await store.get_installation(ana)
    assert old is not None
    assert old.status is InstallationStatus.PURGING
    assert old.authorized_at == NOW
    assert [each.id for each in await store.unsettled_cases(limit=9)] == [case.id]
    assert await purge_begun(store, ana)


async def test_forgets_what_was_settled_long_ago(store: Store) -> None:
    ana = await opened(store)
    for number, outcome in enumerate([*Outcome, None]):
        for whose in (ana, None):
            case = await store.open_case(f"{number}", installation_id=whose, now=NOW)
            if outcome is not None:
                await store.close_case(case.id, outcome=outcome, now=NOW + MINUTE)
    assert await store.expire_cases(closed_before=NOW + MINUTE) == 0
    assert await store.expire_cases(closed_before=NOW + 2 * MINUTE) == 6
    left = [(case.installation_id, case.outcome) for case in await store.cases()]
    assert sorted(left, key=str) == sorted(
        [(ana, None), (None, None), (ana, Outcome.PURGE), (ana, Outcome.UNANSWERED)], key=str
    )


async def test_no_order_of_deciding_and_authorizing_loses_an_authorization(store: Store) -> None:
    for number in range(20):
        name = f"guest{number}"
        ana = await opened(store, name)
        case = await store.open_case("one", installation_id=ana, now=NOW)
        at = NOW + MINUTE
        decided, (again, fresh) = await asyncio.gather(
            store.close_case(case.id, outcome=Outcome.UNANSWERED, now=at),
            store.open_installation(owner(name), person(name), authorized_at=at),
        )
        settled = await store.get_case(case.id)
        assert settled is not None
        assert settled.decided is decided is fresh
        assert (again.id != ana) is decided
        assert again.status is InstallationStatus.LIVE
