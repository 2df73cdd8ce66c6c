"""A bot's handlers, tried one event at a time: no store, no Zoom, no loop of its own."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from innkeeper.app import App
from innkeeper.bot.dispatching import RoutedBot
from innkeeper.bot.table import Table
from innkeeper.bot.threads import Threads
from innkeeper.flows.dispatch import Happening
from innkeeper.ids import EventId
from innkeeper.store.records import InboxEvent
from innkeeper.wire.events import Event, interpret
from innkeeper.wire.messages import Card

NOW = datetime(2026, 11, 25, 23, 30, tzinfo=UTC)  # a Wednesday


def event(name: str, **payload: Any) -> Event[Any]:
    """Write an event as Zoom would; keys that are `...` are left out."""
    if name.startswith(("bot_", "interactive_")):
        payload = {
            "accountId": "Account-1",
            "robotJid": "v1bot@xmpp.zoom.us",
            "toJid": "user-1@xmpp.zoom.us",
            "userId": "User-1",
            "userJid": "user-1@xmpp.zoom.us",
            "userName": "Ana",
            "timestamp": int(NOW.timestamp() * 1000),
        } | payload
    said = {key: value for key, value in payload.items() if value is not ...}
    return interpret({"event": name, "payload": said})


def typed(cmd: str) -> Event[Any]:
    """Write what Zoom sends of a command."""
    return event("bot_notification", cmd=cmd)


def pressed(value: str) -> Event[Any]:
    """Write what Zoom sends of a button."""
    return event("interactive_message_actions", messageId="m1", actionItem={"value": value})


@dataclass
class Tried:
    """A bot that is tried."""

    app: App
    threads: Threads = field(default_factory=Threads)
    cards: list[Card] = field(default_factory=list[Card])

    def __post_init__(self) -> None:
        services: Any = None
        self.bot = RoutedBot(
            Table(self.app), services, threads=self.threads, overrides=self.app._overrides
        )

    @property
    def said(self) -> list[str]:
        """What was answered, each card as the text of its first paragraph."""
        return [card.content()["body"][0]["text"] for card in self.cards]

    async def hears(self, happened: Event[Any]) -> bool:
        """Let something happen; say whether there was a handler for it."""

        async def say(card: Card) -> None:
            self.cards.append(card)

        run = self.bot.find(happened)
        if run is None:
            return False
        arrival = InboxEvent(EventId("1"), happened.name, b"", NOW, 1)
        await run(Happening(happened, None, arrival, NOW + timedelta(minutes=5)), say)
        return True


async def answers(app: App, cmd: str) -> list[str]:
    """Tell what a command is answered with."""
    tried = Tried(app)
    await tried.hears(typed(cmd))
    return tried.said
