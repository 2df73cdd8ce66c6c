"""What do all tables share? One schema: statements, transactions, and small writes in groups."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from innkeeper.errors import StoreUnavailable
from innkeeper.store.addresses import PostgresAddress
from innkeeper.store.postgres.connection import (
    Connection,
    Connections,
    changed,
    may_be_repeated,
    storable,
)
from innkeeper.store.postgres.lane import Bulk, ItemT, Lane, ResultT
from innkeeper.store.postgres.migrations import check, lock, migrate
from innkeeper.store.postgres.vacuum import Vacuum
from innkeeper.store.rows import Row

T = TypeVar("T")

Job = Callable[[Connection], Awaitable[T]]
"""What is done within one transaction; it may be run again."""

_ATTEMPTS = 3


class Database:
    """One schema of a PostgreSQL database.

    Args:
        migrations: Names the folder with the numbered migrations.
        read_only: Look only: nothing is migrated.
    """

    def __init__(
        self, address: PostgresAddress, *, migrations: str, read_only: bool = False
    ) -> None:
        self.address = address
        self.read_only = read_only
        self._migrations = migrations
        self._connections = Connections(address)
        self._lanes: list[Lane[Any, Any]] = []
        self._vacuums: dict[tuple[str, ...], Vacuum] = {}

    async def open(self) -> None:
        """Connect and migrate.

        Raises:
            StoreUnavailable: If that is not possible, or the schema is newer than this code.
        """
        if self._connections.is_open:
            return
        await self._connections.open()
        try:
            async with self._connections.taken() as connection:
                step = check if self.read_only else migrate
                await step(connection, schema=self.address.schema, folder=self._migrations)
        except BaseException:
            await self._connections.close()
            raise
        for lane in self._lanes:
            lane.start()

    async def finish(self) -> None:
        """Write what is on its way; the lanes take nothing more."""
        for lane in self._lanes:
            await lane.stop()

    async def close(self) -> None:
        """Write what is on its way, and let go of the database."""
        await self.finish()
        await self._connections.close()

    def lane(self, bulk: Bulk[ItemT, ResultT]) -> Lane[ItemT, ResultT]:
        """Open a lane for small frequent writes; before `open`."""
        lane = Lane(partial(self.write, first=True), bulk)
        self._lanes.append(lane)
        return lane

    async def rows(self, sql: str, *values: object, first: bool = False) -> Sequence[Row]:
        """Run one statement by itself and give its rows.

        Args:
            first: See `write`.

        Raises:
            StoreUnavailable: If the database cannot be used.
        """
        async with self._connections.taken(first=first) as connection:
            return await connection.fetch(sql, *storable(values))

    async def row(self, sql: str, *values: object) -> Row | None:
        """Run one statement by itself and give its first row, if there is one.

        Raises:
            StoreUnavailable: If the database cannot be used.
        """
        async with self._connections.taken() as connection:
            return await connection.fetchrow(sql, *storable(values))

    async def change(self, sql: str, *values: object, first: bool = False) -> int:
        """Run one statement by itself; say how many rows it changed.

        Args:
            first: See `write`.

        Raises:
            StoreUnavailable: If it is not known to be durable.
        """
        return await self.write(
            lambda connection: _change(connection, sql, values), alone=True, first=first
        )

    async def write(self, job: Job[T], *, alone: bool = False, first: bool = False) -> T:
        """Run a job in a transaction, anew if another transaction was in its way.

        Args:
            alone: Its only statement is a transaction of its own.
            first: It goes past all others: for what keeps these going, and is soon done.

        Raises:
            StoreUnavailable: If it is not known to be durable.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                async with self._connections.taken(first=first) as connection:
                    if alone:
                        return await job(connection)
                    async with connection.transaction():
                        return await job(connection)
            except StoreUnavailable as error:
                if attempt == _ATTEMPTS or not may_be_repeated(error.__cause__ or error):
                    raise
        raise StoreUnavailable("the database cannot be used", "other writes stand in the way")

    async def write_alone_in_schema(self, job: Job[None]) -> None:
        """Run a job in a transaction while nobody else does so, or migrates.

        Raises:
            StoreUnavailable: If it could not be done.
        """

        async def locked(connection: Connection) -> None:
            await lock(connection, self.address.schema)
            await job(connection)

        await self.write(locked)

    async def vacuum(self, *tables: str) -> None:
        """Free what deleted rows took.

        Raises:
            StoreUnavailable: If the database cannot be used.
        """
        found = self._vacuums.setdefault(tables, Vacuum(self._connections, *tables))
        await found.run()


async def _change(connection: Connection, sql: str, values: Sequence[object]) -> int:
    return changed(await connection.execute(sql, *storable(values)))
