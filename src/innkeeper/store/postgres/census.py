"""How much is kept, and how much waits? Counted for whoever watches the bot."""

from datetime import datetime
from typing import Final

from innkeeper.store.moments import from_micros, to_micros
from innkeeper.store.postgres.part import Part
from innkeeper.store.records import Census

_CENSUS: Final = """
    SELECT waiting.count, waiting.since, under_way.count, under_way.overdue, under_way.used,
        (SELECT count(*) FROM cases WHERE closed_at IS NULL), (SELECT count(*) FROM receipts)
    FROM (SELECT count(*), min(due_at) AS since FROM inbox_bodies
            WHERE claimed_by IS NULL AND due_at <= $1) AS waiting,
        (SELECT count(*), count(*) FILTER (WHERE deadline_at <= $1) AS overdue,
            coalesce(max(($1 - started_at)::float8 / greatest(deadline_at - started_at, 1)), 0)
            AS used FROM purges) AS under_way
"""


class CensusPart(Part):
    """What an operator sees from outside."""

    async def census(self, *, now: datetime) -> Census:
        """Count what is kept and what waits.

        Raises:
            StoreUnavailable: If the database cannot be read.
        """
        (row,) = await self._db.rows(_CENSUS, to_micros(now), first=True)
        waiting, since, purges, overdue, used, cases, receipts = row
        return Census(
            waiting=int(waiting),
            waiting_since=None if since is None else from_micros(since),
            purges=int(purges),
            overdue_purges=int(overdue),
            purge_time_used=float(used),
            open_cases=int(cases),
            receipts=int(receipts),
        )
