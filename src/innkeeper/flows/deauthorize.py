"""Was the app removed? Judges what Zoom says of it; whoever left is then forgotten."""

from dataclasses import dataclass
from datetime import datetime

from innkeeper.clock import Clock
from innkeeper.flows.installations import Registry
from innkeeper.flows.log import Log
from innkeeper.flows.purge import Forgetter, Records
from innkeeper.store.base import Vault
from innkeeper.store.records import EventState, Installation, Owner, Purge
from innkeeper.wire.events import Event
from innkeeper.wire.payloads import AppDeauthorized


@dataclass(frozen=True, slots=True)
class Ruling:
    """What became of a deauthorization."""

    state: EventState
    reason: str = ""
    purge: Purge | None = None


class Judge:
    """Hears that the app was removed, and has whoever removed it forgotten."""

    def __init__(
        self,
        *,
        store: Records,
        vault: Vault,
        registry: Registry,
        forgetter: Forgetter,
        clock: Clock,
        log: Log,
    ) -> None:
        self._store = store
        self._vault = vault
        self._registry = registry
        self._forgetter = forgetter
        self._clock = clock
        self._log = log

    async def hear(self, event: Event[AppDeauthorized], *, received_at: datetime) -> Ruling:
        """Judge a verified deauthorization, and make its purge durable if it holds."""
        payload = event.payload
        owner = self._registry.owner(payload.account_id, payload.user_id)
        removed_at = event.at or received_at
        if owner is None:
            return Ruling(EventState.QUARANTINED, "field:account_id")
        installation = await self._store.find_installation(owner)
        if installation is None:
            return Ruling(EventState.IGNORED, "nothing_held")
        if removed_at < installation.authorized_at:
            return await self._older(installation, owner, removed_at)
        purge = await self._forgetter.begin(installation, removed_at=removed_at)
        return Ruling(EventState.DONE, "", purge)

    async def _older(
        self, installation: Installation, owner: Owner, removed_at: datetime
    ) -> Ruling:
        tombstone = await self._vault.find_tombstone(owner)
        if tombstone is not None and removed_at <= tombstone.at:
            return Ruling(EventState.DROPPED, "superseded")
        await self._store.open_case(
            "deauthorization_before_authorization",
            installation_id=installation.id,
            now=self._clock.now(),
        )
        self._log.error("deauthorize.case_opened", installation=installation.id)
        return Ruling(EventState.DONE, "case_opened")
