"""What is claimed and not yet open? Events whose key could not be read just then.

A claim is written down before the bodies are opened, and the vault may be away in between.
The claimed rows wait here for the next claim: no other process may take them while this one
lives, and to claim them anew would count as an attempt.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime

from innkeeper.errors import SealBroken
from innkeeper.ids import EventId
from innkeeper.store.events import BODIES, day_subject
from innkeeper.store.keys import Keys
from innkeeper.store.moments import from_micros
from innkeeper.store.records import EventState, InboxEvent
from innkeeper.store.rows import Row

Finish = Callable[..., Awaitable[None]]
"""The store's own way to end an event."""


class Unopened:
    """Claimed rows on their way to be events.

    A row is the event's number, its name, when it was received in microseconds, the how
    manieth attempt this is, the sealed body, and what that is sealed for.
    """

    def __init__(self, keys: Keys, finish: Finish) -> None:
        self._keys = keys
        self._finish = finish
        self._rows: deque[Row] = deque()

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, rows: Iterable[Row]) -> None:
        """Keep what was claimed."""
        self._rows.extend(rows)

    def clear(self) -> None:
        """Forget them all: they are anybody's again."""
        self._rows.clear()

    async def open(self, *, now: datetime, limit: int) -> list[InboxEvent]:
        """Open up to `limit` rows, the first first; those behind one that fails wait on.

        One whose body does not open is ended: quarantined if it or its key was altered,
        dropped if its day's key is gone.

        Raises:
            StoreUnavailable: If the first cannot be opened now, or not be ended.
            KeyMissing: If the key ring lacks the key that wraps that of the first.
        """
        events: list[InboxEvent] = []
        while self._rows and len(events) < limit:
            row = self._rows.popleft()
            try:
                event = await self._open(row, now)
            except BaseException as error:
                self._rows.appendleft(row)
                if events and isinstance(error, Exception):
                    break
                raise
            if event is not None:
                events.append(event)
        return events

    async def _open(self, row: Row, now: datetime) -> InboxEvent | None:
        number, name, received_at, attempts, sealed, place = row
        event = EventId(str(number))
        try:
            seal = await self._keys.find(day_subject(received_at))
            if seal is None:
                await self._finish(event, EventState.DROPPED, now=now, reason="key_gone")
                return None
            body = seal.unseal(sealed, table=BODIES, column="sealed", row=place)
        except SealBroken as broken:
            await self._finish(event, EventState.QUARANTINED, now=now, reason=broken.code)
            return None
        return InboxEvent(event, name, body, from_micros(received_at), attempts)
