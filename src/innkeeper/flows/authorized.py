"""What if somebody has just authorized the app? The bot is told, from the inbox.

The news is an event of our own. It is kept like one of Zoom's, so it survives a crash, is
tried again where it fails, and what it carries is erased once it has been handled.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from innkeeper.clock import Clock, epoch_ms
from innkeeper.errors import BodyRefused
from innkeeper.ids import AccountId, Jid, UserId
from innkeeper.store.base import InboxStore
from innkeeper.store.records import InboxEvent, Installation, Person
from innkeeper.wire.events import Event
from innkeeper.wire.payloads import Camel, Payload

AUTHORIZED: Final = "innkeeper.authorized"
"""No name that Zoom gives: its own are a product's, and signed."""


class Authorization(Camel, frozen=True, kw_only=True):
    """Who has authorized the app, and what their link carried."""

    account_id: AccountId
    user_id: UserId
    user_jid: Jid
    user_name: str = ""
    timestamp: int = 0
    metadata: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])


def as_authorization(event: Event[Payload]) -> Event[Payload]:
    """Read an event of this name as the news it is.

    Raises:
        BodyRefused: If it is none of ours.
    """
    try:
        news = msgspec.convert(event.raw.get("payload"), Authorization)
    except msgspec.ValidationError:
        raise BodyRefused("not_news") from None
    return Event(event.name, news, event.at, event.raw)


class News:
    """Puts the news of an authorization into the inbox.

    Args:
        take: Where fresh news goes on to.
    """

    def __init__(
        self, *, inbox: InboxStore, clock: Clock, take: Callable[[InboxEvent], None]
    ) -> None:
        self._inbox = inbox
        self._clock = clock
        self._take = take

    async def authorized(
        self, installation: Installation, person: Person, *, attempt: str, said: Mapping[str, Any]
    ) -> None:
        """Tell the bot, once for each attempt, who came and what their link carried.

        Raises:
            StoreUnavailable: If it could not be kept.
        """
        now = self._clock.now()
        news = Authorization(
            account_id=person.account_id,
            user_id=person.user_id,
            user_jid=person.jid,
            user_name=person.name,
            timestamp=epoch_ms(now),
            metadata=dict(said),
        )
        body = msgspec.json.encode({"event": AUTHORIZED, "payload": news})
        mark = f"{AUTHORIZED}:{installation.id}:{attempt}"
        accepted = await self._inbox.accept(
            key=hashlib.sha256(mark.encode()).digest(),
            name=AUTHORIZED,
            body=body,
            owner=installation.owner,
            now=now,
        )
        if accepted.fresh:
            self._take(InboxEvent(accepted.id, AUTHORIZED, body, now, 1))
