import json
import re

import pytest

from innkeeper.emulator.chat.conversations import Conversation
from innkeeper.emulator.world import User
from tests.emulator.scene import Scene

pytestmark = pytest.mark.anyio

GENERAL = "c0general@conference.xmpp.zoom.us"
CARD = {
    "head": {"text": "Ship it?"},
    "body": [
        {"type": "actions", "items": [{"text": "Yes", "value": "yes"}]},
        {"type": "select", "text": "Day", "select_items": [{"value": "fri", "text": "Friday"}]},
        {"type": "hologram"},
    ],
}


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def page(scene: Scene, peer: str = "", user: User | None = None) -> str:
    path = f"/chat?with={peer}" if peer else "/chat"
    answer = await scene.call("GET", path, user=user or scene.ana)
    assert answer.status == 200, answer.headers
    return answer.body.decode()


async def test_whoever_is_not_signed_in_is_asked_to(scene: Scene) -> None:
    answer = await scene.call("GET", f"/chat?with={GENERAL}")
    assert answer.status == 303
    assert answer.headers["location"] == (
        "/signin?next=%2Fchat%3Fwith%3Dc0general%40conference.xmpp.zoom.us"
    )
    for path in ("say", "click", "select"):
        answer = await scene.call("POST", f"/chat/{path}", form={"with": GENERAL, "text": "x"})
        assert answer.headers["location"] == "/signin?next=%2Fchat"
    assert scene.world.messages == {}


async def test_shows_the_rail_and_the_first_conversation(scene: Scene) -> None:
    scene.install()
    html = await page(scene)
    assert "Message to Dueday" in html
    assert f"/chat?with={GENERAL.replace('@', '%40')}" in html
    assert 'data-events="/chat/events?with=v1dueday%40xmpp.zoom.us&amp;after=0"' in html
    assert "/dueday due &lt;day&gt;" in html


async def test_shows_a_page_to_whom_nobody_talks(scene: Scene) -> None:
    scene.world.accounts[0].channels.clear()
    html = await page(scene)
    assert "There is nobody to talk to yet." in html
    assert "<textarea" not in html


async def test_a_conversation_that_is_not_there_leads_back(scene: Scene) -> None:
    answer = await scene.call("GET", "/chat?with=nobody", user=scene.ana)
    assert (answer.status, answer.headers["location"]) == (303, "/chat")


async def test_a_bot_that_is_not_installed_can_be_opened_by_its_link(scene: Scene) -> None:
    html = await page(scene, scene.app.bot_jid)
    assert "Dueday is not added" in html
    assert "<textarea" not in html


async def test_writing_is_a_plain_form(scene: Scene) -> None:
    scene.install()
    answer = await scene.call(
        "POST", "/chat/say", user=scene.ana, form={"with": scene.app.bot_jid, "text": "due?\r\n"}
    )
    assert answer.status == 303
    assert answer.headers["location"] == "/chat?with=v1dueday@xmpp.zoom.us"
    assert scene.bot.bodies[0]["payload"]["cmd"] == "due?"
    assert "due?" in await page(scene, scene.app.bot_jid)


async def test_what_is_written_is_shown_as_text(scene: Scene) -> None:
    scene.install()
    await scene.chat.says(scene.ana, scene.app.bot_jid, "<b>&</b><script>alert(1)</script> *x*")
    html = await page(scene, scene.app.bot_jid)
    assert "&lt;b&gt;&amp;&lt;/b&gt;" in html
    assert "<script>alert" not in html
    assert "*x*" in html


@pytest.mark.parametrize("text", ["", "   ", "x" * 65_537])
async def test_what_is_not_sent_is_explained_in_the_conversation(scene: Scene, text: str) -> None:
    scene.install()
    answer = await scene.call(
        "POST", "/chat/say", user=scene.ana, form={"with": scene.app.bot_jid, "text": text}
    )
    assert answer.status == 303
    (note,) = scene.messages()
    assert note.text.startswith("Not sent: the text is")
    assert "message system" in await page(scene, scene.app.bot_jid)


