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
from pathlib import Path

import uvloop
from rich.console import Console
from rich.table import Table

from bench import load, servers
from innkeeper.secret import Secret

ROUNDS = 5
EVENTS = 12_000
CONNECTIONS = 32
PACE = 300
PACED_EVENTS = 3_000
STARTS = 20


@contextlib.contextmanager
def serving(kind: str) -> Iterator[int]:
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
            wait_for(port)
            yield port
        finally:
            process.terminate()
            process.wait(timeout=20)


def wait_for(port: int) -> None:
    """Return when somebody listens."""
    for _ in range(400):
        with contextlib.suppress(OSError), socket.create_connection((load.HOST, port), 0.1):
            return
        time.sleep(0.025)
    raise SystemExit("a server did not start")


def batch(count: int, start: int) -> list[bytes]:
    return load.requests(
        count, secret=Secret(servers.SECRET), robot_jid=servers.ROBOT, path="/events", start=start
    )


def throughput() -> dict[str, list[float]]:
    """Take turns: bare, ours, bare, ours."""
    rates: dict[str, list[float]] = {"bare": [], "innkeeper": []}
    with serving("bare") as bare, serving("innkeeper") as ours:
        for turn in range(ROUNDS + 1):
            for kind, port in (("bare", bare), ("innkeeper", ours)):
                queue = batch(EVENTS, (turn + 1) * EVENTS)
                tally = uvloop.run(load.saturate(port, queue, connections=CONNECTIONS))
                if tally.refused:
                    raise SystemExit(f"{kind} refused {tally.refused} events")
                if turn:  # the first turn warms up
                    rates[kind].append(tally.rate)
    return rates


def latency() -> list[float]:
    with serving("innkeeper") as port:
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


def main() -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0)), max(os.sched_getaffinity(0))})
    rates = throughput()
    times = sorted(latency())
    starts = startup()
    bare, ours = statistics.median(rates["bare"]), statistics.median(rates["innkeeper"])
    pairs = [o / b for o, b in zip(rates["innkeeper"], rates["bare"], strict=True)]
    table = Table("measured", "value", "wanted")
    spread = f"{min(rates['bare']):,.0f} to {max(rates['bare']):,.0f}"
    table.add_row("bare uvicorn, same MAC, one core", f"{bare:,.0f}/s ({spread})", "")
    spread = f"{min(rates['innkeeper']):,.0f} to {max(rates['innkeeper']):,.0f}"
    table.add_row("verified, durable, dispatched, one core", f"{ours:,.0f}/s ({spread})", "")
    table.add_row("ratio, median of pairs", f"{statistics.median(pairs):.2f}", ">= 0.30")
    table.add_row(f"ack p50 at {PACE}/s", f"{times[len(times) // 2]:.2f} ms", "")
    table.add_row(f"ack p99 at {PACE}/s", f"{times[len(times) * 99 // 100]:.2f} ms", "<= 50 ms")
    table.add_row(
        f"innkeeper --help, median of {STARTS}", f"{statistics.median(starts):.0f} ms", "<= 400 ms"
    )
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
