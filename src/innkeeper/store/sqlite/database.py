"""What do all tables share? One file: a thread that writes, and a connection that reads."""

import contextlib
import os
from collections.abc import Iterator, Sequence
from typing import TypeVar

import apsw
import msgspec

from innkeeper.errors import StoreUnavailable
from innkeeper.store.rows import Value
from innkeeper.store.sqlite.connection import (
    REOPEN_AFTER,
    Connection,
    FileLock,
    Row,
    check_version,
    connect,
    connect_to_read,
    explained,
    make_private,
    migrate,
)
from innkeeper.store.sqlite.writer import Bulk, ItemT, Job, Lane, ResultT, Writer

T = TypeVar("T")


def listed(values: Sequence[str]) -> str:
    """Write values as the one that `json_each` takes apart."""
    return msgspec.json.encode(values).decode()


def batched(values: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Give values in parts of this size."""
    return (values[place : place + size] for place in range(0, len(values), size))


class Database:
    """One SQLite file. Reads are made where they are asked for; writes by one thread.

    Args:
        schema: Names the folder with the numbered migrations.
        read_only: Look only, also while another process writes. Otherwise nobody else
            may write to the file at the same time, but guests.
        guest: Write beside the process that has the file to itself: little and seldom, and
            only what no process remembers. A guest does not migrate.
    """

    def __init__(
        self, path: str, *, schema: str, read_only: bool = False, guest: bool = False
    ) -> None:
        self._path = path
        self._schema = schema
        self._read_only = read_only
        self._guest = guest
        self._lock: FileLock | None = None
        self._reader: Connection | None = None
        self._is_open = False
        self._writer = Writer(lambda: connect(path), name=f"innkeeper {schema}")

    @property
    def read_only(self) -> bool:
        """Whether it was opened only to look."""
        return self._read_only

    def is_emptied(self) -> bool:
        """Tell a file without a byte, which may be damage, from one that is not there yet."""
        with contextlib.suppress(OSError):
            return os.path.getsize(self._path) == 0
        return False

    def open(self) -> None:
        """Connect and migrate.

        Raises:
            StoreUnavailable: If it cannot be opened, or is newer than this code.
        """
        if self._is_open:
            return
        if self._read_only:
            self._reader = self._connect_reader()
            self._is_open = True
            return
        if self._guest:
            self._reader = self._connect_reader()
            self._writer.start(connect(self._path))
            self._is_open = True
            return
        self._lock = FileLock(self._path)
        try:
            make_private(self._path)
            connection = connect(self._path)
            try:
                migrate(connection, schema=self._schema, path=self._path)
                self._reader = self._connect_reader()
            except StoreUnavailable:
                connection.close()
                raise
        except StoreUnavailable:
            self._unlock()
            raise
        self._writer.start(connection)
        self._is_open = True

    async def close(self) -> None:
        """Write what is on its way, and let go of the file.

        The writer closes last: the last one out brings the log into the file, which a
        reader may not. So the file alone is a whole backup while nobody has it open.
        """
        self._is_open = False
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        await self._writer.stop()
        self._unlock()

    def rows(self, sql: str, *values: Value) -> Sequence[Row]:
        """Read, here and now: it takes microseconds, a thread would take longer.

        Raises:
            StoreUnavailable: If the database is not open, or cannot be read.
        """
        if not self._is_open:
            raise StoreUnavailable("the database is not open")
        reader = self._reader = self._reader or self._connect_reader()
        try:
            return reader.rows(sql, values)
        except apsw.Error as error:
            if isinstance(error, REOPEN_AFTER):
                self._reader = None
                reader.close()
            raise explained(error) from error

    def row(self, sql: str, *values: Value) -> Row | None:
        """Read the first row, if there is one.

        Raises:
            StoreUnavailable: If the database is not open, or cannot be read.
        """
        found = self.rows(sql, *values)
        return found[0] if found else None

    def lane(self, bulk: Bulk[ItemT, ResultT]) -> Lane[ItemT, ResultT]:
        """Open a lane for small frequent writes; before `open`."""
        return self._writer.lane(bulk)

    async def write(self, job: Job[T]) -> T:
        """Run a job within the next commit, by itself if it fails.

        Raises:
            StoreUnavailable: If it could not be made durable; then nothing of it was.
        """
        return await self._writer.write(job)

    async def change(self, sql: str, *values: Value) -> int:
        """Run one statement within the next commit; say how many rows it changed.

        Raises:
            StoreUnavailable: If it could not be made durable; then nothing of it was.
        """
        return await self._writer.write(lambda connection: connection.change(sql, values))

    async def wipe(self) -> None:
        """Leave nothing of what was deleted in free pages or in the write-ahead log.

        Freed pages are overwritten as they are freed; what is left to do is to bring
        the log into the file and to cut it off.

        Raises:
            StoreUnavailable: If somebody reads what is to go; try again.
        """
        await self._writer.write_alone(_cut_log)

    def _connect_reader(self) -> Connection:
        reader = connect_to_read(self._path)
        check_version(reader, schema=self._schema, path=self._path)
        return reader

    def _unlock(self) -> None:
        if self._lock is not None:
            self._lock.release()
            self._lock = None


def _cut_log(connection: Connection) -> None:
    ((busy, _, _),) = connection.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    if busy:
        raise StoreUnavailable("the write-ahead log cannot be cut", "another process reads it")