@pytest.mark.parametrize("peer", ["", "nobody", "https://evil.test/", "//evil.test", "a\r\nb: c"])
async def test_writing_to_nobody_leads_back_to_the_chat(scene: Scene, peer: str) -> None:
    answer = await scene.call(
        "POST", "/chat/say", user=scene.ana, form={"with": peer, "text": "hello"}
    )
    assert answer.status == 303
    assert re.fullmatch(r"/chat(\?with=[\w%./@]+)?", answer.headers["location"])
    assert scene.world.messages == {}


async def test_a_cards_button_and_dropdown_are_plain_forms(scene: Scene) -> None:
    scene.install()
    conversation = Conversation(scene.ana, app=scene.app)
    message = scene.chat.conversations.show(conversation, scene.app, CARD)
    html = await page(scene, scene.app.bot_jid)
    assert f'name="message" value="{message.id}"' in html
    assert 'name="value" value="yes"' in html
    assert "Zoom would reject or hide this" in html
    answer = await scene.call(
        "POST", "/chat/click", user=scene.ana, form={"message": message.id, "value": "yes"}
    )
    assert answer.headers["location"] == "/chat?with=v1dueday@xmpp.zoom.us"
    block = re.search(r'name="block" value="([^"]+)"', html)
    assert block
    form = {"message": message.id, "block": block[1], "value": "fri"}
    await scene.call("POST", "/chat/select", user=scene.ana, form=form)
    assert [body["event"] for body in scene.bot.bodies] == [
        "interactive_message_actions",
        "interactive_message_select",
    ]


@pytest.mark.parametrize("path", ["click", "select"])
async def test_a_form_that_refuses_says_so_in_the_conversation(scene: Scene, path: str) -> None:
    scene.install()
    conversation = Conversation(scene.ana, app=scene.app)
    message = scene.chat.conversations.show(conversation, scene.app, CARD)
    form = {"message": message.id, "block": "/body/9", "value": "never"}
    answer = await scene.call("POST", f"/chat/{path}", user=scene.ana, form=form)
    assert answer.status == 303
    assert scene.messages()[-1].sender == ""
    answer = await scene.call("POST", f"/chat/{path}", user=scene.ana, form={"message": "none"})
    assert (answer.status, answer.headers["location"]) == (303, "/chat")


async def test_a_removed_apps_buttons_are_dead(scene: Scene) -> None:
    installation = scene.install()
    conversation = Conversation(scene.ana, app=scene.app)
    scene.chat.conversations.show(conversation, scene.app, CARD)
    assert 'value="yes" disabled' not in await page(scene, scene.app.bot_jid)
    del scene.world.installations[installation.id]
    assert 'value="yes" disabled' in await page(scene, scene.app.bot_jid)


async def test_edits_deletions_and_private_messages_are_marked(scene: Scene) -> None:
    scene.install()
    hers = scene.chat.conversations.find(scene.ana, GENERAL)
    boxes = scene.chat.conversations
    edited = boxes.show(hers, scene.app, {"head": {"text": "one"}})
    boxes.edit(edited, {"head": {"text": "two"}}, markdown=False)
    gone = boxes.show(hers, scene.app, {"head": {"text": "vanished"}})
    boxes.delete(gone)
    boxes.show(hers, scene.app, {"head": {"text": "psst"}}, visible_to=scene.ana.id)
    html = await page(scene, GENERAL)
    assert "edited" in html
    assert "This message was deleted." in html
    assert "vanished" not in html
    assert "only you see this" in html
    assert "psst" not in await page(scene, GENERAL, scene.ben)


async def test_the_control_api_lists_messages(scene: Scene) -> None:
    scene.install()
    await scene.chat.says(scene.ana, scene.app.bot_jid, "hello")
    card = {"head": {"text": "Hi"}}
    scene.chat.conversations.show(Conversation(scene.ana, app=scene.app), scene.app, card)
    answer = await scene.call("GET", "/_emulator/messages")
    said, shown = json.loads(answer.body)["messages"]
    assert (said["text"], said["card"], said["sender"]) == ("hello", None, scene.ana.jid)
    assert said["conversation"] == shown["conversation"] == "UAna1|v1dueday@xmpp.zoom.us"
    assert (shown["card"], shown["to_jid"], shown["client_id"]) == (
        card,
        scene.ana.jid,
        "client_dueday",
    )
    assert (shown["edited"], shown["deleted"]) == (False, False)
    assert shown["at"] == "2026-03-02T09:00:00+00:00"
