"""What is a handler given? One typed context for each thing that can happen."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, Protocol, overload

from innkeeper.bot.client import Client, Clients
from innkeeper.bot.effects import Effects, Unkept
from innkeeper.bot.progress import Progress
from innkeeper.bot.state import State
from innkeeper.errors import ActionConsumed
from innkeeper.flows.authorized import Authorization
from innkeeper.flows.dispatch import Happening
from innkeeper.flows.places import actor_of, message_of, place_of, room_of, trigger_of
from innkeeper.flows.reauth import ReauthDue
from innkeeper.flows.speak import Place, Speaker
from innkeeper.ids import AccountId, InstallationId, Jid, MessageId, UserId
from innkeeper.store.base import BotStateStore, ClaimStore
from innkeeper.store.records import Installation
from innkeeper.wire.events import Event
from innkeeper.wire.messages import Card, card_of
from innkeeper.wire.payloads import (
    AppDeauthorized,
    AppMention,
    BotInstalled,
    BotNotification,
    ChatMessageSubmit,
    InteractiveMessageActions,
    InteractiveMessageEditable,
    InteractiveMessageFieldsEditable,
    InteractiveMessageSelect,
    LinkShared,
    Payload,
)
from innkeeper.zoom.chat import SentMessage

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger
    from typing_extensions import TypeVar

    P = TypeVar("P", bound=Payload, default=Payload)
else:
    from typing import TypeVar

    P = TypeVar("P", bound=Payload)

Plain = TypeVar("Plain", bound=str | int | float | bool | None)
Shape = TypeVar("Shape")


@dataclass(frozen=True, slots=True)
class Person:
    """Who did it, by Zoom's ids and the name Zoom gave. What Zoom left out is empty."""

    id: UserId
    jid: Jid
    name: str


@dataclass(frozen=True, slots=True)
class Channel:
    """Where it happened, if that was in a channel. The name is empty if Zoom gave none."""

    id: str
    jid: Jid
    name: str


class Services(Protocol):
    """What contexts are made of."""

    @property
    def clients(self) -> Clients:
        """Calls Zoom's API."""
        ...

    @property
    def speaker(self) -> Speaker:
        """Sends messages."""
        ...

    @property
    def state(self) -> BotStateStore:
        """Keeps the bot's values."""
        ...

    @property
    def claims(self) -> ClaimStore:
        """Keeps what one event alone may do."""
        ...

    @property
    def unkept(self) -> Unkept:
        """What effects gave that is not kept yet."""
        ...

    @property
    def install_url(self) -> str:
        """Where a person authorizes the app."""
        ...

    @property
    def public_url(self) -> str:
        """Where the app is reached."""
        ...


class Context(Generic[P]):
    """What every handler is given."""

    def __init__(self, happening: Happening, services: Services, *, words: int = 0) -> None:
        self._happening = happening
        self._services = services
        self._words = words  # how many the handler was registered for

    @property
    def event(self) -> Event[P]:
        """The event; its `raw` is Zoom's JSON, unknown keys included."""
        return self._happening.event  # type: ignore[return-value]  # the route chose the context

    @property
    def payload(self) -> P:
        """The event's typed payload."""
        return self.event.payload

    @property
    def raw(self) -> Mapping[str, Any]:
        """The JSON that Zoom sent, with every key."""
        return self._happening.event.raw

    @property
    def request_id(self) -> str:
        """Our id of this event, as it stands in logs and in the inbox; the same at each attempt."""
        return self._happening.arrival.id

    @property
    def deadline(self) -> datetime:
        """When the handler is cut off, and the event tried again."""
        return self._happening.deadline

    @property
    def account_id(self) -> AccountId:
        """The account it happened in; empty where the event names none."""
        return AccountId(getattr(self.payload, "account_id", None) or "")

    @property
    def user(self) -> Person:
        """Who did it. Some events name nobody; then its fields are empty."""
        actor = actor_of(self._happening.event)
        name, installation = actor.name, self._happening.installation
        if not name and installation is not None and installation.person.user_id == actor.id:
            name = installation.person.name
        return Person(actor.id, actor.jid, name)

    @property
    def channel(self) -> Channel | None:
        """The channel it happened in; None between the bot and a person."""
        room = room_of(self._happening.event)
        return None if room is None else Channel(room.id, room.jid, room.name)

    @property
    def log(self) -> "FilteringBoundLogger":
        """A logger that names the event and the installation, and nobody."""
        installation = self._happening.installation
        import structlog  # noqa: PLC0415  # slow to import, and not every bot logs

        logger: FilteringBoundLogger = structlog.get_logger("innkeeper.bot")
        return logger.bind(
            request_id=self.request_id, installation=installation.id if installation else None
        )


