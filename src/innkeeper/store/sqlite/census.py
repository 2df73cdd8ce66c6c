"""How much is kept, and how much waits? Counted for whoever watches the bot."""

from datetime import datetime
from typing import Final

from innkeeper.store.moments import from_micros, to_micros
from innkeeper.store.records import Census
from innkeeper.store.sqlite.part import Part

_CENSUS: Final = (
    "SELECT (SELECT count(*) FROM inbox WHERE state = 'ready' AND due_at <= ?1),"
    " (SELECT min(due_at) FROM inbox WHERE state = 'ready' AND due_at <= ?1),"
    " (SELECT count(*) FROM purges),"
    " (SELECT count(*) FROM purges WHERE deadline_at <= ?1),"
    " (SELECT coalesce(max(1.0 * (?1 - started_at) / max(deadline_at - started_at, 1)), 0)"
    " FROM purges),"
    " (SELECT count(*) FROM cases WHERE closed_at IS NULL),"
    " (SELECT count(*) FROM receipts)"
)


class CensusPart(Part):
    """What an operator sees from outside."""

    async def census(self, *, now: datetime) -> Census:
        """Count what is kept and what waits.

        Raises:
            StoreUnavailable: If the database cannot be read.
        """
        (row,) = self._db.rows(_CENSUS, to_micros(now))
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
