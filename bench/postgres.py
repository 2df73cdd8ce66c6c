"""How many events a second do several processes handle that share one PostgreSQL?

`python -m bench.postgres` prints this alone. Two processes take events in, two others
handle them with a handler that does nothing; PostgreSQL and the load share the same two
cores. The server is that of the tests, which does not wait for its disk.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from typing import Self

import asyncpg
import uvloop

from bench import load, servers
from bench.tables import Row, show
from bench.webhooks import batch, cpu_seconds, serving, spread
from innkeeper.secret import Secret
from innkeeper.store.seal import KeyRing
from tests.postgres import NoPostgres, server

ROUNDS = 5
EVENTS = 12_000
CONNECTIONS = 64
WEBS = 2
WORKERS = 2
WANTED = ">= 4,500/s"
PATIENCE_SECONDS = 60.0
TOLD_SECONDS = 1.5
"""PostgreSQL's processes tell what they have done once a second."""


@dataclass(frozen=True)
class Turn:
    """One batch, from its first webhook to the end of its last event."""

    taken_in: float
    """Events a second until the last was answered."""
    handled: float
    """Events a second until the last had ended."""
    transactions: float
    """Of PostgreSQL, for one event, by all processes together."""
    cpu_microseconds: float
    """Of our processes, for one event."""
    bare_microseconds: float = 0.0
    """Of a bare server, for one event, right after."""


class Fleet:
    """The processes, on a PostgreSQL that they share."""

    def __init__(self, url: str, schema: str) -> None:
        self._url = url
        self._schema = schema
        self._keys = KeyRing.generate()
        self._processes: list[subprocess.Popen[bytes]] = []
        self._ports: list[int] = []
        self._sent = 0

    def __enter__(self) -> Self:
        for _ in range(WEBS):
            port = load.free_port()
            self._start("web", port)
            load.wait_for(port)
            self._ports.append(port)
        for _ in range(WORKERS):
            self._start("worker", 0)
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.wait(timeout=30)

    def _start(self, kind: str, port: int) -> None:
        wanted = {"kind": kind, "port": port, "url": self._url, "schema": self._schema}
        argv = [sys.executable, "-m", "bench.machines", json.dumps(wanted | {"keys": self._keys})]
        self._processes.append(
            subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        )

    async def turn(self, count: int) -> Turn:
        """Send a batch to all web processes, and wait until no event of it is left."""
        robot, secret = servers.ROBOT, Secret(servers.SECRET)
        queue = load.requests(
            count, secret=secret, robot_jid=robot, path="/events", start=self._sent
        )
        self._sent += count
        connection = await asyncpg.connect(self._url)
        try:
            committed, used = await _committed(connection), self._cpu_seconds()
            begun = time.perf_counter()
            tallies = await asyncio.gather(
                *(
                    load.saturate(port, queue[nth::WEBS], connections=CONNECTIONS // WEBS)
                    for nth, port in enumerate(self._ports)
                )
            )
            taken_in = time.perf_counter() - begun
            await self._until_handled(connection)
            handled = time.perf_counter() - begun
            used = self._cpu_seconds() - used
            if sum(tally.answered for tally in tallies) != count:
                raise SystemExit("events were refused")
            committed = await _committed(connection) - committed
        finally:
            await connection.close()
        return Turn(count / taken_in, count / handled, committed / count, used * 1e6 / count)

    async def _until_handled(self, connection: asyncpg.Connection) -> None:
        """Return when all events are done; those that wait for a worker have a body."""
        await connection.execute("SELECT set_config('search_path', $1, false)", self._schema)
        waiting = "SELECT EXISTS (SELECT FROM inbox_bodies)"
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await connection.fetchval(waiting):  # noqa: ASYNC110  # nobody tells
                await asyncio.sleep(0.01)
        done = await connection.fetchval("SELECT count(*) FROM inbox WHERE state = 'done'")
        if done != self._sent:
            raise SystemExit("not every event was handled")

    def _cpu_seconds(self) -> float:
        return sum(cpu_seconds(process.pid) for process in self._processes)


async def _committed(connection: asyncpg.Connection) -> int:
    """Count transactions, when all processes have told theirs."""
    await asyncio.sleep(TOLD_SECONDS)
    return await connection.fetchval(
        "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
    )


async def turns(fleet: Fleet) -> list[Turn]:
    """Send batch after batch, each followed by one to a bare server; the first warms up."""
    with serving("bare") as (port, pid):
        await fleet.turn(EVENTS // 4)
        return [
            replace(await fleet.turn(EVENTS), bare_microseconds=await bare(port, pid))
            for _ in range(ROUNDS)
        ]


async def bare(port: int, pid: int) -> float:
    """Tell how many microseconds of processor time a bare server needs for one event."""
    queue, before = batch("bare", EVENTS, 0), cpu_seconds(pid)
    await load.saturate(port, queue, connections=CONNECTIONS // WEBS)
    return (cpu_seconds(pid) - before) * 1e6 / EVENTS


def rows() -> list[Row]:
    """Measure, and say what was wanted."""
    name = f"PostgreSQL, {WEBS} web and {WORKERS} worker processes, all on two cores"
    try:
        own = server()
    except NoPostgres:
        return [(name, "not measured: make postgres", WANTED)]
    with own.fresh_space() as schema, Fleet(own.url, schema) as fleet:
        taken = uvloop.run(turns(fleet))
    to_bare = statistics.median(turn.cpu_microseconds / turn.bare_microseconds for turn in taken)
    transactions = statistics.median(turn.transactions for turn in taken)
    cpu = statistics.median(turn.cpu_microseconds for turn in taken)
    return [
        (name, "", ""),
        ("  taken in", spread([turn.taken_in for turn in taken]), ""),
        ("  handled to the end", spread([turn.handled for turn in taken]), WANTED),
        ("  transactions for 100 events", f"{transactions * 100:.1f}", ""),
        ("  our processor time for one event", f"{cpu:.0f} µs", ""),
        ("  ... to that of a bare server which only checks the MAC", f"{to_bare:.1f}", ""),
    ]


def main() -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0)), max(os.sched_getaffinity(0))})
    show(rows())


if __name__ == "__main__":
    main()
