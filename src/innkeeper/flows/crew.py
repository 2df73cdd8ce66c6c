"""Who does the work? Workers that share one queue, each with one event at a time.

One worker drains the queue until a handler waits; then the next one goes on. So a
thousand handlers that wait cost a thousand tasks, and those that never wait cost one.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar, cast

from innkeeper.errors import HandlerExited, HandlerOverdue
from innkeeper.flows.log import Log
from innkeeper.flows.queue import Queue, Waiting

MOST_IN_HAND: Final = 2_000
"""Events of the inbox that a process takes up at once. What waits beyond that waits in the store,
where it takes no memory, and where others may take it: 10,000 in hand were 90 MB."""
_MOST_WORKERS = 20_000
_IDLE_KEPT = 16
_IN_ONE_GO = 128
_LAST_WORDS_SECONDS = 2.0
"""How long a cancelled handler may tidy up before the process ends without it."""

Task = asyncio.Task[Any]
T = TypeVar("T")


@dataclass(slots=True)
class _Turn:
    """A handler that runs."""

    deadline: datetime
    overdue: bool = False


class Crew:
    """Workers on one queue.

    Args:
        handle: Sees to one event; true if it is over, false if it has been put back.
            It raises nothing but the cancellation of its task.
    """

    def __init__(
        self, queue: Queue, *, handle: Callable[[Waiting, Task], Awaitable[bool]], log: Log
    ) -> None:
        self._queue = queue
        self._handle = handle
        self._log = log
        from structlog.contextvars import bind_contextvars  # noqa: PLC0415  # slow to import

        self._bind = bind_contextvars
        self._context = copy_context()  # not that of whoever happens to bring an event
        self._workers: set[asyncio.Task[None]] = set()
        self._idle: list[asyncio.Future[None]] = []
        self._running: dict[Task, _Turn] = {}
        self._called = False
        self._closed = False
        self._quiet: asyncio.Event = asyncio.Event()
        self._quiet.set()
        self._roomy: asyncio.Event = asyncio.Event()
        self._roomy.set()
        self._open = 0

    @property
    def room(self) -> int:
        """How many more may be taken up; what comes by itself is taken in all the same."""
        return max(MOST_IN_HAND - self._open, 0)

    async def has_room(self) -> None:
        """Return when there is; once there is none, when half of it is done."""
        await self._roomy.wait()

    def put(self, waiting: Waiting) -> None:
        """Take an event in."""
        self._open += 1
        self._queue.put(waiting)
        self._quiet.clear()
        if self._open >= MOST_IN_HAND:
            self._roomy.clear()
        self._call()

    async def settled(self) -> None:
        """Return when nothing is queued or being handled."""
        await self._quiet.wait()

    async def run(self, work: Awaitable[T], *, task: Task, deadline: datetime) -> T:
        """Wait for a handler until its time is up.

        Raises:
            HandlerOverdue: If it was cut off.
            HandlerExited: If it cancelled itself.
        """
        turn = self._running[task] = _Turn(deadline)
        try:
            return await work
        except asyncio.CancelledError as cancelled:
            if turn.overdue:
                raise HandlerOverdue("a handler was cut off", f"it was due {deadline}") from None
            if task.cancelling():
                raise
            raise HandlerExited("a handler ended itself", "it was cancelled") from cancelled
        finally:
            del self._running[task]
            while turn.overdue and task.uncancel():
                pass

    def cut_overdue(self, now: datetime) -> int:
        """Cut off handlers whose time is up; say how many."""
        cut = 0
        for task, turn in self._running.items():  # in the order in which they began
            if turn.deadline > now:
                break
            turn.overdue = True
            task.cancel()
            cut += 1
        return cut

    async def close(self, *, grace_seconds: float) -> None:
        """Let handlers end, then cancel what still runs; closing twice is closing once."""
        if self._closed:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(grace_seconds):
                await self.settled()
        if self._open:
            self._log.error("dispatch.cut_off", events=self._open)
        self._closed = True
        for worker in self._workers:
            worker.cancel()
        if self._workers:
            _, deaf = await asyncio.wait(self._workers, timeout=_LAST_WORDS_SECONDS)
            if deaf:
                self._log.error("dispatch.left_behind", events=len(deaf))

    def _call(self) -> None:
        if not self._called:
            self._called = True
            asyncio.get_running_loop().call_soon(self._wake, context=self._context)

    def _wake(self) -> None:
        self._called = False
        if not self._queue or self._closed:  # what is cut off is taken up at the next start
            return
        if self._idle:
            self._idle.pop().set_result(None)
        elif len(self._workers) < _MOST_WORKERS:
            worker = asyncio.create_task(self._work())
            self._workers.add(worker)
            worker.add_done_callback(self._workers.discard)

    async def _work(self) -> None:
        task = cast("Task", asyncio.current_task())
        while await self._drain(task):
            if self._queue:
                await asyncio.sleep(0)
                continue
            if len(self._idle) >= _IDLE_KEPT:
                return
            turn = asyncio.get_running_loop().create_future()
            self._idle.append(turn)
            await turn
        if self._queue:
            self._call()

    async def _drain(self, task: Task) -> bool:
        """Handle what waits. False if a handler has left something in the worker's context.

        Whoever comes next must not find there what one person's event has put down.
        """
        for _ in range(_IN_ONE_GO):
            if not self._queue:
                break
            waiting = self._queue.next()
            if self._queue:
                self._call()
            self._bind(request_id=waiting.event.id)
            before = copy_context()
            over = True
            try:
                over = await self._handle(waiting, task)
            finally:
                if over:
                    self._leave()
            if copy_context() != before:
                return False
        return True

    def _leave(self) -> None:
        if self._queue:
            self._call()
        self._open -= 1
        if self._open <= MOST_IN_HAND // 2:
            self._roomy.set()
        if not self._open:
            self._quiet.set()
