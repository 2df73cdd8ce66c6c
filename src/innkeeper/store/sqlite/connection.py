"""How is a SQLite file opened, so that what it holds is durable, private and ours?"""

import contextlib
import fcntl
import os
import stat
import weakref
from collections.abc import Iterator, Sequence
from importlib import resources
from typing import Any, Final, cast

import apsw

from innkeeper.errors import Fenced, StoreInUse, StoreUnavailable

Row = tuple[Any, ...]
"""A row as SQLite gives it; whoever reads it knows its columns' types."""
Values = Sequence[Any]
"""What a statement is bound to."""

_WRITER_WAITS_MS: Final = 1500
_READER_WAITS_MS: Final = 100

_CACHE: Final = "PRAGMA cache_size = -4000"
"""4 MB for each connection: more would hold what the system holds anyway, and was no faster
among a million installations, but grew with every event until it was full."""
_PRAGMAS: Final = f"""
    PRAGMA secure_delete = ON;
    PRAGMA foreign_keys = ON;
    PRAGMA trusted_schema = OFF;
    PRAGMA temp_store = MEMORY;
    {_CACHE};
    PRAGMA synchronous = FULL;
    PRAGMA wal_autocheckpoint = 2000;
    PRAGMA journal_size_limit = 67108864;
"""

_UNUSABLE: Final = (
    apsw.BusyError,
    apsw.CantOpenError,
    apsw.ConnectionClosedError,
    apsw.CorruptError,
    apsw.FullError,
    apsw.IOError,
    apsw.LockedError,
    apsw.NoMemError,
    apsw.NotADBError,
    apsw.PermissionsError,
    apsw.ProtocolError,
    apsw.ReadOnlyError,
)
REOPEN_AFTER: Final = (
    apsw.CantOpenError,
    apsw.ConnectionClosedError,
    apsw.CorruptError,
    apsw.IOError,
    apsw.NotADBError,
    apsw.ReadOnlyError,
)
"""After these a connection may not trust what it knows of the file."""


def explained(error: Exception) -> Exception:
    """Turn SQLite's error into ours; what is none of ours stays what it is."""
    if isinstance(error, _UNUSABLE):
        return StoreUnavailable("the database cannot be used", type(error).__name__)
    if isinstance(error, apsw.ConstraintError) and str(error) == "fenced":
        return Fenced("nothing written")
    return error


class Connection:
    """A connection, as far as it is used here. Its rows are the decoder's Any.

    It raises apsw's own errors, which `explained` turns into ours.
    """

    __slots__ = ("_apsw", "_execute", "_execute_many", "_file", "_path")

    def __init__(self, path: str, *, flags: int, waits_ms: int) -> None:
        self._apsw = apsw.Connection(path, flags=flags)
        self._path = path
        self._file = os.stat(path)
        self._apsw.set_busy_timeout(waits_ms)
        # Its stubs name types that older Pythons lack.
        self._execute = cast("Any", self._apsw).execute
        self._execute_many = cast("Any", self._apsw).executemany

    @property
    def in_place(self) -> bool:
        """Whether the file still lies where it was opened: else what is written is lost."""
        try:
            return os.path.samestat(os.stat(self._path), self._file)
        except OSError:
            return False

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self._apsw.in_transaction

    def rows(self, sql: str, values: Values = ()) -> list[Row]:
        """Run a statement, or several, to the end, and give all rows."""
        found: list[Row] = self._execute(sql, values).fetchall()
        return found

    def each(self, sql: str) -> Iterator[Row]:
        """Run a statement, and give one row after the other.

        Raises:
            StoreUnavailable: If the file cannot be read to the end.
        """
        try:
            yield from self._execute(sql)
        except apsw.Error as error:
            raise explained(error) from error

    def change(self, sql: str, values: Values = ()) -> int:
        """Run a statement, and say how many rows it changed."""
        self._execute(sql, values)
        return self._apsw.changes()

    def run(self, sql: str, values: Values = ()) -> None:
        """Run a statement that gives no rows: the first row would halt it."""
        self._execute(sql, values)

    def run_many(self, sql: str, values: Sequence[Values]) -> None:
        """Run a statement that gives no rows once for each of many values."""
        self._execute_many(sql, values)

    def total_changes(self) -> int:
        """Say how many rows this connection has ever changed."""
        return self._apsw.total_changes()

    def close(self) -> None:
        """Close it, whatever is under way."""
        self._apsw.close(force=True)


