"""What is a long play made of? Kinds of trouble, each with how much of it, and what came of it."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

Play = Callable[[], Iterator[tuple[int, str]]]
"""Gives how many each round was, and what went wrong in it."""


@dataclass(frozen=True, slots=True)
class Part:
    """One kind of trouble, and how much of it."""

    name: str
    asked: int
    """How many there should be; 0: as many as there are."""
    play: Play
    postgres: bool = False
    """Whether it takes place on PostgreSQL."""
    least_seconds: float = 0.0
    """How long it goes on at least, however soon it was enough."""

    def run(self, seconds: float) -> "Outcome":
        """Play until it is enough, or the time is over."""
        began, came = time.monotonic(), Outcome(self.name, self._asked())
        try:
            for count, wrong in self.play():
                came.played += count
                if wrong:
                    came.fail(wrong)
                came.seconds = time.monotonic() - began
                if self.asked and came.played >= self.asked and came.seconds >= self.least_seconds:
                    break
                if came.seconds > seconds:
                    return came
        except Exception as error:  # the others go on, and the table tells
            came.fail(repr(error))
            return came
        came.whole = True
        return came

    def _asked(self) -> str:
        asked = f"{self.asked:,}" if self.asked else "all"
        return f"{asked}, {self.least_seconds:.0f} s" if self.least_seconds else asked


@dataclass(frozen=True, slots=True)
class Led:
    """A surface that Atheris plays, in a process that is instrumented for it."""

    name: str
    surface: str
    seconds: float
    postgres: bool = False

    def run(self, seconds: float) -> "Outcome":
        """Play until the time is over, or something went wrong."""
        given = min(seconds, self.seconds)
        came = Outcome(self.name, f"{self.seconds:.0f} s")
        command = [sys.executable, "-m", "tests.fuzz", self.surface, "--json"]
        played = subprocess.run(
            [*command, "--seconds", str(given)], capture_output=True, text=True, check=False
        )
        try:
            told = json.loads(played.stdout)
        except ValueError:
            came.fail(played.stderr[-2_000:])
            return came
        came.played, came.seconds = told["played"], told["seconds"]
        if told["wrong"]:
            came.fail(told["wrong"])
        came.whole = given == self.seconds and not told["wrong"]
        return came


@dataclass(slots=True)
class Outcome:
    """What came of a part."""

    name: str
    asked: str
    played: int = 0
    wrong: list[str] = field(default_factory=list[str])
    seconds: float = 0.0
    whole: bool = False
    """Whether it came to its end."""

    def fail(self, wrong: str) -> None:
        """Note what went wrong, and say it at once."""
        self.wrong.append(wrong)
        print(f"  {self.name}: {wrong}", file=sys.stderr)  # noqa: T201

    def row(self) -> str:
        """Write its line of the table."""
        left = "" if self.whole else " (stopped)" if self.wrong else " (time was up)"
        played = f"{self.played:,}{left}"
        return (
            f"| {self.name} | {self.asked} | {played} | {len(self.wrong)} | {self.seconds:,.0f} |\n"
        )
