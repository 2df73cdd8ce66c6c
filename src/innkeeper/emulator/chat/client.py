"""What do people do in chat? They write, press, choose, edit; the app hears of it.

Sources: https://developers.zoom.us/docs/chat/capabilities/,
https://developers.zoom.us/docs/api/chatbot/events
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from innkeeper.clock import epoch_ms
from innkeeper.emulator.chat import inputs, payloads
from innkeeper.emulator.chat.activity import Activity
from innkeeper.emulator.chat.cards import buttons, element
from innkeeper.emulator.chat.conversations import Conversation, Conversations
from innkeeper.emulator.chat.welcome import Welcomes
from innkeeper.emulator.courier.rounds import Courier
from innkeeper.emulator.delivery import Delivery
from innkeeper.emulator.world import AppRecord, Installation, Message, User, World
from innkeeper.errors import ChatRefused

TEXT_LIMIT_BYTES: Final = 65_536


@dataclass(frozen=True, slots=True)
class _Opened:
    """A card that somebody is about to use, and whose it is."""

    conversation: Conversation
    app: AppRecord
    message: Message
    card: dict[str, Any]


class Chat:
    """The Team Chat client: each verb is something a person, or Zoom itself, does there."""

    def __init__(self, world: World, courier: Courier) -> None:
        self.conversations = Conversations(world)
        self._world = world
        self._courier = courier
        self._last_stamp = 0
        self._welcomes = Welcomes(world, courier, self.conversations, self.timestamp)
        self._activity = Activity(world, courier, self.timestamp)

    async def welcome(self, installation: Installation) -> None:
        """Say an app's first words to whoever it was added for."""
        await self._welcomes.welcome(installation)

    def removed(self, installation: Installation) -> None:
        """Note in the conversations that an app is gone; call it after the removal."""
        app, remover = self._parties(installation)
        for user in self._world.users():
            conversation = Conversation(user, app=app)
            concerned = user.id == remover.id or self.conversations.messages(conversation)
            if concerned and self._world.installation_for(app, user) is None:
                self.conversations.note(conversation, f"{app.name} was removed.")

    async def says(self, user: User, peer_jid: str, text: str, *, reply_to: str = "") -> Message:
        """Write to a bot, or in a channel, where bots hear only their slash commands.

        A bot that is not installed for this person hears nothing; a quiet line says so.
        Nor does it hear replies in a thread between the two, unless the rules say so.

        Args:
            reply_to: The message that this is a reply to, if it is one.

        Raises:
            ChatRefused: If there is no such conversation, or the text is empty or too long.
        """
        text = _clean(text)
        conversation = self.conversations.find(user, peer_jid)
        message = self.conversations.say(conversation, text)
        parent = self._world.messages.get(reply_to)
        if parent is not None and self.conversations.shows(conversation, parent):
            message.reply_to = parent.reply_to or parent.id
            self._world.announce("message", message)
        if message.reply_to and conversation.app and self._world.rules.thread_replies == "silent":
            text = "Zoom tells no bot of replies in a thread with it alone (rule thread_replies)."
            self.conversations.note(conversation, text)
            return message
        name, rest = _slash(text)
        if conversation.app is not None:
            cmd = rest if name and name == _command(conversation.app) else text
            await self._notify(conversation, conversation.app, cmd, message)
            self._activity.told(conversation.app, user, message)
            return message
        if name and (app := self._app_of(name, user)) is not None:
            await self._notify(conversation, app, rest, message)
        await self._activity.said(conversation, message)
        return message

    def channel_app(self, user: User, channel_jid: str, client_id: str, *, present: bool) -> None:
        """Add an app to a channel, or take it out; subscriptions of the account hear of it.

        Raises:
            ChatRefused: If there is no such channel or app, or it is not installed.
        """
        conversation = self.conversations.find(user, channel_jid)
        channel, app = conversation.channel, self._world.apps.get(client_id)
        if channel is None or app is None:
            raise ChatRefused("nothing changed", "there is no such channel or app")
        if self._world.installation_for(app, user) is None:
            raise ChatRefused("nothing changed", f"{app.name} is not installed for you")
        if (client_id in channel.apps) is present:
            return
        channel.apps = [each for each in channel.apps if each != client_id]
        channel.apps += [client_id] if present else []
        self.conversations.note(
            conversation, f"{app.name} was {'added to' if present else 'removed from'} the channel."
        )
        self._activity.app_moved(user, channel, app, present=present)

    async def clicks(self, user: User, message_id: str, value: str) -> Delivery:
        """Press a card's button.

        Raises:
            ChatRefused: If there is no such button, it is disabled, or its app is gone.
        """
        opened = self._open(user, message_id)
        found = [each for each in buttons(opened.card) if each.get("value") == value]
        if not found:
            raise ChatRefused("not pressed", "the card has no such button")
        button = next((each for each in found if not _is_disabled(each)), None)
        if button is None:
            raise ChatRefused("not pressed", "the button is disabled")
        item = {"text": button.get("text", ""), "value": value}
        return await self._interact(opened, "interactive_message_actions", {"actionItem": item})

    async def selects(self, user: User, message_id: str, block: str | int, value: str) -> Delivery:
        """Choose from a card's dropdown.

        Args:
            block: The dropdown's JSON pointer in the card, or its place in the body.

        Raises:
            ChatRefused: If there is no such dropdown or option, or its app is gone.
        """
        opened = self._open(user, message_id)
        if value not in self._options(user, _element(opened.card, block, "select")):
            raise ChatRefused("not chosen", "the dropdown has no such option")
        specific = {"selectedItems": [{"value": value}]}
        return await self._interact(opened, "interactive_message_select", specific)

    async def edits(
        self, user: User, message_id: str, block: str | int, target: str, *, key: str | None = None
    ) -> Delivery:
        """Save another text over an editable one, or another value in an editable field.

        Args:
            key: The field's key, for a block of fields.

        Raises:
            ChatRefused: If it is not editable, or its app is gone.
        """
        opened = self._open(user, message_id)
        if key is None:
            raw = _element(opened.card, block, "message")
            if raw.get("editable") is not True:
                raise ChatRefused("not edited", "the text is not editable")
            item = {"origin": raw.get("text", ""), "target": target}
            name, specific = "interactive_message_editable", {"editItem": item}
        else:
            current = _editable_field(_element(opened.card, block, "fields"), key)
            item = {"currentValue": current, "key": key, "newValue": target}
            name, specific = "interactive_message_fields_editable", {"fieldEditItem": item}
        return await self._interact(opened, name, specific)

    async def picks(
        self, user: User, message_id: str, block: str | int, values: Sequence[str]
    ) -> Delivery | None:
        """Set a picker, radio button, checkbox or switch that stands outside a form.

        Which event that sends is not documented: one like a button's, or none, by rule.

        Raises:
            ChatRefused: If there is no such input or option, or its app is gone.
        """
        opened = self._open(user, message_id)
        pointer = f"/body/{block}" if isinstance(block, int) else block
        raw = element(opened.card, pointer)
        if raw is None or inputs.is_form(opened.card):
            raise ChatRefused("not set", "the card has no such input there")
        item = inputs.picked(raw, values)
        if self._world.rules.loose_inputs == "silent":
            return None
        return await self._interact(opened, "interactive_message_actions", {"actionItem": item})

    async def submits(
        self, user: User, message_id: str, filled: Mapping[str, Sequence[str]], value: str
    ) -> Delivery:
        """Send a card that is a form, by one of its buttons.

        Args:
            filled: What was filled in, by the JSON pointer of the input.
            value: The value of the button with `submit`.

        Raises:
            ChatRefused: If it is no form, something in it is not possible, or its app is
                gone.
        """
        opened = self._open(user, message_id)
        button = next(
            (
                each
                for each in buttons(opened.card)
                if each.get("value") == value and each.get("submit") is True
            ),
            None,
        )
        if not inputs.is_form(opened.card) or button is None or _is_disabled(button):
            raise ChatRefused("not sent", "the card is no form with such a button")
        items = inputs.submitted(opened.card, filled)
        items.append({"actionItem": {"text": button.get("text", ""), "value": value}})
        payload = payloads.form_submit(
            opened.conversation.user,
            opened.message,
            items,
            channel=opened.conversation.channel,
            people=self._world.rules.form_people == "sent",
        )
        app = opened.app
        return await self._courier.post_now(
            app, app.bot_endpoint, "chat_message.submit", payload, event_ts=self.timestamp()
        )

    def choices(self, user: User) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        """List what dropdowns of members and of channels offer: JIDs and names."""
        account = self._world.account(user.account_id)
        if account is None:
            return [], []
        return (
            [(each.jid, each.name) for each in account.users],
            [(each.jid, each.name) for each in account.channels],
        )

    def _options(self, user: User, raw: Mapping[str, Any]) -> set[str]:
        members, channels = self.choices(user)
        source = raw.get("static_source")
        if source in {"members", "channels"}:
            return {jid for jid, _ in (members if source == "members" else channels)}
        return {
            item["value"] for item in cast("list[dict[str, Any]]", raw.get("select_items") or [])
        }

    def _parties(self, installation: Installation) -> tuple[AppRecord, User]:
        app = self._world.apps.get(installation.client_id)
        user = self._world.user(installation.user_id)
        if app is None or user is None:
            raise ChatRefused("no conversation", "the installation's app or person is gone")
        return app, user

    def _open(self, user: User, message_id: str) -> _Opened:
        message = self._world.messages.get(message_id)
        app = self._world.apps.get(message.client_id) if message else None
        if message is None or message.card is None or app is None:
            raise ChatRefused("nothing done", "there is no such card any more")
        conversation = self.conversations.find(user, message.conversation.partition("|")[2])
        if not self.conversations.shows(conversation, message):
            raise ChatRefused("nothing done", "the card is in another person's conversation")
        if self._world.installation_for(app, user) is None:
            raise ChatRefused("nothing done", f"{app.name} is not installed for you any more")
        return _Opened(conversation, app, message, message.card)

    def _app_of(self, command: str, user: User) -> AppRecord | None:
        named = [app for app in self._world.apps.values() if _command(app) == command]
        installed = (app for app in named if self._world.installation_for(app, user))
        return next(installed, named[0] if named else None)

    async def _notify(
        self, conversation: Conversation, app: AppRecord, cmd: str, message: Message
    ) -> None:
        if self._world.installation_for(app, conversation.user) is None:
            text = f"{app.name} is not installed for you, so it did not hear this. Add it first."
            self.conversations.note(conversation, text)
            return
        rules, timestamp = self._world.rules, self.timestamp()
        payload = payloads.bot_notification(
            app,
            conversation.user,
            cmd=cmd,
            channel=conversation.channel,
            trigger_id=self._world.new_id(),
            timestamp=timestamp,
            era=rules.bot_payloads,
            robot_too=rules.alone_to_jid == "user_and_robot",
        )
        if message.reply_to:
            payload["replyMainMessageId"] = message.reply_to
        top: dict[str, Any] = {} if rules.bot_payloads == "current" else {"event_ts": timestamp}
        await self._courier.post_now(app, app.bot_endpoint, "bot_notification", payload, **top)

    async def _interact(self, opened: _Opened, name: str, specific: Mapping[str, Any]) -> Delivery:
        app, timestamp = opened.app, self.timestamp()
        specific = {**specific, **callback_keys(self._world, name)}
        payload = payloads.interaction(
            app,
            opened.conversation.user,
            opened.message,
            specific,
            channel=opened.conversation.channel,
            timestamp=timestamp,
        )
        return await self._courier.post_now(
            app, app.bot_endpoint, name, payload, event_ts=timestamp
        )

    def timestamp(self) -> int:
        """Draw a time that no event had before: on a clock that stands, too."""
        self._last_stamp = max(self._last_stamp + 1, epoch_ms(self._world.now()))
        return self._last_stamp


