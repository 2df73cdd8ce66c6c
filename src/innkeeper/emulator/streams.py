"""How is a page told of what happens while it is open? By an answer that does not end.

Server-Sent Events: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from starlette.responses import Response

from innkeeper.net.outbound import Receive, Scope, Send

RETRY: Final = b"retry: 1000\n\n"
"""What a stream begins with: a browser that lost it comes back after a second."""


def last_seen(header: str | None, query: str) -> int | None:
    """Read the number of the last event that a reader saw; None where it names none."""
    seen = header or query
    return int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 16 else None


def event(number: int, html: str, *, name: str = "message") -> bytes:
    """Write an event, with the number that a reader who comes back names as the last seen."""
    whole = html.replace("\r\n", "\n").replace("\r", "\n")
    lines = "".join(f"data: {line}\n" for line in whole.split("\n"))
    return f"id: {number}\nevent: {name}\n{lines}\n".encode()


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
