"""Who holds which events, and who is dead? Each process says every second that it lives.

Whose clock tells who is late is the server's, for the machines' own differ. Who was out
itself, because the server restarted or the machine slept, judges nobody until it has been
back for a while.

What a process holds without knowing it, because the answer to an arrival or a claim was
lost with a connection, it gives back.
"""

from datetime import datetime, timedelta
from typing import Final

from innkeeper.store.keys import Keys
from innkeeper.store.moments import to_micros
from innkeeper.store.postgres.connection import Connection
from innkeeper.store.postgres.database import Database
from innkeeper.store.postgres.part import Part

DEAD_AFTER: Final = timedelta(seconds=15)
"""How long a process may be silent."""
_LOST_KEPT: Final = 10_000

_ENTER: Final = "INSERT INTO processes DEFAULT VALUES RETURNING id"
_BEAT: Final = """
    UPDATE processes SET beat_at = clock_timestamp()
    FROM (SELECT id, beat_at FROM processes WHERE id = ANY($1) ORDER BY id FOR UPDATE) AS before
    WHERE processes.id = before.id
    RETURNING before.beat_at > clock_timestamp() - $2::interval
"""
_BURY: Final = "DELETE FROM processes WHERE beat_at < clock_timestamp() - $1::interval RETURNING id"
_LEAVE: Final = "UPDATE processes SET beat_at = '-infinity' WHERE id = ANY($1)"
_FREE: Final = "UPDATE inbox_bodies SET claimed_by = NULL WHERE claimed_by = ANY($1)"
_GIVE_BACK: Final = """
    UPDATE inbox_bodies AS bodies SET claimed_by = NULL FROM inbox
    WHERE inbox.id = bodies.id AND place = ANY($1) AND sealed = ANY($2) AND claimed_by = $3
"""
_RECLAIM: Final = """
    UPDATE inbox_bodies AS bodies SET claimed_by = NULL, due_at = least(received_at, $1)
    FROM inbox WHERE inbox.id = bodies.id AND claimed_by IS NOT NULL
        AND (claimed_by = ANY($2) OR claimed_by NOT IN (
            SELECT id FROM processes WHERE beat_at > '-infinity'))
"""


class ProcessPart(Part):
    """This process among the others. It has two names: one for arrivals, one for claims."""

    def __init__(self, db: Database, keys: Keys) -> None:
        super().__init__(db, keys)
        self._arriver = 0
        self._claimer = 0
        self._held: set[int] = set()
        self._lost: list[tuple[bytes, bytes]] = []
        self._in_doubt = False

    @property
    def _names(self) -> list[int]:
        return [self._arriver, self._claimer]

    async def _enter(self) -> None:
        """Become a process that can hold events."""
        self._hold_nothing()

        async def job(connection: Connection) -> tuple[int, int]:
            return await connection.fetchval(_ENTER), await connection.fetchval(_ENTER)

        self._arriver, self._claimer = await self._db.write(job)

    def _hold_nothing(self) -> None:
        """Forget what this process had claimed: it is anybody's."""
        self._held.clear()

    async def _leave(self) -> None:
        """Be dead at once: whoever looks next takes over what was held."""
        await self._db.change(_LEAVE, self._names)

    async def reclaim(self, *, now: datetime) -> int:
        """Make ready what this process, or one that has left, had claimed; at the start.

        Raises:
            StoreUnavailable: If it cannot be done.
        """
        self._hold_nothing()
        return await self._db.change(_RECLAIM, to_micros(now), self._names)

    async def keep_alive(self) -> int:
        """Say that this process lives, and make ready what dead ones had claimed.

        Raises:
            StoreUnavailable: If it could not be said.
        """
        lost, self._lost = self._lost, []
        try:
            return await self._db.write(lambda connection: self._beat(connection, lost), first=True)
        except BaseException:
            self._lost = [*lost, *self._lost][-_LOST_KEPT:]
            raise

    async def _beat(self, connection: Connection, lost: list[tuple[bytes, bytes]]) -> int:
        said = await connection.fetch(_BEAT, self._names, DEAD_AFTER)
        if len(said) < len(self._names):  # taken for dead, and what it held taken over
            self._hold_nothing()
            self._arriver = await connection.fetchval(_ENTER)
            self._claimer = await connection.fetchval(_ENTER)
            return 0
        if lost:
            places, sealed = zip(*lost, strict=True)
            await connection.execute(_GIVE_BACK, places, sealed, self._arriver)
        if not all(row[0] for row in said):
            return 0
        dead = [row[0] for row in await connection.fetch(_BURY, DEAD_AFTER)]
        if not dead:
            return 0
        freed = await connection.execute(_FREE, dead)
        return int(freed.rpartition(" ")[2])

    def _lose(self, place: bytes, sealed: bytes) -> None:
        """Note an arrival whose answer was lost: it may be kept, held by this process."""
        if len(self._lost) < _LOST_KEPT:
            self._lost.append((place, sealed))

    async def _settle_claims(self) -> None:
        """Give back what a claim took whose answer was lost."""
        if self._in_doubt:
            await self._db.change(
                "UPDATE inbox_bodies SET claimed_by = NULL"
                " WHERE claimed_by = $1 AND id <> ALL($2::bigint[])",
                *(self._claimer, list(self._held)),
            )
            self._in_doubt = False