def callback_keys(world: World, event: str) -> dict[str, str]:
    """Give the keys that lead back to a card's event, where the rules have them sent."""
    if world.rules.callback_keys != "sent" or event == "interactive_message_select":
        return {}
    token = world.new_id()
    url = f"{world.base_url}/v2/im/chat/callbacks/{token}"
    return {"callback_token": token, "callback_url": url}


def _clean(text: str) -> str:
    """Trim a text as the client does; half surrogates, which no client sends, are replaced."""
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    trimmed = whole.replace("\r\n", "\n").strip()
    if not trimmed:
        raise ChatRefused("not sent", "the text is empty")
    if len(trimmed.encode()) > TEXT_LIMIT_BYTES:
        raise ChatRefused("not sent", f"the text is longer than {TEXT_LIMIT_BYTES} bytes")
    return trimmed


def _slash(text: str) -> tuple[str, str]:
    """Split a slash command into its name and the rest; other texts have no name."""
    name, *rest = text.split(maxsplit=1)
    return (name[1:].lower(), "".join(rest)) if name.startswith("/") else ("", text)


def _command(app: AppRecord) -> str:
    return app.command.removeprefix("/").lower()


def _is_disabled(button: Mapping[str, Any]) -> bool:
    return str(button.get("style", "")).lower() == "disabled"


def _element(card: Mapping[str, Any], block: str | int, kind: str) -> Mapping[str, Any]:
    raw = element(card, f"/body/{block}" if isinstance(block, int) else block)
    if raw is None or raw.get("type") != kind:
        raise ChatRefused("nothing done", f"the card has no {kind} there")
    return raw


def _editable_field(raw: Mapping[str, Any], key: str) -> str:
    for item in cast("list[dict[str, Any]]", raw.get("items") or []):
        if item.get("key") == key and item.get("editable") is True:
            return str(item.get("value", "")).strip()
    raise ChatRefused("not edited", "the card has no editable field of that name")
