"""How are the first words said? As the HTTP answer to `bot_installed` if they are in time.

Source: https://developers.zoom.us/docs/team-chat/welcome-message/
"""

import asyncio
from typing import Any

import msgspec

from innkeeper.wire.messages import Card

WELCOME_SECONDS = 2.5
"""Of the three seconds that Zoom waits for the welcome message."""


class Welcome:
    """The first card of `bot_installed`: the HTTP answer if in time, else a message."""

    def __init__(self) -> None:
        self._first: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()

    def take(self, card: Card) -> bool:
        """Take a card as the HTTP answer; False if there is one, or it is too late."""
        if self._first.done():
            return False
        body: dict[str, Any] = {"content": card.checked()}
        if card.markdown:
            body["is_markdown_support"] = True
        self._first.set_result(msgspec.json.encode(body))
        return True

    async def wait(self) -> bytes | None:
        """Give the HTTP answer if it comes in time; from then on cards are messages."""
        await asyncio.wait({self._first}, timeout=WELCOME_SECONDS)
        self.end()
        return self._first.result()

    def end(self) -> None:
        """Say that nothing more will come."""
        if not self._first.done():
            self._first.set_result(None)

    @property
    def answer(self) -> bytes | None:
        """What was answered, if anything was."""
        return self._first.result() if self._first.done() else None
