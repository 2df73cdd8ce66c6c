"""When is what deleted rows took freed? At once, and once for all who wait for it."""

import asyncio
from typing import Final

from innkeeper.store.postgres.connection import Connections

VACUUM_SECONDS: Final = 120.0
"""A purge of a million rows leaves that much to look through; less than a purge's lease."""


class Vacuum:
    """Frees what deleted rows took in these tables.

    Of two that run at once in the server the second waits for the first, and is refused
    after some seconds. So in this process there is one at a time, which those share who
    came before it began; a table that another process frees just now is passed over.
    """

    def __init__(self, connections: Connections, *tables: str) -> None:
        self._connections = connections
        self._statement = f"VACUUM (SKIP_LOCKED) {', '.join(tables)}"
        self._turn = asyncio.Lock()
        self._begun = 0
        self._ended = 0

    async def run(self) -> None:
        """Free what was deleted until now.

        Raises:
            StoreUnavailable: If the database cannot be used.
        """
        come = self._begun
        async with self._turn:
            if self._ended > come:
                return
            self._begun += 1
            async with self._connections.taken() as connection:
                await connection.execute(self._statement, timeout=VACUUM_SECONDS)
            self._ended = self._begun
