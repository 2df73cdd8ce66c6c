"""How many can there be before one goes wrong? The full counts, and a table of what came of them.

    python -m tests.faults.soak [--minutes N] [--only NAME] [--write PATH]

With `--minutes` each part ends when its share of the time is over, and the table says how
far it came.
"""

import argparse
import logging
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from pathlib import Path

import structlog

from tests.faults.children import kill
from tests.faults.crossings import crossings, orders
from tests.faults.edges import Crash, Fail
from tests.faults.races import Raced, double_callbacks, one_expiry
from tests.faults.scenes import SCENES, Install, Purge, Refresh, Scene
from tests.faults.sweep import Strikes, crashes_twice, strikes

HEAD = """\
# What `make soak` found last

{when:%Y-%m-%d}, commit {commit}, Python {python}, {cores} cores{busy}.
{limit}
| What | Asked for | Played | Went wrong | Seconds |
|---|---|---|---|---|
"""


@dataclass(slots=True)
class Part:
    """One kind of trouble, and how much of it."""

    name: str
    asked: int
    """How many there should be; 0: as many as there are."""
    play: Callable[[], Iterator[tuple[int, str]]]
    """Gives how many each round was, and what went wrong in it."""
    played: int = 0
    wrong: list[str] = field(default_factory=list[str])
    seconds: float = 0.0
    whole: bool = False
    """Whether it came to its end."""

    def run(self, seconds: float) -> None:
        """Play until it is enough, or the time is over."""
        began = time.monotonic()
        for count, wrong in self.play():
            self.played += count
            if wrong:
                self.wrong.append(wrong)
                print(f"  {self.name}: {wrong}", file=sys.stderr)  # noqa: T201
            self.seconds = time.monotonic() - began
            if self.asked and self.played >= self.asked:
                break
            if self.seconds > seconds:
                return
        self.whole = True

    def row(self) -> str:
        """Write its line of the table."""
        asked = f"{self.asked:,}" if self.asked else "all"
        played = f"{self.played:,}" + ("" if self.whole else " (time was up)")
        return f"| {self.name} | {asked} | {played} | {len(self.wrong)} | {self.seconds:,.0f} |\n"


# the parts


def _rounds(
    race: Callable[..., Raced], total: int, *, workers: int
) -> Callable[[], Iterator[tuple[int, str]]]:
    """Race in stages of a hundred rounds, or what looks through the guests takes ever longer."""

    def play() -> Iterator[tuple[int, str]]:
        left = total
        while left > 0:
            raced = race(min(left, 100), workers=workers)
            left -= raced.rounds
            wrong = f"{raced.wrong} of {raced.rounds} rounds" if raced.wrong else ""
            yield raced.rounds, wrong

    return play


def _orders(name: str) -> Callable[[], Iterator[tuple[int, str]]]:
    (crossing,) = [each for each in crossings(whole=True) if each.name == name]

    def play() -> Iterator[tuple[int, str]]:
        for order, wrong in orders(crossing):
            yield 1, f"{wrong}: {'; '.join(order)}" if wrong else ""

    return play


def _kills(total: int) -> Callable[[], Iterator[tuple[int, str]]]:
    scenes: tuple[Scene, ...] = (Refresh(), Install(), Purge())

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


def parts() -> list[Part]:
    """List what is played, the short ones first."""
    return [
        Part(
            "Double callbacks at once, on three workers, one exchange each",
            10_000,
            _rounds(double_callbacks, 10_000, workers=3),
        ),
        Part(
            "Eight workers at one expiry, one refresh each",
            500,
            _rounds(one_expiry, 500, workers=8),
        ),
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
        Part("Crashes within a refresh, and within the start after it", 5_000, _refreshes),
    ]


def main() -> None:
    """Play, and write the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak")
    parser.add_argument("--minutes", type=float, default=0.0, help="end after so long")
    parser.add_argument("--only", default="", help="play the parts with these words in their name")
    parser.add_argument("--write", type=Path, help="where the table is kept")
    asked = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    chosen = [part for part in parts() if asked.only.lower() in part.name.lower()]
    end = time.monotonic() + (asked.minutes * 60 if asked.minutes else float("inf"))
    table = _head(asked.minutes)
    for number, part in enumerate(chosen):
        part.run((end - time.monotonic()) / (len(chosen) - number))
        table += part.row()
        print(part.row(), end="", file=sys.stderr, flush=True)  # noqa: T201
    print(table, end="")  # noqa: T201
    if asked.write:
        asked.write.write_text(table, encoding="utf-8")
    sys.exit(1 if any(part.wrong for part in chosen) else 0)


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
