"""Who may ask Zoom's token endpoint now? So many at once, and after a failure one alone.

An endpoint that is slow must not hold up what needs no new token, and one that is down is
not helped by a thousand callers who all ask it again: it is left alone for a while, then
one goes ahead, and all others follow if that one was served.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Final

from innkeeper.clock import Clock
from innkeeper.errors import Unreachable

PAUSE: Final = timedelta(seconds=5)
"""How long an endpoint that cannot serve is left alone, unless it asks for longer."""
AT_ONCE: Final = 16
"""How many calls may be under way; far fewer than the connections that all calls share."""
PATIENCE: Final = timedelta(seconds=35)
"""Who has waited for this long is let go: their own caller waits no more."""
_PROBE_SECONDS: Final = 1.0


class Turns:
    """Lets callers to the endpoint, for whatever subject."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._places = asyncio.Semaphore(AT_ONCE)
        self._resumes_at: datetime | None = None
        self._probing = False

    @property
    def paused(self) -> bool:
        """Whether the endpoint is left alone now, but for one who may try."""
        return self._left() > 0

    @asynccontextmanager
    async def take(self) -> AsyncGenerator[bool]:
        """Wait for a turn; it says whether this is the one call that finds out.

        Raises:
            Unreachable: If the endpoint is left alone, with `retry_after`, or if there was
                no turn in time.
        """
        self._check()
        began = self._clock.now()
        async with self._places:
            self._check()  # it may have failed while we waited
            if self._clock.now() - began > PATIENCE:
                raise Unreachable("no turn in time", "Zoom's token endpoint is slow")
            probing = self._resumes_at is not None
            self._probing = self._probing or probing
            try:
                yield probing
            finally:
                if probing:
                    self._probing = False

    def failed(self, error: Unreachable) -> None:
        """Leave the endpoint alone for as long as it asks, or for a while."""
        asked = timedelta(seconds=error.retry_after or 0)
        self._resumes_at = self._clock.now() + max(asked, PAUSE)

    def served(self) -> None:
        """Let everybody ask again."""
        self._resumes_at = None

    def _check(self) -> None:
        left = self._left()
        if left > 0:
            raise Unreachable(
                "Zoom's token endpoint is left alone", "it could not serve", retry_after=left
            )

    def _left(self) -> float:
        if self._resumes_at is None:
            return 0.0
        left = (self._resumes_at - self._clock.now()).total_seconds()
        return max(left, _PROBE_SECONDS) if self._probing else max(left, 0.0)
