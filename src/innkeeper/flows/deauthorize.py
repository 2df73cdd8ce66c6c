"""What happens when somebody removes the app? A tombstone, a purge, and a receipt.

Source: https://developers.zoom.us/docs/chat/installation-and-authentication/ asks that
all of a user's data be deleted after `app_deauthorized`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from innkeeper.clock import Clock
from innkeeper.errors import InnkeeperError
from innkeeper.flows.installations import Registry
from innkeeper.flows.log import Log
from innkeeper.flows.receipts import write_receipt
from innkeeper.ids import AccountId, InstallationId, UserId
from innkeeper.store.base import ERASABLE, InstallationStore, PurgeStore, Vault
from innkeeper.store.records import (
    EventState,
    Installation,
    InstallationStatus,
    Owner,
    Purge,
    Receipt,
    Tombstone,
)
from innkeeper.wire.events import Event
from innkeeper.wire.payloads import AppDeauthorized

DEADLINE = timedelta(days=10)
"""Zoom's older terms gave ten days; nothing newer names a number."""
OWNER_HASH_KEPT = timedelta(days=30)

_BACKOFF = (timedelta(seconds=5), timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1))


@dataclass(frozen=True, slots=True)
class UserScope:
    """Delete what you keep about one user of an account."""

    account_id: AccountId = field(repr=False)
    user_id: UserId = field(repr=False)


@dataclass(frozen=True, slots=True)
class AccountScope:
    """Delete what you keep about a whole account."""

    account_id: AccountId = field(repr=False)


Scope = UserScope | AccountScope


@dataclass(frozen=True, slots=True)
class PurgeStep:
    """One step of the bot's own deletion, as `@app.purge` registered it."""

    name: str
    delete: Callable[[Scope], Awaitable[int]]
    """Deletes, and says how many things went; run again, it must do no harm."""
    verify: Callable[[Scope], Awaitable[bool]] | None = None
    """Says whether everything is gone."""


class PurgeRefused(InnkeeperError):
    """A purge step left something behind, by its own word."""

    code = "purge_incomplete"
    fix = "Look at what the step's verify found, mend the step; it is tried again by itself."


class Records(PurgeStore, InstallationStore, Protocol):
    """What a purge touches."""


def scope_of(owner: Owner) -> Scope:
    """Say what a removal by this owner covers."""
    if owner.user_id is None:
        return AccountScope(owner.account_id)
    return UserScope(owner.account_id, owner.user_id)


@dataclass(frozen=True, slots=True)
class Ruling:
    """What became of a deauthorization."""

    state: EventState
    reason: str = ""
    purge: Purge | None = None


