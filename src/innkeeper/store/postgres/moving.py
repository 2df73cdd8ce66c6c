"""How does a bot come from SQLite to PostgreSQL? What is kept is copied once, as it stands.

Both engines have the same tables, with the same names for what is in them, and keep it under
the same keys. Only an event's body is sealed anew, for here it is bound to another name.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final, NamedTuple

from innkeeper.errors import Fault, SealBroken, SettingsRefused
from innkeeper.store.addresses import PostgresAddress
from innkeeper.store.events import BODIES, day_subject
from innkeeper.store.keys import Keys
from innkeeper.store.postgres.connection import Connection, changed, plain
from innkeeper.store.postgres.database import Database
from innkeeper.store.rows import Row
from innkeeper.store.seal import KeyRing
from innkeeper.store.sqlite import SqliteStore
from innkeeper.store.sqlite.connection import Connection as Source
from innkeeper.store.sqlite.connection import connect_to_read
from innkeeper.store.vault import SqliteVault

_COPY_SECONDS: Final = 3_600.0
_AT_ONCE: Final = 100
STALLED_SECONDS: Final = 60.0
"""How long so many rows may take before the server is given up."""
_FIX: Final = (
    "If it was copied before, start the bot. Else copy into schemas that are new: drop these two,"
    " or name others with ?schema=… in both settings; the SQLite files are as they were."
)
_INBOX: Final = """
    SELECT id, place, name, received_at, reason, attempts,
        CASE WHEN state IN ('ready', 'claimed') THEN 'open' ELSE state END AS state
    FROM inbox ORDER BY id
"""
_BODIES: Final = """
    SELECT bodies.id, installation_id, sealed, attempts,
        CASE state WHEN 'ready' THEN due_at WHEN 'claimed' THEN received_at END AS due_at,
        place, received_at
    FROM inbox_bodies AS bodies JOIN inbox USING (id) ORDER BY bodies.id
