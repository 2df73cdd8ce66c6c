"""Where did it happen, and where does an answer go? Read from what an event says.

Zoom writes the conversation in four shapes: a channel's address, a person's, a person's
with the bot behind a slash, a person's with a channel behind it. Each is answered
unchanged. Events that name no conversation name a channel by its id, or only who acted.

Source: https://developers.zoom.us/docs/chat/send-edit-and-delete-messages/
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from innkeeper.flows.speak import Place
from innkeeper.ids import AccountId, Jid, MessageId, UserId, channel_jid, user_jid
from innkeeper.wire.events import Event
from innkeeper.wire.payloads import (
    Camel,
    ChatActivity,
    ChatMessageSubmit,
    LinkShared,
    Payload,
)

_CHANNEL: Final = "@conference."
_NOT_A_PERSON: Final = ("/", _CHANNEL)


class Actor(NamedTuple):
    """Who did something, as far as the event says; what it leaves out is empty."""

    id: UserId
    jid: Jid
    name: str


class Room(NamedTuple):
    """A channel. `name` is empty where the event does not give it."""

    id: str
    jid: Jid
    name: str


def actor_of(event: Event[Payload]) -> Actor:
    """Read who did it. The address is made of the id where the event has none."""
    payload: Any = event.payload
    if isinstance(event.payload, Camel):
        user, jid = getattr(payload, "user_id", ""), getattr(payload, "user_jid", "")
    else:
        user = getattr(payload, "operator_id", None) or getattr(payload, "user_id", None) or ""
        jid = getattr(payload, "operator_jid", None) or _alone(payload)
    return Actor(
        UserId(user),
        Jid(jid or (user_jid(user) if user else "")),
        getattr(payload, "user_name", None) or "",
    )


def _alone(payload: Any) -> str:
    """Read who a form came from where nobody is named: whoever is alone with the bot."""
    to_jid = getattr(getattr(payload, "object", None), "to_jid", None) or ""
    return "" if any(mark in to_jid for mark in _NOT_A_PERSON) else to_jid


def room_of(event: Event[Payload]) -> Room | None:
    """Find the channel that it happened in; None between two, or where nothing is said."""
    payload: Any = event.payload
    about: Any = getattr(payload, "object", None) or payload
    name = getattr(about, "channel_name", None) or ""
    to_jid: str = getattr(about, "to_jid", None) or ""
    if _CHANNEL in to_jid:
        jid = to_jid.rpartition("/")[2]
        return Room(getattr(about, "channel_id", None) or jid.partition("@")[0], Jid(jid), name)
    channel = getattr(about, "channel_id", None)
    if channel is None and event.name.startswith("chat_channel."):
        channel, name = getattr(about, "id", None), getattr(about, "name", None) or ""
    return Room(channel, channel_jid(channel), name) if channel else None


def place_of(event: Event[Payload]) -> Place | None:
    """Find where an answer goes: the conversation it came from, and the thread there."""
    find = _PLACES.get(type(event.payload)) or _place_in_chat
    return find(event)


def _place_in_chat(event: Event[Payload]) -> Place | None:
    payload: Any = event.payload
    account: AccountId | None = getattr(payload, "account_id", None)
    jid: Jid | None = getattr(payload, "user_jid", None)
    to_jid: Jid | None = getattr(payload, "to_jid", None) or jid
    if not account or not to_jid:
        return None
    return Place(account, to_jid, jid, getattr(payload, "reply_main_message_id", None))


def _place_of_form(event: Event[Any]) -> Place | None:
    account: AccountId | None = event.payload.account_id
    if not account:
        return None
    return Place(account, event.payload.object.to_jid, actor_of(event).jid or None)


def _place_of_activity(event: Event[Any]) -> Place | None:
    """Answer in the channel; between two people, whom no bot can join, to who acted."""
    account: AccountId | None = event.payload.account_id
    about = event.payload.object
    jid = actor_of(event).jid
    room = room_of(event)
    to_jid = about.to_jid or (room.jid if room else jid)
    if not account or not to_jid:
        return None
    thread = about.reply_main_message_id if to_jid != jid else None
    return Place(account, Jid(to_jid), jid or None, thread)


_PLACES: Final[dict[type[Payload], Callable[[Event[Any]], Place | None]]] = {
    ChatMessageSubmit: _place_of_form,
    **dict.fromkeys((ChatActivity, *ChatActivity.__subclasses__()), _place_of_activity),
}


class Trigger(NamedTuple):
    """What a card is shown beside a link with: once."""

    account_id: AccountId
    user_id: UserId
    id: str


def trigger_of(event: Event[Payload]) -> Trigger | None:
    """Find how to show a card beside the link that an event is about."""
    payload = event.payload
    if not isinstance(payload, LinkShared):
        return None
    trigger, user = payload.object.trigger_id, payload.operator_id
    account = payload.account_id or AccountId("")
    return Trigger(account, user, trigger) if trigger and user else None


def message_of(event: Event[Payload]) -> MessageId | None:
    """Find which message an event is about."""
    payload: Any = event.payload
    found = getattr(payload, "message_id", None)
    if found is None:
        about = getattr(payload, "object", None)
        keys = ("message_id", "msg_id") + (("id",) * event.name.startswith("chat_message."))
        found = next((each for key in keys if (each := getattr(about, key, None))), None)
    return MessageId(found) if found else None
