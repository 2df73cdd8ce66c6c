"""A grant store in memory: compare-and-set, lease and journal, and nothing more."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from innkeeper.errors import Fenced
from innkeeper.ids import InstallationId
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
        self.listings = 0

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

    async def live_among(self, ids: Sequence[InstallationId]) -> Sequence[InstallationId]:
        return [each for each in ids if each not in self.gone]

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
        grant = self.grants.get(grant_id)
        if self._version(grant_id) != version or (grant and grant.dead and grant.installation_id):
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

    async def touch_grant(
        self, grant_id: str, version: int, *, used_at: datetime, renew_at: datetime | None
    ) -> None:
        self.touches += 1
        grant = self.grants.get(grant_id)
        if grant is not None and grant.version == version:
            self.grants[grant_id] = replace(grant, used_at=used_at, renew_at=renew_at)

    async def renewable_grants(self, *, now: datetime, limit: int) -> Sequence[Grant]:
        self.listings += 1
        due = [
            (grant.renew_at, grant.id, grant)
            for grant in self.grants.values()
            if not grant.dead and grant.renew_at is not None and grant.renew_at <= now
        ]
        return [grant for _, _, grant in sorted(due, key=lambda each: each[:2])[:limit]]
