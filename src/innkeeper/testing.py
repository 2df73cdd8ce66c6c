"""How is a bot tested? Against the emulator in this process: no sockets, no sleeps.

async with Zoom(app) as zoom:
    ana = await zoom.user("Ana")
    await ana.add_app()
    await ana.says("/bot help")
    assert "Try" in ana.chat.last.text
"""

import asyncio
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from innkeeper.app import App
from innkeeper.browser import Browser, Page
from innkeeper.clock import MovableClock
from innkeeper.emulator import Emulator
from innkeeper.emulator.chat.cards import buttons
from innkeeper.emulator.faults.levers import Faults
from innkeeper.emulator.seed import Seed
from innkeeper.emulator.world import AppRecord, Environment, Management, Message, User, WelcomeMode
from innkeeper.errors import InnkeeperError
from innkeeper.flows.receipts import Statement, read_statement
from innkeeper.local import local_settings, point_at
from innkeeper.net.outbound import AsgiTransport
from innkeeper.settings import Settings
from innkeeper.ui.cards import draw
from innkeeper.work import Parts

ZOOM_URL = "http://127.0.0.1:8700"
BOT_URL = "http://127.0.0.1:8701"
COMMAND = "bot"
"""The bot's slash command in the harness, whatever it is called at Zoom."""


class Unexpected(InnkeeperError, AssertionError):
    """Something did not stand where the test looked for it; the transcript is in the text."""

    code = "unexpected"
    fix = "Read the transcript from the top: the first surprise is the cause."


@dataclass(frozen=True, slots=True)
class Seen:
    """A message as a person sees it."""

    id: str
    text: str
    card: dict[str, Any] | None
    edited: bool
    by_bot: bool


class Chat:
    """A person's conversation with the bot."""

    def __init__(self, zoom: "Zoom", user: User) -> None:
        self._zoom = zoom
        self._user = user

    @property
    def messages(self) -> list[Seen]:
        """Everything that stands there, oldest first."""
        conversations = self._zoom.emulator.chat.conversations
        conversation = conversations.find(self._user, self._zoom.record.bot_jid)
        found = conversations.messages(conversation)
        return [_seen(message) for message in found if not message.deleted]

    @property
    def last(self) -> Seen:
        """The last thing the bot said.

        Raises:
            Unexpected: If it has said nothing.
        """
        said = [message for message in self.messages if message.by_bot]
        if not said:
            raise Unexpected("the bot has said nothing", self._zoom.transcript())
        return said[-1]

    def with_button(self, words: str) -> tuple[Seen, str]:
        """Find the latest message with a button of these words, and the button's value.

        Raises:
            Unexpected: If no message has one.
        """
        for message in reversed(self.messages):
            for button in buttons(message.card or {}):
                if words in {button.get("text"), button.get("value")}:
                    return message, str(button["value"])
        raise Unexpected(f"no button {words!r}", self._zoom.transcript())


class Visitor:
    """A person at the emulated Zoom, with a browser of her own."""

    def __init__(self, zoom: "Zoom", user: User) -> None:
        self._zoom = zoom
        self.user = user
        self.browser = Browser(zoom.transport)
        self.chat = Chat(zoom, user)

    async def signs_in(self) -> None:
        """Be the one who sits at the browser."""
        await self.browser.post(f"{ZOOM_URL}/signin", {"user": self.user.id, "next": "/"})

    async def adds_app(self, *, decision: str = "Allow") -> Page:
        """Add the app from its Local Test page, as at Zoom, and see where that ends."""
        await self.signs_in()
        page = await self.browser.open(self._zoom.local_test_url)
        page = await self.browser.press(page, "Add App Now")
        if any(button.value == "allow" for form in page.forms for button in form.buttons):
            page = await self.browser.press(page, decision, user=self.user.id)
        await self._zoom.settle()
        return page

    add_app = adds_app

    async def installs(self, url: str = f"{BOT_URL}/install") -> Page:
        """Add the app from the app's own install page."""
        await self.signs_in()
        page = await self.browser.open(url)
        if any(button.value == "allow" for form in page.forms for button in form.buttons):
            page = await self.browser.press(page, "Allow", user=self.user.id)
        await self._zoom.settle()
        return page

    async def says(self, text: str, *, in_channel: str | None = None) -> None:
        """Write to the bot, or in a channel."""
        world = self._zoom.emulator.world
        peer = self._zoom.record.bot_jid
        if in_channel is not None:
            peer = next(each.jid for each in world.channels() if each.name == in_channel)
        await self._zoom.emulator.chat.says(self.user, peer, text)
        await self._zoom.settle()

    async def clicks(self, words: str) -> None:
        """Press the latest button with these words."""
        message, value = self.chat.with_button(words)
        await self._zoom.emulator.chat.clicks(self.user, message.id, value)
        await self._zoom.settle()

    async def removes_app(self) -> Page:
        """Remove the app on its Local Test page."""
        await self.signs_in()
        page = await self.browser.open(self._zoom.local_test_url)
        hers = self._zoom.emulator.world.installation_for(self._zoom.record, self.user)
        page = await self.browser.press(page, hers.id if hers else "Remove App")
        await self._zoom.settle()
        return page


