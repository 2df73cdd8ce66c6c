"""Is Zoom to be told that somebody's data was deleted? Only where an operator wants that.

A report waits for the end of its purge, and the purge for no report. What the report has to
say of the person is sealed with a key of its own, which dies as soon as Zoom was told, or
after ten days.
"""

from datetime import timedelta
from typing import Any, Final

import msgspec

from innkeeper.clock import Clock
from innkeeper.errors import Unreachable
from innkeeper.flows.endpoint import Credentials
from innkeeper.flows.log import Log
from innkeeper.net.outbound import Transport
from innkeeper.store.base import PurgeStore
from innkeeper.store.records import Report
from innkeeper.zoom.compliance import report_deletion

ALERT_AFTER: Final = timedelta(days=7)
_BACKOFF: Final = (
    timedelta(minutes=1),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
)


class Reporter:
    """Tells Zoom's data compliance address of purges that are done."""

    def __init__(
        self,
        store: PurgeStore,
        *,
        transport: Transport,
        credentials: Credentials,
        clock: Clock,
        log: Log,
    ) -> None:
        self._store = store
        self._transport = transport
        self._credentials = credentials
        self._clock = clock
        self._log = log

    async def run_due(self) -> int:
        """Send each report whose time has come; say how many Zoom took.

        Raises:
            StoreUnavailable: If the store cannot be used.
        """
        due = await self._store.reports(due_by=self._clock.now())
        return sum([await self._send(report) for report in due])

    async def _send(self, report: Report) -> bool:
        if self._clock.now() >= report.deadline_at:
            self._log.error("report.given_up", installation=report.installation_id)
            await self._store.end_report(report.installation_id)
            return False
        removal: dict[str, Any] = msgspec.json.decode(report.content)
        try:
            await report_deletion(
                self._transport,
                api_url=self._credentials.api_url,
                client_id=self._credentials.client_id,
                client_secret=self._credentials.client_secret,
                removal=removal,
            )
        except Unreachable as error:
            await self._put_off(report, error)
            return False
        await self._store.end_report(report.installation_id)
        self._log.info("report.taken", installation=report.installation_id)
        return True

    async def _put_off(self, report: Report, error: Unreachable) -> None:
        now = self._clock.now()
        wait = _BACKOFF[min(report.attempts, len(_BACKOFF) - 1)]
        late = now >= report.started_at + ALERT_AFTER and not report.alarmed
        tell = self._log.error if late else self._log.info
        tell(
            "report.late" if late else "report.not_taken",
            installation=report.installation_id,
            why=error.why,
            until=report.deadline_at.isoformat(),
        )
        alert_at = report.started_at + ALERT_AFTER
        until = min(now + wait, report.deadline_at if now >= alert_at else alert_at)
        await self._store.defer_report(report.installation_id, until=until, alarmed=late)
