"""How is somebody forgotten? A tombstone, then a purge step by step, and a receipt.

Source: https://developers.zoom.us/docs/chat/installation-and-authentication/ asks that
all of a user's data be deleted after `app_deauthorized`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from innkeeper.clock import Clock
from innkeeper.flows.log import Log
from innkeeper.flows.receipts import write_receipt
from innkeeper.flows.steps import PurgeStep, Scope, carry_out, scope_of
from innkeeper.ids import InstallationId
from innkeeper.store.base import ERASABLE, InstallationStore, PurgeStore, Vault
from innkeeper.store.records import (
    Installation,
    InstallationStatus,
    Purge,
    Receipt,
    Tombstone,
)

DEADLINE = timedelta(days=10)
"""Zoom's older terms gave ten days; nothing newer names a number."""
OWNER_HASH_KEPT = timedelta(days=30)

_BACKOFF = (timedelta(seconds=5), timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1))


class Records(PurgeStore, InstallationStore, Protocol):
    """What a purge touches."""


class Forgetter:
    """Forgets whoever removed the app: a tombstone, a purge, and a receipt.

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
        steps: Sequence[PurgeStep],
        clock: Clock,
        log: Log,
        forget: Callable[[Installation], None],
    ) -> None:
        self._forget = forget
        self._store = store
        self._vault = vault
        self._steps = tuple(steps)
        self._clock = clock
        self._log = log
        self._running: set[InstallationId] = set()
        self._signing = asyncio.Lock()  # receipts form one chain

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
            await self._step(purge, done, f"bot:{step.name}", partial(_own, step, scope))
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


async def _own(step: PurgeStep, scope: Scope, _installation: InstallationId) -> int:
    return await carry_out(step, scope)
