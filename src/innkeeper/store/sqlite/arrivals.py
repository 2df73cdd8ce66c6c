"""How do events get in and out of the inbox ten thousand times a second?

All that wait are written by one statement each way: the interpreter is then busy with
another thread's work while SQLite works, and the disk is asked once.
"""

from array import array
from collections import defaultdict
from collections.abc import Sequence
from itertools import chain
from typing import Any, Final, cast

import apsw

from innkeeper.store.sqlite.connection import Connection

Head = tuple[int, bytes, str, int]
"""Id, place, name, received_at."""
Body = tuple[int, str | None, bytes]
"""Id, installation it seems to belong to, sealed body."""
Arrival = tuple[Head, Body]
First = tuple[int, str, int, bytes | None]
"""What is known of an event that came before: id, state, received_at, sealed answer."""
Ending = tuple[int, str, str]
"""Id, state, reason."""

_LARGEST: Final = 128  # a longer statement would not be kept prepared

_HEADS: Final = "INSERT INTO inbox (id, place, name, received_at) VALUES "
_BODIES: Final = "INSERT INTO inbox_bodies (id, installation_id, sealed) VALUES "
_HEAD: Final = "(?, ?, ?, ?)"
_BODY: Final = "(?, (SELECT id FROM live_installations WHERE id = ?), ?)"


def _statements(head: str, row: str, tail: str = "") -> dict[int, str]:
    sizes = [1 << power for power in range(_LARGEST.bit_length())]
    return {size: head + ", ".join([row] * size) + tail for size in sizes}


_INSERT_HEADS: Final = _statements(_HEADS, _HEAD, " ON CONFLICT (place) DO NOTHING")
_INSERT_BODIES: Final = _statements(_BODIES, _BODY)


def write_arrivals(
    connection: Connection, arrivals: Sequence[Arrival]
) -> Sequence[First | None] | None:
    """Keep arrivals; for each that came before, say what is known of the first."""
    before = connection.total_changes()
    _insert(connection, _INSERT_HEADS, [arrival[0] for arrival in arrivals])
    if connection.total_changes() - before == len(arrivals):
        _insert(connection, _INSERT_BODIES, [arrival[1] for arrival in arrivals])
        return None
    firsts = [_first(connection, arrival[0]) for arrival in arrivals]
    fresh = [body for (_, body), first in zip(arrivals, firsts, strict=True) if first is None]
    _insert(connection, _INSERT_BODIES, fresh)
    return firsts


def _insert(
    connection: Connection,
    statements: dict[int, str],
    rows: Sequence[Sequence[object]],
) -> None:
    start, left = 0, len(rows)
    while left:
        size = min(1 << (left.bit_length() - 1), _LARGEST)
        values = tuple(chain.from_iterable(rows[start : start + size]))
        connection.run(statements[size], values)
        start, left = start + size, left - size


def _first(connection: Connection, head: Head) -> First | None:
    number, place, _, _ = head
    ((first, state, received_at, sealed),) = connection.rows(
        "SELECT id, state, received_at, sealed FROM inbox"
        " LEFT JOIN inbox_answers USING (id) WHERE place = ?",
        (place,),
    )
    return None if first == number else (first, state, received_at, sealed)


def write_endings(connection: Connection, endings: Sequence[Ending]) -> None:
    """End events that leave nothing behind: their bodies go."""
    alike: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for number, state, reason in endings:
        alike[state, reason].append(number)
    for (state, reason), numbers in alike.items():
        these = ids(numbers)
        connection.run(
            "UPDATE inbox SET state = ?, reason = ?"
            " WHERE id IN (SELECT value FROM carray(?))"
            " AND id IN (SELECT id FROM inbox_bodies)",
            (state, reason, these),
        )
        connection.run(
            "DELETE FROM inbox_bodies WHERE id IN (SELECT value FROM carray(?))", (these,)
        )


def ids(numbers: Sequence[int]) -> object:
    """Hand many ids to one statement."""
    return cast("Any", apsw).carray(array("q", numbers or [0]), flags=apsw.SQLITE_CARRAY_INT64)
