"""What time is it, and when is it time? Asked of an object, so a test can own it."""

import asyncio
import itertools
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

_END = datetime(3000, 1, 1, tzinfo=UTC)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class Clock(Protocol):
    """Tells the time and waits for it."""

    def now(self) -> datetime:
        """Tell the current time, with its zone (UTC)."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return when this clock has moved on by so many seconds."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Tell the current time, with its zone (UTC)."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Return after so many seconds."""
        await asyncio.sleep(seconds)


class MovableClock:
    """A clock that can be moved forward, and wakes whoever waited for what it skipped.

    Running, it keeps pace with the machine's clock at an offset; frozen, it moves
    only when told. Time never goes back.

    Args:
        start: The first time shown; the machine's own time when omitted.
        frozen: Stand still between calls of `advance`.
    """

    def __init__(self, start: datetime | None = None, *, frozen: bool = False) -> None:
        wall = datetime.now(UTC)
        self._offset = timedelta(0) if start is None else start - wall
        self._stands_at = (start or wall).astimezone(UTC) if frozen else None
        self._waiters: dict[int, tuple[datetime, asyncio.Future[None]]] = {}
        self._order = itertools.count()
        self._lock = threading.Lock()  # whoever moves the clock may be in another thread
        self._watchers: list[Callable[[], None]] = []

    @property
    def frozen(self) -> bool:
        """Whether this clock moves only when told."""
        return self._stands_at is not None

    @property
    def offset(self) -> timedelta:
        """How far this clock is ahead of the machine's."""
        return self.now() - datetime.now(UTC) if self._stands_at else self._offset

    def now(self) -> datetime:
        """Tell the current time, with its zone (UTC)."""
        return self._stands_at or datetime.now(UTC) + self._offset

    def advance(self, seconds: float) -> None:
        """Move forward, and wake all who waited for a time that has now come.

        May be called from any thread.

        Raises:
            ValueError: When asked to go back, or beyond the year 3000.
        """
        with self._lock:
            if not 0 <= seconds <= (_END - self.now()).total_seconds():
                message = "a clock cannot go back, nor beyond the year 3000"
                raise ValueError(message)
            step = timedelta(seconds=seconds)
            if self._stands_at is not None:
                self._stands_at += step
            self._offset += step
            due = self._due()
        for future in due:
            _end(future)
        for watcher in self._watchers:
            watcher()

    def follow(self, offset: timedelta) -> None:
        """Be so far ahead of the machine's clock: the one way in which time can go back.

        Whoever waits is not woken earlier for it. Differences below a second are let be.
        """
        ahead = offset - self.offset
        if ahead > timedelta(seconds=1):
            self.advance(ahead.total_seconds())
        elif ahead < timedelta(seconds=-1) and not self.frozen:
            with self._lock:
                self._offset = offset

    def stand_at(self, moment: datetime) -> None:
        """Show a time, earlier or later, on a clock that stands: to bring back what was kept.

        Raises:
            ValueError: If the clock runs.
        """
        if self._stands_at is None:
            message = "a clock that runs cannot be set to a time"
            raise ValueError(message)
        step = moment - self._stands_at
        if step > timedelta(0):
            self.advance(step.total_seconds())
        with self._lock:
            self._stands_at = moment.astimezone(UTC)

    def watch(self, moved: Callable[[], None]) -> None:
        """Call `moved` each time the clock has been advanced."""
        self._watchers.append(moved)

    async def sleep(self, seconds: float) -> None:
        """Return when this clock has moved on by so many seconds."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        with self._lock:
            ticket = next(self._order)
            self._waiters[ticket] = (self.now() + timedelta(seconds=seconds), future)
        # The timer ends the wait by itself: the loop's clock and the wall's drift apart,
        # so what is over for one may lack a moment for the other, and nobody would ask again.
        timer = None if self._stands_at else loop.call_later(seconds, _resolve, future)
        try:
            await future
        finally:
            if timer is not None:
                timer.cancel()
            with self._lock:
                self._waiters.pop(ticket, None)

    def _due(self) -> list[asyncio.Future[None]]:
        now = self.now()
        due = sorted((at, ticket) for ticket, (at, _) in self._waiters.items() if at <= now)
        return [self._waiters.pop(ticket)[1] for _, ticket in due]


def _end(future: asyncio.Future[None]) -> None:
    try:
        future.get_loop().call_soon_threadsafe(_resolve, future)
    except RuntimeError:
        return  # its loop is closed, so nobody waits any more


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def from_epoch(seconds: float) -> datetime:
    """Turn Unix seconds into a time with its zone."""
    return datetime.fromtimestamp(seconds, UTC)


def epoch_ms(moment: datetime) -> int:
    """Turn a time into Unix milliseconds, as Zoom's payloads write it."""
    return (moment - _EPOCH) // _MILLISECOND
