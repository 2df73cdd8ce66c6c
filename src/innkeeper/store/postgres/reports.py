"""What is Zoom still to be told? Reports on purges, each sealed with a key of its own."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final

from innkeeper.errors import SealBroken
from innkeeper.ids import InstallationId
from innkeeper.store.moments import to_micros
from innkeeper.store.postgres.installations import InstallationPart
from innkeeper.store.records import Report
from innkeeper.store.rows import REPORT, read_report, report_subject, seal_report

_DUE: Final = (
    " WHERE next_at <= $1 AND installation_id NOT IN (SELECT installation_id FROM purges)"
    " ORDER BY next_at"
)


class ReportPart(InstallationPart):
    """Reports, which outlive what they tell of, and not for long."""

    async def reports(self, *, due_by: datetime) -> Sequence[Report]:
        """List what Zoom is to be told by now, of purges that are done.

        One that nobody can read any more was told, or given up, before a backup was
        restored: it is dropped.

        Raises:
            StoreUnavailable: If the database cannot be read.
        """
        found: list[Report] = []
        for row in await self._db.rows(REPORT + _DUE, to_micros(due_by)):
            seal = await self._keys.find(report_subject(row[0]))
            if seal is not None:
                with suppress(SealBroken):
                    found.append(read_report(row, seal))
                    continue
            await self.end_report(row[0])
        return found

    async def defer_report(
        self, installation_id: InstallationId, *, until: datetime, alarmed: bool = False
    ) -> None:
        """Try a report again when `until` has come; counts an attempt.

        Raises:
            StoreUnavailable: If it could not be written.
        """
        await self._db.change(
            "UPDATE reports SET next_at = $2, attempts = attempts + 1, alarmed = alarmed OR $3"
            " WHERE installation_id = $1",
            *(installation_id, to_micros(until), alarmed),
        )

    async def end_report(self, installation_id: InstallationId) -> None:
        """Delete a report and destroy its key: Zoom was told, or the time is over.

        Raises:
            StoreUnavailable: If something of it may be left; call it again.
        """
        await self._keys.vault.destroy_key(report_subject(installation_id))
        await self._db.change("DELETE FROM reports WHERE installation_id = $1", installation_id)
        self._keys.clear()

    async def _seal_report(self, installation_id: InstallationId, content: bytes) -> bytes:
        seal = await self._keys.make(report_subject(installation_id))
        return seal_report(content, seal, installation_id)
