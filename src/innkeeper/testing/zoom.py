"""What is around a bot in a test? An emulated Zoom, people in it, and one clock for all."""

import os
import tempfile
from collections.abc import Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from innkeeper.app import App
from innkeeper.clock import MovableClock
from innkeeper.emulator import Emulator
from innkeeper.emulator.chat.trigger import Order
from innkeeper.emulator.delivery import Delivery
from innkeeper.emulator.faults.levers import Faults
from innkeeper.emulator.planting import plant_channel, plant_user
from innkeeper.emulator.seed import ChannelSeed, Seed, UserSeed
from innkeeper.emulator.world import (
    Account,
    AppRecord,
    Channel,
    Environment,
    Management,
    Role,
    User,
    WelcomeMode,
)
from innkeeper.flows.receipts import read_statement
from innkeeper.ids import AccountId
from innkeeper.local import local_settings, point_at
from innkeeper.net.outbound import AsgiTransport, Response
from innkeeper.settings import Settings
from innkeeper.testing.clocks import HarnessClock, PassingClock
from innkeeper.testing.expected import Unexpected
from innkeeper.testing.people import Visitor
from innkeeper.testing.receipts import Receipts
from innkeeper.testing.seen import seen
from innkeeper.testing.signed import Signed
from innkeeper.testing.workers import InTurn, copies, lend
from innkeeper.work import Parts

ZOOM_URL = "http://127.0.0.1:8700"
BOT_URL = "http://127.0.0.1:8701"
COMMAND = "bot"
"""The bot's slash command in the harness, whatever it is called at Zoom."""