"""


class Table(NamedTuple):
    """A table that is copied."""

    name: str
    counter: str = ""
    """The column that PostgreSQL counts up by itself, and goes on with."""


META: Final = "meta"
"""What a database belongs to: it is made with the tables, so it may be there before."""
VAULT: Final = (
    Table(META),
    Table("data_keys"),
    Table("tombstones"),
    Table("signing_keys", counter="sequence"),
    Table("receipts"),
)
STORE: Final = (
    Table(META),
    Table("inbox", counter="id"),
    Table(BODIES),
    Table("installations"),
    Table("inbox_answers"),
    Table("pending_installs"),
    Table("grants"),
    Table("states"),
    Table("purges"),
    Table("purge_steps"),
    Table("reports"),
    Table("receipts"),
    Table("cases"),
    Table("consumed"),
    Table("effects"),
)


async def move(
    files: tuple[Path, Path],
    into: tuple[PostgresAddress, PostgresAddress],
    *,
    ring: KeyRing,
    app: str,
) -> Mapping[str, int]:
    """Copy everything, and say how many rows of each table of the store there were.

    The files are brought up to date, and else left as they are; while it lasts, no bot can
    use them.

    Args:
        files: The store's and the vault's.
        into: The schemas for the store and the vault.
        ring: The one that the files were written with.
        app: The app's client id.

    Raises:
        SettingsRefused: If there is something in PostgreSQL's schemas already.
        StoreUnavailable: If the files are in use, or another app's; or PostgreSQL cannot be
            used. Then nothing was copied.
        KeyMissing: If the ring lacks a key of the vault's.
    """
    store_file, vault_file = files
    to_store, to_vault = (
        Database(address, migrations=folder)
        for address, folder in zip(into, ("postgres", "postgres_vault"), strict=True)
    )
    vault = SqliteVault(str(vault_file), ring, app=app)
    store = SqliteStore(str(store_file), vault=vault, app=app)
    async with AsyncExitStack() as opened:
        for each in (vault, store, to_vault, to_store):
            await each.open()
            opened.push_async_callback(each.close)
        vault_rows, store_rows = connect_to_read(str(vault_file)), connect_to_read(str(store_file))
        for source in (vault_rows, store_rows):
            opened.callback(source.close)
        keys = Keys(vault, app=app)

        async def job(connection: Connection) -> Mapping[str, int]:
            await _take(connection, STORE, to_store.address.schema, "INNKEEPER_DATABASE_URL")

            async def within(first: Connection) -> Mapping[str, int]:
                await _take(first, VAULT, to_vault.address.schema, "INNKEEPER_VAULT_URL")
                await _copy(vault_rows, VAULT, first, keys)
                return await _copy(store_rows, STORE, connection, keys)

            return await to_vault.write(within)  # a key is durable before what it seals

        return await to_store.write(job)


async def _take(connection: Connection, tables: Sequence[Table], schema: str, setting: str) -> None:
    """Have the tables for oneself until this transaction ends, and see that they are empty."""
    await connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
    await connection.execute("SET LOCAL statement_timeout = 0")  # the role's own
    await connection.execute(f"LOCK TABLE {', '.join([each.name for each in tables])}")
    for name, _ in tables:
        if name != META and await connection.fetchrow(f"TABLE {name} LIMIT 1"):
            why = f"names the schema {schema}, which holds something already, in {name}"
            raise SettingsRefused([Fault(setting, why, _FIX)])
    await connection.execute(f"TRUNCATE {META}")


async def _copy(
    source: Source, tables: Sequence[Table], connection: Connection, keys: Keys
) -> Mapping[str, int]:
    counts = {each.name: await _copy_table(source, each, connection, keys) for each in tables}
    return {name: count for name, count in counts.items() if name != META}


async def _copy_table(source: Source, table: Table, connection: Connection, keys: Keys) -> int:
    name, counter = table
    columns, rows = await _read(source, name, connection, keys)
    await connection.execute(f"ALTER TABLE {name} DISABLE TRIGGER USER")  # a purge is copied too
    async with asyncio.timeout(None) as limit:
        copied = await connection.copy_records_to_table(
            name, records=_moving(rows, limit), columns=columns, timeout=_COPY_SECONDS
        )
    await connection.execute(f"ALTER TABLE {name} ENABLE TRIGGER USER")
    if counter:
        last = f"SELECT max({counter}) FROM {name}"  # noqa: S608  # our own names
        await connection.execute(
            f"SELECT setval(pg_get_serial_sequence('{name}', '{counter}'), ({last}))"
        )
    return changed(copied)


async def _read(
    source: Source, name: str, connection: Connection, keys: Keys
) -> tuple[Sequence[str], AsyncGenerator[Sequence[object]]]:
    """Say which columns a table has, and give its rows as they are kept here."""
    if name == BODIES:
        return ["id", "installation_id", "sealed", "attempts", "due_at"], _bodies(source, keys)
    if name == "inbox":
        columns = ["id", "place", "name", "received_at", "reason", "attempts", "state"]
        return columns, _rows(source.each(_INBOX), ())
    columns = [row[1] for row in source.rows(f"PRAGMA table_info({name})")]
    found = await connection.fetch(
        "SELECT column_name FROM information_schema.columns WHERE table_name = $1"
        " AND table_schema = current_schema() AND data_type = 'boolean'",
        name,
    )
    truths = {row[0] for row in found}
    rows = source.each(f"SELECT {', '.join(columns)} FROM {name}")  # noqa: S608  # our own names
    return columns, _rows(rows, [at for at, each in enumerate(columns) if each in truths])


async def _rows(rows: Iterable[Row], truths: Sequence[int]) -> AsyncGenerator[Sequence[object]]:
    for row in rows:
        values = [plain(value) if isinstance(value, str) else value for value in row]
        for at in truths:
            values[at] = bool(values[at])
        yield values


async def _moving(
    rows: AsyncIterable[Sequence[object]], limit: asyncio.Timeout
) -> AsyncGenerator[Sequence[object]]:
    """Give rows while they are taken: asyncpg waits for ever for a server that is gone."""
    now = asyncio.get_running_loop().time
    count = 0
    async for row in rows:
        if count % _AT_ONCE == 0:
            limit.reschedule(now() + STALLED_SECONDS)
            await asyncio.sleep(0)  # else nobody is heard who breaks it off
        count += 1
        yield row
    limit.reschedule(None)  # from here on the copy has a limit of its own


async def _bodies(source: Source, keys: Keys) -> AsyncGenerator[Sequence[object]]:
    for number, link, sealed, attempts, due_at, place, received_at in source.each(_BODIES):
        moved = await _moved(keys, sealed, received_at, number=number, place=place)
        yield number, link, moved, attempts, due_at


async def _moved(
    keys: Keys, sealed: bytes, received_at: int, *, number: int, place: bytes
) -> bytes:
    """Seal a body for its place here; what cannot be read is left to who takes it up."""
    try:
        seal = await keys.find(day_subject(received_at))
        if seal is None:
            return sealed
        body = seal.unseal(sealed, table=BODIES, column="sealed", row=str(number))
    except SealBroken:
        return sealed
    return seal.seal(body, table=BODIES, column="sealed", row=place.hex())
