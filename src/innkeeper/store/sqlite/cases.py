"""What is in doubt? Cases, from the moment that they are opened until they are settled."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from innkeeper.errors import Fenced
from innkeeper.ids import InstallationId, new_id
from innkeeper.store.moments import to_micros
from innkeeper.store.records import Case, Outcome
from innkeeper.store.rows import CASE, Row, read_case
from innkeeper.store.sqlite.connection import Connection
from innkeeper.store.sqlite.part import Part

_UNSETTLED: Final = (
    f"{CASE} WHERE installation_id IS NOT NULL"
    " AND (closed_at IS NULL OR outcome IN ('purge', 'unanswered'))"
    " AND id > ? AND (? IS NULL OR closed_at IS NOT NULL OR opened_at <= ?) ORDER BY id LIMIT ?"
)
"""The schema has an index of the first condition's very words."""


class CasePart(Part):
    """Cases."""

    async def open_case(
        self, reason: str, *, installation_id: InstallationId | None, now: datetime
    ) -> Case:
        """Open a case, or return the open one for the same installation and reason.

        Raises:
            Fenced: If the installation is gone or being purged: there is no doubt left.
            StoreUnavailable: If it could not be written.
        """

        def job(connection: Connection) -> Row:
            connection.run(
                "INSERT INTO cases (id, installation_id, reason, opened_at) SELECT ?, ?, ?, ?"
                " WHERE (? IS NULL OR EXISTS (SELECT 1 FROM live_installations WHERE id = ?))"
                " AND NOT EXISTS (SELECT 1 FROM cases WHERE installation_id IS ?"
                " AND reason = ? AND closed_at IS NULL)",
                (
                    *(new_id("case"), installation_id, reason, to_micros(now)),
                    *(installation_id, installation_id, installation_id, reason),
                ),
            )
            rows = connection.rows(
                f"{CASE} WHERE installation_id IS ? AND reason = ? AND closed_at IS NULL",
                (installation_id, reason),
            )
            if not rows:
                raise Fenced("case not opened", "the installation is over")
            return rows[0]

        return read_case(await self._db.write(job))

    async def close_case(self, case_id: str, *, outcome: Outcome, now: datetime) -> bool:
        """Settle a case; False if it is not open.

        Raises:
            StoreUnavailable: If it could not be written.
        """
        closed = await self._db.change(
            "UPDATE cases SET closed_at = ?, outcome = ? WHERE id = ? AND closed_at IS NULL",
            *(to_micros(now), outcome, case_id),
        )
        return closed == 1

    async def get_case(self, case_id: str) -> Case | None:
        """Read a case.

        Raises:
            StoreUnavailable: If the database cannot be read.
        """
        row = self._db.row(f"{CASE} WHERE id = ?", case_id)
        return read_case(row) if row else None

    async def cases(self, *, limit: int = 1000) -> Sequence[Case]:
        """List the cases, open ones first.

        Raises:
            StoreUnavailable: If the database cannot be read.
        """
        rows = self._db.rows(
            f"{CASE} ORDER BY closed_at IS NOT NULL, opened_at, rowid LIMIT ?", limit
        )
        return [read_case(row) for row in rows]

    async def cases_of(self, installation_id: InstallationId | None) -> Sequence[Case]:
        """List an installation's cases, or those that are about none, newest first.

        Raises:
            StoreUnavailable: If the database cannot be read.
        """
        rows = self._db.rows(
            f"{CASE} WHERE installation_id IS ? ORDER BY opened_at DESC, rowid DESC",
            installation_id,
        )
        return [read_case(row) for row in rows]

    async def unsettled_cases(
        self, *, opened_by: datetime | None = None, after: str = "", limit: int
    ) -> Sequence[Case]:
        """List, by id, installations' cases that are open or are yet to end in a purge.

        Of the open ones only those opened by `opened_by`, if so asked.

        Raises:
            StoreUnavailable: If the database cannot be read.
        """
        until = None if opened_by is None else to_micros(opened_by)
        rows = self._db.rows(_UNSETTLED, after, until, until, limit)
        return [read_case(row) for row in rows]

    async def count_doubtful(self) -> tuple[int, int]:
        """Count the live installations with an open case, and all live ones.

        Raises:
            StoreUnavailable: If the database cannot be read.
        """
        ((doubtful, live),) = self._db.rows(
            "SELECT (SELECT count(DISTINCT installation_id) FROM cases JOIN live_installations"
            " ON live_installations.id = installation_id WHERE closed_at IS NULL),"
            " (SELECT count(*) FROM live_installations)"
        )
        return int(doubtful), int(live)

    async def expire_cases(self, *, closed_before: datetime) -> int:
        """Forget cases that were settled before then, but those that are yet to end in a purge.

        Raises:
            StoreUnavailable: If it could not be written.
        """
        return await self._db.change(
            "DELETE FROM cases WHERE closed_at < ? AND (installation_id IS NULL"
            " OR outcome NOT IN ('purge', 'unanswered'))",
            to_micros(closed_before),
        )