class FileLock:
    """Keeps a second process from writing to the same database; a fork does not inherit it."""

    def __init__(self, path: str) -> None:
        """Take the lock.

        Raises:
            StoreInUse: If another process, or another store here, holds it.
            StoreUnavailable: If there can be none.
        """
        try:
            self._file = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StoreUnavailable("the database cannot be opened", error.strerror or "") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._file)
            what = f"{path} is in use by another process"
            raise StoreInUse(what, "one process at a time writes to it") from error
        _held.add(self)

    def release(self) -> None:
        """Let the next one in."""
        _held.discard(self)
        os.close(self._file)


_held: "weakref.WeakSet[FileLock]" = weakref.WeakSet()


def _leave_to_parent() -> None:
    """Drop a child's copies, or its parent's locks would outlive the parent."""
    for lock in list(_held):
        lock.release()


os.register_at_fork(after_in_child=_leave_to_parent)


def make_private(path: str) -> None:
    """Make the file if there is none, and let nobody but its owner read it.

    SQLite gives its side files the same mode. Call it before the first connection:
    closing a descriptor of an open database would drop SQLite's own locks on it.

    Raises:
        StoreUnavailable: If it can be neither found nor made.
    """
    try:
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        if stat.S_IMODE(os.stat(path).st_mode) & 0o077:
            os.chmod(path, 0o600)
    except OSError as error:
        raise StoreUnavailable(f"{path} cannot be opened", error.strerror or "") from error


def connect(path: str) -> Connection:
    """Connect to write.

    Raises:
        StoreUnavailable: If the file cannot be opened, or is no database.
    """
    try:
        connection = Connection(path, flags=apsw.SQLITE_OPEN_READWRITE, waits_ms=_WRITER_WAITS_MS)
        connection.rows(_PRAGMAS)
        connection.rows("PRAGMA journal_mode = WAL")
    except apsw.Error as error:
        raise _unopened(path, error) from error
    return connection


def connect_to_read(path: str) -> Connection:
    """Connect to read only.

    Raises:
        StoreUnavailable: If the file is not there, or is no database.
    """
    try:
        connection = Connection(path, flags=apsw.SQLITE_OPEN_READONLY, waits_ms=_READER_WAITS_MS)
        connection.rows(_CACHE)
        connection.rows("SELECT count(*) FROM sqlite_schema")
    except apsw.Error as error:
        raise _unopened(path, error) from error
    return connection


def migrate(connection: Connection, *, schema: str, path: str) -> None:
    """Bring the schema up to date, each step in a transaction of its own.

    Raises:
        StoreUnavailable: If the database is newer than this code, or is not ours.
    """
    steps = _steps(schema)
    try:
        version = check_version(connection, schema=schema, path=path, migrating=True)
        for number in range(version + 1, len(steps) + 1):
            connection.run("BEGIN IMMEDIATE")
            try:
                connection.run(steps[number - 1])
                connection.run(f"PRAGMA user_version = {number}")
                connection.run("COMMIT")
            except apsw.Error:
                if connection.in_transaction:
                    connection.run("ROLLBACK")
                raise
    except apsw.Error as error:
        raise _unopened(path, error) from error


def check_version(
    connection: Connection, *, schema: str, path: str, migrating: bool = False
) -> int:
    """Read how far the schema has been migrated, and refuse what this code cannot use.

    Raises:
        StoreUnavailable: If the database is newer than this code, older and not to be
            migrated now, or not ours.
    """
    newest = len(_steps(schema))
    ((version,),) = connection.rows("PRAGMA user_version")
    ((tables,),) = connection.rows("SELECT count(*) FROM sqlite_schema")
    if version > newest:
        why = f"its schema is {version}, this version of Innkeeper knows {newest}"
        raise StoreUnavailable(f"{path} was written by a newer Innkeeper", why)
    if version == 0 and tables:
        raise StoreUnavailable(f"{path} is not a database of Innkeeper's", "it has other tables")
    if version < newest and not migrating:
        raise StoreUnavailable(f"{path} is not migrated yet", "start the app once to migrate it")
    return int(version)


def _steps(schema: str) -> list[str]:
    folder = resources.files("innkeeper.store").joinpath("schema", schema)
    files = sorted((file.name, file) for file in folder.iterdir() if file.name.endswith(".sql"))
    return [file.read_text(encoding="utf-8") for _, file in files]


def _unopened(path: str, error: apsw.Error) -> StoreUnavailable:
    return StoreUnavailable(f"{path} cannot be opened", type(error).__name__)
