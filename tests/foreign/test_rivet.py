"""Does Zoom's own SDK for Node, as published, find a Zoom in the emulator?"""

import re
from html import unescape

import pytest

from innkeeper.browser import Browser
from innkeeper.emulator import Emulator
from innkeeper.emulator.world import AppRecord
from tests.foreign.program import Launcher
from tests.foreign.workspace import Workspace, person, words

pytestmark = [pytest.mark.anyio, pytest.mark.node, pytest.mark.slow]


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
    link = re.search(r'href="(https://zoom\.us/oauth/authorize[^"]*)"', page.html)
    assert link is not None, page.text
    page = await browser.open(unescape(link[1]))
    page = await browser.press(page, "Allow", user=ben.id)

    assert page.status == 200
    assert "successfully authorized" in page.text
    assert await program.said("user") == ben.id
    given = [(token.kind, token.user_id, token.refreshed) for token in emulator.world.tokens]
    assert given == [("user", ben.id, True), ("user", ben.id, False)]


async def test_the_sample_beside_ours_in_the_documents_does_what_it_shows(
    emulator: Emulator, workspace: Workspace
) -> None:
    changed = await workspace.run_bot("sample.mjs")
    assert changed.status == 200, changed.body
    await workspace.add_app(person(emulator, "Ana"))

    await workspace.say("/bot todo buy milk")
    asked = await workspace.reply("buy milk")
    assert words(asked) == "To do\nbuy milk\n[Done]"

    await workspace.click(asked, "done")
    answered = await workspace.reply("by Ana Keller")
    assert (answered.id, words(answered)) == (asked.id, "Done\nby Ana Keller")
