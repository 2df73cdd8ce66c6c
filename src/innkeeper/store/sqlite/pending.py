"""Who has begun to authorize the app, and has not yet come back?"""

import hashlib
from dataclasses import dataclass
from datetime import datetime

import msgspec

from innkeeper.secret import Secret
from innkeeper.store.keys import APP
from innkeeper.store.records import PendingInstall
from innkeeper.store.sqlite.connection import Row
from innkeeper.store.sqlite.database import from_micros, to_micros
from innkeeper.store.sqlite.part import Part


@dataclass(frozen=True, slots=True)
class _Attempt:
    attempt: str
    verifier: str


class PendingPart(Part):
    """What was begun at `/install`."""

    async def begin_install(self, state: str, pending: PendingInstall) -> None:
        """Keep a begun installation under its state, of which only a hash is stored.

        Raises:
            StoreUnavailable: If it could not be written.
        """
        seal = await self._keys.make(APP)
        state_hash = _hash(state)
        content = msgspec.msgpack.encode(_Attempt(pending.attempt, pending.verifier.reveal()))
        await self._db.change(
            "INSERT INTO pending_installs (state_hash, expires_at, sealed) VALUES (?, ?, ?)",
            *(state_hash, to_micros(pending.expires_at)),
            seal.seal(content, table="pending_installs", column="sealed", row=state_hash.hex()),
        )

    async def peek_state(self, state: str) -> PendingInstall | None:
        """Look at a begun installation without taking it.

        Raises:
            StoreUnavailable: If the database cannot be read.
            SealBroken: If its row was altered.
        """
        state_hash = _hash(state)
        row = self._db.row(
            "SELECT expires_at, sealed FROM pending_installs WHERE state_hash = ?", state_hash
        )
        return await self._pending(state_hash, row) if row else None

    async def consume_state(self, state: str) -> PendingInstall | None:
        """Take a begun installation, in one statement: of many callers one gets it.

        Raises:
            StoreUnavailable: If it could not be taken.
            SealBroken: If its row was altered.
        """
        state_hash = _hash(state)
        rows = await self._db.write(
            lambda connection: connection.rows(
                "DELETE FROM pending_installs WHERE state_hash = ? RETURNING expires_at, sealed",
                (state_hash,),
            )
        )
        return await self._pending(state_hash, rows[0]) if rows else None

    async def expire_pending(self, *, before: datetime) -> int:
        """Drop begun installations whose time was up before then.

        Raises:
            StoreUnavailable: If they could not be dropped.
        """
        return await self._db.change(
            "DELETE FROM pending_installs WHERE expires_at < ?", to_micros(before)
        )

    async def _pending(self, state_hash: bytes, row: Row) -> PendingInstall:
        expires_at, sealed = row
        seal = await self._keys.make(APP)
        content = seal.unseal(
            sealed, table="pending_installs", column="sealed", row=state_hash.hex()
        )
        attempt = msgspec.msgpack.decode(content, type=_Attempt)
        return PendingInstall(attempt.attempt, Secret(attempt.verifier), from_micros(expires_at))


def _hash(state: str) -> bytes:
    return hashlib.sha256(state.encode()).digest()
