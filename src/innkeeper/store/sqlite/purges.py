"""Which purges are under way, and which are proven?"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from innkeeper.errors import Fenced, ReceiptRefused
from innkeeper.ids import InstallationId, ReceiptId
from innkeeper.store.base import ALARMS
from innkeeper.store.moments import to_micros
from innkeeper.store.records import Purge, Receipt
from innkeeper.store.rows import PURGE, RECEIPT, Row, read_purge
from innkeeper.store.sqlite.connection import Connection
from innkeeper.store.sqlite.reports import ReportPart

_ANY_LATE: Final = (
    "SELECT 1 FROM purges"
    " WHERE alarm < ? AND (? - started_at) * 100 >= ? * (deadline_at - started_at) LIMIT 1"
)
_ALARM: Final = (
    "UPDATE purges SET alarm = ?"
    " WHERE alarm < ? AND (? - started_at) * 100 >= ? * (deadline_at - started_at)"
    " RETURNING installation_id"
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
        removal = to_micros(removed_at)
        times = (to_micros(now), to_micros(deadline_at), to_micros(now))

        def job(connection: Connection) -> None:
            begun = connection.change(
                "INSERT INTO purges (installation_id, generation, receipt_id, authorized_at,"
                " removed_at, started_at, deadline_at, next_at, held, retain)"
                " SELECT id, generation, receipt_id, authorized_at, ?, ?, ?, ?, ?, ?"
                " FROM installations WHERE id = ? AND authorized_at <= ?"
                " ON CONFLICT (installation_id) DO NOTHING",
                (removal, *times, held, retain, installation_id, removal),
            )
            if begun and sealed is not None:
                connection.run(
                    "INSERT INTO reports (installation_id, sealed, started_at, deadline_at,"
                    " next_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                    (installation_id, sealed, *times),
                )
            connection.run(
                "UPDATE installations SET status = 'purging' WHERE id = ? AND status <> 'purging'"
                " AND EXISTS (SELECT 1 FROM purges WHERE installation_id = installations.id)",
                (installation_id,),
            )

        await self._db.write(job)
        self._unlink(installation_id)
        row = self._db.row(f"{PURGE} WHERE installation_id = ?", installation_id)
        return await self._purge(row) if row else None

    async def purges(self, *, due_by: datetime | None = None) -> Sequence[Purge]:
        """List the purges under way, oldest first; only those that are due, if so asked.

        One that somebody carries out now is not due.

        Raises:
            StoreUnavailable: If the database cannot be read.
        """
        if due_by is None:
            rows = self._db.rows(f"{PURGE} ORDER BY rowid")
        else:
            moment = to_micros(due_by)
            rows = self._db.rows(
                f"{PURGE} WHERE next_at <= ? AND lease_until <= ? ORDER BY rowid", moment, moment
            )
        return [await self._purge(row) for row in rows]

    async def find_purge(self, receipt_id: ReceiptId) -> Purge | None:
        """Find the purge under way that this receipt will prove.

        Raises:
            StoreUnavailable: If the database cannot be read.
        """
        row = self._db.row(f"{PURGE} WHERE receipt_id = ?", receipt_id)
        return await self._purge(row) if row else None

    async def alarm_purges(self, *, now: datetime) -> Sequence[tuple[InstallationId, int]]:
        """Note which purges have used up another of `ALARMS` percent of their time.

        Each alarm is given once, to one caller, over restarts as well: the highest that is
        reached, by installation.

        Raises:
            StoreUnavailable: If it could not be written down.
        """
        moment = to_micros(now)
        if not any(self._db.rows(_ANY_LATE, percent, moment, percent) for percent in ALARMS):
            return []

        def job(connection: Connection) -> list[tuple[InstallationId, int]]:
            return [
                (InstallationId(each), percent)
                for percent in sorted(ALARMS, reverse=True)
                for (each,) in connection.rows(_ALARM, (percent, percent, moment, percent))
            ]

        return await self._db.write(job)

    async def overdue_purges(self, *, now: datetime) -> int:
        """Count the purges whose deadline is over.

        Raises:
            StoreUnavailable: If the database cannot be read.
        """
        ((count,),) = self._db.rows(
            "SELECT count(*) FROM purges WHERE deadline_at <= ?", to_micros(now)
        )
        return int(count)

    async def _purge(self, row: Row) -> Purge:
        installation_id = row[0]
        installation = await self.get_installation(installation_id)
        steps = self._db.rows(
            "SELECT step, deleted, tries, done FROM purge_steps"
            " WHERE installation_id = ? ORDER BY rowid",
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
            "UPDATE purges SET lease_holder = ?, lease_until = ? WHERE installation_id = ?"
            " AND (lease_until <= ? OR lease_holder = ?)",
            *(holder, to_micros(until), installation_id, to_micros(now), holder),
        )
        if not taken:
            return None
        row = self._db.row(f"{PURGE} WHERE installation_id = ?", installation_id)
        return await self._purge(row) if row else None

    async def begin_step(self, installation_id: InstallationId, step: str, *, holder: str) -> None:
        """Write down that a step is begun, once more.

        Raises:
            Fenced: If no such purge is under way, or another holds it.
            StoreUnavailable: If it could not be written.
        """
        written = await self._db.change(
            "INSERT INTO purge_steps (installation_id, step, deleted, done)"
            " SELECT installation_id, ?, 0, 0 FROM purges"
            " WHERE installation_id = ? AND lease_holder = ?"
            " ON CONFLICT (installation_id, step) DO UPDATE SET tries = tries + 1",
            *(step, installation_id, holder),
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

        def job(connection: Connection) -> int:
            rows = connection.rows(
                "INSERT INTO purge_steps (installation_id, step, deleted, done)"
                " SELECT installation_id, ?, ?, ? FROM purges"
                " WHERE installation_id = ? AND lease_holder = ?"
                " ON CONFLICT (installation_id, step) DO UPDATE SET"
                " deleted = deleted + excluded.deleted, done = max(done, excluded.done)"
                " RETURNING deleted",
                (step, deleted, done, installation_id, holder),
            )
            if not rows:
                raise _not_held()
            return int(rows[0][0])

        return await self._db.write(job)

    async def hasten_purges(self, *, now: datetime) -> int:
        """Have every purge that waits be tried again now; say how many did.

        Raises:
            StoreUnavailable: If it could not be written.
        """
        return await self._db.change(
            "UPDATE purges SET next_at = ? WHERE next_at > ?", to_micros(now), to_micros(now)
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
            "UPDATE purges SET next_at = ?, attempts = attempts + 1, lease_holder = NULL,"
            " lease_until = 0 WHERE installation_id = ? AND lease_holder = ?",
            *(to_micros(until), installation_id, holder),
        )

    async def end_purge(self, installation_id: InstallationId, receipt: Receipt) -> None:
        """Keep the receipt and drop the purge, in one transaction.

        Doing it again with the same receipt does nothing.

        Raises:
            ReceiptRefused: If the chain goes on from another receipt meanwhile: sign anew.
            StoreUnavailable: If it could not be written.
        """

        def job(connection: Connection) -> None:
            values = (receipt.id, receipt.sequence, receipt.document, receipt.signature)
            connection.run(
                "INSERT INTO receipts (id, sequence, document, signature, key_id)"
                " VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (*values, receipt.key_id),
            )
            kept = connection.rows(
                "SELECT id FROM receipts WHERE sequence = ?", (receipt.sequence,)
            )
            if kept != [(receipt.id,)]:
                raise ReceiptRefused("receipt not kept", "its place in the chain is taken")
            connection.run("DELETE FROM purges WHERE installation_id = ?", (installation_id,))

        await self._db.write(job)

    async def get_receipt(self, receipt_id: ReceiptId) -> Receipt | None:
        """Read a receipt.

        Raises:
            StoreUnavailable: If the database cannot be read.
        """
        row = self._db.row(f"{RECEIPT} WHERE id = ?", receipt_id)
        return Receipt(*row) if row else None

    async def receipts(self, *, limit: int = 1000) -> Sequence[Receipt]:
        """List receipts in the order of their chain.

        Raises:
            StoreUnavailable: If the database cannot be read.
        """
        rows = self._db.rows(f"{RECEIPT} ORDER BY sequence LIMIT ?", limit)
        return [Receipt(*row) for row in rows]

    async def last_receipt(self) -> Receipt | None:
        """Read the newest receipt, from which the chain goes on.

        Raises:
            StoreUnavailable: If the database cannot be read.
        """
        row = self._db.row(f"{RECEIPT} ORDER BY sequence DESC LIMIT 1")
        return Receipt(*row) if row else None

    async def adopt_receipts(self, receipts: Sequence[Receipt]) -> None:
        """Keep again receipts that a restored backup does not know of.

        Raises:
            StoreUnavailable: If they could not be kept.
        """

        def job(connection: Connection) -> None:
            for each in receipts:
                connection.run(
                    "INSERT INTO receipts (id, sequence, document, signature, key_id)"
                    " VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                    (each.id, each.sequence, each.document, each.signature, each.key_id),
                )

        await self._db.write(job)

    async def scrub(self) -> None:
        """Leave nothing of what was deleted in free pages or in the write-ahead log.

        Raises:
            StoreUnavailable: If another process reads what is to go; try again.
        """
        self._keys.clear()
        await self._db.wipe()


def _not_held() -> Fenced:
    return Fenced("step not written", "no such purge is under way, or another worker holds it")
