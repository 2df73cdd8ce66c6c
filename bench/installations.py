"""Are webhooks taken in as fast among a million installations as among a thousand?

`python -m bench.installations` prints a table. Both servers run side by side and take turns.
"""

import contextlib
import os
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import uvloop

from bench import crowd, load, servers, webhooks
from bench.tables import Row, show
from innkeeper.secret import Secret
from innkeeper.store.seal import KeyRing

FEW, MANY = 1_000, 1_000_000
CROWDS = {
    f"{FEW:,} installations": (FEW, FEW),
    f"{MANY:,}, and the same {FEW:,} speak": (MANY, FEW),
    f"{MANY:,}, and nobody speaks twice": (MANY, 12_000),
}
"""How many there are, and how many of them say something: in turn, so that of the last ones
each has to be looked up."""
ROUNDS = 6
EVENTS = 12_000


async def prepare(directory: Path, installations: int, speaking: int, ring: str) -> None:
    """Write so many installations; those who will speak come in through the door."""
    app = servers.bot(directory, 8080, keys=ring, management="user")
    now = datetime.now(UTC)
    await crowd.move_in((await app.start(background=False)).store, speaking, now)
    await app.stop()
    if others := installations - speaking:
        crowd.fill(directory, others, now)
    os.sync()  # what is left to be written would be written while others are measured


def batch(speaking: int, count: int, start: int) -> list[bytes]:
    return load.requests(
        count,
        secret=Secret(servers.SECRET),
        robot_jid=servers.ROBOT,
        path="/events",
        start=start,
        users=speaking,
    )


def compare() -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Take turns; give the events per second of processor time, and the acks at a pace in ms."""
    rates: dict[str, list[float]] = {name: [] for name in CROWDS}
    acks: dict[str, list[float]] = {name: [] for name in CROWDS}
    ring = KeyRing.generate()
    with contextlib.ExitStack() as stack:
        running: dict[str, tuple[int, int]] = {}
        for name, (installations, speaking) in CROWDS.items():
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            uvloop.run(prepare(directory, installations, speaking, ring))
            served = webhooks.serving("users", directory=directory, keys=ring)
            running[name] = stack.enter_context(served)
        for turn in range(ROUNDS + 1):
            for name, (port, pid) in running.items():
                speaking = CROWDS[name][1]
                queue = batch(speaking, EVENTS, (2 * turn + 1) * EVENTS)
                before = webhooks.cpu_seconds(pid)
                connections = webhooks.CONNECTIONS
                tally = uvloop.run(load.saturate(port, queue, connections=connections))
                time.sleep(0.2)  # what was taken in is seen to
                if tally.refused:
                    raise SystemExit(f"{tally.refused} events were refused")
                if turn:  # the first turn warms up
                    rates[name].append(tally.answered / (webhooks.cpu_seconds(pid) - before))
                    paced = batch(speaking, webhooks.PACE, (2 * turn + 2) * EVENTS)
                    acks[name] += uvloop.run(load.paced(port, paced, per_second=webhooks.PACE))
    return rates, {name: sorted(times) for name, times in acks.items()}


def rows() -> list[Row]:
    """Give the rows of the table."""
    rates, acks = compare()
    few, many, cold = CROWDS
    found: list[Row] = []
    for name, times in acks.items():
        p50, p99 = webhooks.at(times, 50), webhooks.at(times, 99)
        found.append((f"{name}: per core", webhooks.spread(rates[name]), ""))
        found.append((f"  ack p50, p99 at {webhooks.PACE}/s", f"{p50}, {p99}", ""))
    for name, wanted in ((many, ">= 0.90"), (cold, "")):
        ratio = statistics.median(a / b for a, b in zip(rates[name], rates[few], strict=True))
        found.append((f"{name}, to {few}", f"{ratio:.2f}", wanted))
    return found


def main() -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0)), max(os.sched_getaffinity(0))})
    show(rows())


if __name__ == "__main__":
    main()
