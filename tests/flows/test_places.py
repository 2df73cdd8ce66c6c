"""An answer goes where the event came from, whatever shape that is written in."""

from typing import Any

import pytest

from innkeeper.flows.places import Actor, Room, actor_of, message_of, place_of, room_of
from innkeeper.flows.speak import Place
from innkeeper.ids import AccountId, Jid, MessageId
from innkeeper.wire.events import Event, interpret

USER = "user-1@xmpp.zoom.us"
CHANNEL = "room-7@conference.xmpp.zoom.us"
SHAPES = {
    "a channel": (CHANNEL, CHANNEL),
    "a person": (USER, None),
    "a person with the bot": (f"{USER}/robot_v1bot@xmpp.zoom.us", None),
    "a person with a channel": (f"{USER}/{CHANNEL}", CHANNEL),
    "a channel of a development environment": (
        "room-7@conference.xmppdev.zoom.us",
        "room-7@conference.xmppdev.zoom.us",
    ),
}


def happened(name: str, payload: dict[str, Any]) -> Event[Any]:
    return interpret({"event": name, "payload": payload})


def command(**changes: Any) -> Event[Any]:
    payload = {
        "accountId": "Account-1",
        "robotJid": "v1bot@xmpp.zoom.us",
        "toJid": USER,
        "userId": "User-1",
        "userJid": USER,
        "userName": "Ana",
        "channelName": "Front desk",
    }
    return happened("bot_notification", payload | changes)


def activity(name: str = "team_chat.app_mention", /, **about: Any) -> Event[Any]:
    return happened(name, {"account_id": "Account-1", "operator_id": "User-1", "object": about})


def place(to_jid: str, user: str | None = USER, thread: str | None = None) -> Place:
    jid = Jid(user) if user else None
    return Place(AccountId("Account-1"), Jid(to_jid), jid, MessageId(thread) if thread else None)


@pytest.mark.parametrize("shape", SHAPES)
def test_answers_every_shape_unchanged_and_knows_the_channel(shape: str) -> None:
    to_jid, channel = SHAPES[shape]
    event = command(toJid=to_jid)
    assert place_of(event) == place(to_jid)
    room = Room("room-7", Jid(channel), "Front desk") if channel else None
    assert room_of(event) == room


def test_answers_in_the_thread() -> None:
    assert place_of(command(toJid=CHANNEL, replyMainMessageId="m1")) == place(CHANNEL, thread="m1")
    mention = activity(channel_id="room-7", reply_main_message_id="m1")
    assert place_of(mention) == place(CHANNEL, thread="m1")


def test_answers_an_installation_to_who_did_it() -> None:
    payload = {
        "accountId": "Account-1",
        "robotJid": "v1bot@xmpp.zoom.us",
        "userId": "User-1",
        "userJid": USER,
    }
    assert place_of(happened("bot_installed", payload)) == place(USER)


@pytest.mark.parametrize("name", ["app_mention", "link_shared", "channel_message_posted"])
def test_makes_a_channels_address_of_its_id(name: str) -> None:
    event = activity(f"team_chat.{name}", channel_id="room-7", channel_name="Room 7")
    assert place_of(event) == place(CHANNEL)
    assert room_of(event) == Room("room-7", Jid(CHANNEL), "Room 7")


def test_prefers_the_address_that_the_event_gives() -> None:
    event = happened(
        "team_chat.app_mention",
        {
            "account_id": "Account-1",
            "operator_id": "User-1",
            "operator_jid": "another-name@xmpp.zoom.us",
            "object": {"channel_id": "Room-7", "to_jid": CHANNEL},
        },
    )
    assert place_of(event) == place(CHANNEL, "another-name@xmpp.zoom.us")
    assert room_of(event) == Room("Room-7", Jid(CHANNEL), "")


def test_answers_what_happens_between_two_to_who_acted() -> None:
    event = activity("team_chat.link_shared", contact_id="User-2", reply_main_message_id="m1")
    assert place_of(event) == place(USER)
    assert room_of(event) is None


def form(to_jid: str, **changes: Any) -> Event[Any]:
    payload = {"account_id": "Account-1", "object": {"to_jid": to_jid, "message_id": "m1"}}
    return happened("chat_message.submit", payload | changes)


def test_answers_a_form_where_it_stands() -> None:
    assert place_of(form(CHANNEL, operator_id="User-1")) == place(CHANNEL)
    assert place_of(form(CHANNEL)) == place(CHANNEL, None)
    assert place_of(form(USER)) == place(USER)
    assert actor_of(form(USER)) == Actor("", USER, "")
    assert actor_of(form(f"{USER}/robot_v1bot@xmpp.zoom.us")) == Actor("", "", "")
    assert message_of(form(USER)) == "m1"


@pytest.mark.parametrize(
    "event",
    [
        form(USER, account_id=None),
        activity("team_chat.starred"),
        happened("team_chat.starred", {"object": {"channel_id": "room-7"}}),
        happened("meeting.started", {}),
        happened("app.authorization_request_created", {"app_name": "Porter"}),
    ],
    ids=["no account", "only who acted", "no account in a channel", "unknown", "a request"],
)
def test_knows_no_place_where_the_event_names_none(event: Event[Any]) -> None:
    alone = event.name == "team_chat.starred" and event.payload.operator_id is not None
    assert place_of(event) == (place(USER) if alone else None)


def test_reads_the_ids_that_older_events_call_otherwise() -> None:
    created = activity("chat_channel.created", id="room-7", name="Room 7")
    assert room_of(created) == Room("room-7", Jid(CHANNEL), "Room 7")
    assert place_of(created) == place(CHANNEL)
    assert room_of(activity("chat_channel.deleted")) is None
    assert message_of(activity("chat_message.sent", id="m1")) == "m1"
    assert message_of(activity("team_chat.channel_reaction_added", msg_id="m1")) == "m1"
    assert message_of(created) is None


def test_knows_who_acted() -> None:
    assert actor_of(command()) == Actor("User-1", USER, "Ana")
    assert actor_of(activity()) == Actor("User-1", USER, "")
    assert actor_of(happened("meeting.started", {})) == Actor("", "", "")
    assert message_of(command()) is None