class Talking(Context[P]):
    """A context with somebody to talk to."""

    @property
    def installation(self) -> Installation:
        """The authorization this happened under.

        Raises:
            LookupError: If there is none, as where an event names nobody.
        """
        if self._happening.installation is None:
            message = "this event belongs to no installation"
            raise LookupError(message)
        return self._happening.installation

    @property
    def state(self) -> State:
        """The bot's own values, owned by the installation and purged with it.

        Raises:
            LookupError: If the event belongs to no installation.
        """
        return State(self._services.state, self.installation.id)

    @property
    def client(self) -> Client:
        """Zoom's API, for the installation that this happened under."""
        return self._services.clients.of(self.installation)

    @overload
    async def once(self, key: str, effect: Callable[[], Awaitable[Plain]]) -> Plain: ...

    @overload
    async def once(
        self, key: str, effect: Callable[[], Awaitable[Shape]], *, shape: type[Shape]
    ) -> Shape: ...

    async def once(
        self,
        key: str,
        effect: Callable[[], Awaitable[Any]],
        *,
        shape: type[Any] | None = None,
    ) -> Any:
        """Do something once for this event, however often the event is handled.

        What it gives is kept with the event, and given back when a later attempt comes here
        again. If it raises, it was not done, and a later attempt does it; unless the error
        is `AnswerLost`, which leaves that open, as does the end of the process.

        Args:
            key: What is done; one key for each effect of the handler.
            shape: The type of what it gives, as msgspec reads it, where that is more than
                a text, a number, a truth value or nothing.

        Raises:
            EffectUnconfirmed: If an earlier attempt began it and its end is not known; the
                event is dead-lettered, and does it again if it is revived.
            BotRefused: If what it gave cannot be kept.
            Fenced: If the person removed the app meanwhile.
            LookupError: If the event belongs to no installation.
        """
        services, event = self._services, self._happening.arrival.id
        effects = Effects(services.claims, self.installation.id, event, unkept=services.unkept)
        return await effects.once(key, effect, shape)

    def progress(self, title: str, *, text: str = "") -> Progress:
        """Show in the conversation how far something is: `async with` it, and `set` it.

        Args:
            title: The head of the message.
            text: What is being done first.
        """
        return self._services.clients.progress(self._place(), title, text=text)

    async def reply(self, answer: str | Card) -> SentMessage:
        """Post to the conversation this came from, and to the same thread.

        Raises:
            ApiRefused: If Zoom would not take it.
            MessageUnconfirmed: If it may or may not have been posted.
            LookupError: If the event names no conversation.
        """
        place = self._place()
        return await self._services.speaker.send(place, card_of(answer))

    async def dm(self, answer: str | Card) -> SentMessage:
        """Post to the person alone.

        Raises:
            ApiRefused: If Zoom would not take it.
            MessageUnconfirmed: If it may or may not have been posted.
            LookupError: If the event names nobody.
        """
        jid = self.user.jid
        if not jid:
            message = "this event names nobody to write to"
            raise LookupError(message)
        place = Place(self.account_id, jid, jid, installation_id=self._installation_id)
        return await self._services.speaker.send(place, card_of(answer))

    async def ephemeral(self, answer: str | Card) -> SentMessage:
        """Post for the person's eyes only: in the conversation, or to the person alone.

        Zoom hides messages in channels for admin-managed apps only; a user-managed app
        writes to the person instead.

        Raises:
            ApiRefused: If Zoom would not take it.
            MessageUnconfirmed: If it may or may not have been posted.
            LookupError: If the event names no conversation, or nobody.
        """
        if self.installation.owner.user_id is not None:
            return await self.dm(answer)
        place = self._place()
        return await self._services.speaker.send(
            place, card_of(answer), visible_to_user=self.user.id
        )

    async def update(self, answer: str | Card, message_id: MessageId) -> SentMessage:
        """Replace a message that the bot sent: `reply` and its like tell its id.

        Raises:
            ApiRefused: If Zoom would not take it.
            Unreachable: If Zoom could not be asked, or did not answer.
            LookupError: If the event names no conversation.
        """
        place = self._place()
        return await self._services.speaker.update(place, message_id, card_of(answer))

    async def delete(self, message_id: MessageId) -> SentMessage:
        """Delete a message that the bot sent.

        Raises:
            ApiRefused: If Zoom would not do it.
            Unreachable: If Zoom could not be asked, or did not answer.
            LookupError: If the event names no conversation.
        """
        place = self._place()
        return await self._services.speaker.delete(place, message_id)

    def _place(self) -> Place:
        place = place_of(self._happening.event)
        if place is None:
            message = "this event names no conversation to answer in"
            raise LookupError(message)
        return place._replace(installation_id=self._installation_id)

    @property
    def _installation_id(self) -> InstallationId | None:
        found = self._happening.installation
        return found.id if found else None


