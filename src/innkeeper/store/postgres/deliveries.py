"""What does an operator see of the inbox, and may let run again?"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from innkeeper.ids import EventId
from innkeeper.store.events import BODIES, WITH_BODY, day_subject, row_number
from innkeeper.store.moments import to_micros
from innkeeper.store.postgres.arrivals import NOTHING
from innkeeper.store.postgres.connection import Connection
from innkeeper.store.postgres.inbox import InboxPart, relink
from innkeeper.store.records import EventState, InboxRow
from innkeeper.store.rows import read_inbox_row

_ROWS: Final = """
    SELECT events.id, name, state, reason, events.attempts, received_at, events.installation_id,
        CASE state WHEN 'ready' THEN due_at END
    FROM inbox_events AS events {join} JOIN inbox_bodies AS bodies ON bodies.id = events.id
"""
_ALL: Final = _ROWS.format(join="LEFT")
_FEW: Final = _ROWS.format(join="INNER")
_REVIVE: Final = """
    UPDATE inbox SET state = 'open', reason = ''
    WHERE id = $1 AND state <> 'open' RETURNING id
"""

# The event took the welcome of its generation, and died of it: it takes it once more.
_WELCOME_AGAIN: Final = """
    UPDATE installations SET welcomed = FALSE WHERE status <> 'purging' AND id =
        (SELECT installation_id FROM inbox_bodies JOIN inbox USING (id)
        WHERE id = $1 AND name = 'bot_installed' AND state = 'dead')
"""


class DeliveryPart(InboxPart):
    """The inbox as an operator sees it."""

    async def inbox_rows(
        self,
        *,
        limit: int = 100,
        states: Collection[EventState] | None = None,
        before: EventId | None = None,
    ) -> Sequence[InboxRow]:
        """List events, newest first, without their bodies.

        Raises:
            StoreUnavailable: If the database cannot be read.
        """
        if not self._db.read_only:
            await self._endings.put(NOTHING)  # with the ends that nobody waited for
        few = states is not None and WITH_BODY.issuperset(states)
        rows = await self._db.rows(
            f"{_FEW if few else _ALL}"
            " WHERE ($2::text[] IS NULL OR state = ANY($2))"
            " AND ($3::bigint IS NULL OR events.id < $3)"
            " ORDER BY events.id DESC LIMIT $1",
            *(limit, None if states is None else sorted(states)),
            None if before is None else row_number(before),
        )
        return [read_inbox_row(row) for row in rows]

    async def inbox_row(self, event: EventId) -> InboxRow | None:
        """Look at one event, without its body.

        Raises:
            StoreUnavailable: If the database cannot be read.
        """
        row = await self._db.row(f"{_ALL} WHERE events.id = $1", row_number(event))
        return None if row is None else read_inbox_row(row)

    async def read_body(self, event: EventId) -> bytes | None:
        """Read an event's body; None if it was erased, or the key of its day is gone.

        Raises:
            SealBroken: If it was altered.
            StoreUnavailable: If the database cannot be read.
        """
        row = await self._db.row(
            "SELECT received_at, place, sealed FROM inbox JOIN inbox_bodies USING (id)"
            " WHERE id = $1",
            row_number(event),
        )
        seal = await self._keys.find(day_subject(row[0])) if row else None
        if row is None or seal is None:
            return None
        return seal.unseal(row[2], table=BODIES, column="sealed", row=row[1].hex())

    async def revive(self, event: EventId, *, now: datetime) -> bool:
        """Make an event that has ended, and kept its body, ready again, its attempts counted anew.

        Its effects of which the end is not known may then begin again. A worker is woken
        in the same transaction. A DEAD `bot_installed` may give its welcome. That of an
        installation which is gone is dropped.

        Raises:
            StoreUnavailable: If it could not be written.
        """
        number = row_number(event)

        async def job(connection: Connection) -> bool:
            if not await relink(connection, number, None):
                return False
            await connection.execute(_WELCOME_AGAIN, number)
            if await connection.fetchval(_REVIVE, number) is None:
                return False
            await connection.execute(
                "DELETE FROM effects WHERE event = $1 AND sealed IS NULL", number
            )
            await connection.execute(
                "UPDATE inbox_bodies SET due_at = $2, attempts = 0 WHERE id = $1",
                *(number, to_micros(now)),
            )
            await self._nudges.send(connection, [number])
            return True

        return await self._db.write(job)
