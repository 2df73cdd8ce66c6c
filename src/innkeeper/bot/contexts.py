"""What is a handler given? One typed context for each thing that can happen."""

from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import msgspec
import structlog

from innkeeper.errors import CardRefused
from innkeeper.flows.dispatch import Happening, message_of, place_of
from innkeeper.flows.speak import Place, Speaker
from innkeeper.ids import AccountId, InstallationId, Jid, MessageId, UserId, user_jid
from innkeeper.store.base import BotStateStore
from innkeeper.store.records import Installation
from innkeeper.wire.events import Event
from innkeeper.wire.messages import Card
from innkeeper.wire.payloads import (
    AppDeauthorized,
    BotInstalled,
    BotNotification,
    InteractiveMessageActions,
    InteractiveMessageSelect,
    Payload,
)
from innkeeper.zoom.chat import SentMessage

P = TypeVar("P", bound=Payload)


@dataclass(frozen=True, slots=True)
class Person:
    """Who did it, by Zoom's ids and the name Zoom gave."""

    id: UserId
    jid: Jid
    name: str


class State:
    """The bot's own values for one installation; they are purged with it."""

    def __init__(self, store: BotStateStore, installation_id: InstallationId) -> None:
        self._store = store
        self._installation_id = installation_id

    async def get(self, key: str, default: Any = None) -> Any:
        """Read a value."""
        found = await self._store.get_state(self._installation_id, key)
        return default if found is None else msgspec.json.decode(found)

    async def set(self, key: str, value: Any) -> None:
        """Keep a value: anything that JSON can hold.

        Raises:
            Fenced: If the person removed the app meanwhile.
        """
        await self._store.set_state(self._installation_id, key, msgspec.json.encode(value))

    async def delete(self, key: str) -> bool:
        """Drop a value; False if there was none."""
        return await self._store.delete_state(self._installation_id, key)


class Services(Protocol):
    """What contexts are made of."""

    @property
    def speaker(self) -> Speaker:
        """Sends messages."""
        ...

    @property
    def state(self) -> BotStateStore:
        """Keeps the bot's values."""
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
    def request_id(self) -> str:
        """Our id of this event, as it stands in logs and in the inbox."""
        return self._happening.arrival.id

    @property
    def account_id(self) -> AccountId:
        """The account it happened in."""
        return AccountId(getattr(self.payload, "account_id", None) or "")

    @property
    def user(self) -> Person:
        """Who did it."""
        payload = self.payload
        user = getattr(payload, "user_id", None) or getattr(payload, "operator_id", None) or ""
        jid = getattr(payload, "user_jid", None) or (user_jid(user) if user else "")
        return Person(UserId(user), Jid(jid), getattr(payload, "user_name", None) or "")

    @property
    def log(self) -> structlog.typing.FilteringBoundLogger:
        """A logger that names the event and the installation, and nobody."""
        installation = self._happening.installation
        logger: structlog.typing.FilteringBoundLogger = structlog.get_logger("innkeeper.bot")
        return logger.bind(
            request_id=self.request_id, installation=installation.id if installation else None
        )


class Talking(Context[P]):
    """A context with somebody to talk to."""

    @property
    def installation(self) -> Installation:
        """The authorization this happened under."""
        if self._happening.installation is None:
            message = "this event belongs to no installation"
            raise LookupError(message)
        return self._happening.installation

    @property
    def state(self) -> State:
        """The bot's own values, owned by the installation and purged with it."""
        return State(self._services.state, self.installation.id)

    async def reply(self, answer: str | Card) -> SentMessage:
        """Post to the conversation this came from.

        Raises:
            ApiRefused: If Zoom would not take it.
            MessageUnconfirmed: If it may or may not have been posted.
        """
        return await self._services.speaker.send(self._place(), card_of(answer))

    async def dm(self, answer: str | Card) -> SentMessage:
        """Post to the person alone.

        Raises:
            ApiRefused: If Zoom would not take it.
            MessageUnconfirmed: If it may or may not have been posted.
        """
        place = Place(self.account_id, self.user.jid, self.user.jid)
        return await self._services.speaker.send(place, card_of(answer))

    async def ephemeral(self, answer: str | Card) -> SentMessage:
        """Post for the person's eyes only: in the conversation, or to the person alone.

        Zoom hides messages in channels for admin-managed apps only; a user-managed app
        writes to the person instead.

        Raises:
            ApiRefused: If Zoom would not take it.
            MessageUnconfirmed: If it may or may not have been posted.
        """
        if self.installation.owner.user_id is not None:
            return await self.dm(answer)
        return await self._services.speaker.send(
            self._place(), card_of(answer), visible_to_user=self.user.id
        )

    def _place(self) -> Place:
        place = place_of(self._happening.event)
        if place is None:
            message = "this event names no conversation to answer in"
            raise LookupError(message)
        return place


class Installed(Talking[BotInstalled]):
    """Somebody has just added the app."""


class Command(Talking[BotNotification]):
    """A slash command, or a message to the bot in its own channel."""

    @property
    def text(self) -> str:
        """All that was typed after the slash command."""
        return self.payload.cmd

    @property
    def args(self) -> list[str]:
        """The words after the command's own; all of them where it has none."""
        return self.payload.cmd.split()[self._words :]


class Interaction(Talking[P]):
    """Somebody used a card."""

    @property
    def message_id(self) -> MessageId:
        """The message that holds the card."""
        return message_of(self._happening.event) or MessageId("")

    @property
    def original(self) -> Card:
        """The card as Zoom stored it, unknown keys included.

        Raises:
            CardRefused: If Zoom sent no usable card.
        """
        return Card.parse(getattr(self.payload, "original", None), stored=True)

    async def update(self, answer: str | Card) -> SentMessage:
        """Replace the card.

        Raises:
            ApiRefused: If Zoom would not take it.
            Unreachable: If Zoom could not be asked, or did not answer.
        """
        return await self._services.speaker.update(self._place(), self.message_id, card_of(answer))

    async def delete(self) -> SentMessage:
        """Delete the message.

        Raises:
            ApiRefused: If Zoom would not do it.
            Unreachable: If Zoom could not be asked, or did not answer.
        """
        return await self._services.speaker.delete(self._place(), self.message_id)


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


class Selected(Interaction[InteractiveMessageSelect]):
    """An option was chosen in a dropdown."""

    @property
    def value(self) -> str:
        """The chosen option's value."""
        return self.payload.selected_items[0].value if self.payload.selected_items else ""


class Happened(Talking[Payload]):
    """Any event at all."""


class Deauthorized(Context[AppDeauthorized]):
    """Somebody removed the app. There is nobody to talk to: every token is dead."""


def card_of(answer: str | Card) -> Card:
    """Make a card of an answer: a text becomes a message of one paragraph.

    Raises:
        CardRefused: If the text is empty.
    """
    if isinstance(answer, Card):
        return answer
    if not answer.strip():
        raise CardRefused("/body/0/text", "is empty")
    return Card().text(answer)
