"""Which events does a chatbot hear, what causes each, and what does it say today?

One row an event. What a row builds is what the emulator sends: by the same rules, with the
same keys as where a person causes it in the chat page.

Sources: https://developers.zoom.us/docs/api/chatbot/events and
https://developers.zoom.us/docs/api/team-chat/events/
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

from innkeeper.clock import epoch_ms, from_epoch
from innkeeper.emulator.chat import activity, payloads
from innkeeper.emulator.chat.client import callback_keys
from innkeeper.emulator.chat.conversations import Conversation
from innkeeper.emulator.chat.unfurls import open_trigger
from innkeeper.emulator.marketplace.removal import deauthorization
from innkeeper.emulator.oauth.approval import CREATED, asked_for
from innkeeper.emulator.world import AppRecord, Channel, Installation, Message, User, World
from innkeeper.errors import ChatRefused

Payload = dict[str, Any]
Where = Literal["bot", "deauthorization", "subscription"]


@dataclass(frozen=True, slots=True)
class Occasion:
    """Where and when an event is to happen: an app, a person, a stamp of its own."""

    world: World
    app: AppRecord
    user: User
    timestamp: int

    @property
    def channel(self) -> Channel:
        """The first channel of the person's account.

        Raises:
            ChatRefused: If the account has none.
        """
        for channel in self.world.channels():
            if channel.account_id == self.user.account_id:
                return channel
        raise ChatRefused("nothing happened", "the person's account has no channel")


@dataclass(frozen=True, slots=True)
class Happening:
    """An event that is ready to go: its payload, and what stands beside that."""

    payload: Payload
    top: Payload
    message: Message | None = None
    """The card that it is about; it stands in the chat once the event goes out."""


@dataclass(frozen=True, slots=True)
class Cause:
    """One event: what a person does for it, and where it goes."""

    event: str
    by: str
    """What causes it: in the chat page where that has it, at Zoom otherwise."""
    where: Where
    build: Callable[[Occasion], Happening]


def _installed(now: Occasion) -> Happening:
    installation = now.world.installation_for(now.app, now.user) or Installation(
        "", now.app.client_id, now.user.account_id, now.user.id, now.world.now(), 1, []
    )
    era = now.world.rules.bot_payloads
    payload = payloads.bot_installed(
        now.app, installation, now.user, timestamp=now.timestamp, era=era
    )
    return Happening(payload, {})


def _notification(now: Occasion) -> Happening:
    rules = now.world.rules
    payload = payloads.bot_notification(
        now.app,
        now.user,
        cmd="hello",
        channel=None,
        trigger_id=now.world.new_id(),
        timestamp=now.timestamp,
        era=rules.bot_payloads,
        robot_too=rules.alone_to_jid == "user_and_robot",
    )
    return Happening(payload, {} if rules.bot_payloads == "current" else _stamped(now))


def _interaction(
    event: str, element: Payload, specific: Payload
) -> Callable[[Occasion], Happening]:
    """Make the builder of an event of a card that holds one element."""

    def build(now: Occasion) -> Happening:
        message = _card(now, {"head": {"text": now.app.name}, "body": [element]})
        own = {**specific, **callback_keys(now.world, event)}
        payload = payloads.interaction(
            now.app, now.user, message, own, channel=None, timestamp=now.timestamp
        )
        return Happening(payload, _stamped(now), message)

    return build


def _submit(now: Occasion) -> Happening:
    field = {"type": "plain_text_input", "action_id": "note", "text": "Note"}
    send = {"type": "actions", "items": [{"text": "Send", "value": "send", "submit": True}]}
    settings = {"form": True, "form_id": "form_1"}
    card: Payload = {"settings": settings, "body": [field, send]}
    items: list[Payload] = [
        {"plain_text_input": {"action_id": "note", "text": "Note", "value": "hello"}},
        {"actionItem": {"text": "Send", "value": "send"}},
    ]
    message = _card(now, card)
    people = now.world.rules.form_people == "sent"
    payload = payloads.form_submit(now.user, message, items, channel=None, people=people)
    return Happening(payload, _stamped(now), message)


def _link(now: Occasion) -> Happening:
    message = _message(now, conversation=_in_channel(now))
    trigger = open_trigger(now.world, now.app, now.user, message)
    payload = activity.shared(
        now.user,
        now.channel,
        message,
        link="https://example.com/reports/7",
        trigger=trigger,
        stamp=now.timestamp,
    )
    url = activity.response_url(now.world, now.user, trigger)
    return Happening(payload, _stamped(now) | {"response_url": url})


def _mention(now: Occasion) -> Happening:
    text = f"@{now.app.name} hello"
    message = _message(now, conversation=_in_channel(now), text=text)
    observed = now.world.rules.mention_payload == "observed"
    payload = activity.mention(
        now.app, now.user, now.channel, message, stamp=now.timestamp, observed=observed
    )
    return Happening(payload, _stamped(now))


def _posted(now: Occasion) -> Happening:
    message = _message(now, conversation=_in_channel(now), text="hello")
    payload = activity.posted(now.user, now.channel, message, stamp=now.timestamp)
    return Happening(payload, _stamped(now))


def _direct(now: Occasion) -> Happening:
    conversation = Conversation(now.user, app=now.app).key
    message = _message(now, conversation=conversation, text="hello")
    payload = activity.direct(now.app, now.user, message, stamp=now.timestamp)
    return Happening(payload, _stamped(now))


def _moved(now: Occasion) -> Happening:
    payload = activity.moved(now.app, now.user, now.channel, stamp=now.timestamp)
    return Happening(payload, _stamped(now))


def _deauthorized(now: Occasion) -> Happening:
    at = from_epoch(now.timestamp / 1000)
    whose = now.user.account_id, now.user.id
    return Happening(*deauthorization(now.world, now.app, *whose, now=at))


def _asked(now: Occasion) -> Happening:
    stamp = str(epoch_ms(now.world.now()))
    return Happening(asked_for(now.app, now.user), {"event_ts": stamp})


def _stamped(now: Occasion) -> Payload:
    return {"event_ts": now.timestamp}


def _in_channel(now: Occasion) -> str:
    return Conversation(now.user, channel=now.channel).key


def _card(now: Occasion, content: Payload) -> Message:
    return _message(
        now,
        conversation=Conversation(now.user, app=now.app).key,
        sender=now.app.bot_jid,
        sender_name=now.app.name,
        card=content,
        to_jid=now.user.jid,
        client_id=now.app.client_id,
    )


def _message(now: Occasion, *, conversation: str, **parts: Any) -> Message:
    at = now.world.now()
    stamp = f"{at:%Y%m%d%H%M%S}{at.microsecond // 1000:03d}"
    whose: Payload = {"sender": now.user.jid, "sender_name": now.user.name}
    return Message(
        id=f"{stamp}_{now.world.new_id(6)[:7]}_aw1",
        conversation=conversation,
        sent_at=at,
        **{**whose, **parts},
    )


_PREFIX: Final = "interactive_message_"
_BUTTON: Final[Payload] = {
    "type": "actions",
    "items": [{"text": "Done", "value": "done", "style": "Primary"}],
}
_DROPDOWN: Final[Payload] = {
    "type": "select",
    "text": "Day",
    "select_items": [{"text": "Monday", "value": "monday"}, {"text": "Friday", "value": "friday"}],
}
_TEXT: Final[Payload] = {"type": "message", "text": "Water the plants", "editable": True}
_FIELDS: Final[Payload] = {
    "type": "fields",
    "items": [{"key": "Owner", "value": "nobody", "editable": True}],
}

CAUSES: Final = (
    Cause("bot_installed", "Adding an app whose welcome is dynamic.", "bot", _installed),
    Cause("bot_notification", "Writing to the bot, or its slash command.", "bot", _notification),
    *(
        Cause(_PREFIX + name, by, "bot", _interaction(_PREFIX + name, element, specific))
        for name, by, element, specific in (
            (
                "actions",
                "Pressing a card's button.",
                _BUTTON,
                {"actionItem": {"text": "Done", "value": "done"}},
            ),
            (
                "select",
                "Choosing in a card's dropdown.",
                _DROPDOWN,
                {"selectedItems": [{"value": "friday"}]},
            ),
            (
                "editable",
                "Saving a card's editable text.",
                _TEXT,
                {"editItem": {"origin": "Water the plants", "target": "Water the herbs"}},
            ),
            (
                "fields_editable",
                "Saving a card's editable field.",
                _FIELDS,
                {"fieldEditItem": {"currentValue": "nobody", "key": "Owner", "newValue": "Ana"}},
            ),
        )
    ),
    Cause("chat_message.submit", "Sending a card that is a form.", "bot", _submit),
    Cause(activity.SHARED, "Posting a link of a domain of the app's.", "bot", _link),
    Cause(activity.MENTION, "Mentioning the bot in a channel.", "bot", _mention),
    Cause("app_deauthorized", "Removing a production app.", "deauthorization", _deauthorized),
    Cause(activity.ADDED, "Adding the app to a channel.", "subscription", _moved),
    Cause(activity.REMOVED, "Taking it out of a channel.", "subscription", _moved),
    Cause(activity.POSTED, "Writing in a channel.", "subscription", _posted),
    Cause(
        activity.DIRECT,
        "Writing to the bot alone, under the rule `direct_messages`.",
        "subscription",
        _direct,
    ),
    Cause(CREATED, "Asking the account's admins for an app.", "subscription", _asked),
)
"""Every event that can be triggered."""

BY_EVENT: Final = {each.event: each for each in CAUSES}
