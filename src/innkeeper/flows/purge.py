"""How is somebody forgotten? A tombstone, then a purge step by step, and a receipt.

Source: https://developers.zoom.us/docs/chat/installation-and-authentication/ asks that
all of a user's data be deleted after `app_deauthorized`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from innkeeper.clock import Clock
from innkeeper.errors import Fenced, ReceiptRefused, StoreUnavailable
from innkeeper.flows.log import Log
from innkeeper.flows.receipts import write_receipt
from innkeeper.flows.steps import DATA_KEY, PurgeStep, Scope, carry_out, own_name, scope_of
from innkeeper.ids import InstallationId, new_id
from innkeeper.store.base import ERASABLE, InstallationStore, PurgeStore, Vault
from innkeeper.store.records import (
    Installation,
    Purge,
    Receipt,
    SigningKey,
    Tombstone,
)

DEADLINE = timedelta(days=10)
"""Zoom's older terms gave ten days; nothing newer names a number."""
OWNER_HASH_KEPT = timedelta(days=30)

LEASE = timedelta(minutes=3)
"""Longer than a step may take, `verify` and all: a worker that is alive keeps what it holds."""
_RELEASE_SECONDS = 2.0
"""How long a worker that ends tries to say so; if it cannot, the lease ends with its time."""
_AT_ONCE = 8
_SIGNED_ANEW = 4
_BACKOFF = (timedelta(seconds=5), timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1))


class Records(PurgeStore, InstallationStore, Protocol):
    """What a purge touches."""


class Forgetter:
    """Forgets whoever removed the app: a tombstone, a purge, and a receipt.

    Every step can be repeated and resumes after a crash. The tombstone comes first, in
    the vault: from then on nothing can be written for this generation.

    Args:
        steps: The bot's own deletions. They come after all that we keep, but before the row
            that says who it is.
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

    async def begin(
        self,
        installation: Installation,
        *,
        removed_at: datetime,
        held: bool = True,
        retain: bool = False,
        report: bytes | None = None,
    ) -> Purge | None:
        """Bury a generation and make its purge durable: the tombstone first.

        None if there is nothing to purge: it is gone, or was authorized again after
        `removed_at`, maybe just now.

        Args:
            held: Whether anything was kept of them before the removal was heard of.
            retain: Whether the bot's own steps are left out, as whoever left has wished.
            report: What Zoom is told when all is done.
        """
        now = self._clock.now()
        tombstone = Tombstone(installation.id, installation.generation, removed_at, now)
        await self._vault.bury(tombstone, owner=installation.owner)
        purge = await self._store.begin_purge(
            installation.id,
            removed_at=removed_at,
            now=now,
            deadline_at=now + DEADLINE,
            held=held,
            retain=retain,
            report=report,
        )
        self._forget(installation)
        return purge

    async def run(self, purge: Purge, *, own: bool = True) -> Receipt | None:
        """Carry a purge as far as it goes; None if a step failed and will be tried again.

        None too if another worker carries it out.

        Args:
            own: Whether the bot's own steps may run now.
        """
        if purge.installation_id in self._running:
            return None
        self._running.add(purge.installation_id)
        hold = _Hold(purge.installation_id, new_id("prg"), self._store, self._clock)
        try:
            held = await hold.take()
            return await self._carry_out(held, hold, own=own) if held is not None else None
        except asyncio.CancelledError:  # this worker ends: whoever comes next need not wait
            with suppress(StoreUnavailable, TimeoutError):
                async with asyncio.timeout(_RELEASE_SECONDS):
                    await hold.release()
            raise
        except Fenced:
            self._log.info("purge.taken_over", installation=purge.installation_id)
            return None
        except Exception as error:  # whatever a bot's own step raises, the purge goes on later
            wait = _BACKOFF[min(purge.attempts, len(_BACKOFF) - 1)]
            self._log.error(
                "purge.step_failed",
                installation=purge.installation_id,
                error=type(error).__name__,
                retry_in_seconds=int(wait.total_seconds()),
            )
            await hold.defer(wait)
            return None
        finally:
            self._running.discard(purge.installation_id)

    async def _carry_out(self, purge: Purge, hold: "_Hold", *, own: bool) -> Receipt | None:
        receipt = await self._vault.get_receipt(purge.receipt_id)
        if receipt is None:
            done = dict(purge.done)
            for part in ERASABLE:
                await hold.step(done, part, partial(self._store.erase, part=part))
            if not own and self._waiting_for(purge):
                await hold.release()
                return None
            kept = await self._erase_own(purge, hold, done)
            await hold.step(done, "installation", self._store.erase_installation)
            await hold.step(done, DATA_KEY, partial(self._destroy_key, held=purge.held))
            await self._store.scrub()
            now = await hold.take()
            if now is None:
                raise Fenced("no receipt", "another worker holds the purge")
            receipt = await self._sign(replace(now, done=done), kept)
        await self._store.end_purge(purge.installation_id, receipt)
        self._log.info("purge.done", installation=purge.installation_id, receipt=receipt.id)
        return receipt

    def _waiting_for(self, purge: Purge) -> bool:
        """Tell whether steps of the bot's own are still to come."""
        to_come = any(own_name(step) not in purge.done for step in self._steps)
        return to_come and not purge.retain and purge.owner is not None

    async def _erase_own(self, purge: Purge, hold: "_Hold", done: dict[str, int]) -> Sequence[str]:
        """Run the bot's own steps; name those left out.

        They are left out where whoever left wished so, and where a restored backup has
        undone the steps while nobody knows any more whose they were.
        """
        kept: list[str] = []
        for step in self._steps:
            name = own_name(step)
            if purge.retain or (purge.owner is None and name not in done):
                kept.append(name)
            elif purge.owner is not None:
                await hold.own_step(done, step, scope_of(purge.owner))
        return kept

    async def _destroy_key(self, installation_id: InstallationId, *, held: bool) -> int:
        return int(await self._vault.destroy_key(installation_id) and held)

    async def _sign(self, purge: Purge, kept: Sequence[str]) -> Receipt:
        """Sign and keep the receipt; anew if another process took its place in the chain."""
        async with self._signing:
            key = await self._vault.signing_key()
            for _ in range(_SIGNED_ANEW):
                with suppress(ReceiptRefused):
                    return await self._keep_signed(purge, kept, key)
            return await self._keep_signed(purge, kept, key)

    async def _keep_signed(self, purge: Purge, kept: Sequence[str], key: SigningKey) -> Receipt:
        receipt = write_receipt(
            purge,
            kept=kept,
            key=key,
            previous=await self._vault.last_receipt(),
            purged_at=self._clock.now(),
        )
        await self._vault.keep_receipt(receipt)
        return receipt

    async def run_due(self, *, own: bool = True) -> int:
        """Carry on every purge whose time has come, a few at a time; say how many ended.

        A step that hangs holds up its own purge alone, and for a minute.
        """
        due = await self._store.purges(due_by=self._clock.now())
        turns = asyncio.Semaphore(_AT_ONCE)

        async def one(purge: Purge) -> bool:
            async with turns:
                return await self.run(purge, own=own) is not None

        return sum(await asyncio.gather(*map(one, due)))

    async def raise_alarms(self) -> int:
        """Say which purges are late, once for each share of their time; say how many."""
        late = await self._store.alarm_purges(now=self._clock.now())
        for installation_id, percent in late:
            self._log.error("purge.late", installation=installation_id, percent=percent)
        return len(late)

    async def reconcile(self) -> int:
        """Finish, before anything is served, what a restored backup undid.

        An installation whose tombstone stands in the vault is dead, whatever the
        database says, unless it was authorized again after that; so is one whose data key
        the vault has destroyed. Receipts that the database does not know of come back from
        the vault. The bot's own steps, which may hang, wait until it is served.
        """
        await self._share_receipts()
        orphans = await self._store.orphans()
        for orphan in orphans:
            for part in ERASABLE:
                await self._store.erase(orphan, part)
            await self._store.erase_installation(orphan)
        buried = await self._vault.tombstones()
        found = len(orphans)
        for installation_id in await self._store.live_among(list(buried)):
            installation = await self._store.get_installation(installation_id)
            if installation is not None:
                purge = await self.begin(installation, removed_at=buried[installation_id].at)
                found += purge is not None
        if found:
            await self._store.scrub()
            self._log.error("purge.restored_backup", installations=found)
        await self.run_due(own=False)
        return found

    async def _share_receipts(self) -> None:
        """Bring the vault's receipts and the database's together: one chain, nothing lost."""
        ours, safe = await self._store.last_receipt(), await self._vault.last_receipt()
        here, there = ours.sequence if ours else 0, safe.sequence if safe else 0
        while here < there:
            missing = await self._vault.receipts(after=here)
            await self._store.adopt_receipts(missing)
            here = missing[-1].sequence
        if here > there:  # written before the vault kept them
            for receipt in await self._store.receipts(limit=here):
                if receipt.sequence > there:
                    await self._vault.keep_receipt(receipt)

    async def forget_owners(self) -> int:
        """Drop the keyed hashes of owners removed more than thirty days ago."""
        return await self._vault.forget_owners(buried_before=self._clock.now() - OWNER_HASH_KEPT)


