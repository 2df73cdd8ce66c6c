"""How does an event stand in the inbox? Its place, its number, and what its end leaves."""

from datetime import UTC, date, datetime, timedelta
from typing import Final

from innkeeper.ids import EventId
from innkeeper.store.moments import from_micros
from innkeeper.store.records import EventState

BODIES: Final = "inbox_bodies"
ANSWERS: Final = "inbox_answers"
REMOVED: Final = "removed"
"""Why an event of an installation that is gone was dropped."""
DAY_MICROS: Final = 86_400_000_000
KEEPING: Final = frozenset({EventState.DEAD, EventState.QUARANTINED})
"""The ends that keep the body."""
OFFERED: Final = frozenset({EventState.DONE, EventState.IGNORED})
"""The ends that keep it if that is wanted."""

WITH_BODY: Final = KEEPING | {EventState.READY, EventState.CLAIMED}
"""Where an event has a body: few of many."""

ALL: Final = 1 << 62
"""More events than there can be."""

_ABREAST: Final = timedelta(hours=1)
"""Of two ids the greater came later, or at most so much before."""
_ERASING: Final = frozenset({EventState.DONE, EventState.IGNORED, EventState.DROPPED})
_STAMPS: Final = (b'"event_ts":', b'"timestamp":')


def place_of(body: bytes, key: bytes) -> bytes:
    """Say where an event stands in the index of what is known: by its time, then its key.

    Random keys would touch a page of the index each, and writing pages is what an
    arrival costs. Retries carry the same body, so they look for the same place.
    """
    for stamp in _STAMPS:
        at = body.find(stamp)
        if at >= 0:
            at += len(stamp)
            digits = body[at : at + 16].lstrip(b' "')[:13]
            if digits.isdigit():
                return int(digits).to_bytes(6, "big") + key
    return bytes(6) + key


def day_subject(micros: int) -> str:
    """Name the key that seals the bodies of a day."""
    return f"day:{from_micros(micros).date().isoformat()}"


def first_day_kept(oldest: int | None, *, bodies_before: datetime) -> date:
    """Say of which day the first key must stay: some body may still be sealed by it.

    Args:
        oldest: When the event with the least id came that has a body, in microseconds.
    """
    if oldest is not None:
        bodies_before = min(bodies_before, from_micros(oldest) - _ABREAST)
    return bodies_before.astimezone(UTC).date()


def row_number(event: EventId) -> int:
    """Read an event's id; one that is none of ours names no row."""
    return int(event) if event.isascii() and event.isdigit() and len(event) < 19 else -1


def erasing(state: EventState) -> EventState:
    """Pass on an end that erases the body.

    Raises:
        ValueError: For any other state.
    """
    if state not in _ERASING:
        message = f"an event does not end as {state}"
        raise ValueError(message)
    return state
