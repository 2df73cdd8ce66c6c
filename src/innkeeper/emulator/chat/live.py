"""How does a page hear of changes? Server-Sent Events, numbered, so that none is missed.

What changes is a message; what is sent is the message as it then stands, drawn anew, so a
change that is told twice, or together with a later one, does no harm.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

from innkeeper.emulator.streams import RETRY, event
from innkeeper.emulator.world import Message, World

KEPT: Final = 1_000
Draw = Callable[[Message], str | None]
"""Draws a message for who watches; None if it is not theirs to see."""


class Live:
    """Remembers which messages changed last, and tells whoever watches."""

    def __init__(self, world: World, *, kept: int = KEPT) -> None:
        self._world = world
        self._changes: deque[tuple[int, str]] = deque(maxlen=kept)
        self._watching: set[asyncio.Event] = set()
        self._closed = False
        self.last = 0
        """The number of the last change."""
        world.listeners.append(self._heard)

    def close(self) -> None:
        """End every stream, so that a server can stop."""
        self._closed = True
        self._wake()

    async def stream(self, draw: Draw, *, after: int | None = None) -> AsyncIterator[bytes]:
        """Send every change as an event, until `close`.

        Args:
            after: The number of the last change that was seen; now, when omitted. If it
                is too long ago, or from before a restart, everything is sent.
        """
        news = asyncio.Event()
        self._watching.add(news)
        seen = self.last if after is None else after
        try:
            yield RETRY
            while not self._closed:
                news.clear()
                for number, message_id in self._since(seen):
                    seen = number
                    message = self._world.messages.get(message_id)
                    drawn = draw(message) if message else None
                    if drawn is not None:
                        yield event(number, drawn)
                await news.wait()
        finally:
            self._watching.discard(news)

    def _since(self, seen: int) -> list[tuple[int, str]]:
        oldest = self._changes[0][0] if self._changes else self.last + 1
        if seen > self.last or seen < oldest - 1:
            return [(self.last, message_id) for message_id in self._world.messages]
        return [change for change in self._changes if change[0] > seen]

    def _heard(self, kind: str, subject: Any) -> None:
        if kind == "message":
            self.last += 1
            self._changes.append((self.last, subject.id))
            self._wake()

    def _wake(self) -> None:
        for news in self._watching:
            news.set()