@dataclass(frozen=True, slots=True)
class _Hold:
    """One worker's hold on a purge: what it does, it does only while it holds it."""

    id: InstallationId
    holder: str
    store: Records
    clock: Clock

    async def take(self) -> Purge | None:
        """Take it, or keep it for longer; None if another has it."""
        now = self.clock.now()
        return await self.store.lease_purge(self.id, holder=self.holder, now=now, until=now + LEASE)

    async def release(self) -> None:
        """Let whoever comes next have it."""
        now = self.clock.now()
        await self.store.lease_purge(self.id, holder=self.holder, now=now, until=now)

    async def defer(self, wait: timedelta) -> None:
        """Leave it to whoever comes when that time is over."""
        until = self.clock.now() + wait
        await self.store.defer_purge(self.id, until=until, holder=self.holder)

    async def step(
        self, done: dict[str, int], name: str, delete: Callable[[InstallationId], Awaitable[int]]
    ) -> None:
        """Do one of our own steps, unless it is done; the store counts its own rows as they go."""
        if name not in done:
            await self._begin(name)
            deleted = await delete(self.id)
            done[name] = await self._record(name, deleted if name == DATA_KEY else 0)

    async def own_step(self, done: dict[str, int], step: PurgeStep, scope: Scope) -> None:
        """Do one of the bot's own, unless it is done."""
        name = own_name(step)
        if name not in done:
            await self._begin(name)
            await carry_out(step, scope, deleted=partial(self._record, name, done=False))
            done[name] = await self._record(name, 0)

    async def _begin(self, name: str) -> None:
        if await self.take() is None:
            raise Fenced("no step begun", "another worker holds the purge")
        await self.store.begin_step(self.id, name, holder=self.holder)

    async def _record(self, name: str, deleted: int, *, done: bool = True) -> int:
        return await self.store.record_step(self.id, name, deleted, holder=self.holder, done=done)
