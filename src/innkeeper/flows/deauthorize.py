"""Was the app removed? Judges what Zoom says of it; whoever left is then forgotten."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast

import msgspec

from innkeeper.flows.cases import Cases, Reason
from innkeeper.flows.installations import Registry, whole_ms
from innkeeper.flows.log import Log
from innkeeper.flows.purge import Forgetter, Records
from innkeeper.ids import InstallationId, Jid
from innkeeper.store.base import Vault
from innkeeper.store.records import (
    EventState,
    Installation,
    InstallationStatus,
    Owner,
    Person,
    Purge,
    Tombstone,
)
from innkeeper.wire.events import Event
from innkeeper.wire.payloads import AppDeauthorized

REMOVED: Final = "app_deauthorized"
_RETENTION: Final = ("user_data_retention", "userDataRetention")


@dataclass(frozen=True, slots=True)
class Terms:
    """What an operator has decided about removals; each is off unless somebody says so."""

    honour_retention: bool = False
    """Whether the bot's own data stays where Zoom says that the user lets it."""
    report: bool = False
    """Whether Zoom's data compliance address is told of each purge."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What became of a deauthorization."""

    state: EventState
    reason: str = ""
    purge: Purge | None = None


class Judge:
    """Hears that the app was removed, and has whoever removed it forgotten."""

    def __init__(  # its parts, each by its name
        self,
        *,
        store: Records,
        vault: Vault,
        registry: Registry,
        forgetter: Forgetter,
        cases: Cases,
        log: Log,
        terms: Terms,
    ) -> None:
        self._store = store
        self._vault = vault
        self._registry = registry
        self._forgetter = forgetter
        self._cases = cases
        self._log = log
        self._terms = terms

    async def hear(self, event: Event[AppDeauthorized], *, received_at: datetime) -> Ruling:
        """Judge a verified deauthorization, and make its purge durable if it holds.

        A removal that is not older than the authorization ends it; at the same moment the
        removal wins, whichever is heard of first. One of somebody of whom nothing is held is
        carried out as well: the bot's own data may know them, and late events must not bring
        them back.
        """
        payload = event.payload
        owner = self._registry.owner(payload.account_id, payload.user_id)
        if owner is None:
            return Ruling(EventState.QUARANTINED, "field:account_id")
        removed_at = event.at or received_at
        installation = await self._store.find_installation(owner)
        tombstone = await self._vault.find_tombstone(owner)
        if installation is None or _is_over(installation, tombstone, removed_at):
            if tombstone is not None and removed_at <= tombstone.at:
                return self._superseded(tombstone.installation_id)
            ruling = await self._nothing_held(owner, event, removed_at)
            return ruling or await self.hear(event, received_at=received_at)
        if removed_at < installation.authorized_at:
            return await self._older(installation, tombstone, removed_at)
        if removed_at == installation.authorized_at:
            self._log.warning("deauthorize.same_moment", installation=installation.id)
        return await self._purge(installation, event, removed_at)

    async def wonder(self) -> None:
        """Open a case over a deauthorization that cannot be understood: a person must look."""
        await self._cases.open(Reason.UNREADABLE, None)

    async def _purge(
        self,
        installation: Installation,
        event: Event[AppDeauthorized],
        removed_at: datetime,
        *,
        held: bool = True,
    ) -> Ruling:
        retain = self._terms.honour_retention and wants_retention(event.raw)
        purge = await self._forgetter.begin(
            installation,
            removed_at=removed_at,
            held=held,
            retain=retain,
            report=msgspec.json.encode(event.raw.get("payload")) if self._terms.report else None,
        )
        if purge is None:  # it went, or was authorized again, while we looked
            return await self.hear(event, received_at=removed_at)
        return Ruling(EventState.DONE, "" if held else "nothing_held", purge)

    async def _nothing_held(
        self, owner: Owner, event: Event[AppDeauthorized], removed_at: datetime
    ) -> Ruling | None:
        """Open an installation only to purge it: then all holds that holds for any other.

        None if somebody came back at this very moment.
        """
        person = Person(owner.account_id, event.payload.user_id, Jid(""))
        moment = whole_ms(removed_at)
        opened, fresh = await self._store.open_installation(owner, person, authorized_at=moment)
        return await self._purge(opened, event, removed_at, held=False) if fresh else None

    def _superseded(self, installation_id: InstallationId) -> Ruling:
        self._log.info("deauthorize.superseded", installation=installation_id)
        return Ruling(EventState.DROPPED, "superseded")

    async def _older(
        self, installation: Installation, tombstone: Tombstone | None, removed_at: datetime
    ) -> Ruling:
        # One of this very installation was not carried out: it was authorized again just then.
        other = tombstone is not None and tombstone.installation_id != installation.id
        if tombstone is not None and other and removed_at <= tombstone.at:
            return self._superseded(tombstone.installation_id)
        await self._cases.open(Reason.REMOVED_BEFORE, installation.id)
        return Ruling(EventState.DONE, "case_opened")


def wants_retention(raw: Mapping[str, Any]) -> bool:
    """Tell whether a removal says that the user lets the app keep their data.

    Zoom has written it as a boolean and as a text, and left it out. Whatever is not plainly
    a yes, or contradicts itself, is a no.

    Example:
        >>> wants_retention({"payload": {"user_data_retention": "true"}})
        True
        >>> wants_retention({"payload": {"user_data_retention": "maybe"}})
        False
    """
    payload = raw.get("payload")
    inner = cast("dict[str, Any]", payload) if isinstance(payload, dict) else {}
    said = [each[name] for each in (raw, inner) for name in _RETENTION if name in each]
    return bool(said) and all(value is True or value == "true" for value in said)


def _is_over(installation: Installation, tombstone: Tombstone | None, removed_at: datetime) -> bool:
    """Tell whether the installation is being purged for an earlier removal than this one."""
    purging = installation.status is InstallationStatus.PURGING
    return purging and tombstone is not None and removed_at > tombstone.at
