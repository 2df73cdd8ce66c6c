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
from rich.console import Console
from rich.table import Table

from bench import crowd, load, servers, webhooks
from innkeeper.secret import Secret
from innkeeper.store.seal import KeyRing

FEW, MANY = 1_000, 1_000_000
SPEAKING = {FEW: FEW, MANY: 12_000}
"""How many of them say something: all of the few, and of the many as many as a batch has events,
so that nobody is looked up twice in it."""
ROUNDS = 6
EVENTS = 12_000

Row = tuple[str, str, str]


async def prepare(directory: Path, installations: int, ring: str) -> None:
    """Write so many installations; those who will speak come in through the door."""
    app = servers.bot(directory, 8080, keys=ring, management="user")
    now = datetime.now(UTC)
    await crowd.move_in((await app.start(background=False)).store, SPEAKING[installations], now)
    await app.stop()
    if others := installations - SPEAKING[installations]:
        crowd.fill(directory, others, now)


def batch(installations: int, count: int, start: int) -> list[bytes]:
    return load.requests(
        count,
        secret=Secret(servers.SECRET),
        robot_jid=servers.ROBOT,
        path="/events",
        start=start,
        users=SPEAKING[installations],
    )


def compare() -> tuple[dict[int, list[float]], dict[int, list[float]]]:
    """Take turns; give the events per second of processor time, and the acks at a pace in ms."""
    rates: dict[int, list[float]] = {FEW: [], MANY: []}
    acks: dict[int, list[float]] = {FEW: [], MANY: []}
    ring = KeyRing.generate()
    with contextlib.ExitStack() as stack:
        running: dict[int, tuple[int, int]] = {}
        for count in rates:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            uvloop.run(prepare(directory, count, ring))
            served = webhooks.serving("users", directory=directory, keys=ring)
            running[count] = stack.enter_context(served)
        for turn in range(ROUNDS + 1):
            for count, (port, pid) in running.items():
                queue = batch(count, EVENTS, (2 * turn + 1) * EVENTS)
                before = webhooks.cpu_seconds(pid)
                connections = webhooks.CONNECTIONS
                tally = uvloop.run(load.saturate(port, queue, connections=connections))
                time.sleep(0.2)  # what was taken in is seen to
                if tally.refused:
                    raise SystemExit(f"{tally.refused} events were refused")
                if turn:  # the first turn warms up
                    rates[count].append(tally.answered / (webhooks.cpu_seconds(pid) - before))
                    paced = batch(count, webhooks.PACE, (2 * turn + 2) * EVENTS)
                    acks[count] += uvloop.run(load.paced(port, paced, per_second=webhooks.PACE))
    return rates, {count: sorted(times) for count, times in acks.items()}


def rows() -> list[Row]:
    """Give the rows of the table."""
    rates, acks = compare()
    ratio = statistics.median(a / b for a, b in zip(rates[MANY], rates[FEW], strict=True))
    found = [
        (f"{count:,} installations: per core", webhooks.spread(rates[count]), "") for count in rates
    ]
    found.append(("  many to few", f"{ratio:.2f}", ">= 0.90"))
    for count, times in acks.items():
        p50, p99 = webhooks.at(times, 50), webhooks.at(times, 99)
        found.append((f"  {count:,}: ack p50, p99 at {webhooks.PACE}/s", f"{p50}, {p99}", ""))
    return found


def main() -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0)), max(os.sched_getaffinity(0))})
    table = Table("measured", "value", "wanted")
    for row in rows():
        table.add_row(*row)
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
