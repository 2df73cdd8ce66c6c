"""Run every benchmark and print one table."""

import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import uvloop
from rich.console import Console
from rich.table import Table

from bench import dispatch, emulator, framework, keys, load, servers
from innkeeper.secret import Secret

ROUNDS = 5
EVENTS = 12_000
CONNECTIONS = 32
PACE = 300
PACED_EVENTS = 3_000
STARTS = 20
NAMES = {"bare": "bare uvicorn, same MAC", "innkeeper": "verified, durable, dispatched"}


@contextlib.contextmanager
def serving(kind: str) -> Iterator[tuple[int, int]]:
    """Start a server on a core of its own, and stop it by its own process id."""
    with socket.socket() as probe:
        probe.bind((load.HOST, 0))
        port: int = probe.getsockname()[1]
    core = max(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as directory:
        wanted = {"kind": kind, "port": port, "directory": directory, "core": core}
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


def batch(count: int, start: int) -> list[bytes]:
    return load.requests(
        count, secret=Secret(servers.SECRET), robot_jid=servers.ROBOT, path="/events", start=start
    )


@dataclass
class Turn:
    """One batch: how fast it was answered, and how many a second of processor time answers."""

    per_second: float
    per_cpu_second: float


def throughput() -> dict[str, list[Turn]]:
    """Take turns: bare, ours, bare, ours.

    A rate by the clock depends on whoever else uses the machine, and on how fast the
    load comes; a rate by the server's own processor time does not.
    """
    turns: dict[str, list[Turn]] = {"bare": [], "innkeeper": []}
    with serving("bare") as bare, serving("innkeeper") as ours:
        for turn in range(ROUNDS + 1):
            for kind, (port, pid) in (("bare", bare), ("innkeeper", ours)):
                queue = batch(EVENTS, (turn + 1) * EVENTS)
                before = cpu_seconds(pid)
                tally = uvloop.run(load.saturate(port, queue, connections=CONNECTIONS))
                if tally.refused:
                    raise SystemExit(f"{kind} refused {tally.refused} events")
                if turn:  # the first turn warms up
                    used = cpu_seconds(pid) - before
                    turns[kind].append(Turn(tally.rate, tally.answered / used))
    return turns


def latency() -> list[float]:
    with serving("innkeeper") as (port, _):
        uvloop.run(load.paced(port, batch(PACE, 1), per_second=PACE))
        return uvloop.run(load.paced(port, batch(PACED_EVENTS, 10_000), per_second=PACE))


def startup() -> list[float]:
    command = [str(Path(sys.executable).with_name("innkeeper")), "--help"]
    taken = []
    for _ in range(STARTS + 2):
        begun = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        taken.append((time.perf_counter() - begun) * 1000)
    return taken[2:]


def spread(rates: list[float]) -> str:
    return f"{statistics.median(rates):,.0f}/s ({min(rates):,.0f} to {max(rates):,.0f})"


def main() -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0)), max(os.sched_getaffinity(0))})
    turns = throughput()
    times = sorted(latency())
    starts = startup()
    table = Table("measured", "value", "wanted")
    for kind, name in (
        ("bare", "bare uvicorn, same MAC"),
        ("innkeeper", "verified, durable, dispatched"),
    ):
        clock = [turn.per_second for turn in turns[kind]]
        cpu = [turn.per_cpu_second for turn in turns[kind]]
        table.add_row(f"{name}: by the clock", spread(clock), "")
        table.add_row(f"{name}: per core", spread(cpu), "")
    pairs = list(zip(turns["innkeeper"], turns["bare"], strict=True))
    by_clock = statistics.median(ours.per_second / bare.per_second for ours, bare in pairs)
    by_cpu = statistics.median(ours.per_cpu_second / bare.per_cpu_second for ours, bare in pairs)
    table.add_row("ratio by the clock, median of pairs", f"{by_clock:.2f}", "")
    table.add_row("ratio per core, median of pairs", f"{by_cpu:.2f}", ">= 0.30")
    table.add_row(f"ack p50 at {PACE}/s", f"{times[len(times) // 2]:.2f} ms", "")
    table.add_row(f"ack p99 at {PACE}/s", f"{times[len(times) * 99 // 100]:.2f} ms", "<= 50 ms")
    table.add_row(
        f"innkeeper --help, median of {STARTS}", f"{statistics.median(starts):.0f} ms", "<= 400 ms"
    )
    for row in (*dispatch.rows(), *framework.rows(), *emulator.rows(), *keys.rows()):
        table.add_row(*row)
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
