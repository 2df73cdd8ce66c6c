"""How does the schema grow, while older and newer versions of Innkeeper run side by side?

A migration only adds: what runs beside it does not notice. One that takes something away
says in its first line which is the oldest schema whose code still fits, `-- fits: 7`; code
that does not fit any more stops at its start.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Final

from innkeeper.errors import StoreUnavailable
from innkeeper.store.postgres.connection import Connection

_FITS = re.compile(r"-- fits: (\d+)\n")
_LOCK: Final = 0x1_2E_EE_92
"""Names the lock under which one process at a time migrates."""
_MIGRATING_SECONDS: Final = 600.0

_BEGIN: Final = """
    CREATE TABLE IF NOT EXISTS migrations (
        number INTEGER PRIMARY KEY,
        name TEXT NOT NULL,
        fits INTEGER NOT NULL,
        made_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp()
    )
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema."""

    number: int
    name: str
    fits: int
    """The oldest schema whose code runs beside what this step leaves."""
    sql: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a schema has been migrated."""

    made: int
    """The number of the last migration that was made here; 0 if none was."""
    fits: int
    newest: int
    """The number of the last migration that this code knows."""


def known(folder: str) -> Sequence[Migration]:
    """List the migrations of a folder, in their order."""
    place = resources.files("innkeeper.store").joinpath("schema", folder)
    files = sorted((file.name, file) for file in place.iterdir() if file.name.endswith(".sql"))
    steps: list[Migration] = []
    for number, (name, file) in enumerate(files, start=1):
        sql = file.read_text(encoding="utf-8")
        fits = _FITS.match(sql)
        steps.append(Migration(number, name.removesuffix(".sql"), int(fits[1]) if fits else 1, sql))
    return steps


async def standing(connection: Connection, *, schema: str, folder: str) -> Standing:
    """Look how far a schema has been migrated."""
    newest = len(known(folder))
    there = await connection.fetchval("SELECT to_regclass($1)", f"{schema}.migrations")
    if there is None:
        return Standing(0, 0, newest)
    row = await connection.fetchrow(
        "SELECT coalesce(max(number), 0), coalesce(max(fits), 0) FROM migrations"
    )
    made, fits = row or (0, 0)
    return Standing(made, fits, newest)


async def check(connection: Connection, *, schema: str, folder: str) -> None:
    """Refuse a schema that this code cannot use as it is.

    Raises:
        StoreUnavailable: If it is not migrated far enough, or too far.
    """
    found = await standing(connection, schema=schema, folder=folder)
    _refuse_newer(found, schema)
    if found.made < found.newest:
        why = f"it stands at {found.made} of {found.newest}; run: innkeeper store migrate"
        raise StoreUnavailable(f"the schema {schema} is not migrated yet", why)


async def migrate(connection: Connection, *, schema: str, folder: str) -> int:
    """Bring a schema up to date, one process at a time; say how many steps were made.

    Raises:
        StoreUnavailable: If it is too new for this code.
    """
    found = await standing(connection, schema=schema, folder=folder)
    _refuse_newer(found, schema)
    if found.made >= found.newest:
        return 0
    count = 0
    async with connection.transaction():
        await lock(connection, schema)
        if not await connection.fetchval("SELECT to_regnamespace($1) IS NOT NULL", schema):
            await connection.execute(f"CREATE SCHEMA {schema}")  # asks for more rights than tables
        await connection.execute(_BEGIN)
        found = await standing(connection, schema=schema, folder=folder)
        for step in known(folder)[found.made :]:
            await connection.execute(step.sql, timeout=_MIGRATING_SECONDS)
            await connection.execute(
                "INSERT INTO migrations (number, name, fits) VALUES ($1, $2, $3)",
                *(step.number, step.name, step.fits),
            )
            count += 1
    return count


async def lock(connection: Connection, schema: str) -> None:
    """Keep others from changing the schema until this transaction ends."""
    await connection.execute(
        "SELECT pg_advisory_xact_lock($1, hashtext($2))",
        *(_LOCK, schema),
        timeout=_MIGRATING_SECONDS,
    )


def _refuse_newer(found: Standing, schema: str) -> None:
    if found.fits > found.newest:
        why = f"it asks for at least {found.fits}, this version of Innkeeper knows {found.newest}"
        raise StoreUnavailable(f"the schema {schema} was changed by a newer Innkeeper", why)
