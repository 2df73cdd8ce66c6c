"""Which purges are under way, which are proven, and what is in doubt?"""

from collections.abc import Sequence
from datetime import datetime

from innkeeper.errors import Fenced, ReceiptRefused
from innkeeper.ids import InstallationId, ReceiptId, new_id
from innkeeper.store.moments import to_micros
from innkeeper.store.records import Case, Purge, Receipt
from innkeeper.store.rows import CASE, NOBODY, PURGE, RECEIPT, Row, read_case, read_purge
from innkeeper.store.sqlite.connection import Connection
from innkeeper.store.sqlite.installations import InstallationPart


class PurgePart(InstallationPart):
    """Purges under way, receipts, and open cases."""

    async def begin_purge(
        self,
        installation_id: InstallationId,
        *,
        removed_at: datetime,
        now: datetime,
        deadline_at: datetime,
    ) -> Purge | None:
        """Fence the installation and make its purge durable; None if it is not there.

        Called again for an installation that is PURGING, it returns the purge under way.

        Raises:
            StoreUnavailable: If it could not be made durable.
        """

        def job(connection: Connection) -> None:
            connection.run(
                "INSERT INTO purges (installation_id, generation, receipt_id, authorized_at,"
                " removed_at, started_at, deadline_at, next_at)"
                " SELECT id, generation, receipt_id, authorized_at, ?, ?, ?, ?"
                " FROM installations WHERE id = ? ON CONFLICT (installation_id) DO NOTHING",
                (
                    *(to_micros(removed_at), to_micros(now), to_micros(deadline_at)),
                    *(to_micros(now), installation_id),
                ),
            )
            connection.run(
                "UPDATE installations SET status = 'purging' WHERE id = ? AND status <> 'purging'",
                (installation_id,),
            )

        await self._db.write(job)
        self._unlink(installation_id)
        row = self._db.row(f"{PURGE} WHERE installation_id = ?", installation_id)
        return await self._purge(row) if row else None

    async def purges(self) -> Sequence[Purge]:
        """List the purges under way.

        Raises:
            StoreUnavailable: If the database cannot be read.
        """
        return [await self._purge(row) for row in self._db.rows(f"{PURGE} ORDER BY rowid")]

    async def _purge(self, row: Row) -> Purge:
        installation_id = row[0]
        installation = await self.get_installation(installation_id)
        steps = self._db.rows(
            "SELECT step, deleted FROM purge_steps WHERE installation_id = ? ORDER BY rowid",
            installation_id,
        )
        owner = installation.owner if installation else NOBODY
        return read_purge(row, owner=owner, done=dict(steps))

    async def record_step(self, installation_id: InstallationId, step: str, deleted: int) -> None:
        """Write down that a step is done and how much it deleted.

        Raises:
            Fenced: If no such purge is under way.
            StoreUnavailable: If it could not be written.
        """
        written = await self._db.change(
            "INSERT INTO purge_steps (installation_id, step, deleted)"
            " SELECT installation_id, ?, ? FROM purges WHERE installation_id = ?"
            " ON CONFLICT (installation_id, step) DO UPDATE SET deleted = excluded.deleted",
            *(step, deleted, installation_id),
        )
        if not written:
            raise Fenced("step not written", "no such purge is under way")

    async def defer_purge(self, installation_id: InstallationId, *, until: datetime) -> None:
        """Try this purge again when `until` has come; counts an attempt.

        Raises:
            StoreUnavailable: If it could not be written.
        """
        await self._db.change(
            "UPDATE purges SET next_at = ?, attempts = attempts + 1 WHERE installation_id = ?",
            *(to_micros(until), installation_id),
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

    # cases

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

    async def close_case(self, case_id: str, *, outcome: str, now: datetime) -> bool:
        """Settle a case; False if it is not open.

        Raises:
            StoreUnavailable: If it could not be written.
        """
        closed = await self._db.change(
            "UPDATE cases SET closed_at = ?, outcome = ? WHERE id = ? AND closed_at IS NULL",
            *(to_micros(now), outcome, case_id),
        )
        return closed == 1

    async def cases(self) -> Sequence[Case]:
        """List the cases, open ones first.

        Raises:
            StoreUnavailable: If the database cannot be read.
        """
        rows = self._db.rows(f"{CASE} ORDER BY closed_at IS NOT NULL, opened_at, rowid")
        return [read_case(row) for row in rows]

    async def scrub(self) -> None:
        """Leave nothing of what was deleted in free pages or in the write-ahead log.

        Raises:
            StoreUnavailable: If another process reads what is to go; try again.
        """
        self._keys.clear()
        await self._db.wipe()
