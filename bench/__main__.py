"""Run every benchmark and print what each measured."""

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from bench import (
    dispatch,
    emulator,
    forgetting,
    framework,
    installations,
    keys,
    memory,
    postgres,
    replies,
    tokens,
    webhooks,
)
from bench.tables import Row, show

STARTS = 20


def startup() -> list[float]:
    command = [str(Path(sys.executable).with_name("innkeeper")), "--help"]
    taken = []
    for _ in range(STARTS + 2):
        begun = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        taken.append((time.perf_counter() - begun) * 1000)
    return taken[2:]


def starting() -> list[Row]:
    name, taken = f"innkeeper --help, median of {STARTS}", statistics.median(startup())
    return [(name, f"{taken:.0f} ms", "<= 400 ms")]


def main() -> None:
    argparse.ArgumentParser(prog="python -m bench", description=__doc__).parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0)), max(os.sched_getaffinity(0))})
    measured = (webhooks, replies, installations, dispatch, postgres, framework, memory)
    kept = (emulator, tokens, keys, forgetting)
    for rows in (*(each.rows for each in measured), starting, *(each.rows for each in kept)):
        show(rows())  # as soon as it is measured: the whole takes a while


if __name__ == "__main__":
    main()