class _PassingClock:
    """The bot's view of the clock: whoever of the bot's waits, time passes for everybody."""

    def __init__(self, clock: MovableClock) -> None:
        self._clock = clock

    def now(self) -> datetime:
        """Tell the current time, with its zone (UTC)."""
        return self._clock.now()

    async def sleep(self, seconds: float) -> None:
        """Let so many seconds pass: nobody else would, while a test waits for the bot."""
        self._clock.advance(max(seconds, 0.0))
        await asyncio.sleep(0)


class HarnessClock:
    """The one clock of the emulated Zoom and the bot; it moves only when told."""

    def __init__(self, zoom: "Zoom") -> None:
        self._zoom = zoom

    async def advance(self, *, hours: float = 0, minutes: float = 0, seconds: float = 0) -> None:
        """Move forward, and let everything happen that was due on the way."""
        await self._zoom.emulator.advance(hours * 3600 + minutes * 60 + seconds)
        await self._zoom.settle()


class Receipts:
    """The proofs of deletion that the app has signed."""

    def __init__(self) -> None:
        self._statements: list[Statement] = []

    def one(self) -> Statement:
        """Give the only receipt.

        Raises:
            Unexpected: If there is none, or more than one.
        """
        if len(self._statements) != 1:
            raise Unexpected("not one receipt", f"there are {len(self._statements)}")
        return self._statements[0]

    def all(self) -> Sequence[Statement]:
        """Give every receipt, in the order of their chain."""
        return tuple(self._statements)

    def fill(self, statements: Sequence[Statement]) -> None:
        """Take what the store holds now."""
        self._statements = list(statements)


