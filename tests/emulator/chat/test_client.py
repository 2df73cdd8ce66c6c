import json
from typing import Any

import pytest

from innkeeper.clock import epoch_ms
from innkeeper.emulator.chat.conversations import Conversation
from innkeeper.emulator.world import Message, Welcome
from innkeeper.errors import ChatRefused
from innkeeper.wire import events, payloads
from tests.emulator.scene import START, Scene

pytestmark = pytest.mark.anyio

GENERAL = "c0general@conference.xmpp.zoom.us"


@pytest.fixture
def scene() -> Scene:
    return Scene()


def sent(scene: Scene) -> dict[str, Any]:
    return scene.bot.bodies[-1]["payload"]


def shown(scene: Scene, card: dict[str, Any], channel: bool = False) -> Message:
    conversation = (
        scene.chat.conversations.find(scene.ana, GENERAL)
        if channel
        else Conversation(scene.ana, app=scene.app)
    )
    return scene.chat.conversations.show(conversation, scene.app, card)


# Welcome


async def test_the_default_welcome_is_the_apps_name_and_description(scene: Scene) -> None:
    await scene.chat.welcome(scene.install())
    (message,) = scene.messages()
    assert message.card == {
        "head": {"text": "Dueday"},
        "body": [{"type": "message", "text": "Dueday tells you what is due."}],
    }
    assert (message.sender, message.sender_name) == (scene.app.bot_jid, "Dueday")
    assert not scene.bot.got, "Zoom says it; the app is not asked"


async def test_the_static_welcome_is_its_title_and_body(scene: Scene) -> None:
    scene.app.welcome = Welcome("static", "Good day", "Type `help`.")
    await scene.chat.welcome(scene.install())
    (message,) = scene.messages()
    assert message.card == {
        "head": {"text": "Good day"},
        "body": [{"type": "message", "text": "Type `help`."}],
    }


@pytest.mark.parametrize(
    ("title", "body", "card"),
    [
        ("Good day", "", {"head": {"text": "Good day"}}),
        ("", "Hello", {"body": [{"type": "message", "text": "Hello"}]}),
    ],
)
async def test_half_a_static_welcome_is_shown_as_half(
    scene: Scene, title: str, body: str, card: dict[str, Any]
) -> None:
    scene.app.welcome = Welcome("static", title, body)
    await scene.chat.welcome(scene.install())
    assert scene.messages()[0].card == card


async def test_an_empty_static_welcome_is_the_default_one(scene: Scene) -> None:
    scene.app.welcome = Welcome("static")
    await scene.chat.welcome(scene.install())
    assert scene.messages()[0].card["head"] == {"text": "Dueday"}  # type: ignore[index]


async def test_the_dynamic_welcome_is_what_the_app_answers(scene: Scene) -> None:
    scene.app.welcome = Welcome("dynamic", "not", "shown")
    scene.bot.then(200, {"content": {"head": {"text": "Hi Ana"}}, "is_markdown_support": True})
    await scene.chat.welcome(scene.install())
    (message,) = scene.messages()
    assert (message.card, message.markdown) == ({"head": {"text": "Hi Ana"}}, True)
    event = events.decode(scene.bot.got[0][1])
    assert isinstance(event.payload, payloads.BotInstalled)
    assert event.payload.user_id == "UAna1"
    assert event.payload.timestamp == epoch_ms(START)
    (delivery,) = scene.courier.deliveries
    assert (delivery.event, delivery.state, delivery.diagnostics) == (
        "bot_installed",
        "delivered",
        [],
    )


