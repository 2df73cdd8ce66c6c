"""Which purges are under way, and which are proven?"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from innkeeper.errors import Fenced, ReceiptRefused
from innkeeper.ids import InstallationId, ReceiptId
from innkeeper.store.base import ALARMS
from innkeeper.store.moments import to_micros
from innkeeper.store.postgres.connection import Connection
from innkeeper.store.postgres.reports import ReportPart
from innkeeper.store.records import Purge, Receipt
from innkeeper.store.rows import PURGE, RECEIPT, Row, read_purge

_BEGIN: Final = """
    INSERT INTO purges (installation_id, generation, receipt_id, authorized_at,
        removed_at, started_at, deadline_at, next_at, held, retain)
    SELECT id, generation, receipt_id, authorized_at, $2, $3, $4, $3, $5, $6
    FROM installations WHERE id = $1 AND authorized_at <= $2 FOR UPDATE
    ON CONFLICT (installation_id) DO NOTHING RETURNING installation_id
"""
_REPORT: Final = (
    "INSERT INTO reports (installation_id, sealed, started_at, deadline_at, next_at)"
    " VALUES ($1, $2, $3, $4, $3) ON CONFLICT DO NOTHING"
)
_ALARM: Final = """
    WITH late AS (
        SELECT purges.installation_id, max(percent) AS percent
        FROM purges CROSS JOIN unnest($2::int[]) AS percent
        WHERE alarm < percent AND ($1 - started_at) * 100 >= percent * (deadline_at - started_at)
        GROUP BY purges.installation_id
    )
    UPDATE purges SET alarm = late.percent FROM late
    WHERE purges.installation_id = late.installation_id AND alarm < late.percent
    RETURNING purges.installation_id, late.percent
