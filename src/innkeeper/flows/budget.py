"""How often may something go wrong before we stop talking about it?"""

from datetime import timedelta
from typing import Final

from innkeeper.clock import Clock

_NOW: Final = timedelta(0)


class Budget:
    """Is used up by what goes wrong, and comes back as time passes.

    It keeps one moment, however much is asked of it, and nothing about whoever asks.

    Args:
        size: How often it can be used at once.
        each: How long it takes until one use has come back.
    """

    def __init__(self, size: int, each: timedelta, clock: Clock) -> None:
        self._whole = size * each
        self._each = each
        self._clock = clock
        self._whole_at = clock.now()

    def use(self) -> timedelta:
        """Use it once; if nothing is left, use nothing and tell how long until there is."""
        now = self._clock.now()
        latest = now + self._whole  # further away is none of it: the clock was set back
        whole_at = self._whole_at = min(max(self._whole_at, now), latest)
        wait = whole_at + self._each - latest
        if wait > _NOW:
            return wait
        self._whole_at = whole_at + self._each
        return _NOW