@pytest.mark.parametrize(
    ("status", "answer", "why"),
    [
        (200, b"", "empty"),
        (204, b"", "empty"),
        (200, b"welcome!", "not_json"),
        (200, b'{"message":"ok"}', "without a content"),
        (200, b'["content"]', "without a content"),
        (200, b'{"content":"Hi"}', "without a content"),
        (200, b'{"content":{}}', "neither a head nor a body"),
        (200, b'{"content":{"body":[{"type":"message"}]}}', "/body/0"),
    ],
)
async def test_an_answer_without_a_card_is_no_message_and_the_delivery_says_why(
    scene: Scene, status: int, answer: bytes, why: str
) -> None:
    scene.app.welcome = Welcome("dynamic")
    scene.bot.then(status, answer)
    await scene.chat.welcome(scene.install())
    assert scene.messages() == []
    (delivery,) = scene.courier.deliveries
    assert delivery.state == "delivered"
    assert why in delivery.diagnostics[0]
    assert delivery.json()["diagnostics"] == delivery.diagnostics


async def test_an_odd_card_is_shown_with_a_diagnostic(scene: Scene) -> None:
    scene.app.welcome = Welcome("dynamic")
    scene.bot.then(200, {"content": {"head": {"text": "Hi"}, "body": [{"type": "hologram"}]}})
    await scene.chat.welcome(scene.install())
    assert len(scene.messages()) == 1
    assert "hologram" in scene.courier.deliveries[0].diagnostics[0]


async def test_a_welcome_that_comes_with_a_retry_is_shown(scene: Scene) -> None:
    scene.app.welcome = Welcome("dynamic")
    scene.bot.then(503).then(200, {"content": {"head": {"text": "Late, but here"}}})
    await scene.chat.welcome(scene.install())
    assert scene.messages() == []
    scene.clock.advance(300)
    await scene.courier.run_due()
    assert len(scene.messages()) == 1


async def test_a_welcome_after_the_removal_is_not_shown(scene: Scene) -> None:
    scene.app.welcome = Welcome("dynamic")
    scene.bot.then(503).then(200, {"content": {"head": {"text": "Too late"}}})
    installation = scene.install()
    await scene.chat.welcome(installation)
    del scene.world.installations[installation.id]
    scene.clock.advance(300)
    await scene.courier.run_due()
    assert scene.messages() == []
    assert "removed" in scene.courier.deliveries[0].diagnostics[0]


async def test_who_removed_the_app_before_its_welcome_gets_none(scene: Scene) -> None:
    scene.app.welcome = Welcome("dynamic")
    installation = scene.install()
    del scene.world.installations[installation.id]
    await scene.chat.welcome(installation)
    assert scene.messages() == []
    assert not scene.bot.got


async def test_an_installation_whose_app_is_gone_has_no_conversation(scene: Scene) -> None:
    installation = scene.install()
    del scene.world.apps[scene.app.client_id]
    with pytest.raises(ChatRefused):
        await scene.chat.welcome(installation)


# Writing


async def test_what_is_said_to_a_bot_reaches_it_whole(scene: Scene) -> None:
    scene.install()
    message = await scene.chat.says(scene.ana, scene.app.bot_jid, "what is due?")
    event = events.decode(scene.bot.got[0][1])
    assert isinstance(event.payload, payloads.BotNotification)
    assert event.payload.cmd == "what is due?"
    assert event.payload.to_jid == "uana1@xmpp.zoom.us"
    assert "event_ts" not in scene.bot.bodies[0]
    assert (message.text, message.sender) == ("what is due?", scene.ana.jid)
    assert scene.messages() == [message]


@pytest.mark.parametrize(
    ("text", "cmd"),
    [
        ("/dueday due friday", "due friday"),
        ("/DueDay  due   friday ", "due   friday"),
        ("/dueday\ndue friday", "due friday"),
        ("/dueday", ""),
        ("/duedays due", "/duedays due"),
        ("/other x", "/other x"),
        ("due /dueday", "due /dueday"),
        ("  padded\t", "padded"),
        ("two\r\nlines", "two\nlines"),
    ],
)
async def test_the_bots_own_command_is_taken_off_in_its_conversation(
    scene: Scene, text: str, cmd: str
) -> None:
    scene.install()
    await scene.chat.says(scene.ana, scene.app.bot_jid, text)
    assert sent(scene)["cmd"] == cmd


