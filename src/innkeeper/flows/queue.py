"""What is next? Events waiting for a worker, and those that wait for their conversation."""

from collections import deque
from datetime import datetime
from itertools import chain
from typing import Final, NamedTuple

from innkeeper.flows.places import place_of
from innkeeper.flows.welcome import Welcome
from innkeeper.store.records import InboxEvent
from innkeeper.wire.events import Event
from innkeeper.wire.payloads import AppDeauthorized, BotInstalled, Payload

_NEVER_WAIT: Final = (BotInstalled, AppDeauthorized)
"""Zoom waits three seconds for the welcome, and a removal waits for nobody."""


class Waiting(NamedTuple):
    """An event in the queue."""

    event: InboxEvent
    welcome: Welcome | None = None
    line: str | None = None
    """The conversation whose turn this event has."""


class Queue:
    """Events in the order of their arrival.

    Args:
        ordered: Whether those of one conversation are handled one after the other.
    """

    def __init__(self, *, ordered: bool) -> None:
        self._ordered = ordered
        self._waiting: deque[Waiting] = deque()
        self._lines: dict[str, deque[Waiting]] = {}

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def __len__(self) -> int:
        return len(self._waiting) + sum(map(len, self._lines.values()))

    def oldest(self) -> datetime | None:
        """Tell since when the first event waits; one that is tried again waits for its time."""
        queued = chain(self._waiting, *self._lines.values())
        came = (each.event.received_at for each in queued if each.event.attempts == 1)
        return min(came, default=None)

    def put(self, waiting: Waiting) -> None:
        """Add an event at the end."""
        self._waiting.append(waiting)

    def next(self) -> Waiting:
        """Take the first event.

        Raises:
            IndexError: If none waits.
        """
        return self._waiting.popleft()

    def admit(self, waiting: Waiting, parsed: Event[Payload]) -> Waiting | None:
        """Let an event be handled now; None if it has to wait until its conversation is free."""
        if not self._ordered or waiting.line is not None:
            return waiting
        line = _line_of(parsed)
        if line is None:
            return waiting
        queued = self._lines.get(line)
        if queued is not None:
            queued.append(waiting._replace(line=line))
            return None
        self._lines[line] = deque()
        return waiting._replace(line=line)

    def leave(self, waiting: Waiting) -> None:
        """Free the event's conversation: the next event of it comes first in the queue."""
        if waiting.line is None:
            return
        queued = self._lines[waiting.line]
        if queued:
            self._waiting.appendleft(queued.popleft())
        else:
            del self._lines[waiting.line]


def _line_of(parsed: Event[Payload]) -> str | None:
    if isinstance(parsed.payload, _NEVER_WAIT):
        return None
    place = place_of(parsed)
    return None if place is None else f"{place.account_id} {place.to_jid}"