"""
_RECEIPT: Final = (
    "INSERT INTO receipts (id, sequence, document, signature, key_id)"
    " VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING"
)


class PurgePart(ReportPart):
    """Purges under way, and receipts."""

    async def begin_purge(
        self,
        installation_id: InstallationId,
        *,
        removed_at: datetime,
        now: datetime,
        deadline_at: datetime,
        held: bool = True,
        retain: bool = False,
        report: bytes | None = None,
    ) -> Purge | None:
        """Fence the installation and make its purge durable; None if there is none to purge.

        So it is if the installation is not there, and if it was authorized again after
        `removed_at`: a removal ends what was authorized until then. Called again for one
        that is PURGING, it returns the purge under way.

        Args:
            held: Whether anything was kept of them before the removal was heard of.
            retain: Whether the bot's own steps are to be left out.
            report: What Zoom is to be told when all is done; kept in the same transaction.

        Raises:
            StoreUnavailable: If it could not be made durable.
        """
        sealed = None if report is None else await self._seal_report(installation_id, report)
        times = (to_micros(now), to_micros(deadline_at))

        async def job(connection: Connection) -> None:
            begun = await connection.fetchval(
                _BEGIN, installation_id, to_micros(removed_at), *times, held, retain
            )
            if begun is not None and sealed is not None:
                await connection.execute(_REPORT, installation_id, sealed, *times)
            await connection.execute(
                "UPDATE installations SET status = 'purging' WHERE id = $1 AND status <> 'purging'"
                " AND EXISTS (SELECT 1 FROM purges WHERE installation_id = installations.id)",
                installation_id,
            )

        await self._db.write(job)
        self._unlink(installation_id)
        row = await self._db.row(f"{PURGE} WHERE installation_id = $1", installation_id)
        return await self._purge(row) if row else None

    async def purges(self, *, due_by: datetime | None = None) -> Sequence[Purge]:
        """List the purges under way, oldest first; only those that are due, if so asked.

        One that somebody carries out now is not due.

        Raises:
            StoreUnavailable: If the database cannot be read.
        """
        if due_by is None:
            rows = await self._db.rows(f"{PURGE} ORDER BY number")
        else:
            rows = await self._db.rows(
                f"{PURGE} WHERE next_at <= $1 AND lease_until <= $1 ORDER BY number",
                to_micros(due_by),
            )
        return [await self._purge(row) for row in rows]

    async def find_purge(self, receipt_id: ReceiptId) -> Purge | None:
        """Find the purge under way that this receipt will prove.

        Raises:
            StoreUnavailable: If the database cannot be read.
        """
        row = await self._db.row(f"{PURGE} WHERE receipt_id = $1", receipt_id)
        return await self._purge(row) if row else None

    async def alarm_purges(self, *, now: datetime) -> Sequence[tuple[InstallationId, int]]:
        """Note which purges have used up another of `ALARMS` percent of their time.

        Each alarm is given once, to one caller, over restarts as well: the highest that is
        reached, by installation.

        Raises:
            StoreUnavailable: If it could not be written down.
        """
        rows = await self._db.rows(_ALARM, to_micros(now), list(ALARMS))
        return [(InstallationId(row[0]), int(row[1])) for row in rows]

    async def overdue_purges(self, *, now: datetime) -> int:
        """Count the purges whose deadline is over.

        Raises:
            StoreUnavailable: If the database cannot be read.
        """
        row = await self._db.row(
            "SELECT count(*) FROM purges WHERE deadline_at <= $1", to_micros(now)
        )
        return int(row[0]) if row else 0

    async def _purge(self, row: Row) -> Purge:
        installation_id = row[0]
        installation = await self.get_installation(installation_id)
        steps = await self._db.rows(
            "SELECT step, deleted, tries, done FROM purge_steps"
            " WHERE installation_id = $1 ORDER BY number",
            installation_id,
        )
        return read_purge(row, owner=installation.owner if installation else None, steps=steps)

    async def lease_purge(
        self, installation_id: InstallationId, *, holder: str, now: datetime, until: datetime
    ) -> Purge | None:
        """Take the right to carry a purge out, or keep it; None if another has it, or it is over.

        Returns:
            The purge as it stands now, with what other holders have done.

        Raises:
            StoreUnavailable: If it could not be written.
        """
        taken = await self._db.change(
            "UPDATE purges SET lease_holder = $2, lease_until = $3 WHERE installation_id = $1"
            " AND (lease_until <= $4 OR lease_holder = $2)",
            *(installation_id, holder, to_micros(until), to_micros(now)),
        )
        if not taken:
            return None
        row = await self._db.row(f"{PURGE} WHERE installation_id = $1", installation_id)
        return await self._purge(row) if row else None

    async def begin_step(self, installation_id: InstallationId, step: str, *, holder: str) -> None:
        """Write down that a step is begun, once more.

        Raises:
            Fenced: If no such purge is under way, or another holds it.
            StoreUnavailable: If it could not be written.
        """
        written = await self._db.change(
            "INSERT INTO purge_steps AS had (installation_id, step, deleted, done)"
            " SELECT installation_id, $2::text, 0, FALSE FROM purges"
            " WHERE installation_id = $1 AND lease_holder = $3 FOR SHARE"
            " ON CONFLICT (installation_id, step) DO UPDATE SET tries = had.tries + 1",
            *(installation_id, step, holder),
        )
        if not written:
            raise _not_held()

    async def record_step(
        self,
        installation_id: InstallationId,
        step: str,
        deleted: int,
        *,
        holder: str,
        done: bool = True,
    ) -> int:
        """Add to what a step has deleted, and write down that it is done; give the sum.

        Raises:
            Fenced: If no such purge is under way, or another holds it.
            StoreUnavailable: If it could not be written.
        """

        async def job(connection: Connection) -> int:
            total = await connection.fetchval(
                "INSERT INTO purge_steps AS had (installation_id, step, deleted, done)"
                " SELECT installation_id, $2::text, $3::bigint, $4::boolean FROM purges"
                " WHERE installation_id = $1 AND lease_holder = $5 FOR SHARE"
                " ON CONFLICT (installation_id, step) DO UPDATE SET"
                " deleted = had.deleted + excluded.deleted, done = had.done OR excluded.done"
                " RETURNING deleted",
                *(installation_id, step, deleted, done, holder),
            )
            if total is None:
                raise _not_held()
            return int(total)

        return await self._db.write(job)

    async def hasten_purges(self, *, now: datetime) -> int:
        """Have every purge that waits be tried again now; say how many did.

        Raises:
            StoreUnavailable: If it could not be written.
        """
        return await self._db.change(
            "UPDATE purges SET next_at = $1 WHERE next_at > $1", to_micros(now)
        )

    async def defer_purge(
        self, installation_id: InstallationId, *, until: datetime, holder: str
    ) -> None:
        """Give up the lease, and try again when `until` has come; counts an attempt.

        Of a purge that another holds, nothing changes.

        Raises:
            StoreUnavailable: If it could not be written.
        """
        await self._db.change(
            "UPDATE purges SET next_at = $2, attempts = attempts + 1, lease_holder = NULL,"
            " lease_until = 0 WHERE installation_id = $1 AND lease_holder = $3",
            *(installation_id, to_micros(until), holder),
        )

    async def end_purge(self, installation_id: InstallationId, receipt: Receipt) -> None:
        """Keep the receipt and drop the purge, in one transaction.

        Doing it again with the same receipt does nothing.

        Raises:
            ReceiptRefused: If the chain goes on from another receipt meanwhile: sign anew.
            StoreUnavailable: If it could not be written.
        """

        async def job(connection: Connection) -> None:
            await connection.execute(_RECEIPT, *_values(receipt))
            kept = await connection.fetchval(
                "SELECT id FROM receipts WHERE sequence = $1", receipt.sequence
            )
            if kept != receipt.id:
                raise ReceiptRefused("receipt not kept", "its place in the chain is taken")
            await connection.execute(
                "DELETE FROM purges WHERE installation_id = $1", installation_id
            )

        await self._db.write(job)

    async def get_receipt(self, receipt_id: ReceiptId) -> Receipt | None:
        """Read a receipt.

        Raises:
            StoreUnavailable: If the database cannot be read.
        """
        row = await self._db.row(f"{RECEIPT} WHERE id = $1", receipt_id)
        return Receipt(*row) if row else None

    async def receipts(self, *, limit: int = 1000) -> Sequence[Receipt]:
        """List receipts in the order of their chain.

        Raises:
            StoreUnavailable: If the database cannot be read.
        """
        rows = await self._db.rows(f"{RECEIPT} ORDER BY sequence LIMIT $1", limit)
        return [Receipt(*row) for row in rows]

    async def last_receipt(self) -> Receipt | None:
        """Read the newest receipt, from which the chain goes on.

        Raises:
            StoreUnavailable: If the database cannot be read.
        """
        row = await self._db.row(f"{RECEIPT} ORDER BY sequence DESC LIMIT 1")
        return Receipt(*row) if row else None

    async def adopt_receipts(self, receipts: Sequence[Receipt]) -> None:
        """Keep again receipts that a restored backup does not know of.

        Raises:
            StoreUnavailable: If they could not be kept.
        """

        async def job(connection: Connection) -> None:
            for each in receipts:
                await connection.execute(_RECEIPT, *_values(each))

        await self._db.write(job)

    async def scrub(self) -> None:
        """Free what deleted rows took.

        Pages and log may keep their bytes for a while. All of it is sealed, and the key
        is destroyed: see `docs/adr/0028`.

        Raises:
            StoreUnavailable: If the database cannot be used.
        """
        self._keys.clear()
        await self._db.vacuum("installations", "grants", "states", "inbox_bodies", "inbox_answers")


def _values(receipt: Receipt) -> tuple[object, ...]:
    return (
        *(receipt.id, receipt.sequence, receipt.document, receipt.signature),
        receipt.key_id,
    )


def _not_held() -> Fenced:
    return Fenced("step not written", "no such purge is under way, or another worker holds it")
