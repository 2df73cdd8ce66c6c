"""Who wakes a worker? PgQueuer: a job in the transaction that keeps the events.

The inbox's rows are the truth. A job carries the ids of events that one transaction kept
for anybody, and is a nudge: whoever gets it claims what is due. One that is lost or comes
twice does no harm, for each worker also looks every second.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final
from uuid import uuid4

from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment, QueryQueueBuilder
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.domain.settings import DBSettings, Durability
from pgqueuer.domain.types import Channel, QueueEntrypoint, QueueManagerId
from pgqueuer.ports.repository import EntrypointExecutionParameter
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from innkeeper.store.addresses import PostgresAddress
from innkeeper.store.postgres.connection import (
    CONNECT_SECONDS,
    Connection,
    asyncpg,
    settings_for,
)

_NAME: Final = QueueEntrypoint("innkeeper")
_AT_ONCE: Final = 100
_LOOK_SECONDS: Final = 10.0
_STALLED_AFTER: Final = timedelta(seconds=15)
_AGAIN_SECONDS: Final = 0.5
_PAUSE_SECONDS: Final = 0.005
"""How long nudges gather after one was taken; the first waits for nobody."""
_UNLIMITED: Final = {_NAME: EntrypointExecutionParameter(concurrency_limit=0)}

INSTALLED: Final = "SELECT to_regclass($1) IS NOT NULL"
PRUNE: Final = "DELETE FROM pgqueuer_log WHERE created < now() - interval '5 minutes'"
"""PgQueuer never forgets by itself."""


class _Settings(DBSettings):
    """PgQueuer's settings as they are given here: the environment has no say in them."""

    @classmethod
    def settings_customise_sources(  # noqa: PLR0917  # pydantic's
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003  # pydantic's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


class Nudges:
    """PgQueuer's tables in our schema, with a channel of their own."""

    def __init__(self, address: PostgresAddress) -> None:
        self._address = address
        self._worker = QueueManagerId(uuid4())
        self._settings = _Settings(
            channel=Channel(f"{address.schema}_work"),
            durability=Durability.volatile,  # in PostgreSQL's crash nudges may go
        )

    async def install(self, connection: Connection) -> None:
        """Make PgQueuer's tables, where there are none."""
        if not await connection.fetchval(INSTALLED, f"{self._address.schema}.pgqueuer"):
            builder = QueryBuilderEnvironment(self._settings)
            await connection.execute(builder.build_install_query(create_schema=False))

    async def send(self, connection: Connection, events: Sequence[int]) -> None:
        """Put in a nudge, within the transaction that is open."""
        payload = ",".join([str(event) for event in events]).encode()
        await self._queries(connection).enqueue(_NAME, payload)

    async def hear(self, wake: Callable[[], None]) -> None:
        """Call `wake` for each nudge that falls to this process, until cancelled."""
        while True:
            with suppress(Exception):  # whatever breaks it, it is begun anew; the beat goes on
                await self._listen(wake)
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _listen(self, wake: Callable[[], None]) -> None:
        connection: Any = await asyncpg.connect(
            self._address.url.reveal(),
            timeout=CONNECT_SECONDS,
            server_settings=settings_for(self._address),
        )
        queries = self._queries(connection)
        told = asyncio.Event()
        try:

            def hear(_connection: object, _pid: int, _channel: str, payload: str) -> None:
                if '"insert"' in payload:  # not one that was taken
                    told.set()

            def cut_off(_connection: object) -> None:
                told.set()

            await connection.add_listener(self._settings.channel, hear)
            connection.add_termination_listener(cut_off)
            wake()  # something may have come in before
            while not connection.is_closed():
                if await self._take(queries):
                    wake()
                    await asyncio.sleep(_PAUSE_SECONDS)
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_SECONDS):
                        await told.wait()
                told.clear()
        finally:
            connection.terminate()

    async def _take(self, queries: Queries) -> bool:
        """Take the nudges that nobody has; true if there was one, however many."""
        found = False
        while jobs := await queries.dequeue(
            _AT_ONCE, _UNLIMITED, self._worker, None, _STALLED_AFTER
        ):
            found = True
            await queries.log_jobs([(job, "successful", None) for job in jobs])
            if len(jobs) < _AT_ONCE:
                break
        return found

    def _queries(self, connection: Any) -> Queries:
        return Queries(
            AsyncpgDriver(connection),
            qbe=QueryBuilderEnvironment(self._settings),
            qbq=QueryQueueBuilder(self._settings),
        )
