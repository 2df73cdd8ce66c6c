"""How often may something go wrong before we stop talking about it?"""

from datetime import timedelta
from typing import Final

from innkeeper.clock import Clock

_NOW: Final = timedelta(0)


class LeakyBucket:
    """Is filled by what goes wrong, and empties as time passes.

    It keeps one moment, however much is asked of it, and nothing about whoever asks.

    Args:
        size: How much it holds.
        each: How long it takes until one has leaked away.
    """

    def __init__(self, size: int, each: timedelta, clock: Clock) -> None:
        self._whole = size * each
        self._each = each
        self._clock = clock
        self._empty_at = clock.now()

    def fill(self) -> timedelta:
        """Put one in; if it is full, put nothing in, and tell how long until there is room."""
        now = self._clock.now()
        latest = now + self._whole  # further away is none of it: the clock was set back
        empty_at = self._empty_at = min(max(self._empty_at, now), latest)
        wait = empty_at + self._each - latest
        if wait > _NOW:
            return wait
        self._empty_at = empty_at + self._each
        return _NOW