@pytest.mark.parametrize(
    "text",
    [
        "🎉🧑🏽‍🚀 party",
        "مرحبا بالعالم",
        "\u200f" + "שלום, world" + "\u200e",
        "a\u2028b",
        "x" * 65_536,
        "🎉" * 16_384,
    ],
)
async def test_any_text_arrives_as_it_was_typed(scene: Scene, text: str) -> None:
    scene.install()
    await scene.chat.says(scene.ana, scene.app.bot_jid, text)
    assert sent(scene)["cmd"] == text
    assert "\\u" not in scene.bot.got[0][1].decode(), "UTF-8 stands unescaped"
    assert scene.messages()[0].text == text


async def test_half_a_surrogate_is_replaced(scene: Scene) -> None:
    scene.install()
    await scene.chat.says(scene.ana, scene.app.bot_jid, "half \ud83c one, whole \ud83c\udf89")
    assert sent(scene)["cmd"] == "half \ufffd one, whole 🎉"


@pytest.mark.parametrize("text", ["", "  \n ", "x" * 65_537, "🎉" * 16_385])
async def test_nothing_and_too_much_are_not_sent(scene: Scene, text: str) -> None:
    scene.install()
    with pytest.raises(ChatRefused):
        await scene.chat.says(scene.ana, scene.app.bot_jid, text)
    assert scene.messages() == []
    assert not scene.bot.got


async def test_in_a_channel_a_bot_hears_only_its_command(scene: Scene) -> None:
    scene.install()
    await scene.chat.says(scene.ben, GENERAL, "what is due?")
    assert not scene.bot.got
    await scene.chat.says(scene.ben, GENERAL, "/dueday due friday")
    assert sent(scene) | {"triggerId": ""} == {
        "accountId": "acc_north",
        "channelName": "general",
        "cmd": "due friday",
        "robotJid": "v1dueday@xmpp.zoom.us",
        "timestamp": epoch_ms(START),
        "toJid": GENERAL,
        "triggerId": "",
        "userId": "UBen2",
        "userJid": "uben2@xmpp.zoom.us",
        "userMemberId": "mUBen2",
        "userName": "Ben Ortiz",
        "userStatus": "authorized",
    }
    assert [each.text for each in scene.messages(scene.ana, GENERAL)] == [
        "what is due?",
        "/dueday due friday",
    ]


async def test_an_unknown_command_in_a_channel_is_a_mere_message(scene: Scene) -> None:
    scene.install()
    await scene.chat.says(scene.ana, GENERAL, "/etc/hosts is wrong")
    await scene.chat.says(scene.ana, GENERAL, "/ x")
    assert not scene.bot.got
    assert len(scene.messages(scene.ana, GENERAL)) == 2


async def test_of_two_apps_with_one_command_the_installed_one_hears(scene: Scene) -> None:
    scene.other.command = "dueday"
    scene.install(scene.other)
    await scene.chat.says(scene.ana, GENERAL, "/dueday x")
    assert sent(scene)["robotJid"] == scene.other.bot_jid


@pytest.mark.parametrize("peer", ["v1dueday@xmpp.zoom.us", GENERAL])
async def test_a_bot_that_is_not_installed_hears_nothing_and_zoom_says_so(
    scene: Scene, peer: str
) -> None:
    await scene.chat.says(scene.ana, peer, "/dueday hello")
    assert not scene.bot.got
    said, note = scene.messages(scene.ana, peer)
    assert said.text == "/dueday hello"
    assert "not installed" in note.text
    assert (note.sender, note.visible_to) == ("", scene.ana.id)


async def test_no_two_events_carry_the_same_time(scene: Scene) -> None:
    scene.install()
    for _ in range(3):
        await scene.chat.says(scene.ana, scene.app.bot_jid, "again")
    stamps = [body["payload"]["timestamp"] for body in scene.bot.bodies]
    assert stamps == [epoch_ms(START), epoch_ms(START) + 1, epoch_ms(START) + 2]


# Cards

