"""How does a process hear what another has changed? PostgreSQL tells, as long as we listen."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from innkeeper.store.addresses import PostgresAddress
from innkeeper.store.postgres.connection import CONNECT_SECONDS, asyncpg, settings_for

_AGAIN_SECONDS: Final = 0.5
_STILL_THERE_SECONDS: Final = 10.0


class Listener:
    """One connection that listens on one channel, and comes back when it was lost.

    Args:
        heard: Called with what was told; what is told while nobody listens is lost.
        back: Called each time it listens anew: something may have been missed.
    """

    def __init__(
        self,
        address: PostgresAddress,
        channel: str,
        *,
        heard: Callable[[str], None],
        back: Callable[[], None],
    ) -> None:
        self._address = address
        self._channel = channel
        self._heard = heard
        self._back = back
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to listen, in the background."""
        self._task = asyncio.create_task(self._live())

    async def stop(self) -> None:
        """Listen no more."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _live(self) -> None:
        while True:
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await self._listen()
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _listen(self) -> None:
        connection: Any = await asyncpg.connect(
            self._address.url.reveal(),
            timeout=CONNECT_SECONDS,
            server_settings=settings_for(self._address),
        )
        try:
            await connection.add_listener(self._channel, self._told)
            self._back()
            while True:  # a connection that was cut off silently is found out by asking
                await asyncio.sleep(_STILL_THERE_SECONDS)
                await connection.execute("SELECT 1", timeout=CONNECT_SECONDS)
        finally:
            connection.terminate()

    def _told(self, _connection: object, _pid: int, _channel: str, payload: str) -> None:
        self._heard(payload)
