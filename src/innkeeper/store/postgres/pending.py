"""Who has begun to authorize the app, and has not yet come back?"""

from datetime import datetime

from innkeeper.store.keys import APP
from innkeeper.store.moments import to_micros
from innkeeper.store.postgres.part import Part
from innkeeper.store.records import PendingInstall
from innkeeper.store.rows import Row, hash_state, read_pending, seal_pending


class PendingPart(Part):
    """What was begun at `/install`."""

    async def begin_install(self, state: str, pending: PendingInstall) -> None:
        """Keep a begun installation under its state, of which only a hash is stored.

        Raises:
            StoreUnavailable: If it could not be written.
        """
        seal = await self._keys.make(APP)
        state_hash = hash_state(state)
        await self._db.change(
            "INSERT INTO pending_installs (state_hash, expires_at, sealed) VALUES ($1, $2, $3)",
            *(state_hash, to_micros(pending.expires_at)),
            seal_pending(pending, seal, state_hash),
        )

    async def peek_state(self, state: str) -> PendingInstall | None:
        """Look at a begun installation without taking it.

        Raises:
            StoreUnavailable: If the database cannot be read.
            SealBroken: If its row was altered.
        """
        state_hash = hash_state(state)
        row = await self._db.row(
            "SELECT expires_at, sealed FROM pending_installs WHERE state_hash = $1", state_hash
        )
        return await self._pending(state_hash, row) if row else None

    async def consume_state(self, state: str) -> PendingInstall | None:
        """Take a begun installation, in one statement: of many callers one gets it.

        Raises:
            StoreUnavailable: If it could not be taken.
            SealBroken: If its row was altered.
        """
        state_hash = hash_state(state)
        row = await self._db.row(
            "DELETE FROM pending_installs WHERE state_hash = $1 RETURNING expires_at, sealed",
            state_hash,
        )
        return await self._pending(state_hash, row) if row else None

    async def expire_pending(self, *, before: datetime) -> int:
        """Drop begun installations whose time was up before then.

        Raises:
            StoreUnavailable: If they could not be dropped.
        """
        return await self._db.change(
            "DELETE FROM pending_installs WHERE expires_at < $1", to_micros(before)
        )

    async def _pending(self, state_hash: bytes, row: Row) -> PendingInstall:
        return read_pending(row, await self._keys.make(APP), state_hash)
