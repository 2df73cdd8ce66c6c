"""Who talks with whom, and what was said? Conversations, and the messages in them."""

from dataclasses import dataclass
from typing import Any, Literal

from innkeeper.emulator.world import AppRecord, Channel, Message, User, World
from innkeeper.errors import ChatRefused
from innkeeper.wire.links import robot_of


@dataclass(frozen=True, slots=True)
class Conversation:
    """A bot's or a channel's side of a conversation, as one person finds it."""

    user: User
    app: AppRecord | None = None
    channel: Channel | None = None

    @property
    def kind(self) -> Literal["bot", "channel"]:
        """Tell what is on the other side."""
        return "bot" if self.app else "channel"

    @property
    def peer(self) -> str:
        """The JID on the other side."""
        if self.app is not None:
            return self.app.bot_jid
        return self.channel.jid if self.channel else ""

    @property
    def name(self) -> str:
        """The name on the other side."""
        if self.app is not None:
            return self.app.name
        return self.channel.name if self.channel else ""

    @property
    def key(self) -> str:
        """What its messages carry: a channel's are everybody's, so they name no user."""
        return f"{self.user.id if self.app else ''}|{self.peer}"


class Conversations:
    """Finds conversations and changes what stands in them."""

    def __init__(self, world: World) -> None:
        self._world = world

    def all(self, user: User) -> list[Conversation]:
        """List a person's conversations: bots that are or were there, then channels."""
        spoken = {message.conversation for message in self._world.messages.values()}
        bots = [Conversation(user, app=app) for app in self._world.apps.values()]
        present = [
            each
            for each in bots
            if each.app and (self._world.installation_for(each.app, user) or each.key in spoken)
        ]
        channels = [
            Conversation(user, channel=channel)
            for channel in self._world.channels()
            if channel.account_id == user.account_id
        ]
        return present + channels

    def find(self, user: User, peer: str) -> Conversation:
        """Find a person's conversation with a bot or in a channel, by JID in any case.

        Raises:
            ChatRefused: If nobody has that JID, or the channel is another account's.
        """
        wanted = robot_of(peer).lower()
        for app in self._world.apps.values():
            if app.bot_jid.lower() == wanted:
                return Conversation(user, app=app)
        for channel in self._world.channels():
            if channel.jid.lower() == wanted and channel.account_id == user.account_id:
                return Conversation(user, channel=channel)
        raise ChatRefused("no such conversation", "no bot and no channel of yours has this JID")

    def messages(self, conversation: Conversation) -> list[Message]:
        """List what its person sees of a conversation, oldest first."""
        return [each for each in self._world.messages.values() if self.shows(conversation, each)]

    def shows(self, conversation: Conversation, message: Message) -> bool:
        """Tell whether a message stands in a conversation, for its person's eyes."""
        return message.conversation == conversation.key and message.visible_to in {
            None,
            conversation.user.id,
        }

    def say(self, conversation: Conversation, text: str) -> Message:
        """Add what its person writes."""
        user = conversation.user
        return self._add(
            conversation.key,
            sender=user.jid,
            sender_name=user.name,
            text=text,
            to_jid=conversation.peer,
        )

    def note(self, conversation: Conversation, text: str) -> Message:
        """Add a quiet line of Zoom's own, for its person alone."""
        return self._add(
            conversation.key,
            sender="",
            sender_name="Zoom",
            text=text,
            to_jid=conversation.peer,
            visible_to=conversation.user.id,
        )

    def show(
        self,
        conversation: Conversation,
        app: AppRecord,
        card: dict[str, Any],
        *,
        markdown: bool = False,
        to_jid: str = "",
        visible_to: str | None = None,
        reply_to: str | None = None,
    ) -> Message:
        """Add a bot's card."""
        return self._add(
            conversation.key,
            sender=app.bot_jid,
            sender_name=app.name,
            card=card,
            markdown=markdown,
            to_jid=to_jid or conversation.user.jid,
            client_id=app.client_id,
            visible_to=visible_to,
            reply_to=reply_to,
        )

    def edit(self, message: Message, card: dict[str, Any], *, markdown: bool) -> None:
        """Replace a bot's card whole."""
        message.card, message.markdown = card, markdown
        message.edited = True
        message.version += 1
        self._world.announce("message", message)

    def delete(self, message: Message) -> None:
        """Empty a message; that there was one stays known."""
        message.card, message.text = None, ""
        message.deleted = True
        message.version += 1
        self._world.announce("message", message)

    def _add(self, key: str, **parts: Any) -> Message:
        now = self._world.now()
        stamp = f"{now:%Y%m%d%H%M%S}{now.microsecond // 1000:03d}"
        message = Message(
            id=f"{stamp}_{self._world.new_id(6)[:7]}_aw1", conversation=key, sent_at=now, **parts
        )
        self._world.messages[message.id] = message
        self._world.announce("message", message)
        return message
