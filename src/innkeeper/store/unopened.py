"""What is claimed and not yet open? Events whose key could not be read just then.

A claim is written down before the bodies are opened, and the vault may be away in between.
The claimed rows wait here for the next claim: no other process may take them while this one
lives, and to claim them anew would count as an attempt.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Iterable

from innkeeper.store.records import InboxEvent
from innkeeper.store.rows import Row


class Unopened:
    """Claimed rows on their way to be events."""

    def __init__(self) -> None:
        self._rows: deque[Row] = deque()

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, rows: Iterable[Row]) -> None:
        """Keep what was claimed."""
        self._rows.extend(rows)

    def clear(self) -> None:
        """Forget them all: they are anybody's again."""
        self._rows.clear()

    async def opened(
        self, open_row: Callable[[Row], Awaitable[InboxEvent | None]], *, limit: int
    ) -> list[InboxEvent]:
        """Open up to `limit` rows; give those that are events. What does not open waits on.

        Raises:
            StoreUnavailable, KeyMissing: If a row does not open, and none did before it.
        """
        events: list[InboxEvent] = []
        while self._rows and len(events) < limit:
            row = self._rows.popleft()
            try:
                event = await open_row(row)
            except BaseException as error:
                self._rows.append(row)  # the others come first next time
                if events and isinstance(error, Exception):
                    break
                raise
            if event is not None:
                events.append(event)
        return events