CARD: dict[str, Any] = {
    "head": {"text": "Ship it?"},
    "body": [
        {
            "type": "actions",
            "items": [
                {"text": "Yes", "value": "yes", "style": "Primary"},
                {"text": "No", "value": "no", "style": "Disabled"},
                {"text": "Off", "value": "twice", "style": "Disabled"},
                {"text": "On", "value": "twice"},
            ],
        },
        {"type": "select", "text": "Day", "select_items": [{"value": "fri", "text": "Friday"}]},
        {
            "type": "section",
            "sections": [
                {"type": "select", "text": "Who", "static_source": "members"},
                {"type": "select", "text": "Where", "static_source": "channels"},
                {"type": "select", "text": "Nothing"},
            ],
        },
        {"type": "message", "text": "Note", "editable": True},
        {"type": "message", "text": "Fixed"},
        {
            "type": "fields",
            "items": [
                {"key": "Title", "value": " ", "editable": True},
                {"key": "Fixed", "value": "x"},
            ],
        },
    ],
    "unknown": {"kept": True},
}


async def test_pressing_a_button_tells_the_bot_with_the_whole_card(scene: Scene) -> None:
    scene.install()
    message = shown(scene, CARD)
    await scene.chat.clicks(scene.ana, message.id, "yes")
    body = scene.bot.bodies[0]
    assert body["event_ts"] == body["payload"]["timestamp"] == epoch_ms(START)
    event = events.decode(scene.bot.got[0][1])
    assert isinstance(event.payload, payloads.InteractiveMessageActions)
    assert event.payload.action_item == payloads.Choice(text="Yes", value="yes")
    assert event.payload.message_id == message.id
    assert event.payload.original == CARD
    assert event.payload.to_jid == "uana1@xmpp.zoom.us/robot_v1dueday@xmpp.zoom.us"
    assert event.payload.channel_name == "Ana Keller"


async def test_a_button_in_a_channel_answers_to_the_channel(scene: Scene) -> None:
    scene.install()
    await scene.chat.clicks(scene.ben, shown(scene, CARD, channel=True).id, "yes")
    assert (sent(scene)["toJid"], sent(scene)["channelName"]) == (GENERAL, "general")
    assert sent(scene)["userId"] == "UBen2"


@pytest.mark.parametrize("value", ["no", "never", ""])
async def test_a_disabled_button_and_one_that_is_not_there_refuse(scene: Scene, value: str) -> None:
    scene.install()
    with pytest.raises(ChatRefused, match=r"disabled|no such button"):
        await scene.chat.clicks(scene.ana, shown(scene, CARD).id, value)
    assert not scene.bot.got


async def test_of_two_buttons_with_one_value_the_enabled_one_is_pressed(scene: Scene) -> None:
    scene.install()
    await scene.chat.clicks(scene.ana, shown(scene, CARD).id, "twice")
    assert sent(scene)["actionItem"] == {"text": "On", "value": "twice"}


@pytest.mark.parametrize(
    ("block", "value"),
    [
        (1, "fri"),
        ("/body/1", "fri"),
        ("/body/2/sections/0", "uben2@xmpp.zoom.us"),
        ("/body/2/sections/1", GENERAL),
    ],
)
async def test_choosing_from_a_dropdown_tells_the_bot(
    scene: Scene, block: str | int, value: str
) -> None:
    scene.install()
    await scene.chat.selects(scene.ana, shown(scene, CARD).id, block, value)
    assert scene.bot.bodies[0]["event"] == "interactive_message_select"
    assert sent(scene)["selectedItems"] == [{"value": value}]


@pytest.mark.parametrize(
    ("block", "value"),
    [
        (1, "sat"),
        (0, "yes"),
        (9, "fri"),
        ("/body/2/sections/0", "ucem3@xmpp.zoom.us"),
        ("/body/2/sections/2", "x"),
    ],
)
async def test_what_no_dropdown_offers_cannot_be_chosen(
    scene: Scene, block: str | int, value: str
) -> None:
    scene.install()
    with pytest.raises(ChatRefused):
        await scene.chat.selects(scene.ana, shown(scene, CARD).id, block, value)
    assert not scene.bot.got