class Zoom:
    """An emulated Zoom around one bot.

    Args:
        management: Whether an admin installs for the account, or each user for herself.
        environment: A development app is told nothing of its removal.
        welcome: Who says the first words.
        user_oauth: Whether the app wants users' tokens.
        directory: Where the bot's database is kept; a temporary one when omitted.
    """

    def __init__(
        self,
        app: App,
        *,
        management: Management = "user",
        environment: Environment = "production",
        welcome: WelcomeMode = "dynamic",
        user_oauth: bool = True,
        directory: Path | None = None,
    ) -> None:
        self.app = app
        self._wanted = (management, environment, welcome)
        self._user_oauth = user_oauth
        self._temporary = directory is None
        self.directory = directory or Path(tempfile.mkdtemp(prefix="innkeeper-"))
        self.transport = AsgiTransport()
        self._clock = MovableClock(frozen=True)
        self.clock = HarnessClock(self)
        self.receipts = Receipts()
        self.transport.apps[BOT_URL] = app
        self.emulator = Emulator(
            seed=Seed.default(), clock=self._clock, transport=self.transport, base_url=ZOOM_URL
        )
        self.transport.apps[ZOOM_URL] = self.emulator.app
        self._parts: Parts | None = None

    @property
    def faults(self) -> Faults:
        """What goes wrong at Zoom on purpose; `add` to it."""
        return self.emulator.faults

    @property
    def record(self) -> AppRecord:
        """The app as the Marketplace knows it."""
        return next(iter(self.emulator.world.apps.values()))

    @property
    def local_test_url(self) -> str:
        """Where the app is added and removed."""
        return f"{ZOOM_URL}/marketplace/apps/{self.record.client_id}/local-test"

    @property
    def parts(self) -> Parts:
        """What the running bot is made of.

        Raises:
            Unexpected: If the harness is not entered.
        """
        if self._parts is None:
            raise Unexpected("the bot is not running", "use: async with Zoom(app) as zoom")
        return self._parts

    async def __aenter__(self) -> Self:
        await self.emulator.start()
        record = self.record
        record.management, record.environment, record.welcome.mode = self._wanted
        record.command = COMMAND
        self.app.configure(
            self._settings(), transport=self.transport, clock=_PassingClock(self._clock)
        )
        self._parts = await self.app.start(background=False)
        await point_at(self.emulator, record, BOT_URL)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.app.stop()
        await self.emulator.aclose()
        if self._temporary:
            shutil.rmtree(self.directory, ignore_errors=True)

    async def restart(self) -> None:
        """Stop the bot and start it again on what it kept."""
        await self.app.stop()
        self._parts = await self.app.start(background=False)
        await self.settle()

    def _settings(self) -> Settings:
        return local_settings(
            self.record,
            public_url=BOT_URL,
            zoom_url=ZOOM_URL,
            directory=self.directory,
            user_oauth=self._user_oauth,
        )

    async def user(self, name: str) -> Visitor:
        """Find a person by the first name.

        Raises:
            Unexpected: If nobody is called that.
        """
        for user in self.emulator.world.users():
            if name in {user.name, user.first_name}:
                return Visitor(self, user)
        known = ", ".join(user.first_name for user in self.emulator.world.users())
        raise Unexpected(f"nobody is called {name}", f"there are {known}")

    async def add_scope(self, scope: str) -> None:
        """Change what the app asks for, so that everybody is asked again."""
        self.record.scopes.append(scope)
        self.record.consent_version += 1

    async def settle(self) -> None:
        """Let everything happen that is due, on both sides, until all is quiet."""
        for _ in range(100):
            await self.emulator.settle()
            await self.parts.dispatcher.settled()
            if not await self.app.worker.turn() and self.emulator.quiet:
                break
        await self.parts.dispatcher.settled()
        self.receipts.fill([read_statement(each) for each in await self.parts.store.receipts()])

    async def leftovers(self, visitor: Visitor) -> list[str]:
        """Search every byte the bot keeps for a person's ids, names and tokens.

        Returns:
            Where something was found, as `file: what`; nothing once all is forgotten.
        """
        user = visitor.user
        wanted = {
            "user id": user.id,
            "name": user.name,
            "jid": user.jid,
            "email": user.email,
            "member id": user.member_id,
        }
        for number, token in enumerate(self.emulator.world.tokens):
            if token.user_id == user.id and token.kind == "user":
                wanted[f"access token {number}"] = token.access
                wanted[f"refresh token {number}"] = token.refresh or token.access
        found: list[str] = []
        for path in sorted(self.directory.iterdir()):
            content = path.read_bytes().lower()
            found += [
                f"{path.name}: {what}"
                for what, value in wanted.items()
                if value and value.lower().encode() in content
            ]
        return found

    def transcript(self) -> str:
        """Write down everything that was said, and sent, so far."""
        lines = [
            f"{message.sender_name or 'Zoom'}: {_seen(message).text}"
            for message in self.emulator.world.messages.values()
        ]
        lines += [
            f"-> {delivery.event} {delivery.state}" for delivery in self.emulator.courier.deliveries
        ]
        return "\n" + "\n".join(lines)


def _seen(message: Message) -> Seen:
    text = message.text
    if message.card is not None:
        text = draw(message.card, markdown=message.markdown, message_id=message.id).text
    return Seen(message.id, text, message.card, message.edited, bool(message.client_id))
