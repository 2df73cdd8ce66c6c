"""What is still to be done after an answer went out? Jobs, done in the background or on demand."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

Job = Callable[[], Awaitable[object]]


class Backlog:
    """Keeps jobs until somebody does them: a loop while time runs, or `settle` where it stands."""

    def __init__(self) -> None:
        self._jobs: deque[Job] = deque()
        self._running: set[asyncio.Future[object]] = set()
        self._added = asyncio.Event()

    @property
    def empty(self) -> bool:
        """Whether nothing waits and nothing is under way."""
        return not self._jobs and not self._running

    def add(self, job: Job) -> None:
        """Put a job at the end."""
        self._jobs.append(job)
        self._added.set()

    def clear(self) -> None:
        """Forget what nobody has begun."""
        self._jobs.clear()

    async def drain(self) -> None:
        """Do every job, also those that jobs add, and wait for what others began."""
        while self._jobs or self._running:
            while self._jobs:
                self._begin(self._jobs.popleft())
            await asyncio.gather(*self._running)

    async def run(self) -> None:
        """Begin jobs as they come, until cancelled; a slow one holds up no other."""
        self._added = asyncio.Event()  # of this loop: an emulator may be served more than once
        self._added.set()
        while True:
            await self._added.wait()
            self._added.clear()
            while self._jobs:
                self._begin(self._jobs.popleft())

    async def aclose(self) -> None:
        """Break off what is running."""
        self.clear()
        for task in list(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def _begin(self, job: Job) -> None:
        task = asyncio.ensure_future(job())
        self._running.add(task)
        task.add_done_callback(self._running.discard)
