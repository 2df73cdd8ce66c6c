"""How many can there be before one goes wrong? The full counts, and a table of what came of them.

    python -m tests.faults.soak [--minutes N] [--only NAME] [--at-once N] [--write PATH]

Two parts are played at a time. With `--minutes` each ends when its share of the time is
over, and the table says how far it came.
"""

import argparse
import asyncio
import multiprocessing
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from pathlib import Path

from hypothesis import given

from bench.memory import taking
from tests.faults.children import kill
from tests.faults.crossings import crossings, orders
from tests.faults.edges import Crash, Fail
from tests.faults.halts import HALTED, halted_holder
from tests.faults.parts import Led, Outcome, Part, Play
from tests.faults.races import (
    Raced,
    callbacks_of_processes,
    double_callbacks,
    expiry_of_processes,
    one_expiry,
)
from tests.faults.scenes import SCENES, Handle, Install, Purge, Refresh, Scene
from tests.faults.silence import hush
from tests.faults.sweep import Strikes, crashes_twice, strikes
from tests.fuzz import guided
from tests.fuzz.surfaces import SURFACES, Surface, patiently
from tests.postgres import server

HEAD = """\
# What `make soak` found last

{when:%Y-%m-%d}, commit {commit}, Python {python}, {cores} cores{busy}.
{limit}
| What | Asked for | Played | Went wrong | Seconds |
|---|---|---|---|---|
"""
FUZZ_SECONDS = 150.0
"""Of each surface by chance, and by its branches: an hour for all."""


# the parts


def _rounds(race: Callable[..., Raced], total: int, *, workers: int) -> Play:
    """Race in stages of a hundred rounds, or what looks through the guests takes ever longer."""

    def play() -> Iterator[tuple[int, str]]:
        left = total
        while left > 0:
            raced = race(min(left, 100), workers=workers)
            left -= raced.rounds
            wrong = f"{raced.wrong} of {raced.rounds} rounds" if raced.wrong else ""
            yield raced.rounds, wrong

    return play


def _rounds_of_processes(
    race: Callable[[int, str, str], Raced], total: int, *, at_once: int
) -> Play:
    """Race in so many rounds with the same processes, then with others."""

    def play() -> Iterator[tuple[int, str]]:
        left = total
        while left > 0:
            with server().space() as space:
                raced = race(min(left, at_once), server().url, space)
            left -= raced.rounds
            wrong = f"{raced.wrong} of {raced.rounds} rounds" if raced.wrong else ""
            if raced.apart == raced.rounds:
                wrong = "no two processes were at it at the same time"
            yield raced.rounds, wrong

    return play


