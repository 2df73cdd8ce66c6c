"""How do events get in and out of the inbox thousands of times a second?

All that wait are written by one statement each way. Arrivals are sorted by their place, so
that two processes which are sent the same events wait for each other and never in a circle.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final, NamedTuple

from innkeeper.store.postgres.connection import Connection
from innkeeper.store.rows import Row


class Arrival(NamedTuple):
    """An event that came in."""

    place: bytes
    name: str
    received_at: int
    link: str | None
    """The installation it seems to belong to."""
    sealed: bytes
    holder: int | None
    """The process that has claimed it; None if anybody may."""


class Known(NamedTuple):
    """What the inbox says of an arrival."""

    number: int
    fresh: bool
    state: str = "claimed"
    received_at: int = 0
    answer: bytes | None = None
    """Sealed."""


class Ending(NamedTuple):
    """The end of an event that leaves nothing behind."""

    number: int
    state: str
    reason: str


NOTHING: Final = Ending(-1, "done", "")
"""The end of no event."""

_ARRIVE: Final = """
    WITH arrived AS (
        SELECT * FROM unnest($1::bytea[], $2::text[], $3::bigint[], $4::text[], $5::bytea[],
            $6::bigint[]) AS arrived (place, name, received_at, link, sealed, holder)
    ), heads AS (
        INSERT INTO inbox (place, name, received_at)
        SELECT place, name, received_at FROM arrived ORDER BY place
        ON CONFLICT (place) DO NOTHING RETURNING id, place
    ), live AS (
        SELECT id FROM installations WHERE id = ANY($4) AND status <> 'purging'
        ORDER BY id FOR SHARE
    ), bodies AS (
        INSERT INTO inbox_bodies (id, installation_id, sealed, attempts, due_at, claimed_by)
        SELECT heads.id, live.id, sealed, (holder IS NOT NULL)::int, received_at, holder
        FROM heads JOIN arrived USING (place) LEFT JOIN live ON live.id = link
    )
    SELECT place, id FROM heads
"""
_FIRSTS: Final = (
    "SELECT place, id, state, received_at, answer FROM inbox_events WHERE place = ANY($1)"
)
_END: Final = """
    WITH gone AS (
        DELETE FROM inbox_bodies WHERE id = ANY($1::bigint[]) RETURNING id, attempts
    )
    UPDATE inbox SET state = $2, reason = $3, attempts = gone.attempts
    FROM gone WHERE inbox.id = gone.id
"""


async def write_arrivals(connection: Connection, arrivals: Sequence[Arrival]) -> Sequence[Known]:
    """Keep arrivals; for each that came before, say what is known of the first."""
    first = {arrival.place: arrival for arrival in reversed(arrivals)}
    columns = list(zip(*first.values(), strict=True))
    rows = await connection.fetch(_ARRIVE, *columns)
    fresh: dict[bytes, int] = {row[0]: row[1] for row in rows}
    known: dict[bytes, Row] = {}
    if len(fresh) < len(arrivals):
        places = [place for place in first if place not in fresh or len(first) < len(arrivals)]
        known = {row[0]: row for row in await connection.fetch(_FIRSTS, places)}
    return [
        Known(fresh[arrival.place], fresh=True)
        if first[arrival.place] is arrival and arrival.place in fresh
        else _of(known[arrival.place])
        for arrival in arrivals
    ]


def _of(row: Row) -> Known:
    _, number, state, received_at, answer = row
    return Known(number, fresh=False, state=state, received_at=received_at, answer=answer)


async def write_endings(connection: Connection, endings: Sequence[Ending]) -> Sequence[None]:
    """End events that leave nothing behind: their bodies go."""
    alike: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for number, state, reason in endings:
        alike[state, reason].append(number)
    for (state, reason), numbers in alike.items():
        await connection.execute(_END, sorted(numbers), state, reason)
    return [None] * len(endings)
