"""What is counted is what is there, and counting changes nothing."""

import pytest

from innkeeper.store.base import Store
from innkeeper.store.records import Census, EventState, Outcome, Receipt
from tests.contracts.houses import DAY, MINUTE, NOW, accepted, body, opened, purge_begun

pytestmark = pytest.mark.anyio

EMPTY = Census(
    waiting=0,
    waiting_since=None,
    purges=0,
    overdue_purges=0,
    purge_time_used=0.0,
    open_cases=0,
    receipts=0,
)


async def test_an_empty_store_has_nothing(store: Store) -> None:
    assert await store.census(now=NOW) == EMPTY


async def test_counts_what_is_due_and_not_taken_up(store: Store) -> None:
    ids = [(await accepted(store, body(text=str(number)))).id for number in range(5)]
    assert await store.census(now=NOW) == EMPTY
    for event, minutes in zip(ids, (3, 1, 9), strict=False):
        await store.defer(event, until=NOW + minutes * MINUTE, reason="later")
    await store.finish(ids[3], EventState.DEAD, now=NOW, reason="broken")
    assert await store.census(now=NOW) == EMPTY
    census = await store.census(now=NOW + 5 * MINUTE)
    assert (census.waiting, census.waiting_since) == (2, NOW + MINUTE)
    await store.claim(now=NOW + 5 * MINUTE, limit=1)
    census = await store.census(now=NOW + 5 * MINUTE)
    assert (census.waiting, census.waiting_since) == (1, NOW + 3 * MINUTE)


async def test_tells_how_much_of_its_time_the_purge_has_used_that_has_used_most(
    store: Store,
) -> None:
    for place, name in enumerate(("ana", "ben")):
        removed_at = NOW + place * DAY / 2
        await purge_begun(store, await opened(store, name), removed_at=removed_at)
    census = await store.census(now=NOW + DAY / 4 * 3)
    assert (census.purges, census.overdue_purges) == (2, 0)
    assert census.purge_time_used == pytest.approx(0.75)
    census = await store.census(now=NOW + DAY)
    assert (census.overdue_purges, census.purge_time_used) == (1, pytest.approx(1.0))


async def test_counts_open_cases_and_receipts(store: Store) -> None:
    ana = await opened(store)
    first = await store.open_case("one", installation_id=ana, now=NOW)
    await store.open_case("two", installation_id=None, now=NOW)
    await store.close_case(first.id, outcome=Outcome.KEPT, now=NOW)
    purge = await purge_begun(store, ana)
    await store.end_purge(ana, Receipt(purge.receipt_id, 1, b"{}", b"signed", "key"))
    census = await store.census(now=NOW)
    assert (census.open_cases, census.receipts, census.purges) == (1, 1, 0)
