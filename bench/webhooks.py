"""How fast are webhooks taken in, beside a bare server and beside others' frameworks?

`python -m bench.webhooks` prints this alone. All threads of a server share one core.
"""

import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import uvloop

from bench import load, servers
from bench.tables import Row, show
from innkeeper.secret import Secret

ROUNDS = 5
EVENTS = 12_000
CONNECTIONS = 32
PACE = 300
PACED_EVENTS = 3_000
JUNK_PER_SECOND = 2_000
SLOW_SOCKETS = 500
NAMES = {
    "bare": "bare uvicorn, same MAC",
    "innkeeper": "innkeeper: verified, durable, dispatched",
    "rivet": "Zoom's Rivet: verified, dispatched in memory",
    "bolt": "Slack's Bolt under uvicorn: the same",
}
WANTED = {"bare": ">= 0.33", "rivet": ">= 1.2", "bolt": ">= 2.8"}
_PATHS = {"rivet": "/zoom/events", "bolt": "/slack/events"}


@contextlib.contextmanager
def serving(
    kind: str, *, zoom: str = "", directory: Path | None = None, keys: str = ""
) -> Generator[tuple[int, int]]:
    """Start a server on a core of its own, and stop it by its own process id.

    Args:
        zoom: Where its API is; then the bot replies, and otherwise it does nothing.
        directory: Where its databases are already, and `keys` opens them; new ones otherwise.
    """
    port = load.free_port()
    core = max(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as new:
        wanted = {"kind": kind, "port": port, "core": core, "zoom": zoom, "keys": keys}
        wanted["directory"] = str(directory or new)
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.servers", json.dumps(wanted)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            load.wait_for(port)
            yield port, process.pid
        finally:
            process.terminate()
            process.wait(timeout=20)


def cpu_seconds(pid: int) -> float:
    """Tell how much processor time a process has used, all its threads together."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def batch(kind: str, count: int, start: int) -> list[bytes]:
    """Write requests as this server expects them."""
    secret, path = Secret(servers.SECRET), _PATHS.get(kind, "/events")
    if kind == "bolt":
        return load.slack_requests(count, secret=secret, path=path, start=start)
    return load.requests(count, secret=secret, robot_jid=servers.ROBOT, path=path, start=start)


def kinds() -> list[str]:
    """List the servers that can run here: Rivet needs its packages, which `make node` brings."""
    return [kind for kind in NAMES if kind != "rivet" or servers.RIVET_SDK.exists()]


@dataclass
class Turn:
    """One batch: how fast it was answered, and how many a second of processor time answers."""

    per_second: float
    per_cpu_second: float


def throughput() -> dict[str, list[Turn]]:
    """Take turns: each server answers a batch, then the next one.

    A rate by the clock depends on whoever else uses the machine, and on how fast the
    load comes; a rate by the server's own processor time does not.
    """
    turns: dict[str, list[Turn]] = {kind: [] for kind in kinds()}
    with contextlib.ExitStack() as stack:
        running = {kind: stack.enter_context(serving(kind)) for kind in turns}
        for turn in range(ROUNDS + 1):
            for kind, (port, pid) in running.items():
                queue = batch(kind, EVENTS, (turn + 1) * EVENTS)
                before = cpu_seconds(pid)
                tally = uvloop.run(load.saturate(port, queue, connections=CONNECTIONS))
                time.sleep(0.2)  # what was taken in is seen to
                if tally.refused:
                    raise SystemExit(f"{kind} refused {tally.refused} events")
                if turn:  # the first turn warms up
                    used = cpu_seconds(pid) - before
                    turns[kind].append(Turn(tally.rate, tally.answered / used))
    return turns


def latency() -> list[float]:
    """Measure answers at an even pace, in milliseconds, the fastest first."""
    with serving("innkeeper") as (port, _):
        uvloop.run(load.paced(port, batch("innkeeper", PACE, 1), per_second=PACE))
        queue = batch("innkeeper", PACED_EVENTS, 10_000)
        return sorted(uvloop.run(load.paced(port, queue, per_second=PACE)))


def besieged() -> list[float]:
    """Measure the same while others send junk, and hold sockets open without saying anything."""

    async def siege(port: int) -> list[float]:
        slow = [asyncio.create_task(load.dawdle(port)) for _ in range(SLOW_SOCKETS)]
        junk = asyncio.create_task(load.junk(port, per_second=JUNK_PER_SECOND))
        try:
            queue = batch("innkeeper", PACED_EVENTS, 10_000)
            return sorted(await load.paced(port, queue, per_second=PACE))
        finally:
            for task in (*slow, junk):
                task.cancel()
            await asyncio.gather(*slow, junk, return_exceptions=True)

    with serving("innkeeper") as (port, _):
        return uvloop.run(siege(port))


def spread(rates: list[float]) -> str:
    return f"{statistics.median(rates):,.0f}/s ({min(rates):,.0f} to {max(rates):,.0f})"


def at(times: list[float], percent: int) -> str:
    return f"{times[len(times) * percent // 100]:.2f} ms"


def rows() -> list[Row]:
    """Measure, and say what was wanted."""
    turns = throughput()
    found: list[Row] = []
    for kind, taken in turns.items():
        found.append(
            (f"{NAMES[kind]}: per core", spread([each.per_cpu_second for each in taken]), "")
        )
        found.append(("  by the clock", spread([each.per_second for each in taken]), ""))
    for kind, taken in turns.items():
        if kind in WANTED:
            pairs = zip(turns["innkeeper"], taken, strict=True)
            ratio = statistics.median(a.per_cpu_second / b.per_cpu_second for a, b in pairs)
            found.append((f"innkeeper to {kind}, per core", f"{ratio:.2f}", WANTED[kind]))
    times, under_siege = latency(), besieged()
    return [
        *found,
        (f"ack p50 at {PACE}/s", at(times, 50), "<= 5 ms"),
        (f"ack p99 at {PACE}/s", at(times, 99), "<= 50 ms"),
        (
            f"the same under {JUNK_PER_SECOND:,} junk requests/s and {SLOW_SOCKETS} slow sockets",
            at(under_siege, 99),
            "<= 1,000 ms",
        ),
    ]


def main() -> None:
    show(rows())


if __name__ == "__main__":
    main()
