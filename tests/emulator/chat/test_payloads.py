from innkeeper.emulator.chat import payloads
from innkeeper.emulator.chat.conversations import Conversation
from innkeeper.emulator.courier.stringify import stringify
from innkeeper.wire import events
from innkeeper.wire import payloads as wire_payloads
from tests.emulator.scene import Scene


def test_bot_installed_has_zooms_keys_in_zooms_order() -> None:
    scene = Scene()
    installation = scene.install()
    payload = payloads.bot_installed(scene.app, installation, scene.ana, timestamp=17)
    assert list(payload.items()) == [
        ("accountId", "acc_north"),
        ("robotJid", "v1dueday@xmpp.zoom.us"),
        ("timestamp", 17),
        ("userId", "UAna1"),
        ("userJid", "uana1@xmpp.zoom.us"),
        ("userMemberId", "mUAna1"),
        ("userName", "Ana Keller"),
        ("userStatus", "authenticated"),
    ]


def test_bot_notification_has_zooms_keys_in_zooms_order() -> None:
    scene = Scene()
    scene.app.bot_jid = "v1DueDay@xmpp.zoom.us"
    payload = payloads.bot_notification(
        scene.app, scene.ana, cmd="due friday", channel=None, trigger_id="trg", timestamp=17
    )
    assert list(payload.items()) == [
        ("accountId", "acc_north"),
        ("channelName", "Ana Keller"),
        ("cmd", "due friday"),
        ("robotJid", "v1dueday@xmpp.zoom.us"),
        ("timestamp", 17),
        ("toJid", "uana1@xmpp.zoom.us"),
        ("triggerId", "trg"),
        ("userId", "UAna1"),
        ("userJid", "uana1@xmpp.zoom.us"),
        ("userMemberId", "mUAna1"),
        ("userName", "Ana Keller"),
        ("userStatus", "authorized"),
    ]


def test_an_interaction_has_all_keys_in_alphabetical_order() -> None:
    scene = Scene()
    conversation = Conversation(scene.ana, app=scene.app)
    card = {"head": {"text": "Due"}, "new": {"z": 1}}
    message = scene.chat.conversations.show(conversation, scene.app, card)
    payload = payloads.interaction(
        scene.app,
        scene.ana,
        message,
        {"selectedItems": [{"value": "a"}]},
        channel=None,
        timestamp=17,
    )
    assert list(payload) == [
        "accountId", "channelName", "messageId", "original", "robotJid", "selectedItems",
        "timestamp", "toJid", "userId", "userJid", "userName",
    ]  # fmt: skip
    assert payload["original"] == card
    assert payload["toJid"] == "uana1@xmpp.zoom.us/robot_v1dueday@xmpp.zoom.us"
    event = events.decode(
        stringify({"event": "interactive_message_select", "event_ts": 17, "payload": payload})
    )
    assert isinstance(event.payload, wire_payloads.InteractiveMessageSelect)
