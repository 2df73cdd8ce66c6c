"""What stands in the bot's own tables about somebody? Counted, deleted, and looked for.

Through the DB-API, which every database for Python has. A path is a SQLite file, from which
what was deleted is scrubbed as well.
"""

import re
import sqlite3
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, Protocol

from innkeeper.errors import StoreUnavailable

ParamStyle = Literal["qmark", "format"]
"""How the database's module writes a statement's places: `?` or `%s`."""

_AT_ONCE: Final = 500
_WAITS_SECONDS: Final = 5.0
_NUMBERS: Final = ("rowid", "_rowid_", "oid")
_PERSONAL: Final = re.compile(
    r"(?:(?:zoom|owner|creator|author|sender|assignee)_?)?"
    r"(?:(?:user|account|operator|member|person|owner|creator|author|sender|assignee)_?(?:id|jid|name)"
    r"|jid|e?_?mail(?:_?address)?)",
    re.IGNORECASE,
)


class Cursor(Protocol):
    """A DB-API cursor, as far as it is used here: each module types its own more narrowly."""

    @property
    def rowcount(self) -> int:
        """How many rows the last statement changed."""
        ...

    def execute(self, operation: Any, parameters: Any, /) -> Any:
        """Run a statement."""
        ...

    def fetchone(self) -> Any:
        """Give the next row."""
        ...


class DbApiConnection(Protocol):
    """A DB-API connection, as far as it is used here."""

    def cursor(self) -> Cursor:
        """Give a cursor."""
        ...

    def commit(self) -> None:
        """Make what was done durable."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


Database = str | Path | Callable[[], DbApiConnection]
"""A SQLite file, or what gives a DB-API connection, which is closed after use."""


@dataclass(frozen=True, slots=True)
class OwnedTable:
    """A table of the bot's own, whose rows say whom they are about."""

    name: str
    database: Database
    paramstyle: ParamStyle = "qmark"

    def count(self, where: Mapping[str, str]) -> int:
        """Count the rows with these values in these columns.

        Raises:
            StoreUnavailable: If a SQLite file cannot be read, or has no such table.
        """
        with _opened(self.database) as connection:
            cursor = connection.cursor()
            condition = self._condition(where)
            cursor.execute(f"SELECT count(*) FROM {quoted(self.name)} {condition}", _bound(where))  # noqa: S608  # names are quoted, values bound
            row = cursor.fetchone()
            return int(row[0]) if row else 0

    def delete(self, where: Mapping[str, str]) -> int:
        """Delete the rows with these values in these columns; say how many went.

        In a SQLite file some hundreds at a time, so that nobody waits long for a turn.

        Raises:
            StoreUnavailable: If a SQLite file cannot be written, has no such table, or is
                read by somebody so that what was deleted cannot be scrubbed from its log.
        """
        with _opened(self.database) as connection:
            batch = self._batch(connection, where)
            deleted = 0
            while True:
                cursor = connection.cursor()
                cursor.execute(batch, _bound(where))
                connection.commit()
                deleted += max(cursor.rowcount, 0)
                if cursor.rowcount <= 0 or "LIMIT" not in batch:
                    break
            if isinstance(self.database, (str, Path)):
                _cut_log(connection)
            return deleted

    def _condition(self, where: Mapping[str, str]) -> str:
        place = "?" if self.paramstyle == "qmark" else "%s"
        return "WHERE " + " AND ".join(f"{quoted(column)} = {place}" for column in where)

    def _batch(self, connection: DbApiConnection, where: Mapping[str, str]) -> str:
        table, condition = quoted(self.name), self._condition(where)
        number = _row_number(connection, self.name)
        if number is None:
            return f"DELETE FROM {table} {condition}"  # noqa: S608  # names are quoted, values bound
        return (
            f"DELETE FROM {table} WHERE {number} IN"  # noqa: S608  # the same
            f" (SELECT {number} FROM {table} {condition} LIMIT {_AT_ONCE})"
        )


@dataclass(frozen=True, slots=True)
class OwnedDatabase:
    """A database of the bot's own. `impersonal` names tables that are about nobody."""

    database: Database
    impersonal: frozenset[str] = frozenset()

    def personal_tables(self) -> Mapping[str, Sequence[str]]:
        """List the tables with columns that seem to name somebody, and these columns.

        Of a SQLite file; for another database it has to be looked up by hand.

        Raises:
            StoreUnavailable: If the file cannot be read.
        """
        if not isinstance(self.database, (str, Path)):
            return {}
        with _opened(self.database) as connection:
            columns = _columns(connection)
        found = {
            table: [column for column in names if _PERSONAL.fullmatch(column)]
            for table, names in columns.items()
            if table not in self.impersonal
        }
        return {table: names for table, names in found.items() if names}


def quoted(name: str) -> str:
    """Quote a table's or a column's name, whatever stands in it.

    Example:
        >>> quoted('odd"name')
        '"odd""name"'

    Raises:
        ValueError: If it is empty or holds a zero byte, as no name does.
    """
    if not name or "\0" in name:
        message = "not a name of a table or a column"
        raise ValueError(message)
    return '"' + name.replace('"', '""') + '"'


@contextmanager
def _opened(database: Database) -> Generator[DbApiConnection]:
    if not isinstance(database, (str, Path)):
        connection = database()
        try:
            yield connection
        finally:
            connection.close()
        return
    uri = f"{Path(database).absolute().as_uri()}?mode=rw"
    try:
        opened = sqlite3.connect(uri, uri=True, timeout=_WAITS_SECONDS)
        try:
            opened.execute("PRAGMA secure_delete = ON")
            yield opened
        finally:
            opened.close()
    except sqlite3.Error as error:
        raise StoreUnavailable(f"{database} cannot be used", str(error)) from error


def _row_number(connection: DbApiConnection, table: str) -> str | None:
    """Find by which name a SQLite table's rows are numbered; None if they are not, or elsewhere."""
    if not isinstance(connection, sqlite3.Connection):
        return None
    names = {
        str(row[1]).lower() for row in connection.execute(f"PRAGMA table_info({quoted(table)})")
    }
    for name in _NUMBERS:
        if name not in names:
            with suppress(sqlite3.OperationalError):
                connection.execute(f"SELECT {name} FROM {quoted(table)} LIMIT 0")  # noqa: S608  # names are quoted
                return name
    return None


def _columns(connection: DbApiConnection) -> dict[str, list[str]]:
    if not isinstance(connection, sqlite3.Connection):
        return {}
    tables = connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND substr(name, 1, 7) <> 'sqlite_'"
    ).fetchall()
    return {
        str(table): [
            str(row[1]) for row in connection.execute(f"PRAGMA table_info({quoted(str(table))})")
        ]
        for (table,) in tables
    }


def _cut_log(connection: DbApiConnection) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)", ())
    row = cursor.fetchone()
    if row is not None and row[0]:
        raise StoreUnavailable("the write-ahead log cannot be cut", "somebody reads it")


def _bound(where: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(where.values())
