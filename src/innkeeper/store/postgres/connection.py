"""How do we talk to PostgreSQL? Over a few connections that come back by themselves."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, Protocol, cast

import asyncpg as untyped  # type: ignore[import-untyped]  # it ships no types

from innkeeper.errors import DatabaseUnreachable, Fenced, StoreUnavailable
from innkeeper.store.addresses import PostgresAddress
from innkeeper.store.postgres.crowd import Crowd
from innkeeper.store.rows import Row

asyncpg = cast("Any", untyped)

CONNECT_SECONDS: Final = 2.0
ANSWER_SECONDS: Final = 10.0
"""The longest that one statement may take; whoever cannot wait so long says so itself."""
MOST_CONNECTIONS: Final = 10
SET_APART: Final = 3
"""Connections that no crowd takes: for arrivals, for ends, and for the signs of life."""

_FENCED: Final = "IK001"
"""What our own triggers raise."""
_AGAIN: Final = frozenset({"40001", "40P01"})
"""Serialization failure, deadlock: the same transaction may well succeed."""
_UNUSABLE: Final = frozenset(
    {"08", "25", "28", "40", "53", "55", "57", "58", "3D", "3F", "42", "XX"}
)
"""Classes of SQLSTATE that say that the database cannot be used as it is: no connection, read
only, no rights, no room, locked, shutting down, not migrated, broken."""
_UNREACHABLE: Final = frozenset({"08", "28", "57", "3D"})
"""Those of them that say that there is no way to it just now."""
_SETTINGS: Final = {
    "application_name": "innkeeper",
    "idle_in_transaction_session_timeout": "15s",
    "jit": "off",
    "lock_timeout": "5s",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "timezone": "UTC",
}


class Connection(Protocol):
    """A connection, as far as it is used here. It raises asyncpg's own errors."""

    async def fetch(self, sql: str, *values: object) -> list[Row]:
        """Run a statement and give all rows."""
        ...

    async def fetchrow(self, sql: str, *values: object) -> Row | None:
        """Run a statement and give the first row."""
        ...

    async def fetchval(self, sql: str, *values: object) -> Any:
        """Run a statement and give the first column of the first row."""
        ...

    async def execute(self, sql: str, *values: object, timeout: float = ...) -> str:  # noqa: ASYNC109  # asyncpg's
        """Run a statement, or without values several, and say what was done."""
        ...

    async def copy_records_to_table(
        self,
        table_name: str,
        *,
        records: AsyncIterable[Sequence[object]],
        columns: Sequence[str],
        timeout: float,  # noqa: ASYNC109  # asyncpg's
    ) -> str:
        """Write rows as fast as can be."""
        ...

    def transaction(self) -> Any:
        """Begin a transaction, as an asynchronous context manager."""
        ...


def settings_for(address: PostgresAddress) -> dict[str, str]:
    """Say how a connection to an address is to be."""
    return _SETTINGS | {"search_path": f"{address.schema}, pg_temp"}


def explained(error: Exception) -> Exception:
    """Turn asyncpg's error into ours; what is none of ours stays what it is.

    Its text may quote a row, so only its name goes on.
    """
    state = str(getattr(error, "sqlstate", None) or "")
    if state == _FENCED:
        return Fenced("nothing written")
    # The last: a connection that was cut off in the middle of an answer.
    lost = isinstance(error, (OSError, asyncpg.InterfaceError, asyncpg.InternalClientError))
    if isinstance(error, asyncpg.DataError) or not (lost or state[:2] in _UNUSABLE):
        return error
    name = type(error).__name__
    if lost or state[:2] in _UNREACHABLE:
        return DatabaseUnreachable("PostgreSQL cannot be reached", name)
    return StoreUnavailable("the database cannot be used", name)


def may_be_repeated(error: BaseException) -> bool:
    """Tell whether the same transaction may succeed at once."""
    return getattr(error, "sqlstate", None) in _AGAIN


def changed(said: str) -> int:
    """Read from PostgreSQL's answer how many rows a statement changed."""
    count = said.rpartition(" ")[2]
    return int(count) if count.isdigit() else 0


def storable(values: Sequence[object]) -> Sequence[object]:
    """Replace what PostgreSQL's text cannot hold: NUL, and halves of surrogate pairs."""
    return [plain(value) if isinstance(value, str) else value for value in values]


def plain(text: str) -> str:
    """Write a text as PostgreSQL can keep it."""
    if "\0" not in text and text.isascii():
        return text
    return text.replace("\0", "\ufffd").encode(errors="replace").decode()


async def _nothing_to_undo(_connection: object) -> None:
    """Give a connection back as it is: no session of ours changes its settings or takes locks.

    asyncpg would ask the server to undo such things, which is one more round trip each time.
    """


class Connections:
    """A few connections to one schema; a broken one is replaced when it is next needed."""

    def __init__(self, address: PostgresAddress) -> None:
        self._address = address
        self._pool: Any = None
        self._crowd = Crowd(MOST_CONNECTIONS - SET_APART)
        self._few = Crowd(SET_APART)

    @property
    def is_open(self) -> bool:
        """Whether connections are given out."""
        return self._pool is not None

    async def open(self) -> None:
        """Connect.

        Raises:
            StoreUnavailable: If that is not possible.
        """
        if self._pool is not None:
            return
        try:
            async with asyncio.timeout(2 * CONNECT_SECONDS):
                self._pool = await asyncpg.create_pool(
                    self._address.url.reveal(),
                    min_size=0,  # else it complains by itself while the server is away
                    max_size=MOST_CONNECTIONS,
                    timeout=CONNECT_SECONDS,
                    command_timeout=ANSWER_SECONDS,
                    reset=_nothing_to_undo,
                    server_settings=settings_for(self._address),
                )
            async with self.taken():
                pass
        except BaseException as error:
            await self.close()
            ours = explained(error) if isinstance(error, Exception) else error
            if ours is error:
                raise
            raise ours from error

    async def close(self) -> None:
        """Let go of all connections."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await pool.close()
        except TimeoutError:
            pool.terminate()

    @asynccontextmanager
    async def taken(self, *, first: bool = False) -> AsyncGenerator[Connection]:
        """Take a connection for a while; where many want one, in their turn.

        Whoever holds one must not ask for another.

        Args:
            first: Go past the line: for what keeps all others going, and is soon done.

        Raises:
            StoreUnavailable: If there is none, or it breaks meanwhile.
        """
        async with (self._few if first else self._crowd).turn():
            if self._pool is None:
                raise StoreUnavailable("the database is not open")
            connection = None
            try:
                async with self._pool.acquire(timeout=CONNECT_SECONDS) as connection:
                    yield cast("Connection", connection)
            except Exception as error:
                ours = explained(error)
                if connection is None and isinstance(ours, StoreUnavailable):
                    self._crowd.send_home(ours)
                    self._few.send_home(ours)
                elif isinstance(error, TimeoutError) and self._pool is not None:
                    await self._pool.expire_connections()  # the others may be as dead
                if ours is error:
                    raise
                raise ours from error
