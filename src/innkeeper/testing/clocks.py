"""What time is it in a test? One clock for Zoom and the bot, which moves only when told."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

from innkeeper.clock import MovableClock


class HarnessClock:
    """The one clock of the emulated Zoom and the bot; it moves only when told.

    Args:
        advance: Moves it by so many seconds, and lets everything happen on the way.
    """

    def __init__(self, clock: MovableClock, advance: Callable[[float], Awaitable[None]]) -> None:
        self._clock = clock
        self._advance = advance

    def now(self) -> datetime:
        """Tell the time, in UTC."""
        return self._clock.now()

    async def advance(self, *, hours: float = 0, minutes: float = 0, seconds: float = 0) -> None:
        """Move forward, and let everything happen that was due on the way."""
        await self._advance(hours * 3600 + minutes * 60 + seconds)


class PassingClock:
    """The bot's view of the clock: whoever of the bot's waits, time passes for everybody."""

    def __init__(self, clock: MovableClock) -> None:
        self._clock = clock

    def now(self) -> datetime:
        """Tell the current time, with its zone (UTC)."""
        return self._clock.now()

    async def sleep(self, seconds: float) -> None:
        """Let so many seconds pass: nobody else would, while a test waits for the bot."""
        self._clock.advance(max(seconds, 0.0))
        await asyncio.sleep(0)