class Forgetter:
    """Hears that the app was removed, and forgets whoever removed it.

    Every step can be repeated and resumes after a crash. The tombstone comes first, in
    the vault: from then on nothing can be written for this generation.

    Args:
        steps: The bot's own deletions, which go first: they still need to know who it is.
        forget: Drops what this process remembers of an installation.
    """

    def __init__(
        self,
        *,
        store: Records,
        vault: Vault,
        registry: Registry,
        steps: Sequence[PurgeStep],
        clock: Clock,
        log: Log,
        forget: Callable[[Installation], None],
    ) -> None:
        self._forget = forget
        self._store = store
        self._vault = vault
        self._registry = registry
        self._steps = tuple(steps)
        self._clock = clock
        self._log = log
        self._running: set[InstallationId] = set()
        self._signing = asyncio.Lock()  # receipts form one chain

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
        purge = await self.begin(installation, removed_at=removed_at)
        return Ruling(EventState.DONE, "", purge)

    async def begin(self, installation: Installation, *, removed_at: datetime) -> Purge | None:
        """Bury a generation and make its purge durable: the tombstone first."""
        now = self._clock.now()
        tombstone = Tombstone(installation.id, installation.generation, removed_at, now)
        await self._vault.bury(tombstone, owner=installation.owner)
        purge = await self._store.begin_purge(
            installation.id, removed_at=removed_at, now=now, deadline_at=now + DEADLINE
        )
        self._forget(installation)
        return purge

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

    async def run(self, purge: Purge) -> Receipt | None:
        """Carry a purge as far as it goes; None if a step failed and will be tried again."""
        if purge.installation_id in self._running:
            return None
        self._running.add(purge.installation_id)
        try:
            return await self._carry_out(purge)
        except Exception as error:  # whatever a bot's own step raises, the purge goes on later
            wait = _BACKOFF[min(purge.attempts, len(_BACKOFF) - 1)]
            self._log.error(
                "purge.step_failed",
                installation=purge.installation_id,
                error=type(error).__name__,
                retry_in_seconds=int(wait.total_seconds()),
            )
            await self._store.defer_purge(purge.installation_id, until=self._clock.now() + wait)
            return None
        finally:
            self._running.discard(purge.installation_id)

    async def _carry_out(self, purge: Purge) -> Receipt:
        done = dict(purge.done)
        scope = scope_of(purge.owner)
        for step in self._steps:
            await self._step(purge, done, f"bot:{step.name}", partial(_delete, step, scope))
        for part in ERASABLE:
            await self._step(purge, done, part, partial(self._store.erase, part=part))
        await self._step(purge, done, "installation", self._store.erase_installation)
        await self._step(purge, done, "data_key", self._destroy_key)
        await self._store.scrub()
        async with self._signing:
            receipt = await self._sign(replace(purge, done=done))
        self._log.info("purge.done", installation=purge.installation_id, receipt=receipt.id)
        return receipt

    async def _step(
        self,
        purge: Purge,
        done: dict[str, int],
        name: str,
        delete: Callable[[InstallationId], Awaitable[int]],
    ) -> None:
        if name not in done:
            done[name] = await delete(purge.installation_id)
            await self._store.record_step(purge.installation_id, name, done[name])

    async def _destroy_key(self, installation_id: InstallationId) -> int:
        return int(await self._vault.destroy_key(installation_id))

    async def _sign(self, purge: Purge) -> Receipt:
        receipt = write_receipt(
            purge,
            key=await self._vault.signing_key(),
            previous=await self._store.last_receipt(),
            purged_at=self._clock.now(),
        )
        await self._store.end_purge(purge.installation_id, receipt)
        return receipt

    async def run_due(self) -> int:
        """Carry on every purge whose time has come; say how many were finished."""
        now = self._clock.now()
        due = [purge for purge in await self._store.purges() if purge.next_at <= now]
        return sum([await self.run(purge) is not None for purge in due])

    async def reconcile(self) -> int:
        """Finish, before anything is served, what a restored backup undid.

        An installation whose tombstone stands in the vault is dead, whatever the
        database says; so is one whose data key the vault has destroyed.
        """
        buried = await self._vault.tombstones()
        found = 0
        for installation in await self._store.installations(limit=1_000_000):
            tombstone = buried.get(installation.id)
            if tombstone is not None and installation.status is not InstallationStatus.PURGING:
                await self.begin(installation, removed_at=tombstone.at)
                found += 1
        for orphan in await self._store.orphans():
            for part in ERASABLE:
                await self._store.erase(orphan, part)
            await self._store.erase_installation(orphan)
            found += 1
        if found:
            await self._store.scrub()
            self._log.error("purge.restored_backup", installations=found)
        await self.run_due()
        return found

    async def forget_owners(self) -> int:
        """Drop the keyed hashes of owners removed more than thirty days ago."""
        return await self._vault.forget_owners(buried_before=self._clock.now() - OWNER_HASH_KEPT)


async def _delete(step: PurgeStep, scope: Scope, _installation: InstallationId) -> int:
    deleted = await step.delete(scope)
    if step.verify is not None and not await step.verify(scope):
        raise PurgeRefused(f"purge step {step.name}", "its verify says that something is left")
    return deleted
