"""The background work goes on, whatever a piece of it comes to."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from innkeeper.clock import MovableClock
from innkeeper.errors import StoreUnavailable
from innkeeper.work import BEAT_SECONDS, CHORES_EVERY, Parts, Worker
from tests.doors import opened

pytestmark = pytest.mark.anyio


class Heard:
    """A log that remembers."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, object]]] = []
        self.heard = asyncio.Event()

    def info(self, event: str, **words: object) -> None:
        self.lines.append((event, words))
        self.heard.set()

    error = warning = info


class Beats(Worker):
    """A worker whose work is a script."""

    def __init__(self, parts: Parts, *script: Exception | None) -> None:
        super().__init__(parts)
        self._script = list(script)
        self.beats = asyncio.Semaphore(0)
        self.chores = 0

    async def take_up(self) -> int:
        self.beats.release()
        error = self._script.pop(0) if self._script else None
        if error is not None:
            raise error
        return 1

    async def do_chores(self) -> int:
        self.chores += 1
        return 0


Run = Callable[[Parts, MovableClock, Heard], Awaitable[None]]


async def with_parts(directory: Path, run: Run) -> None:
    async with opened(directory) as (_, parts):
        clock, log = parts.clock, Heard()
        assert isinstance(clock, MovableClock)
        await run(replace(parts, log=log), clock, log)


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (StoreUnavailable("gone", "canary"), "store_unavailable"),
        (ValueError("canary"), "ValueError"),
    ],
)
async def test_a_piece_of_work_that_fails_does_not_end_the_work(
    error: Exception, name: str, tmp_path: Path
) -> None:
    async def run(parts: Parts, clock: MovableClock, log: Heard) -> None:
        worker = Beats(parts, error, None)
        worker.start()
        await worker.beats.acquire()
        await log.heard.wait()
        await asyncio.sleep(0)
        clock.advance(BEAT_SECONDS)
        async with asyncio.timeout(5):
            await worker.beats.acquire()
        await worker.stop()
        assert log.lines == [("work.failed", {"error": name})]

    await with_parts(tmp_path, run)


async def test_rests_between_two_beats(tmp_path: Path) -> None:
    async def run(parts: Parts, clock: MovableClock, log: Heard) -> None:
        worker = Beats(parts)
        worker.start()
        await worker.beats.acquire()
        for _ in range(5):
            await asyncio.sleep(0)
        assert worker.beats.locked()
        clock.advance(BEAT_SECONDS)
        async with asyncio.timeout(5):
            await worker.beats.acquire()
        await worker.stop()
        assert log.lines == []

    await with_parts(tmp_path, run)


async def test_stops_wherever_it_is_and_leaves_no_task(tmp_path: Path) -> None:
    async def run(parts: Parts, _: MovableClock, __: Heard) -> None:
        before = asyncio.all_tasks()
        worker = Beats(parts)
        worker.start()
        assert asyncio.all_tasks() - before
        await worker.stop()
        assert not asyncio.all_tasks() - before
        await worker.stop()

    await with_parts(tmp_path, run)


async def test_a_turn_does_the_chores_once_a_minute(tmp_path: Path) -> None:
    async def run(parts: Parts, clock: MovableClock, _: Heard) -> None:
        worker = Beats(parts)
        assert await worker.turn() == 1
        assert await worker.turn() == 1
        assert worker.chores == 1
        clock.advance((CHORES_EVERY - timedelta(seconds=1)).total_seconds())
        await worker.turn()
        assert worker.chores == 1
        clock.advance(1)
        await worker.turn()
        assert worker.chores == 2

    await with_parts(tmp_path, run)


async def test_the_chores_forget_what_was_begun_and_never_finished(tmp_path: Path) -> None:
    async with opened(tmp_path) as (door, parts):
        location = (await door.get("/install"))["location"]
        state = location.partition("state=")[2].partition("&")[0]
        assert await parts.store.peek_state(state) is not None
        clock: Any = parts.clock
        clock.advance(timedelta(minutes=11).total_seconds())
        await Worker(parts).turn()
        assert await parts.store.peek_state(state) is None


async def test_parts_let_go_of_everything_even_when_never_opened(tmp_path: Path) -> None:
    async with opened(tmp_path) as (_, parts):
        await parts.close()
        assert not await parts.store.ready()
        assert parts.state is parts.store
