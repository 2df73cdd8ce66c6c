"""What runs besides answering? The parts of a running app, and its background work."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from innkeeper.bot.client import Clients
from innkeeper.clock import Clock
from innkeeper.errors import InnkeeperError, StoreUnavailable, Unreachable
from innkeeper.flows.bearers import Bearers
from innkeeper.flows.dispatch import Dispatcher
from innkeeper.flows.grants import Grants
from innkeeper.flows.install import Installer
from innkeeper.flows.log import Log
from innkeeper.flows.purge import Forgetter
from innkeeper.flows.receive import Receiver
from innkeeper.flows.report import Reporter
from innkeeper.flows.rotation import Rotation
from innkeeper.flows.speak import Speaker
from innkeeper.flows.sweep import Sweeper
from innkeeper.metrics import Metrics
from innkeeper.net.outbound import HttpTransport, Request, Transport
from innkeeper.settings import Settings
from innkeeper.store.base import BotStateStore, Store, Vault
from innkeeper.wire.signature import PAST

BEAT_SECONDS = 1.0
CLAIMED_AT_ONCE = 64
"""Few enough that another process, which was woken too, finds some."""
CHORES_EVERY = timedelta(minutes=1)
RENEWALS_EVERY = timedelta(seconds=10)
HASHES_KEPT = PAST + timedelta(hours=1)
"""A body seen once is known for as long as its signature could be used, and an hour."""
GRACE_SECONDS = 10.0
CATCH_UP_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything a running app is made of."""

    settings: Settings
    clock: Clock
    transport: Transport
    store: Store
    vault: Vault
    grants: Grants
    speaker: Speaker
    clients: Clients
    forgetter: Forgetter
    reporter: Reporter
    sweeper: Sweeper
    dispatcher: Dispatcher
    receiver: Receiver
    installer: Installer
    rotation: Rotation
    log: Log
    metrics: Metrics
    bearers: Bearers | None
    """What gives Zoom the tokens that it must show us; None if it need not."""
    follows: bool
    """Whether the clock follows an emulator's."""

    @property
    def state(self) -> BotStateStore:
        """Where the bot's own values are kept."""
        return self.store

    async def catch_up(self) -> None:
        """Ask the emulator for its time, if we follow it: a browser does not tell."""
        if self.follows:
            clock = Request("GET", f"{self.settings.oauth_url}/_emulator/clock")
            with suppress(Unreachable):
                await self.transport.send(clock, deadline=CATCH_UP_SECONDS)

    async def open(self) -> None:
        """Open vault and store, and finish what a crash or a restored backup left behind.

        Raises:
            StoreUnavailable: If one of them cannot be opened.
            KeyMissing: If the key ring lacks a key that is needed.
        """
        await self.catch_up()
        await self.vault.open()
        await self.store.open()
        await self.store.reclaim(now=self.clock.now())
        await self.forgetter.reconcile()
        if isinstance(self.transport, HttpTransport):
            self.transport.open()  # now, for loading it takes longer than an answer may

    async def close(self) -> None:
        """Let handlers end, and let go of everything, whatever goes wrong on the way."""
        async with AsyncExitStack() as stack:
            for let_go in (self.vault.close, self.store.close, self.transport.aclose):
                stack.push_async_callback(let_go)
            stack.push_async_callback(_in_time, self.grants.aclose)
            stack.push_async_callback(self._spare_the_living)
            stack.push_async_callback(self.dispatcher.close, grace_seconds=GRACE_SECONDS)
            stack.push_async_callback(_in_time, self.installer.attempts.aclose)

    async def _spare_the_living(self) -> None:
        with suppress(StoreUnavailable):
            await self.sweeper.spare_the_living()


async def _in_time(end: Callable[[], Awaitable[None]]) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(GRACE_SECONDS):
            await end()


class Worker:
    """Takes up what is due: events, purges, cases every beat; tokens, chores, keys less often."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._chores_at: datetime | None = None
        self._renewals_at: datetime | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to work in the background: what waits for Zoom delays no event."""
        beats = (
            (self.take_up, BEAT_SECONDS),
            (self.run_purges, BEAT_SECONDS),
            (self._parts.sweeper.sweep, BEAT_SECONDS),
            (self.renew_tokens, RENEWALS_EVERY.total_seconds()),
            (self.do_chores, CHORES_EVERY.total_seconds()),
            (self._parts.rotation.turn, CHORES_EVERY.total_seconds()),
        )
        self._tasks = [asyncio.create_task(self._repeat(work, every)) for work, every in beats]
        if self._parts.settings.handles_events:
            nudged = asyncio.Event()
            self._tasks.append(asyncio.create_task(self._parts.store.nudged(nudged.set)))
            self._tasks.append(
                asyncio.create_task(self._repeat(partial(self._take_all, nudged), 0))
            )

    async def stop(self) -> None:
        """Stop, wherever it is; what is cut off is taken up at the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    async def turn(self) -> int:
        """Do all that is due now; say how many events and purges were taken up."""
        taken = await self.take_up() + await self.run_purges() + await self._parts.sweeper.sweep()
        now = self._parts.clock.now()
        if self._renewals_at is None or now >= self._renewals_at:
            self._renewals_at = now + RENEWALS_EVERY
            await self.renew_tokens()
        if self._chores_at is None or now >= self._chores_at:
            self._chores_at = now + CHORES_EVERY
            await self.do_chores()
            await self._parts.rotation.turn()
        return taken

    async def take_up(self) -> int:
        """Take up deferred events that are due; end handlers whose time is up."""
        self._parts.dispatcher.cut_overdue()
        await self._parts.store.keep_alive()
        if not self._parts.settings.handles_events:  # but for what could not be ended before
            return await self._parts.dispatcher.take_due(limit=0)
        return await self._parts.dispatcher.take_due()

    async def run_purges(self) -> int:
        """Carry on purges that are due; say how many ended."""
        if not self._parts.settings.handles_events:
            return 0
        return await self._parts.forgetter.run_due()

    async def _take_all(self, nudged: asyncio.Event) -> int:
        """Wait for a nudge, and take all that is due: the beat would be up to a second late."""
        await nudged.wait()
        nudged.clear()
        return await self._parts.dispatcher.take_all_due(at_once=CLAIMED_AT_ONCE)

    async def renew_tokens(self) -> int:
        """Renew tokens ahead of their end; say how many."""
        return await self._parts.grants.renew_ahead(self._parts.clock.now())

    async def do_chores(self) -> int:
        """Drop what was kept long enough; say how many former owners were forgotten."""
        now = self._parts.clock.now()
        await self._parts.store.expire_pending(before=now)
        settings = self._parts.settings
        await self._parts.store.expire_inbox(
            hashes_before=now - HASHES_KEPT,
            bodies_before=now - timedelta(days=settings.keep_days),
            at_most=settings.keep_at_most,
        )
        await self._parts.forgetter.raise_alarms()
        await self._parts.reporter.run_due()
        await self._parts.sweeper.expire()
        return await self._parts.forgetter.forget_owners()

    async def _repeat(self, work: Callable[[], Awaitable[int]], every_seconds: float) -> None:
        while True:
            try:
                await work()
            except Exception as error:  # whatever it is, the next beat comes
                name = error.code if isinstance(error, InnkeeperError) else type(error).__name__
                self._parts.log.error("work.failed", error=name)  # noqa: TRY400  # a traceback may quote what it was about
            await self._parts.clock.sleep(every_seconds)