class Installed(Talking[BotInstalled]):
    """Somebody has just added the app."""


class Authorized(Talking[Authorization]):
    """Somebody has authorized the app, for the first time or anew."""

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What `app.install_url(metadata=…)` put into the link they came by; empty without one.

        It says who made the link, not who followed it.
        """
        return self.payload.metadata

    @property
    def receipt_url(self) -> str:
        """Where the proof of the deletion will stand once they remove the app."""
        return f"{self._services.public_url}/receipts/{self.installation.receipt_id}"


class ReauthNeeded(Talking[ReauthDue]):
    """Somebody must authorize the app again: Zoom takes their tokens no more, or for less.

    The bot can still write to them; it cannot act for them until they have.
    """

    @property
    def scopes(self) -> tuple[str, ...]:
        """What a call needed, any one of it, and they have not granted; none if tokens died."""
        return self.payload.scopes

    @property
    def install_url(self) -> str:
        """Where they do that."""
        return self._services.install_url


class Command(Talking[BotNotification]):
    """A slash command, or a message to the bot in its own channel."""

    @property
    def text(self) -> str:
        """All that was typed after the slash command, to the letter."""
        return self.payload.cmd

    @property
    def args(self) -> list[str]:
        """The words after the command's own; all of them where it has none."""
        return self.payload.cmd.split()[self._words :]


class AboutMessage(Talking[P]):
    """A context that is about a message of the bot's."""

    @property
    def message_id(self) -> MessageId:
        """The message; empty where Zoom does not say which."""
        return message_of(self._happening.event) or MessageId("")

    async def update(self, answer: str | Card, message_id: MessageId | None = None) -> SentMessage:
        """Replace the message this is about, or another one of the bot's.

        Raises:
            ApiRefused: If Zoom would not take it.
            Unreachable: If Zoom could not be asked, or did not answer.
            LookupError: If the event names no message.
        """
        return await super().update(answer, self._which(message_id))

    async def delete(self, message_id: MessageId | None = None) -> SentMessage:
        """Delete the message this is about, or another one of the bot's.

        Raises:
            ApiRefused: If Zoom would not do it.
            Unreachable: If Zoom could not be asked, or did not answer.
            LookupError: If the event names no message.
        """
        return await super().delete(self._which(message_id))

    async def consume(self, key: str | None = None) -> None:
        """Go on if nobody has used this message up yet; nobody can from here on.

        Of many events one goes on, also of those that come at the same time to several
        workers. When its handler fails, the same event may come here again; no other may.

        Args:
            key: What is used up in the installation; this message when omitted.

        Raises:
            ActionConsumed: If another event has; uncaught, this one is ignored.
            Fenced: If the person removed the app meanwhile.
            LookupError: If the event names no message, or belongs to no installation.
        """
        used = f"message {self._which(None)}" if key is None else f"key {key}"
        event = self._happening.arrival.id
        if not await self._services.claims.consume(self.installation.id, used, event=event):
            raise ActionConsumed("too late", "another event has used it up")

    def _which(self, named: MessageId | None) -> MessageId:
        found = named or self.message_id
        if not found:
            message = "this event does not say which message it is about"
            raise LookupError(message)
        return found


class Interaction(AboutMessage[P]):
    """Somebody used a card."""

    @property
    def original(self) -> Card:
        """The card as Zoom stored it, unknown keys included.

        Raises:
            CardRefused: If Zoom sent no usable card.
        """
        return Card.parse(getattr(self.payload, "original", None), stored=True)


