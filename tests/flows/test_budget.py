"""A budget is used up at once, and comes back bit by bit."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from innkeeper.clock import MovableClock
from innkeeper.flows.budget import Budget

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
EACH = timedelta(seconds=6)
NONE = timedelta(0)


def made(size: int = 3) -> tuple[Budget, MovableClock]:
    clock = MovableClock(NOW, frozen=True)
    return Budget(size, EACH, clock), clock


def test_tells_how_long_until_it_can_be_used_again() -> None:
    budget, clock = made()
    assert [budget.use() for _ in range(5)] == [NONE, NONE, NONE, EACH, EACH]
    clock.advance(4)
    assert budget.use() == timedelta(seconds=2)
    clock.advance(2)
    assert [budget.use(), budget.use()] == [NONE, EACH]


def test_is_whole_again_after_a_while_and_never_more() -> None:
    budget, clock = made()
    for _ in range(9):
        budget.use()
    clock.advance(86_400)
    assert [budget.use() for _ in range(4)] == [NONE, NONE, NONE, EACH]


def test_a_clock_that_is_set_back_makes_nobody_wait_longer() -> None:
    budget, clock = made()
    for _ in range(3):
        budget.use()
    clock.stand_at(NOW - timedelta(days=1))
    assert budget.use() == EACH
    clock.advance(6)
    assert [budget.use(), budget.use()] == [NONE, EACH]


@given(st.lists(st.floats(0, 20), max_size=60), st.integers(1, 5))
def test_no_stretch_of_time_sees_more_than_it_and_what_came_back(
    waits: list[float], size: int
) -> None:
    budget, clock = made(size)
    used: list[datetime] = []
    for wait in waits:
        clock.advance(wait)
        if budget.use() == NONE:
            used.append(clock.now())
    for first, begin in enumerate(used):
        for last, end in enumerate(used[first:], start=first):
            assert last - first + 1 <= size + (end - begin) / EACH + 1e-6