def _halts(total: int) -> Play:
    def play() -> Iterator[tuple[int, str]]:
        for _ in range(-(-total // len(HALTED))):
            with server().space() as space:
                came = halted_holder(server().url, space)
            for expected, halted in zip(HALTED, came, strict=True):
                yield 1, "" if halted == expected else f"{halted} instead of {expected}"

    return play


def _orders(name: str) -> Play:
    (crossing,) = [each for each in crossings(whole=True) if each.name == name]

    def play() -> Iterator[tuple[int, str]]:
        for order, wrong in orders(crossing):
            yield 1, f"{wrong}: {'; '.join(order)}" if wrong else ""

    return play


def _kills(total: int) -> Play:
    scenes: tuple[Scene, ...] = (Handle(), Refresh(), Install(), Purge())

    def play() -> Iterator[tuple[int, str]]:
        each = -(-total // len(scenes))
        for scene in scenes:
            points = kill(scene, 0).passed
            for number in range(each):
                killed = kill(scene, 1 + points * number // each)
                yield bool(killed.struck), killed.wrong

    return play


def _refreshes() -> Iterator[tuple[int, str]]:
    """Crash at every point, then at two; each is played for each way Zoom may take it."""
    scenes = [Refresh(), Refresh("grace"), Refresh("revoke_family")]
    every = partial(Crash, every=True)
    once = chain.from_iterable(strikes(scene, every) for scene in scenes)
    twice = chain.from_iterable(crashes_twice(scene) for scene in scenes)
    whole = chain.from_iterable(crashes_twice(scene, every=True) for scene in scenes)
    return _struck(chain(once, twice, whole))


def _struck(met: Strikes) -> Iterator[tuple[int, str]]:
    for where, wrong in met:
        yield 1 + (", then " in where), f"{where}: {wrong}" if wrong else ""


def _failures() -> Iterator[tuple[int, str]]:
    return _struck(chain.from_iterable(strikes(scene, Fail) for scene in SCENES))


def _odd(surface: Surface) -> Play:
    """Put in what nobody foresaw, by the hundred."""

    def play() -> Iterator[tuple[int, str]]:
        with surface.open() as put_in:
            some = patiently(100, remembers=False)(given(surface.inputs)(put_in))
            while True:
                try:
                    some()
                except Exception as error:  # the next hundreds may find something else
                    yield 100, repr(error)
                else:
                    yield 100, ""

    return play


def _memory(total: int) -> Play:
    """Have a web process take in so many events, and look whether it grows."""

    def play() -> Iterator[tuple[int, str]]:
        warm, last = 0.0, 0
        for held in taking(total):
            if held.events <= total // 10:
                warm = held.megabytes  # what it needs for its work
            grown = held.events == total and held.megabytes > warm * 1.1
            told = f"{held.megabytes:.0f} MB after {held.events:,} events, {warm:.0f} MB before"
            yield held.events - last, told if grown else ""
            last = held.events

    return play


def parts() -> list[Part | Led]:
    """List what is played, the long ones first: so two cores end at about the same time."""
    listed: list[Part | Led] = [
        Part("Crashes within a refresh, and within the start after it", 5_000, _refreshes),
        Part(
            "Double callbacks at once, at two of three processes, one exchange each",
            10_000,
            _rounds_of_processes(callbacks_of_processes, 10_000, at_once=250),
            postgres=True,
        ),
        Part(
            "Eight processes at one expiry, one refresh each",
            500,
            _rounds_of_processes(expiry_of_processes, 500, at_once=100),
            postgres=True,
        ),
        Part(
            "A process that holds the lease of a refresh stopped by SIGSTOP",
            60,
            _halts(60),
            postgres=True,
        ),
        Part(
            "Double callbacks at once, on three workers of one process, one exchange each",
            1_000,
            _rounds(double_callbacks, 1_000, workers=3),
        ),
        Part(
            "Eight workers of one process at one expiry, one refresh each",
            500,
            _rounds(one_expiry, 500, workers=8),
        ),
        Part("Events taken in by one process, which does not grow", 1_000_000, _memory(1_000_000)),
        Part("SIGKILL within refresh, install and purge", 200, _kills(200)),
        Part("Calls that fail within refresh, install and purge", 0, _failures),
        *(
            Part(f"Orders of a purge and a {name}", 0, _orders(name))
            for name in ("refresh", "handler", "reinstall", "purge")
        ),
        Part(
            "Crashes within an install, and within the start after it",
            0,
            lambda: _struck(crashes_twice(Install())),
        ),
        Part(
            "Crashes within a purge, and within the start after it",
            0,
            lambda: _struck(crashes_twice(Purge())),
        ),
        *(
            Part(f"Odd {each.name} from outside", 50_000, _odd(each), least_seconds=FUZZ_SECONDS)
            for each in SURFACES
        ),
        *(
            Led(f"{each.name}, led by their branches", each.name, FUZZ_SECONDS)
            for each in SURFACES
            if guided.belongs_here()
        ),
    ]
    if not guided.belongs_here():
        print(f"{guided.NEEDS}: nothing is PLAYED by its branches", file=sys.stderr)  # noqa: T201
    if os.environ.get("INNKEEPER_NO_POSTGRES") == "1":
        print("INNKEEPER_NO_POSTGRES=1: no race of processes is PLAYED", file=sys.stderr)  # noqa: T201
        return [each for each in listed if not each.postgres]
    return listed


# playing them


def _play(name: str, seconds: float) -> Outcome:
    """Play a part in a process of its own."""
    hush()
    (part,) = [each for each in parts() if each.name == name]
    return part.run(seconds)


async def _play_all(chosen: Sequence[Part | Led], *, seconds: float, at_once: int) -> list[Outcome]:
    """Play so many at a time, each for its share of what is left."""
    end, loop = time.monotonic() + seconds, asyncio.get_running_loop()
    left = list(enumerate(chosen))
    outcomes: dict[int, Outcome] = {}

    async def play(pool: ProcessPoolExecutor) -> None:
        while left:
            time_left = end - time.monotonic()
            share = time_left * min(1.0, at_once / len(left))
            number, part = left.pop(0)
            outcomes[number] = await loop.run_in_executor(pool, _play, part.name, share)
            print(outcomes[number].row(), end="", file=sys.stderr, flush=True)  # noqa: T201

    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(at_once, mp_context=context) as pool:
        await asyncio.gather(*(play(pool) for _ in range(at_once)))
    return [outcomes[number] for number in sorted(outcomes)]


def main() -> None:
    """Play, and write the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak")
    parser.add_argument("--minutes", type=float, default=0.0, help="end after so long")
    parser.add_argument("--only", default="", help="play the parts with these words in their name")
    parser.add_argument("--write", type=Path, help="where the table is kept")
    parser.add_argument("--at-once", type=int, default=2, help="how many parts (2)")
    asked = parser.parse_args()
    chosen = [part for part in parts() if asked.only.lower() in part.name.lower()]
    if any(part.postgres for part in chosen):
        os.environ["INNKEEPER_TEST_POSTGRES"] = (
            server().url
        )  # one for all; it ends with this process
    seconds = asked.minutes * 60 if asked.minutes else float("inf")
    table = _head(asked.minutes)
    outcomes = asyncio.run(_play_all(chosen, seconds=seconds, at_once=asked.at_once))
    table += "".join(each.row() for each in outcomes)
    print(table, end="")  # noqa: T201
    if asked.write:
        asked.write.write_text(table, encoding="utf-8")
    sys.exit(1 if any(each.wrong for each in outcomes) else 0)


def _head(minutes: float) -> str:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True
    ).stdout.strip()
    limit = f"\nIt was given {minutes:g} minutes, shared by the parts.\n" if minutes else ""
    load = os.getloadavg()[0] / (os.cpu_count() or 1)
    return HEAD.format(
        when=datetime.now(UTC),
        commit=commit,
        python=platform.python_version(),
        cores=os.cpu_count(),
        busy=", busy with other work" if load > 1 else "",
        limit=limit,
    )


if __name__ == "__main__":
    main()
