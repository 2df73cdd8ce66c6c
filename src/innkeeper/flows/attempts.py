"""What goes on while somebody waits? Codes that are being traded, each to its end.

A code is spent as soon as it is sent. So what was begun is never broken off because a
browser has gone or was told to ask again; who asks again is told how it ended.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from innkeeper.clock import Clock
from innkeeper.errors import InstallUnavailable
from innkeeper.store.records import Installation, PendingInstall

PATIENCE_SECONDS = 8.0
"""How long somebody looks at nothing before they are told that it still goes on."""


@dataclass(slots=True)
class UnderWay:
    """An attempt whose code is being traded."""

    task: asyncio.Task[Installation]
    pending: PendingInstall
    return_to: str
    slow: bool = False
    """Whether its browser has gone, or was told to ask again."""


class Attempts:
    """The attempts under way in this process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._under_way: dict[str, UnderWay] = {}
        self.patience_seconds = PATIENCE_SECONDS
        """How long one waits."""

    def __len__(self) -> int:
        return len(self._under_way)

    def begin(
        self,
        pending: PendingInstall,
        work: Coroutine[Any, Any, Installation],
        *,
        return_to: str,
    ) -> UnderWay:
        """Begin to trade a code."""
        self._forget_ended()
        begun = UnderWay(asyncio.create_task(work), pending, return_to)
        begun.task.add_done_callback(_look_at)
        self._under_way[pending.attempt] = begun
        return begun

    def slow(self, attempt: str) -> UnderWay | None:
        """Find an attempt that somebody was told to ask for again."""
        found = self._under_way.get(attempt)
        return found if found is not None and found.slow else None

    async def end_of(self, under_way: UnderWay) -> Installation | None:
        """Wait for the end; None if that takes so long that somebody must be told.

        Raises:
            InstallRefused: As the attempt was.
        """
        task = under_way.task
        try:
            await asyncio.wait({task}, timeout=self.patience_seconds)
        except asyncio.CancelledError:
            under_way.slow = True
            raise
        if not task.done():
            under_way.slow = True
            return None
        self._under_way.pop(under_way.pending.attempt, None)
        if task.cancelled():
            raise InstallUnavailable("install not finished", "the app was stopped")
        return task.result()

    async def aclose(self) -> None:
        """Let all of them end, so that no answer of Zoom's is thrown away."""
        tasks = [under_way.task for under_way in self._under_way.values()]
        await asyncio.gather(*tasks, return_exceptions=True)

    def _forget_ended(self) -> None:
        """Drop those that ended, and whose browser never asked again."""
        now = self._clock.now()
        for attempt, under_way in list(self._under_way.items()):
            if under_way.task.done() and under_way.pending.expires_at < now:
                del self._under_way[attempt]


def _look_at(task: asyncio.Task[Installation]) -> None:
    """Take note of how it ended, for perhaps nobody asks any more."""
    if not task.cancelled():
        task.exception()
