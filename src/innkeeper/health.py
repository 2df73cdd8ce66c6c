"""Would a delivery be taken now, and does anything wait for too long?"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from innkeeper.errors import InnkeeperError, StoreUnavailable
from innkeeper.flows.dispatch import PATIENCE
from innkeeper.store.keys import APP
from innkeeper.store.records import Census
from innkeeper.work import Parts

CHALLENGED_EVERY: Final = timedelta(hours=72)
"""Zoom validates an endpoint's URL anew this often: https://developers.zoom.us/docs/api/webhooks/"""
CHALLENGE_LATE: Final = CHALLENGED_EVERY + timedelta(hours=24)
BACKLOG_LATE: Final = PATIENCE
"""An event that nobody has begun to handle for so long waits for too long."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """How each part is; the keys are always the same, and nobody is named."""

    store: bool
    keys: bool
    challenged_at: datetime | None
    census: Census | None
    """None if it could not be taken."""
    queued: int
    """Events that wait for a worker in this process."""
    waiting_since: datetime | None
    now: datetime

    @property
    def takes_deliveries(self) -> bool:
        """Whether a delivery would be taken: what else is wrong is no reason to send none."""
        return self.store and self.keys

    def report(self) -> dict[str, Any]:
        """Say it in JSON."""
        parts = {
            "store": {"ok": self.store},
            "keys": {"ok": self.keys},
            "challenge": self._challenge(),
            "backlog": self._backlog(),
            "purges": self._purges(),
        }
        well = all(part["ok"] for part in parts.values())
        status = "ready" if well else "degraded" if self.takes_deliveries else "unavailable"
        return {"status": status, **parts}

    def _challenge(self) -> dict[str, Any]:
        at = self.challenged_at
        ok = at is None or self.now - at < CHALLENGE_LATE
        return {"ok": ok, "answered_at": None if at is None else at.isoformat()}

    def _backlog(self) -> dict[str, Any]:
        if self.census is None:
            return {"ok": False, "waiting": None, "oldest_seconds": None}
        age = timedelta(0) if self.waiting_since is None else self.now - self.waiting_since
        waiting = self.census.waiting + self.queued
        seconds = max(int(age.total_seconds()), 0)
        return {"ok": age < BACKLOG_LATE, "waiting": waiting, "oldest_seconds": seconds}

    def _purges(self) -> dict[str, Any]:
        census = self.census
        if census is None:
            return {"ok": False, "under_way": None, "overdue": None, "time_used": None}
        return {
            "ok": not census.overdue_purges,
            "under_way": census.purges,
            "overdue": census.overdue_purges,
            "time_used": round(census.purge_time_used, 3),
        }


async def look(parts: Parts) -> Readiness:
    """Look at each part of a running app."""
    now = parts.clock.now()
    queued, first = parts.dispatcher.backlog()
    census = await _census(parts, now)
    first_due = None if census is None else census.waiting_since
    waits = [at for at in (first, first_due) if at is not None]
    return Readiness(
        store=await parts.store.ready(),
        keys=await _has_keys(parts),
        challenged_at=parts.receiver.challenged_at,
        census=census,
        queued=queued,
        waiting_since=min(waits, default=None),
        now=now,
    )


async def _census(parts: Parts, now: datetime) -> Census | None:
    try:
        return await parts.store.census(now=now)
    except StoreUnavailable:
        return None


async def _has_keys(parts: Parts) -> bool:
    """Tell whether the vault can be read, and has the key of what is the app's own."""
    try:
        return not await parts.vault.missing_keys([APP])
    except InnkeeperError:
        return False
