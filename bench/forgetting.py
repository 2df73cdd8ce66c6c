"""What does it cost to forget one person among a million?

`python -m bench.forgetting` prints a table: the start on a million installations, the time
that one purge spends in the databases, and how fast others are answered meanwhile.
"""

import asyncio
import json
import logging
import statistics
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import apsw
import structlog
import uvloop

from bench import crowd, load, servers, webhooks
from bench.tables import Row, show
from innkeeper.secret import Secret
from innkeeper.store.seal import KeyRing
from innkeeper.store.sqlite.connection import Connection
from innkeeper.wire.signature import sign

CROWD = 1_000_000
LEAVING = 20
PER_SECOND = 50
SECONDS = 20


class Stopwatch:
    """Counts the time spent in the databases, on whatever thread."""

    def __init__(self) -> None:
        self.seconds = 0.0

    @contextmanager
    def watching(self) -> Generator[None]:
        real = {name: getattr(Connection, name) for name in ("rows", "change", "run")}

        def timed(method: Callable[..., Any]) -> Callable[..., Any]:
            def call(*args: Any) -> Any:
                begun = time.perf_counter()
                try:
                    return method(*args)
                finally:
                    self.seconds += time.perf_counter() - begun

            return call

        for name, method in real.items():
            setattr(Connection, name, timed(method))
        try:
            yield
        finally:
            for name, method in real.items():
                setattr(Connection, name, method)


async def prepare(directory: Path, ring: str) -> None:
    app = servers.bot(directory, 8080, keys=ring, management="user")
    now = datetime.now(UTC)
    await crowd.move_in((await app.start(background=False)).store, 2 * LEAVING, now, values=3)
    await app.stop()
    await asyncio.to_thread(crowd.fill, directory, CROWD, now)


async def alone(directory: Path, ring: str) -> tuple[float, list[float]]:
    """Start, and forget one after the other; give the start's seconds, each purge's ms."""
    app = servers.bot(directory, 8080, keys=ring, management="user")
    begun = time.perf_counter()
    parts = await app.start(background=False)
    started = time.perf_counter() - begun
    taken: list[float] = []
    for number in range(LEAVING):
        installation = await parts.store.find_installation(crowd.guest(number))
        watch = Stopwatch()
        with watch.watching():
            assert installation is not None
            purge = await parts.forgetter.begin(installation, removed_at=datetime.now(UTC))
            assert purge is not None
            assert await parts.forgetter.run(purge) is not None
        taken.append(watch.seconds * 1000)
    await app.stop()
    return started, taken


def removals() -> list[bytes]:
    """Write the removals of those who are left."""
    written: list[bytes] = []
    stamp = str(int(time.time()))
    for number in range(LEAVING, 2 * LEAVING):
        owner = crowd.guest(number)
        body = json.dumps(
            {
                "event": "app_deauthorized",
                "event_ts": int(time.time() * 1000),
                "payload": {
                    "account_id": owner.account_id,
                    "user_id": owner.user_id,
                    "client_id": "bench-client",
                },
            }
        ).encode()
        signature = sign(body, timestamp=stamp, secret=Secret(servers.SECRET))
        head = (
            f"POST /deauthorize HTTP/1.1\r\nhost: {load.HOST}\r\n"
            f"content-type: application/json\r\nx-zm-request-timestamp: {stamp}\r\n"
            f"x-zm-signature: {signature}\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        written.append(head.encode() + body)
    return written


async def others(port: int, start: int) -> list[float]:
    """Answer others at an even pace; give each answer's milliseconds."""
    count = PER_SECOND * SECONDS
    queue = load.requests(
        count, secret=Secret(servers.SECRET), robot_jid=servers.ROBOT, path="/events", start=start
    )
    return sorted(await load.paced(port, queue, per_second=PER_SECOND))


async def beside(port: int) -> tuple[list[float], list[float]]:
    """Answer others, first alone, then while one after the other leaves."""
    before = await others(port, 1)

    async def one_by_one() -> None:
        for removal in removals():
            await load.paced(port, [removal], per_second=1)
            await asyncio.sleep(SECONDS / LEAVING * 0.9)

    meanwhile, _ = await asyncio.gather(others(port, 1_000_000), one_by_one())
    return before, meanwhile


def under_load(directory: Path, ring: str) -> tuple[list[float], list[float]]:
    with webhooks.serving("users", directory=directory, keys=ring) as (port, _):
        return uvloop.run(beside(port))


def left(directory: Path) -> int:
    """Count the receipts: everybody who left must have one."""
    db: Any = apsw.Connection(str(directory / "bench.db"), flags=apsw.SQLITE_OPEN_READONLY)
    [(count,)] = db.execute("SELECT count(*) FROM receipts")
    db.close()
    return int(count)


def rows() -> list[Row]:
    """Give the rows of the table."""
    quiet = structlog.make_filtering_bound_logger(logging.ERROR)
    structlog.configure(wrapper_class=quiet)
    ring = KeyRing.generate()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        uvloop.run(prepare(directory, ring))
        started, purges = uvloop.run(alone(directory, ring))
        before, meanwhile = under_load(directory, ring)
        if left(directory) != 2 * LEAVING:
            raise SystemExit(f"{left(directory)} receipts for {2 * LEAVING} removals")
    purge = f"{statistics.median(purges):.1f} ms ({min(purges):.1f} to {max(purges):.1f})"
    among = f"among {CROWD:,} installations"
    return [
        (f"start {among}", f"{started:.1f} s", "<= 10 s"),
        (f"one purge {among}: time in the databases, of {LEAVING}", purge, "<= 100 ms"),
        (f"ack p99 at {PER_SECOND}/s, nobody leaves", _p99(before), ""),
        ("the same while somebody leaves each second", _p99(meanwhile), "<= 50 ms"),
    ]


def _p99(taken: list[float]) -> str:
    return f"{taken[len(taken) * 99 // 100]:.1f} ms (most: {taken[-1]:.1f})"


def main() -> None:
    show(rows())


if __name__ == "__main__":
    main()
