"""What is in doubt? Cases, from the moment that they are opened until they are settled."""

from collections.abc import Sequence
from datetime import datetime

from innkeeper.errors import Fenced
from innkeeper.ids import InstallationId, new_id
from innkeeper.store.moments import to_micros
from innkeeper.store.postgres.connection import Connection
from innkeeper.store.postgres.part import Part, hold_or_refuse
from innkeeper.store.records import Case, Outcome
from innkeeper.store.rows import CASE, Row, read_case


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

        async def job(connection: Connection) -> Row:
            await hold_or_refuse(connection, installation_id, "case not opened")
            await connection.execute(
                "INSERT INTO cases (id, installation_id, reason, opened_at) VALUES ($1, $2, $3, $4)"
                " ON CONFLICT (coalesce(installation_id, ''), reason) WHERE closed_at IS NULL"
                " DO NOTHING",
                *(new_id("case"), installation_id, reason, to_micros(now)),
            )
            row = await connection.fetchrow(
                f"{CASE} WHERE coalesce(installation_id, '') = coalesce($1, '')"
                " AND reason = $2 AND closed_at IS NULL",
                *(installation_id, reason),
            )
            if row is None:
                raise Fenced("case not opened", "it was closed at once")
            return row

        return read_case(await self._db.write(job))

    async def close_case(self, case_id: str, *, outcome: Outcome, now: datetime) -> bool:
        """Settle a case; False if it is not open.

        Raises:
            StoreUnavailable: If it could not be written.
        """
        closed = await self._db.change(
            "UPDATE cases SET closed_at = $2, outcome = $3 WHERE id = $1 AND closed_at IS NULL",
            *(case_id, to_micros(now), outcome),
        )
        return closed == 1

    async def get_case(self, case_id: str) -> Case | None:
        """Read a case.

        Raises:
            StoreUnavailable: If the database cannot be read.
        """
        row = await self._db.row(f"{CASE} WHERE id = $1", case_id)
        return read_case(row) if row else None

    async def cases(self, *, limit: int = 1000) -> Sequence[Case]:
        """List the cases, open ones first.

        Raises:
            StoreUnavailable: If the database cannot be read.
        """
        rows = await self._db.rows(
            f"{CASE} ORDER BY closed_at IS NOT NULL, opened_at, number LIMIT $1", limit
        )
        return [read_case(row) for row in rows]

    async def cases_of(self, installation_id: InstallationId | None) -> Sequence[Case]:
        """List an installation's cases, or those that are about none, newest first.

        Raises:
            StoreUnavailable: If the database cannot be read.
        """
        newest_first = "ORDER BY opened_at DESC, number DESC"
        if installation_id is None:
            rows = await self._db.rows(f"{CASE} WHERE installation_id IS NULL {newest_first}")
        else:
            rows = await self._db.rows(
                f"{CASE} WHERE installation_id = $1 {newest_first}", installation_id
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
        rows = await self._db.rows(
            f"{CASE} WHERE installation_id IS NOT NULL"
            " AND (closed_at IS NULL OR outcome IN ('purge', 'unanswered'))"
            " AND id > $1 AND ($3::bigint IS NULL OR closed_at IS NOT NULL OR opened_at <= $3)"
            " ORDER BY id LIMIT $2",
            *(after, limit, None if opened_by is None else to_micros(opened_by)),
        )
        return [read_case(row) for row in rows]

    async def count_doubtful(self) -> tuple[int, int]:
        """Count the live installations with an open case, and all live ones.

        Raises:
            StoreUnavailable: If the database cannot be read.
        """
        row = await self._db.row(
            "SELECT (SELECT count(DISTINCT installation_id) FROM cases JOIN installations"
            " ON installations.id = installation_id AND status <> 'purging'"
            " WHERE closed_at IS NULL),"
            " (SELECT count(*) FROM installations WHERE status <> 'purging')"
        )
        doubtful, living = row or (0, 0)
        return int(doubtful), int(living)

    async def expire_cases(self, *, closed_before: datetime) -> int:
        """Forget cases that were settled before then, but those that are yet to end in a purge.

        Raises:
            StoreUnavailable: If it could not be written.
        """
        return await self._db.change(
            "DELETE FROM cases WHERE closed_at < $1 AND (installation_id IS NULL"
            " OR outcome NOT IN ('purge', 'unanswered'))",
            to_micros(closed_before),
        )
