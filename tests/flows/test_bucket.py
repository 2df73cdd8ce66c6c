"""A bucket is filled at once, and empties bit by bit."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from innkeeper.clock import MovableClock
from innkeeper.flows.bucket import LeakyBucket

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
EACH = timedelta(seconds=6)
NONE = timedelta(0)


def made(size: int = 3) -> tuple[LeakyBucket, MovableClock]:
    clock = MovableClock(NOW, frozen=True)
    return LeakyBucket(size, EACH, clock), clock


def test_tells_how_long_until_there_is_room() -> None:
    bucket, clock = made()
    assert [bucket.fill() for _ in range(5)] == [NONE, NONE, NONE, EACH, EACH]
    clock.advance(4)
    assert bucket.fill() == timedelta(seconds=2)
    clock.advance(2)
    assert [bucket.fill(), bucket.fill()] == [NONE, EACH]


def test_is_empty_again_after_a_while_and_never_more() -> None:
    bucket, clock = made()
    for _ in range(9):
        bucket.fill()
    clock.advance(86_400)
    assert [bucket.fill() for _ in range(4)] == [NONE, NONE, NONE, EACH]


def test_a_clock_that_is_set_back_makes_nobody_wait_longer() -> None:
    bucket, clock = made()
    for _ in range(3):
        bucket.fill()
    clock.stand_at(NOW - timedelta(days=1))
    assert bucket.fill() == EACH
    clock.advance(6)
    assert [bucket.fill(), bucket.fill()] == [NONE, EACH]


@given(st.lists(st.floats(0, 20), max_size=60), st.integers(1, 5))
def test_no_stretch_of_time_sees_more_than_it_and_what_came_back(
    waits: list[float], size: int
) -> None:
    bucket, clock = made(size)
    used: list[datetime] = []
    for wait in waits:
        clock.advance(wait)
        if bucket.fill() == NONE:
            used.append(clock.now())
    for first, begin in enumerate(used):
        for last, end in enumerate(used[first:], start=first):
            assert last - first + 1 <= size + (end - begin) / EACH + 1e-6
