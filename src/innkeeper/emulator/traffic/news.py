"""How does the traffic page hear that something went over the wire? By a number, as it comes."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from innkeeper.emulator.streams import RETRY, event
from innkeeper.emulator.traffic.records import Traffic
from innkeeper.emulator.world import World


class News:
    """Tells whoever watches the number of the newest exchange.

    What went over the wire the page asks for itself: many exchanges at once are one piece of
    news, and what the page shows, searched and filtered, is drawn in one place.
    """

    def __init__(self, world: World, traffic: Traffic) -> None:
        self._traffic = traffic
        self._watching: set[asyncio.Event] = set()
        self._closed = False
        world.listeners.append(self._heard)

    def close(self) -> None:
        """End every stream, so that a server can stop."""
        self._closed = True
        self._wake()

    async def stream(self, *, after: int | None = None) -> AsyncIterator[bytes]:
        """Send the newest number whenever it has grown, until `close`.

        Args:
            after: The newest number that was seen; now, when omitted.
        """
        news = asyncio.Event()
        self._watching.add(news)
        seen = self._traffic.newest if after is None else after
        try:
            yield RETRY
            while not self._closed:
                news.clear()
                newest = self._traffic.newest
                if newest != seen:
                    seen = newest
                    yield event(newest, str(newest), name="traffic")
                await news.wait()
        finally:
            self._watching.discard(news)

    def _heard(self, kind: str, _subject: Any) -> None:
        if kind == "traffic":
            self._wake()

    def _wake(self) -> None:
        for news in self._watching:
            news.set()