class Zoom:
    """An emulated Zoom around one bot.

    Args:
        management: Whether an admin installs for the account, or each user for herself.
        environment: A development app is told nothing of its removal.
        welcome: Who says the first words.
        user_oauth: Whether the app wants users' tokens.
        accounts: The accounts that the app is for, by name or id; everybody when omitted.
        return_to: The origins, besides the bot's own, that an install may lead back to.
        directory: Where the bot's database is kept; when omitted, a temporary one, in memory
            where the machine has a place for that.
        workers: How many copies of the bot share the store; requests go to them in turn.
    """

    def __init__(  # noqa: PLR0913  # what can be around a bot, each by its name
        self,
        app: App,
        *,
        management: Management = "user",
        environment: Environment = "production",
        welcome: WelcomeMode = "dynamic",
        user_oauth: bool = True,
        accounts: Collection[str] = (),
        return_to: Sequence[str] = (),
        directory: Path | None = None,
        workers: int = 1,
    ) -> None:
        self.app = app
        self._wanted = (management, environment, welcome)
        self._user_oauth = user_oauth
        self._only_for = frozenset(accounts)
        self._return_to = tuple(return_to)
        self._temporary = directory is None
        self._directory = directory
        self.transport = AsgiTransport()
        self._clock = MovableClock(frozen=True)
        self.clock = HarnessClock(self._clock, self._advance)
        self.receipts = Receipts()
        self._apps = copies(app, workers)
        self.transport.apps[BOT_URL] = InTurn(self._apps)
        self.emulator = Emulator(
            seed=Seed.default(), clock=self._clock, transport=self.transport, base_url=ZOOM_URL
        )
        self.transport.apps[ZOOM_URL] = self.emulator.app
        self._running: list[Parts] = []
        self._begun = AsyncExitStack()

    # what there is

    @property
    def faults(self) -> Faults:
        """What goes wrong at Zoom on purpose; `add` to it."""
        return self.emulator.faults

    @property
    def record(self) -> AppRecord:
        """The app as the Marketplace knows it."""
        return next(iter(self.emulator.world.apps.values()))

    @property
    def deliveries(self) -> Sequence[Delivery]:
        """Every event that Zoom sent the bot, oldest first, with each attempt."""
        return self.emulator.courier.deliveries

    @property
    def local_test_url(self) -> str:
        """Where the app is added and removed."""
        return f"{ZOOM_URL}/marketplace/apps/{self.record.client_id}/local-test"

    @property
    def install_url(self) -> str:
        """Where the bot itself offers to be added."""
        return f"{BOT_URL}/install"

    @property
    def running(self) -> bool:
        """Whether the bot runs."""
        return bool(self._running)

    @property
    def directory(self) -> Path:
        """Where the bot's database is kept.

        Raises:
            Unexpected: If that is a temporary place, and the harness is not entered.
        """
        if self._directory is None:
            raise Unexpected("the bot has no directory yet", "use: async with Zoom(app) as zoom")
        return self._directory

    @property
    def parts(self) -> Parts:
        """What the running bot is made of; the first worker's.

        Raises:
            Unexpected: If the harness is not entered.
        """
        if not self._running:
            raise Unexpected("the bot is not running", "use: async with Zoom(app) as zoom")
        return self._running[0]

    # begin and end

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as begun:
            if self._temporary:
                self._directory = Path(begun.enter_context(_temporary_directory()))
            begun.push_async_callback(self.emulator.aclose)
            await self.emulator.start()
            record = self.record
            record.management, record.environment, record.welcome.mode = self._wanted
            record.command = COMMAND
            begun.push_async_callback(self._stop)
            await self._start()
            await point_at(self.emulator, record, BOT_URL)
            self._begun = begun.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._begun.aclose()

    async def restart(self) -> None:
        """Stop the bot and start it again on what it kept."""
        await self._stop()
        await self._start()
        await self.settle()

    async def _start(self) -> None:
        settings, clock = self._settings, PassingClock(self._clock)
        for app in self._apps:
            shelf = lend(self._running[0]) if self._running else None
            app.configure(settings, transport=self.transport, clock=clock, shelf=shelf)
            self._running.append(await app.start(background=False))

    async def _stop(self) -> None:
        self._running = []
        for app in reversed(self._apps):  # the first one owns the store
            await app.stop()

    @cached_property
    def _settings(self) -> Settings:
        settings = local_settings(
            self.record,
            public_url=BOT_URL,
            zoom_url=ZOOM_URL,
            directory=self.directory,
            user_oauth=self._user_oauth,
        )
        known = {account.name: account.id for account in self.emulator.world.accounts}
        accounts = frozenset(AccountId(known.get(each, each)) for each in self._only_for)
        return replace(settings, accounts=accounts, return_to=self._return_to)

    # who is there

    async def user(self, name: str) -> Visitor:
        """Find a person by the first name, or by the whole.

        Raises:
            Unexpected: If nobody is called that.
        """
        return self.person(name)

    def person(self, name: str) -> Visitor:
        """Find a person by the first name, or by the whole; no `await` is needed.

        Raises:
            Unexpected: If nobody is called that.
        """
        for user in self.emulator.world.users():
            if name in {user.name, user.first_name}:
                return Visitor(self, user)
        known = ", ".join(user.first_name for user in self.emulator.world.users())
        raise Unexpected(f"nobody is called {name}", f"there are {known}")

    def new_person(self, name: str, *, role: Role = "member", account: str = "") -> Visitor:
        """Let somebody join: an account of this name, the first one when omitted.

        Raises:
            Unexpected: If no account is called that.
        """
        return Visitor(
            self,
            plant_user(self.emulator.world, self._account(account), UserSeed(name=name, role=role)),
        )

    def new_channel(self, name: str, *, account: str = "") -> Channel:
        """Open a channel in an account, the first one when omitted.

        Raises:
            Unexpected: If no account is called that.
        """
        return plant_channel(self.emulator.world, self._account(account), ChannelSeed(name=name))

    # what happens

    async def _advance(self, seconds: float) -> None:
        await self.emulator.advance(seconds)
        await self.settle()

    async def add_scope(self, scope: str) -> None:
        """Change what the app asks for, so that everybody is asked again."""
        self.record.scopes.append(scope)
        self.record.consent_version += 1

    async def trigger(
        self, event: str, changes: Mapping[str, Any] | None = None, *, by: Visitor | None = None
    ) -> Delivery:
        """Have Zoom send an event that nobody caused.

        Args:
            changes: What to change in it, by dotted paths: `{"payload.cmd": "help"}`.
            by: Whom it is about; whoever added the app when omitted.

        Raises:
            TriggerRefused: Listing what could have been named.
        """
        delivery = await self.emulator.triggers.send(self._order(event, changes, by))
        await self.settle()
        return delivery

    def signed(
        self, event: str, changes: Mapping[str, Any] | None = None, *, by: Visitor | None = None
    ) -> Signed:
        """Write and sign an event as `trigger` would, and send nothing.

        Raises:
            TriggerRefused: Listing what could have been named.
        """
        sealed = self.emulator.triggers.seal(self._order(event, changes, by))
        return Signed(sealed.headers, sealed.body)

    async def posts(self, signed: Signed, path: str = "/events") -> Response:
        """Post a delivery to the bot, whoever signed it, and give the answer."""
        answer = await self.transport.send(signed.to(f"{BOT_URL}{path}"))
        await self.settle()
        return answer

    async def settle(self) -> None:
        """Let everything happen that is due, on both sides, until all is quiet."""
        for _ in range(100):
            await self.emulator.settle()
            taken = 0
            for app, parts in zip(self._apps, self._running, strict=True):
                await parts.dispatcher.settled()
                taken += await app.worker.turn()
            if not taken and self.emulator.quiet:
                break
        for parts in self._running:
            await parts.dispatcher.settled()
        self.receipts.fill([read_statement(each) for each in await self.parts.store.receipts()])

    # what is left

    async def leftovers(self, visitor: Visitor) -> list[str]:
        """Search every byte the bot keeps for a person's ids, names and tokens.

        Bodies of events that are kept are opened for it; what else is sealed is gone with the
        person's key.

        Returns:
            Where something was found, as `file: what`; nothing once all is forgotten.
        """
        wanted = self._traces(visitor.user)
        kept = [(path.name, path.read_bytes()) for path in sorted(self.directory.iterdir())]
        store = self.parts.store
        await store.ready()  # what has ended since the last write is written with this one
        rows = await store.inbox_rows(limit=10_000)
        kept += [(f"event {row.id}", await store.read_body(row.id) or b"") for row in rows]
        return [
            f"{name}: {what}"
            for name, content in kept
            for what, value in wanted.items()
            if value and value.lower().encode() in content.lower()
        ]

    def transcript(self) -> str:
        """Write down everything that was said, and sent, so far."""
        lines = [
            f"{message.sender_name or 'Zoom'}: {seen(message).text}"
            for message in self.emulator.world.messages.values()
        ]
        lines += [f"-> {delivery.event} {delivery.state}" for delivery in self.deliveries]
        return "\n" + "\n".join(lines)

    def _traces(self, user: User) -> dict[str, str]:
        traces = {
            "user id": user.id,
            "name": user.name,
            "jid": user.jid,
            "email": user.email,
            "member id": user.member_id,
        }
        for number, token in enumerate(self.emulator.world.tokens):
            if token.user_id == user.id and token.kind == "user":
                traces[f"access token {number}"] = token.access
                traces[f"refresh token {number}"] = token.refresh or token.access
        return traces

    def _account(self, name: str) -> Account:
        accounts = self.emulator.world.accounts
        for account in accounts:
            if not name or name == account.name:
                return account
        known = ", ".join(account.name for account in accounts)
        raise Unexpected(f"no account is called {name}", f"there are {known}")

    def _order(self, event: str, changes: Mapping[str, Any] | None, by: Visitor | None) -> Order:
        return Order(event, user=by.user.id if by else None, set=dict(changes or {}))


def _temporary_directory() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(
        prefix="innkeeper-", dir=in_memory(), ignore_cleanup_errors=True
    )


def in_memory() -> str | None:
    """Find a place where writing waits for no disk: a test's database dies with the test."""
    place = "/dev/shm"  # noqa: S108  # what is made there is this user's alone
    return place if os.access(place, os.W_OK) else None