class Action(Interaction[InteractiveMessageActions]):
    """A button was pressed."""

    @property
    def value(self) -> str:
        """The button's value."""
        return self.payload.action_item.value

    @property
    def text(self) -> str:
        """The words on the button."""
        return self.payload.action_item.text

    @property
    def unverified_action(self) -> bool:
        """Whether the card, as Zoom gives it back, has no button of this value.

        Zoom signs what it sends, so a value can be trusted as far as the card can; one
        that no button offers is somebody's invention.
        """
        return not _offers(self.payload.original, self.value)


class Selected(Interaction[InteractiveMessageSelect]):
    """An option was chosen in a dropdown."""

    @property
    def value(self) -> str:
        """The chosen option's value; empty if nothing was chosen."""
        return self.payload.selected_items[0].value if self.payload.selected_items else ""

    @property
    def values(self) -> list[str]:
        """The values of all that was chosen."""
        return [item.value for item in self.payload.selected_items]


class Edited(Interaction[InteractiveMessageEditable | InteractiveMessageFieldsEditable]):
    """An editable text, or an editable field, was changed and saved."""

    @property
    def key(self) -> str | None:
        """The field's key; None for a text that is no field."""
        payload = self.payload
        return None if isinstance(payload, _EditableText) else payload.field_edit_item.key

    @property
    def before(self) -> str:
        """What stood there."""
        payload = self.payload
        if isinstance(payload, _EditableText):
            return payload.edit_item.origin
        return payload.field_edit_item.current_value

    @property
    def after(self) -> str:
        """What stands there now."""
        payload = self.payload
        if isinstance(payload, _EditableText):
            return payload.edit_item.target
        return payload.field_edit_item.new_value


_EditableText = InteractiveMessageEditable


class Submitted(AboutMessage[ChatMessageSubmit]):
    """A form was submitted. Zoom may leave out who did it, and on which message."""

    @property
    def form_id(self) -> str:
        """The form's id, as its card has it; empty if it has none."""
        return self.payload.object.form_id or ""

    @property
    def button(self) -> str:
        """The value of the button that submitted it."""
        for item in self.payload.object.submit_items:
            pressed = item.get("actionItem")
            if isinstance(pressed, dict):
                return str(pressed.get("value", ""))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]  # JSON
        return ""

    @property
    def items(self) -> list[dict[str, Any]]:
        """What was filled in, as Zoom sends it: one object for each field, and the button."""
        return self.payload.object.submit_items


class Mentioned(Talking[AppMention]):
    """The bot was mentioned in a channel."""

    @property
    def text(self) -> str:
        """The message, the mention included."""
        return self.payload.object.message or ""

    @property
    def message_id(self) -> MessageId:
        """The message that mentions the bot."""
        return message_of(self._happening.event) or MessageId("")


class Linked(Talking[LinkShared]):
    """A link of a domain that the app may unfurl was posted."""

    @property
    def link(self) -> str:
        """The link."""
        return self.payload.object.link or ""

    async def unfurl(self, answer: str | Card) -> None:
        """Show a card beside the link; Zoom takes one. The first that a handler returns is it.

        Raises:
            ApiRefused: If Zoom would not do it.
            MessageUnconfirmed: If it may or may not stand there.
            LookupError: If the event does not say how.
        """
        trigger = trigger_of(self._happening.event)
        if trigger is None:
            message = "this event names no trigger to unfurl its link with"
            raise LookupError(message)
        await self._services.speaker.unfurl(*trigger, card_of(answer))

    @property
    def message_id(self) -> MessageId:
        """The message that holds the link."""
        return message_of(self._happening.event) or MessageId("")


class Happened(Talking[Payload]):
    """Any event at all."""


class Deauthorized(Context[AppDeauthorized]):
    """Somebody removed the app. There is nobody to talk to: every token is dead."""


def _offers(card: Any, value: str) -> bool:
    """Whether a button of this value stands anywhere in a card's JSON."""
    waiting = [card]
    while waiting:
        piece: Any = waiting.pop()
        if isinstance(piece, list):
            waiting.extend(piece)  # pyright: ignore[reportUnknownArgumentType]  # JSON
        elif isinstance(piece, dict):
            if piece.get("value") == value:  # pyright: ignore[reportUnknownMemberType]  # JSON
                return True
            waiting.extend(piece.values())  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType]  # JSON
    return False
