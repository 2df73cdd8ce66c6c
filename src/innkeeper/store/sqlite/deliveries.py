"""What does an operator see of the inbox, and may let run again?"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from innkeeper.ids import EventId
from innkeeper.store.events import BODIES, WITH_BODY, day_subject, row_number
from innkeeper.store.moments import to_micros
from innkeeper.store.records import EventState, InboxRow
from innkeeper.store.rows import read_inbox_row
from innkeeper.store.sqlite.connection import Connection
from innkeeper.store.sqlite.database import listed
from innkeeper.store.sqlite.inbox import InboxPart, relink

_COLUMNS: Final = (
    "SELECT inbox.id, name, state, reason, attempts, received_at,"
    " coalesce(bodies.installation_id, answers.installation_id),"
    " CASE state WHEN 'ready' THEN due_at END"
)
_ANSWERS: Final = " LEFT JOIN inbox_answers AS answers ON answers.id = inbox.id"
_ALL: Final = f" FROM inbox LEFT JOIN inbox_bodies AS bodies ON bodies.id = inbox.id{_ANSWERS}"
# CROSS JOIN is SQLite's word for: in this order.
_FEW: Final = f" FROM inbox_bodies AS bodies CROSS JOIN inbox ON inbox.id = bodies.id{_ANSWERS}"

_PAGE: Final = (
    " WHERE (?1 IS NULL OR state IN (SELECT value FROM json_each(?1)))"
    " AND (?2 IS NULL OR inbox.id < ?2) ORDER BY"
)
_PAGE_OF_ALL: Final = f"{_COLUMNS}{_ALL}{_PAGE} inbox.id DESC LIMIT ?3"
_PAGE_OF_FEW: Final = f"{_COLUMNS}{_FEW}{_PAGE} bodies.id DESC LIMIT ?3"

# The event took the welcome of its generation, and died of it: it takes it once more.
_WELCOME_AGAIN: Final = (
    "UPDATE installations SET welcomed = 0 WHERE status <> 'purging' AND id ="
    " (SELECT installation_id FROM inbox_bodies JOIN inbox USING (id)"
    " WHERE id = ? AND name = 'bot_installed' AND state = 'dead')"
)


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
        few = states is not None and WITH_BODY.issuperset(states)
        wanted = None if states is None else listed(sorted(states))
        last = None if before is None else row_number(before)
        rows = self._db.rows(_PAGE_OF_FEW if few else _PAGE_OF_ALL, wanted, last, limit)
        return [read_inbox_row(row) for row in rows]

    async def inbox_row(self, event: EventId) -> InboxRow | None:
        """Look at one event, without its body.

        Raises:
            StoreUnavailable: If the database cannot be read.
        """
        row = self._db.row(f"{_COLUMNS}{_ALL} WHERE inbox.id = ?", row_number(event))
        return None if row is None else read_inbox_row(row)

    async def read_body(self, event: EventId) -> bytes | None:
        """Read an event's body; None if it was erased, or the key of its day is gone.

        Raises:
            SealBroken: If it was altered.
            StoreUnavailable: If the database cannot be read.
        """
        row = self._db.row(
            "SELECT received_at, sealed FROM inbox JOIN inbox_bodies USING (id) WHERE id = ?",
            row_number(event),
        )
        seal = await self._keys.find(day_subject(row[0])) if row else None
        if row is None or seal is None:
            return None
        return seal.unseal(row[1], table=BODIES, column="sealed", row=event)

    async def revive(self, event: EventId, *, now: datetime) -> bool:
        """Make an event that has ended, and kept its body, ready again, its attempts counted anew.

        Its effects of which the end is not known may then begin again. A DEAD
        `bot_installed` may give its welcome. That of an installation which is gone is dropped.

        Raises:
            StoreUnavailable: If it could not be written.
        """
        number = row_number(event)

        def job(connection: Connection) -> bool:
            if not relink(connection, number, None):
                return False
            connection.run(_WELCOME_AGAIN, (number,))
            revived = connection.change(
                "UPDATE inbox SET state = 'ready', due_at = ?, reason = '', attempts = 0"
                " WHERE id = ? AND state NOT IN ('ready', 'claimed')",
                (to_micros(now), number),
            )
            if revived:
                connection.run("DELETE FROM effects WHERE event = ? AND sealed IS NULL", (number,))
            return revived == 1

        return await self._db.write(job)
