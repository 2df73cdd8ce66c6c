"""What does it cost to forget one person among a million?

`python -m bench.forgetting` prints a table: the start on a million installations, the time
that one purge spends in the databases, and how fast others are answered meanwhile.
"""

import asyncio
import json
import logging
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import apsw
import structlog
import uvloop
from rich.console import Console
from rich.table import Table

from bench import load, servers
from innkeeper.ids import AccountId, Jid, UserId
from innkeeper.secret import Secret
from innkeeper.store.records import Grant, GrantKind, Owner, Person
from innkeeper.store.seal import KeyRing
from innkeeper.store.sqlite.connection import Connection
from innkeeper.wire.signature import sign
from innkeeper.work import Parts

CROWD = 1_000_000
LEAVING = 20
PER_SECOND = 50
SECONDS = 20

Row = tuple[str, str, str]

# Others are never read, only stepped over, so what seals them may be anything of its size.
_INSTALLATIONS = """
    DROP INDEX installations_live; DROP INDEX installations_owner;
    INSERT INTO installations (id, owner_index, generation, status, authorized_at, receipt_id,
        welcomed, version, sealed)
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
    SELECT printf('ins_%024x', i), randomblob(32), 1, 'live', {now}, printf('rcp_%024x', i),
        1, 1, randomblob(190) FROM n;
    CREATE UNIQUE INDEX installations_live ON installations (owner_index)
        WHERE status <> 'purging';
    CREATE INDEX installations_owner ON installations (owner_index);
    INSERT INTO grants (id, installation_id, kind, version, sealed, expires_at,
        refresh_expires_at, renew_at, used_at)
    SELECT id, id, 'user', 1, randomblob(300), {now}, {later}, {later}, {now} FROM installations
        WHERE receipt_id LIKE 'rcp_000000%';
"""
_KEYS = """
    INSERT INTO data_keys (subject, key_id, ring_id, wrapped)
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
    SELECT printf('ins_%024x', i), printf('key_%016x', i), {ring}, randomblob(60) FROM n;
"""


def leaving(number: int) -> Owner:
    return Owner(AccountId(f"Account-{number}"), UserId(f"User-{number}"))


async def move_in(parts: Parts, now: datetime) -> None:
    """Let those who will leave come through the door, with tokens and values."""
    for number in range(2 * LEAVING):
        owner = leaving(number)
        person = Person(owner.account_id, owner.user_id or UserId(""), Jid("x@xmpp.zoom.us"))
        installation, _ = await parts.store.open_installation(owner, person, authorized_at=now)
        grant = Grant(
            id=installation.id,
            kind=GrantKind.USER,
            installation_id=installation.id,
            version=0,
            access_token=Secret("an-access-token"),
            refresh_token=Secret("a-refresh-token"),
            expires_at=now + timedelta(days=1),
            refresh_expires_at=now + timedelta(days=80),
            scope=frozenset(),
            api_url="https://api.zoom.us",
            used_at=now,
        )
        await parts.store.save_grant(grant, replaces=0, now=now)
        for key in ("a", "b", "c"):
            await parts.store.set_state(installation.id, key, b"value")


def fill(directory: Path, now: datetime) -> None:
    """Write a million others, faster than through the door."""
    micros = round(now.timestamp() * 1_000_000)
    later = micros + 80 * 86_400_000_000
    vault: Any = apsw.Connection(str(directory / "bench.vault.db"))
    [(ring,)] = vault.execute("SELECT ring_id FROM data_keys LIMIT 1")
    vault.close()
    written = {"count": CROWD, "now": micros, "later": later, "ring": f"'{ring}'"}
    for path, script in (("bench.vault.db", _KEYS), ("bench.db", _INSTALLATIONS)):
        db: Any = apsw.Connection(str(directory / path))
        db.execute("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")
        db.execute("PRAGMA cache_size = -400000; BEGIN")
        db.execute(script.format(**written))
        db.execute("COMMIT")
        db.close()


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
    await move_in(await app.start(background=False), now)
    await app.stop()
    await asyncio.to_thread(fill, directory, now)


async def alone(directory: Path, ring: str) -> tuple[float, list[float]]:
    """Start, and forget one after the other; give the start's seconds, each purge's ms."""
    app = servers.bot(directory, 8080, keys=ring, management="user")
    begun = time.perf_counter()
    parts = await app.start(background=False)
    started = time.perf_counter() - begun
    taken: list[float] = []
    for number in range(LEAVING):
        installation = await parts.store.find_installation(leaving(number))
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
        owner = leaving(number)
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
    with socket.socket() as probe:
        probe.bind((load.HOST, 0))
        port: int = probe.getsockname()[1]
    wanted = {"kind": "forgetting", "port": port, "directory": str(directory), "keys": ring}
    wanted["core"] = max(os.sched_getaffinity(0))
    argv = [sys.executable, "-m", "bench.servers", json.dumps(wanted)]
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        load.wait_for(port)
        return uvloop.run(beside(port))
    finally:
        process.terminate()
        process.wait(timeout=30)


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
    crowd = f"among {CROWD:,} installations"
    return [
        (f"start {crowd}", f"{started:.1f} s", "<= 10 s"),
        (f"one purge {crowd}: time in the databases, of {LEAVING}", purge, "<= 100 ms"),
        (f"ack p99 at {PER_SECOND}/s, nobody leaves", _p99(before), ""),
        ("the same while somebody leaves each second", _p99(meanwhile), "<= 50 ms"),
    ]


def _p99(taken: list[float]) -> str:
    return f"{taken[len(taken) * 99 // 100]:.1f} ms (most: {taken[-1]:.1f})"


def main() -> None:
    table = Table("measured", "value", "wanted")
    for row in rows():
        table.add_row(*row)
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
