"""What kind of store is put to the test, and what did it leave on the disk?

A scene does not know which store it runs on; a second kind of store is a second class here.
"""

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, cast

import apsw

from innkeeper.settings import Settings
from innkeeper.store.base import Store, Vault
from innkeeper.store.sqlite import SqliteStore
from innkeeper.store.sqlite.connection import Connection, Row, connect_to_read
from innkeeper.store.vault import SqliteVault
from innkeeper.wiring import Shelf
from tests.faults.edges import Plan, WatchedPart

_TABLES = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
_ALL = "SELECT * FROM {table}"
_ROWS = "SELECT * FROM {table} WHERE installation_id = ?"


OWNED = ("grants", "states", "inbox_bodies", "inbox_answers", "cases")
"""What is written about a person, and must not be once she is being purged."""


@dataclass(frozen=True, slots=True)
class Remains:
    """What lay on the disk at a moment: of each table its rows, of each file its bytes."""

    store: Mapping[str, "Table"]
    vault: Mapping[str, "Table"]
    files: Mapping[str, bytes]
    unsound: list[str] = field(default_factory=list[str])
    """What the database itself found wrong."""

    def of(self, installation_id: str) -> dict[str, list[Row]]:
        """Give the rows of one installation; a purge and its steps are not about her."""
        found: dict[str, list[Row]] = {}
        for name, table in self.store.items():
            if name not in {"purges", "purge_steps"}:
                found[name] = table.where(installation_id)
        return {name: rows for name, rows in found.items() if rows}

    def sealed(self, installation_id: str) -> Iterator[bytes]:
        """Give what is sealed of one installation, as its bytes lie there."""
        for name in self.of(installation_id):
            table = self.store[name]
            rows = Table(name, table.columns, table.where(installation_id))
            yield from (each["sealed"] for each in rows.dicts() if each.get("sealed"))

    def ids(self, table: str) -> list[str]:
        """List the ids in a table of the store."""
        return [str(each["id"]) for each in self.store[table].dicts()]


@dataclass(frozen=True, slots=True)
class Table:
    """A table as it was."""

    name: str
    columns: tuple[str, ...]
    rows: list[Row]

    def dicts(self) -> Iterator[dict[str, Any]]:
        """Give each row by the names of its columns."""
        return (dict(zip(self.columns, row, strict=True)) for row in self.rows)

    def where(self, installation_id: str) -> list[Row]:
        """Find the rows of one installation."""
        owner = "id" if self.name == "installations" else "installation_id"
        if owner not in self.columns:
            return []
        place = self.columns.index(owner)
        return [row for row in self.rows if row[place] == installation_id]


class Shelves(Protocol):
    """A kind of store."""

    @property
    def one_writer(self) -> bool:
        """Whether only one store at a time may write, so that workers have to share it."""
        ...

    def shelf(self, settings: Settings, plan: Plan) -> Shelf:
        """Make a store and a vault whose every call is watched."""
        ...

    def mark(self, folder: Path) -> object:
        """Give what compares equal while nothing was written."""
        ...

    def copy(self, folder: Path) -> Mapping[str, bytes]:
        """Copy what lies on the disk now, though somebody may be writing."""
        ...

    def put_back(self, folder: Path, copied: Mapping[str, bytes]) -> None:
        """Let the disk be as it was copied."""
        ...

    def remains(self, copied: Mapping[str, bytes], folder: Path) -> Remains:
        """Look into a copy; `folder` is a place to work in."""
        ...

    async def purging(
        self, settings: Settings, installation_id: str
    ) -> set[tuple[str, Row]] | None:
        """Give the rows of an installation with their tables; None unless it is being purged."""
        ...


class SqliteShelves:
    """Two files in a folder."""

    one_writer = True

    def __init__(self) -> None:
        self._open: dict[str, Connection] = {}

    def shelf(self, settings: Settings, plan: Plan) -> Shelf:
        """Make a store and a vault; what the store asks of the vault is watched as well."""
        owned = SqliteVault(str(settings.vault), settings.keys, app=settings.client_id)
        vault = cast("Vault", WatchedPart("vault", owned, plan))
        store = SqliteStore(str(settings.database), vault=vault, app=settings.client_id)
        return Shelf(cast("Store", WatchedPart("store", store, plan)), vault)

    def mark(self, folder: Path) -> object:
        """Look at the logs: nothing is written that is not in them first."""
        return [zlib.crc32(path.read_bytes()) for path in sorted(folder.glob("*-wal"))]

    def copy(self, folder: Path) -> Mapping[str, bytes]:
        """Copy the files with their logs; the shared memory beside them is made anew."""
        kept = (path for path in folder.iterdir() if not path.name.endswith(("-shm", ".lock")))
        return {path.name: path.read_bytes() for path in sorted(kept)}

    def put_back(self, folder: Path, copied: Mapping[str, bytes]) -> None:
        """Let the files be as they were."""
        for path in folder.iterdir():
            path.unlink()
        for name, content in copied.items():
            (folder / name).write_bytes(content)

    def remains(self, copied: Mapping[str, bytes], folder: Path) -> Remains:
        """Open a copy and read everything."""
        folder.mkdir()
        self.put_back(folder, copied)
        unsound: list[str] = []
        found: list[Mapping[str, Table]] = []
        for name in ("innkeeper.db", "innkeeper.vault.db"):
            database = Connection(str(folder / name), flags=apsw.SQLITE_OPEN_READWRITE, waits_ms=0)
            for (verdict,) in database.rows("PRAGMA integrity_check"):
                if verdict != "ok":
                    unsound.append(f"{name}: {verdict}")
            unsound += [f"{name}: {row}" for row in database.rows("PRAGMA foreign_key_check")]
            found.append(_tables(database))
            database.close()
        self.put_back(folder, {})
        folder.rmdir()
        return Remains(found[0], found[1], copied, unsound)

    async def purging(
        self, settings: Settings, installation_id: str
    ) -> set[tuple[str, Row]] | None:
        """Look at a database that is in use; each read is over before anything else is done."""
        path = str(settings.database)
        if path not in self._open:
            self._open = {path: connect_to_read(path)}
        database, whose = self._open[path], (installation_id,)
        if not database.rows("SELECT 1 FROM purges WHERE installation_id = ?", whose):
            return None
        return {
            (table, row)
            for table in OWNED
            for row in database.rows(_ROWS.format(table=table), whose)
        }


def _tables(database: Connection) -> dict[str, Table]:
    tables: dict[str, Table] = {}
    for (name,) in database.rows(_TABLES):
        columns = tuple(row[1] for row in database.rows(f"PRAGMA table_info({name})"))
        tables[name] = Table(name, columns, database.rows(_ALL.format(table=name)))
    return tables
