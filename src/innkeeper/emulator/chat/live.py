"""How does a page hear of changes? Server-Sent Events, numbered, so that none is missed.

What changes is a message; what is sent is the message as it then stands, drawn anew, so a
change that is told twice, or together with a later one, does no harm.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

from starlette.responses import Response

from innkeeper.emulator.world import Message, World
from innkeeper.net.outbound import Receive, Scope, Send

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
            yield b"retry: 1000\n\n"
            while not self._closed:
                news.clear()
                for number, message_id in self._since(seen):
                    seen = number
                    message = self._world.messages.get(message_id)
                    drawn = draw(message) if message else None
                    if drawn is not None:
                        yield _event(number, drawn)
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


def _event(number: int, html: str) -> bytes:
    whole = html.replace("\r\n", "\n").replace("\r", "\n")
    lines = "".join(f"data: {line}\n" for line in whole.split("\n"))
    return f"id: {number}\nevent: message\n{lines}\n".encode()


class EventStream(Response):
    """An answer that goes on until its stream ends or its reader leaves."""

    media_type = "text/event-stream"

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        super().__init__(headers={"cache-control": "no-store", "x-content-type-options": "nosniff"})
        del self.headers["content-length"]
        self._chunks = chunks

    async def __call__(
        self,
        scope: Scope,  # noqa: ARG002  # part of every ASGI application's signature
        receive: Receive,
        send: Send,
    ) -> None:
        """Send what comes, and watch for the reader leaving: a silent stream would not notice."""
        await send(
            {"type": "http.response.start", "status": 200, "headers": list(self.raw_headers)}
        )
        pump = asyncio.ensure_future(self._pump(send))
        left = asyncio.ensure_future(_left(receive))
        try:
            await asyncio.wait({pump, left}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (pump, left):
                task.cancel()
            await asyncio.gather(pump, left, return_exceptions=True)

    async def _pump(self, send: Send) -> None:
        async for chunk in self._chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
