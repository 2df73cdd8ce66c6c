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

from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment, QueryQueueBuilder
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.core.qm import QueueManager
from pgqueuer.domain.models import Job
from pgqueuer.domain.settings import DBSettings
from pgqueuer.domain.types import Channel

from innkeeper.store.addresses import PostgresAddress
from innkeeper.store.postgres.connection import (
    CONNECT_SECONDS,
    Connection,
    asyncpg,
    settings_for,
)

_NAME: Final = "innkeeper"
_AT_ONCE: Final = 10
_LOOK_EVERY: Final = timedelta(seconds=10)
_STALLED_AFTER: Final = timedelta(seconds=15)
_AGAIN_SECONDS: Final = 0.5

INSTALLED: Final = "SELECT to_regclass($1) IS NOT NULL"
PRUNE: Final = "DELETE FROM pgqueuer_log WHERE aggregated AND created < now() - interval '1 hour'"
"""PgQueuer never forgets by itself."""


class Nudges:
    """PgQueuer's tables in our schema, with a channel of their own."""

    def __init__(self, address: PostgresAddress) -> None:
        self._address = address
        self._settings = DBSettings(channel=Channel(f"{address.schema}_work"))

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
        try:
            manager = QueueManager(self._queries(connection), self._settings.channel)

            @manager.entrypoint(_NAME)
            async def nudged(_job: Job) -> None:
                wake()

            wake()  # something may have come in before
            lost: asyncio.Event = manager.shutdown

            def cut_off(_connection: object) -> None:
                lost.set()

            connection.add_termination_listener(cut_off)
            await manager.run(
                dequeue_timeout=_LOOK_EVERY,
                batch_size=_AT_ONCE,
                heartbeat_timeout=_STALLED_AFTER,
                shutdown_on_listener_failure=True,
            )
        finally:
            connection.terminate()

    def _queries(self, connection: Any) -> Queries:
        return Queries(
            AsyncpgDriver(connection),
            qbe=QueryBuilderEnvironment(self._settings),
            qbq=QueryQueueBuilder(self._settings),
        )
