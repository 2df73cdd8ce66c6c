"""What do a developer and the people of an account do in front of the emulator? This, over HTTP."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, TypeVar

from innkeeper.browser import Browser
from innkeeper.emulator import Emulator
from innkeeper.emulator.world import AppRecord, Message, User
from innkeeper.net.outbound import HttpTransport, Request, Response
from innkeeper.ui.cards import draw
from tests.foreign.program import Launcher

T = TypeVar("T")

_PATIENCE_SECONDS = 10.0


class Workspace:
    """The emulator as a developer and the people of an account use it: over HTTP."""

    def __init__(
        self, emulator: Emulator, app: AppRecord, *, browser: Browser, launcher: Launcher
    ) -> None:
        self._emulator = emulator
        self._app = app
        self._browser = browser
        self._launcher = launcher
        self._url = emulator.base_url

    async def run_bot(self, script: str = "bot.mjs", **environment: str) -> Response:
        """Start a bot and have the app's events sent there; give the emulator's answer."""
        _, url = await self._launcher.start(script, self._app, **environment)
        return await self.change(bot_endpoint=f"{url}/zoom/events")

    async def change(self, **change: Any) -> Response:
        """Change the app; a new endpoint has to prove itself."""
        transport = HttpTransport()
        try:
            address = f"{self._url}/_emulator/apps/{self._app.client_id}"
            return await transport.send(Request("PATCH", address, {}, json.dumps(change).encode()))
        finally:
            await transport.aclose()

    async def add_app(self, person: User) -> None:
        """Add the app from its Local Test page, through consent, to the bot's conversation."""
        local_test = f"{self._url}/marketplace/apps/{self._app.client_id}/local-test"
        page = await self._browser.open(local_test)
        page = await self._browser.press(page, "Add App Now")
        page = await self._browser.press(page, "Allow", user=person.id)
        assert page.status == 200
        assert self._app.name in page.text

    async def say(self, text: str, *, to: str | None = None) -> None:
        """Write to the bot, or to a channel, as whoever is signed in at the browser."""
        form = {"with": to or self._app.bot_jid, "text": text}
        page = await self._browser.post(f"{self._url}/chat/say", form)
        assert page.status == 200

    async def click(self, message: Message, value: str) -> None:
        """Press a button of a message."""
        form = {"message": message.id, "value": value}
        page = await self._browser.post(f"{self._url}/chat/click", form)
        assert page.status == 200

    async def reply(self, text: str) -> Message:
        """Wait for a message of the bot's that says this."""

        def said() -> Message | None:
            for message in self._emulator.world.messages.values():
                if message.client_id and text in words(message):
                    return message
            return None

        return await self.until(said)

    async def until(self, holds: Callable[[], T | None]) -> T:
        """Wait until something holds, asking whenever the emulator says that it changed."""
        changed = asyncio.Event()

        def listener(_kind: str, _subject: Any) -> None:
            changed.set()

        listeners = self._emulator.world.listeners
        listeners.append(listener)
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                while (found := holds()) is None:
                    changed.clear()
                    await changed.wait()
        except TimeoutError:
            raise AssertionError(self._story()) from None
        else:
            return found
        finally:
            listeners.remove(listener)

    def _story(self) -> str:
        lines = [words(message) for message in self._emulator.world.messages.values()]
        lines += [json.dumps(each.json()) for each in self._emulator.courier.deliveries]
        return "it did not come; there are:\n" + "\n".join(lines)


def words(message: Message) -> str:
    """Tell what a message says, as the chat shows it."""
    if message.card is None:
        return message.text
    return draw(message.card, markdown=message.markdown, message_id=message.id).text


def person(emulator: Emulator, name: str) -> User:
    return next(user for user in emulator.world.users() if user.first_name == name)
