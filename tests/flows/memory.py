"""A grant store in memory: compare-and-set, lease and journal, and nothing more."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from innkeeper.errors import Fenced
from innkeeper.store.records import Grant


class MemoryGrants:
    """Keeps grants as long as the test lasts; `broken` is raised by the next write."""

    def __init__(self) -> None:
        self.grants: dict[str, Grant] = {}
        self.leases: dict[str, tuple[str, datetime]] = {}
        self.gone: set[str] = set()
        self.broken: list[Exception] = []
        self.touches = 0
        self.reads = 0

    def _version(self, grant_id: str) -> int:
        grant = self.grants.get(grant_id)
        return 0 if grant is None else grant.version

    def _put(self, grant: Grant, version: int) -> Grant:
        if self.broken:
            raise self.broken.pop(0)
        if grant.id in self.gone:
            raise Fenced(grant.id)
        saved = replace(grant, version=version, dead=False, attempted_at=None)
        self.grants[grant.id] = saved
        self.leases.pop(grant.id, None)
        return saved

    async def find_grant(self, grant_id: str) -> Grant | None:
        self.reads += 1
        return self.grants.get(grant_id)

    async def save_grant(
        self,
        grant: Grant,
        *,
        replaces: int,
        now: datetime,  # noqa: ARG002  # the contract has it
    ) -> Grant | None:
        return self._put(grant, replaces + 1) if self._version(grant.id) == replaces else None

    async def replace_grant(
        self,
        grant: Grant,
        *,
        now: datetime,  # noqa: ARG002  # the contract has it
    ) -> Grant:
        return self._put(grant, self._version(grant.id) + 1)

    async def lease_grant(
        self, grant_id: str, version: int, *, holder: str, now: datetime, until: datetime
    ) -> bool:
        if self._version(grant_id) != version:
            return False
        if grant_id in self.leases and self.leases[grant_id][1] > now:
            return False
        self.leases[grant_id] = (holder, until)
        return True

    async def release_grant(self, grant_id: str, *, holder: str) -> None:
        if self.leases.get(grant_id, ("", None))[0] == holder:
            del self.leases[grant_id]

    async def journal_grant(self, grant_id: str, version: int, *, at: datetime) -> bool:
        if self._version(grant_id) != version:
            return False
        self.grants[grant_id] = replace(self.grants[grant_id], attempted_at=at)
        return True

    async def kill_grant(self, grant_id: str, version: int) -> bool:
        if self._version(grant_id) != version or grant_id not in self.grants:
            return False
        self.grants[grant_id] = replace(self.grants[grant_id], dead=True)
        return True

    async def touch_grant(self, grant_id: str, *, at: datetime) -> None:
        self.touches += 1
        self.grants[grant_id] = replace(self.grants[grant_id], used_at=at)

    async def renewable_grants(self, *, expiring_before: datetime, limit: int) -> Sequence[Grant]:
        def lost(grant: Grant) -> bool:
            return (grant.refresh_expires_at or expiring_before) < expiring_before

        ending = [
            grant
            for grant in self.grants.values()
            if not grant.dead and (grant.expires_at < expiring_before or lost(grant))
        ]
        ending.sort(key=lambda grant: (lost(grant), grant.used_at), reverse=True)
        return ending[:limit]
