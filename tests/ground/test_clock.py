import asyncio
import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from innkeeper.clock import MovableClock, SystemClock, epoch_ms, from_epoch

START = datetime(2025, 3, 1, 12, tzinfo=UTC)


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


class Sleepers:
    """Tasks that note who woke, in order."""

    def __init__(self, clock: MovableClock) -> None:
        self.clock = clock
        self.woke: list[str] = []
        self.tasks: list[asyncio.Task[None]] = []

    async def start(self, name: str, seconds: float) -> asyncio.Task[None]:
        async def nap() -> None:
            await self.clock.sleep(seconds)
            self.woke.append(name)

        task = asyncio.create_task(nap())
        self.tasks.append(task)
        await settle()
        return task

    async def cancel(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


def test_the_system_clock_tells_the_machines_time_in_utc():
    before = datetime.now(UTC)
    now = SystemClock().now()

    assert before <= now <= datetime.now(UTC)
    assert now.tzinfo is UTC


@pytest.mark.anyio
async def test_the_system_clock_sleeps():
    await asyncio.wait_for(SystemClock().sleep(0), 1)


def test_a_frozen_clock_stands_until_it_is_moved():
    clock = MovableClock(START, frozen=True)

    assert clock.now() == clock.now() == START
    clock.advance(90)
    assert clock.now() == START + timedelta(seconds=90)


def test_a_frozen_clock_without_a_start_stands_at_the_machines_time():
    before = datetime.now(UTC)
    clock = MovableClock(frozen=True)

    assert before <= clock.now() <= datetime.now(UTC)
    assert clock.now() == clock.now()


def test_a_running_clock_keeps_pace_with_the_machine():
    clock = MovableClock(START)
    first = clock.now()

    assert START <= first <= clock.now() < START + timedelta(seconds=60)
    clock.advance(3600)
    assert clock.now() >= first + timedelta(hours=1)


def test_tells_utc_whatever_zone_it_was_started_in():
    clock = MovableClock(START.astimezone(timezone(timedelta(hours=5))), frozen=True)

    assert clock.now() == START
    assert clock.now().tzinfo is UTC
    assert MovableClock(START.astimezone(timezone(timedelta(hours=5)))).now().tzinfo is UTC


def test_a_start_without_a_zone_is_refused():
    with pytest.raises(TypeError):
        MovableClock(START.replace(tzinfo=None))


@pytest.mark.parametrize("frozen", [True, False])
@pytest.mark.parametrize(
    "seconds", [-0.001, -5, float("nan"), float("inf"), float("-inf"), 1e300, 1e12, 40_000_000_000]
)
def test_refuses_to_go_back_or_beyond_the_year_3000(frozen, seconds):
    clock = MovableClock(START, frozen=frozen)

    with pytest.raises(ValueError, match="cannot go back, nor beyond"):
        clock.advance(seconds)

    assert START <= clock.now() < START + timedelta(minutes=1)


def test_a_refused_move_does_not_break_the_clock():
    clock = MovableClock(START)
    clock.advance(9e9)  # some 285 years

    with pytest.raises(ValueError, match="beyond the year 3000"):
        clock.advance(9e10)

    assert clock.now().year == 2310


def test_tells_how_far_it_is_ahead_of_the_machine():
    clock = MovableClock()
    assert clock.offset == timedelta(0)
    clock.advance(60)
    assert clock.offset == timedelta(seconds=60)

    frozen = MovableClock(datetime.now(UTC) + timedelta(hours=1), frozen=True)
    assert timedelta(minutes=59) < frozen.offset <= timedelta(hours=1)


def test_follows_another_clock_back_and_forth():
    clock = MovableClock()

    clock.follow(timedelta(hours=2))
    assert timedelta(hours=2) <= clock.offset < timedelta(hours=2, seconds=1)
    clock.follow(clock.offset + timedelta(milliseconds=900))
    assert timedelta(hours=2) <= clock.offset < timedelta(hours=2, seconds=1)
    clock.follow(timedelta(0))
    assert clock.offset == timedelta(0)


def test_tells_its_watchers_that_it_moved():
    clock = MovableClock(START, frozen=True)
    seen: list[datetime] = []
    clock.watch(lambda: seen.append(clock.now()))

    clock.advance(1)
    clock.advance(0)

    assert seen == [START + timedelta(seconds=1)] * 2


@pytest.mark.anyio
async def test_wakes_whoever_waited_for_the_time_it_skipped_in_their_order():
    clock = MovableClock(START, frozen=True)
    sleepers = Sleepers(clock)
    await sleepers.start("late", 30)
    await sleepers.start("early", 10)
    await sleepers.start("also early", 10)
    await sleepers.start("much later", 3600)

    clock.advance(9.999)
    await settle()
    assert sleepers.woke == []
    clock.advance(25)
    await settle()
    assert sleepers.woke == ["early", "also early", "late"]
    await sleepers.cancel()


@pytest.mark.anyio
@pytest.mark.parametrize("seconds", [0, -1])
async def test_does_not_wait_for_a_time_that_has_come(seconds):
    await asyncio.wait_for(MovableClock(START, frozen=True).sleep(seconds), 1)


@pytest.mark.anyio
async def test_a_running_clock_wakes_by_itself():
    await asyncio.wait_for(MovableClock(START).sleep(0.001), 5)


@pytest.mark.anyio
async def test_a_running_clock_wakes_even_if_the_wall_clock_lags_behind_the_loops(monkeypatch):
    clock = MovableClock(START, frozen=False)
    stopped = clock.now()
    monkeypatch.setattr(clock, "now", lambda: stopped)  # as if the wall clock were set back

    await asyncio.wait_for(clock.sleep(0.001), 5)


@pytest.mark.anyio
async def test_a_running_clock_that_is_moved_wakes_at_once():
    clock = MovableClock(START)
    sleepers = Sleepers(clock)
    task = await sleepers.start("guest", 7200)

    clock.advance(7200)

    await asyncio.wait_for(task, 5)


@pytest.mark.anyio
async def test_whoever_gave_up_waiting_is_forgotten():
    clock = MovableClock(START, frozen=True)
    sleepers = Sleepers(clock)
    for number in range(50):
        await sleepers.start(f"guest {number}", 3600)
    await sleepers.cancel()

    assert not clock._waiters
    clock.advance(7200)
    await settle()
    assert sleepers.woke == []


@pytest.mark.anyio
async def test_whoever_gives_up_at_the_moment_of_waking_does_no_harm():
    clock = MovableClock(START, frozen=True)
    sleepers = Sleepers(clock)
    task = await sleepers.start("guest", 10)

    clock.advance(10)
    task.cancel()
    await settle()

    assert task.cancelled()


@pytest.mark.anyio
async def test_may_be_moved_by_another_thread():
    clock = MovableClock(START, frozen=True)
    sleepers = Sleepers(clock)
    task = await sleepers.start("guest", 60)

    mover = threading.Thread(target=clock.advance, args=(60,))
    mover.start()
    await asyncio.wait_for(task, 5)
    mover.join()

    assert sleepers.woke == ["guest"]


def test_moves_by_many_threads_add_up():
    clock = MovableClock(START, frozen=True)

    def move() -> None:
        for _ in range(500):
            clock.advance(1)

    threads = [threading.Thread(target=move) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert clock.now() == START + timedelta(seconds=2000)


def test_a_sleeper_whose_loop_was_closed_does_not_stop_the_clock():
    clock = MovableClock(START, frozen=True)
    moved: list[str] = []
    clock.watch(lambda: moved.append("yes"))
    loop = asyncio.new_event_loop()
    nap = clock.sleep(60)
    waiting = loop.create_task(nap)
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()

    clock.advance(60)

    assert moved == ["yes"]
    assert not waiting.done()
    waiting._log_destroy_pending = False  # it is what this test is about
    nap.close()


@given(st.integers(0, 4_102_444_800_000))  # until 2100; a float of seconds grows coarser
def test_milliseconds_survive_the_way_to_a_time_and_back(stamp):
    assert epoch_ms(from_epoch(stamp / 1000)) == stamp


def test_milliseconds_are_whole_and_of_any_zone():
    moment = datetime(2019, 6, 17, 15, 52, 28, 632_999, tzinfo=timezone(timedelta(hours=2)))

    assert epoch_ms(moment) == 1_560_779_548_632


def test_a_time_without_a_zone_has_no_milliseconds():
    with pytest.raises(TypeError):
        epoch_ms(datetime(2025, 1, 1))  # noqa: DTZ001  # that is the point


def test_a_clock_that_stands_can_be_set_back():
    clock = MovableClock(datetime(2026, 3, 2, tzinfo=UTC), frozen=True)
    for moment in (datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 4, tzinfo=UTC)):
        clock.stand_at(moment)
        assert clock.now() == moment


def test_a_clock_that_runs_cannot_be_set():
    with pytest.raises(ValueError, match="runs"):
        MovableClock().stand_at(datetime(2026, 3, 2, tzinfo=UTC))
