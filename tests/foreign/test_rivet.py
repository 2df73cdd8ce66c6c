"""Does Zoom's own SDK for Node, as published, find a Zoom in the emulator?"""

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from innkeeper.browser import Browser
from innkeeper.emulator import Emulator
from innkeeper.emulator.world import AppRecord, Message, User
from innkeeper.net.outbound import HttpTransport, Request, Response
from innkeeper.ui.cards import draw
from tests.foreign.program import Launcher

pytestmark = [pytest.mark.anyio, pytest.mark.node, pytest.mark.slow]

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

    async def run_bot(self, **environment: str) -> Response:
        """Start the bot and have the app's events sent there; give the emulator's answer."""
        _, url = await self._launcher.start("bot.mjs", self._app, **environment)
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


@pytest.fixture
def workspace(
    emulator: Emulator, app: AppRecord, browser: Browser, launcher: Launcher
) -> Workspace:
    # As the chatbot's own documentation has it, the deep link to its chat is the redirect URL.
    app.redirect_uris = [f"{emulator.base_url}/launch/chat?jid=robot_{app.bot_jid}"]
    return Workspace(emulator, app, browser=browser, launcher=launcher)


async def test_a_chatbot_answers_commands_and_buttons_in_the_chat(
    emulator: Emulator, workspace: Workspace
) -> None:
    changed = await workspace.run_bot()
    assert changed.status == 200, changed.body
    await workspace.add_app(person(emulator, "Ana"))

    await workspace.say("/bot hello")
    await workspace.reply("Hello, Ana Keller")

    await workspace.say("/bot ask")
    question = await workspace.reply("Lunch at noon?")
    await workspace.click(question, "accept")
    await workspace.reply("Noted")
    assert question.edited
    assert "Ana Keller comes to lunch" in words(question)

    await workspace.say("/bot ask")
    question = await workspace.reply("Lunch at noon?")
    await workspace.click(question, "forget")
    await workspace.until(lambda: question.deleted or None)

    commands_and_clicks = {
        (each.event, each.state, len(each.attempts))
        for each in emulator.courier.deliveries
        if each.event != "bot_installed"
    }
    assert commands_and_clicks == {
        ("bot_notification", "delivered", 1),
        ("interactive_message_actions", "delivered", 1),
    }
    assert [token.kind for token in emulator.world.tokens] == ["chatbot"]


@pytest.mark.parametrize(
    "text",
    [
        'Grüße "quoted" \\ back/slash <&> 1.0',
        "你好 👋🏽 \u2028 \u2029 \x7f \ufeff",
        '{"event": "endpoint.url_validation"}',
    ],
)
async def test_a_chatbot_finds_every_character_signed_as_it_writes_it_itself(
    emulator: Emulator, workspace: Workspace, text: str
) -> None:
    await workspace.run_bot()
    await workspace.add_app(person(emulator, "Ana"))

    await workspace.say(f"/bot echo {text}")

    reply = await workspace.until(
        lambda: next((each for each in emulator.world.messages.values() if each.client_id), None)
    )
    assert reply.card == {"body": [{"type": "message", "text": text}]}


async def test_a_chatbot_answers_in_a_channel(emulator: Emulator, workspace: Workspace) -> None:
    channel = emulator.world.channels()[0]
    await workspace.run_bot()
    await workspace.add_app(person(emulator, "Ana"))

    await workspace.say("/bot hello", to=channel.jid)

    reply = await workspace.reply("Hello, Ana Keller")
    assert reply.to_jid == channel.jid


async def test_a_chatbot_of_one_user_answers_that_user(
    emulator: Emulator, app: AppRecord, workspace: Workspace
) -> None:
    app.management = "user"
    await workspace.run_bot()
    await workspace.add_app(person(emulator, "Ben"))

    await workspace.say("/bot echo only for Ben")

    reply = await workspace.reply("only for Ben")
    assert reply.to_jid == person(emulator, "Ben").jid


async def test_a_chatbot_with_another_secret_token_gets_no_events(
    app: AppRecord, workspace: Workspace
) -> None:
    before = app.bot_endpoint

    changed = await workspace.run_bot(ZOOM_WEBHOOK_SECRET_TOKEN="another")

    assert changed.status == 400
    assert b"the endpoint answered 400" in changed.body
    assert app.bot_endpoint == before


async def test_an_install_page_ends_with_tokens_that_are_refreshed_and_used(
    emulator: Emulator, app: AppRecord, browser: Browser, launcher: Launcher
) -> None:
    ben = person(emulator, "Ben")
    app.management = "user"
    program, url = await launcher.start("installer.mjs", app)
    app.redirect_uris = [f"{url}/zoom/oauth/callback"]

    page = await browser.open(f"{url}/zoom/oauth/install")
    link = re.search(r'href="https://zoom\.us(/oauth/authorize[^"]*)"', page.html)
    assert link is not None, page.text
    page = await browser.open(f"{emulator.base_url}{link[1]}")
    page = await browser.press(page, "Allow", user=ben.id)

    assert page.status == 200
    assert "successfully authorized" in page.text
    assert await program.said("user") == ben.id
    given = [(token.kind, token.user_id, token.refreshed) for token in emulator.world.tokens]
    assert given == [("user", ben.id, True), ("user", ben.id, False)]
