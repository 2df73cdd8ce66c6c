"""How fast does a new key of the ring wrap a million data keys anew, while the app works?

`python -m bench.keys` prints a table. Meanwhile, on the same loop, events are taken in and
keys are looked up that are not at hand, 300 of each a second.
"""

import asyncio
import hashlib
import json
import logging
import random
import statistics
import tempfile
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog
import uvloop

from bench.tables import Row, show
from innkeeper.flows.rotation import Rotation
from innkeeper.store.seal import KeyRing, new_key
from innkeeper.store.sqlite import SqliteStore
from innkeeper.store.sqlite.connection import connect
from innkeeper.store.vault import SqliteVault

APP = "client-of-the-bench"
KEYS = 1_000_000
PER_SECOND = 300
QUIET_SECONDS = 10
WANTED_PER_SECOND = 20_000
WANTED_MS = 50


def subject(number: int) -> str:
    return f"ins_{number:024x}"


def wrapped(ring: KeyRing) -> Iterator[tuple[str, str, str, bytes]]:
    for number in range(KEYS):
        key_id, key = new_key()
        ring_id, blob = ring.wrap(key, app=APP, subject=subject(number))
        yield subject(number), key_id, ring_id, blob


async def fill(path: Path, ring: str) -> None:
    """Make a vault as a million installations leave it."""
    vault = SqliteVault(str(path), KeyRing.parse(ring), app=APP)
    await vault.open()
    await vault.close()
    connection = connect(str(path))
    connection.run("BEGIN")
    connection.run_many(
        "INSERT INTO data_keys VALUES (?, ?, ?, ?)", list(wrapped(KeyRing.parse(ring)))
    )
    connection.run("COMMIT")
    connection.close()


@asynccontextmanager
async def opened(
    folder: Path, ring: KeyRing
) -> AsyncGenerator[tuple[SqliteVault, SqliteStore, float]]:
    """Open both; say how many milliseconds the vault took."""
    vault = SqliteVault(str(folder / "vault.db"), ring, app=APP)
    begun = time.perf_counter()
    await vault.open()
    took = (time.perf_counter() - begun) * 1000
    store = SqliteStore(str(folder / "store.db"), vault=vault, app=APP)
    await store.open()
    yield vault, store, took
    await store.close()
    await vault.close()


async def live(vault: SqliteVault, store: SqliteStore, taken: list[float]) -> None:
    """Take events in and look keys up, at an even pace, until cancelled."""
    draw = random.Random(7)  # noqa: S311  # the same ones each time
    loop = asyncio.get_running_loop()
    due, number = loop.time(), 0
    while True:
        due, number = due + 1 / PER_SECOND, number + 1
        await asyncio.sleep(due - loop.time())
        body = json.dumps({"event_ts": number, "event": "bot_notification"}).encode()
        await vault.find_key(subject(draw.randrange(KEYS)))
        await store.accept(
            key=hashlib.sha256(body).digest(),
            name="bot_notification",
            body=body,
            owner=None,
            now=datetime.now(UTC),
        )
        taken.append((loop.time() - due) * 1000)


@dataclass
class Measured:
    """What came of one rotation."""

    opening_ms: float
    per_second: float
    per_cpu_second: float
    quiet: list[float]
    meanwhile: list[float]


@asynccontextmanager
async def living(vault: SqliteVault, store: SqliteStore) -> AsyncGenerator[list[float]]:
    taken: list[float] = []
    life = asyncio.create_task(live(vault, store, taken))
    yield taken
    life.cancel()
    taken.sort()


async def measure(folder: Path) -> Measured:
    old, new = KeyRing.generate(), KeyRing.generate()
    await fill(folder / "vault.db", old)
    ring = KeyRing.parse(f"{new},{old}")
    async with opened(folder, ring) as (vault, store, opening):
        async with living(vault, store) as quiet:
            await asyncio.sleep(QUIET_SECONDS)
        async with living(vault, store) as meanwhile:
            begun, cpu = time.perf_counter(), time.process_time()
            rotation = Rotation(vault, ring, source=None, log=structlog.get_logger())
            count = await rotation.wrap_anew()
            took, used = time.perf_counter() - begun, time.process_time() - cpu
        if set(await vault.wrapped_by()) != {ring.ids[0]} or count < KEYS:
            raise SystemExit("not everything was wrapped anew")
    return Measured(opening, count / took, count / used, quiet, meanwhile)


def spread(taken: list[float]) -> str:
    p50, p99 = statistics.median(taken), taken[len(taken) * 99 // 100]
    return f"{p50:.1f} ms, {p99:.1f} ms"


def rows() -> list[Row]:
    """Give the rows of the table."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory() as folder:
        got = uvloop.run(measure(Path(folder)))
    structlog.reset_defaults()
    wanted = f">= {WANTED_PER_SECOND:,}/s"
    return [
        (f"rotation of {KEYS:,} keys, online: by the clock", f"{got.per_second:,.0f}/s", wanted),
        ("rotation: per core, with all that goes on", f"{got.per_cpu_second:,.0f}/s", ""),
        (f"an event, {PER_SECOND}/s, without it: p50, p99", spread(got.quiet), ""),
        ("an event during it: p50, p99", spread(got.meanwhile), f"<= {WANTED_MS} ms"),
        (f"opening the vault with {KEYS:,} keys", f"{got.opening_ms:.0f} ms", ""),
    ]


def main() -> None:
    show(rows())


if __name__ == "__main__":
    main()