async def test_saving_an_editable_text_tells_the_bot(scene: Scene) -> None:
    scene.install()
    await scene.chat.edits(scene.ana, shown(scene, CARD).id, 3, "Better")
    assert scene.bot.bodies[0]["event"] == "interactive_message_editable"
    assert sent(scene)["editItem"] == {"origin": "Note", "target": "Better"}


async def test_saving_an_editable_field_tells_the_bot(scene: Scene) -> None:
    scene.install()
    await scene.chat.edits(scene.ana, shown(scene, CARD).id, 5, "Engineer", key="Title")
    assert scene.bot.bodies[0]["event"] == "interactive_message_fields_editable"
    assert sent(scene)["fieldEditItem"] == {
        "currentValue": "",
        "key": "Title",
        "newValue": "Engineer",
    }


@pytest.mark.parametrize(("block", "key"), [(4, None), (5, "Fixed"), (5, "None"), (0, None)])
async def test_what_is_not_editable_stays(scene: Scene, block: int, key: str | None) -> None:
    scene.install()
    with pytest.raises(ChatRefused):
        await scene.chat.edits(scene.ana, shown(scene, CARD).id, block, "x", key=key)
    assert not scene.bot.got


async def test_a_card_is_used_only_by_who_sees_it_and_while_its_app_is_there(scene: Scene) -> None:
    installation = scene.install()
    message = shown(scene, CARD)
    with pytest.raises(ChatRefused, match="another person's"):
        await scene.chat.clicks(scene.ben, message.id, "yes")
    with pytest.raises(ChatRefused, match="no such card"):
        await scene.chat.clicks(scene.ana, "none", "yes")
    del scene.world.installations[installation.id]
    with pytest.raises(ChatRefused, match="not installed"):
        await scene.chat.clicks(scene.ana, message.id, "yes")
    scene.chat.conversations.delete(message)
    with pytest.raises(ChatRefused, match="no such card"):
        await scene.chat.clicks(scene.ana, message.id, "yes")
    assert not scene.bot.got


# Removal


async def test_a_removal_is_noted_where_the_app_was_known(scene: Scene) -> None:
    installation = scene.install()
    await scene.chat.says(scene.ben, scene.app.bot_jid, "hi")
    del scene.world.installations[installation.id]
    scene.chat.removed(installation)
    assert scene.messages(scene.ana)[-1].text == "Dueday was removed."
    assert scene.messages(scene.ben)[-1].text == "Dueday was removed."
    assert scene.messages(scene.cem) == []


async def test_a_removal_is_not_noted_where_the_app_still_serves(scene: Scene) -> None:
    hers, his = scene.install(scene.solo, scene.ana), scene.install(scene.solo, scene.ben)
    for user in (scene.ana, scene.ben):
        await scene.chat.says(user, scene.solo.bot_jid, "hi")
    assert hers.id != his.id
    del scene.world.installations[hers.id]
    scene.chat.removed(hers)
    assert scene.messages(scene.ana, scene.solo.bot_jid)[-1].text == "Solo was removed."
    assert scene.messages(scene.ben, scene.solo.bot_jid)[-1].text == "hi"


async def test_the_transcript_of_a_seeded_world_repeats_itself() -> None:
    transcripts: list[bytes] = []
    for _ in range(2):
        scene = Scene()
        scene.install()
        await scene.chat.says(scene.ana, scene.app.bot_jid, "hello")
        await scene.chat.clicks(scene.ana, shown(scene, CARD).id, "yes")
        answer = await scene.call("GET", "/_emulator/messages")
        transcripts.append(answer.body + b"".join(body for _, body in scene.bot.got))
    assert transcripts[0] == transcripts[1]
    assert json.loads(answer.body)["messages"][0]["text"] == "hello"
