"""Where do sync functions run? Each event has a thread of its own, as long as it needs one.

All sync functions of one event run there, one after the other, in one copy of the
context: a connection that may not change threads does not, and what a dependency has put
into a context variable is there for the handler. A thread whose function does not end is
left to itself, so that it keeps no other event waiting.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context, copy_context
from queue import SimpleQueue
from typing import Any, Final

from innkeeper.errors import HandlerExited

MOST_THREADS: Final = 40
_MOST_LEFT: Final = 1_000
"""How many threads may be left to themselves; from then on they count."""

Job = tuple[Callable[[], Any], "asyncio.Future[Any]"]


class Thread:
    """A thread that runs one function after the other."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._handed = 0  # counted by the loop
        self._ended = 0  # counted by the thread
        worker = threading.Thread(target=self._work, name="innkeeper-handler", daemon=True)
        worker.start()

    @property
    def pending(self) -> int:
        """How many functions were handed over and have not ended."""
        return self._handed - self._ended

    def put(self, job: Callable[[], Any]) -> "asyncio.Future[Any]":
        """Run a function there; whether anybody waits for it or not, it runs to its end."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._handed += 1
        self._jobs.put((job, future))
        return future

    def end(self) -> None:
        """End the thread when all it was given is done."""
        self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            function, future = job
            result, error = _attempt(function)
            self._ended += 1
            with suppress(RuntimeError):  # its loop is closed, so nobody waits any more
                future.get_loop().call_soon_threadsafe(_settle, future, result, error)
            del job, function, future, result, error  # or it would live until the next job


def _attempt(function: Callable[[], Any]) -> tuple[Any, Exception | None]:
    try:
        return function(), None
    except StopIteration as error:  # which no future takes
        return None, RuntimeError("a function raised StopIteration").with_traceback(
            error.__traceback__
        )
    except Exception as error:  # whatever it is, it is handed to whoever waits
        return None, error
    except BaseException as error:  # it would end the loop, and everybody's work with it
        exited = HandlerExited("a handler ended the process", f"it raised {error!r}")
        exited.__cause__ = error
        return None, exited


def _settle(future: "asyncio.Future[Any]", result: Any, error: Exception | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)


def _let_be(ended: "asyncio.Future[Any]") -> None:
    """Look at what nobody waits for, or asyncio would complain that nobody did."""
    if not ended.cancelled():
        ended.exception()


class Threads:
    """Threads for sync functions, no more than `most` at a time."""

    def __init__(self, most: int = MOST_THREADS) -> None:
        self._most = most
        self._idle: list[Thread] = []
        self._out = 0
        self._left = 0
        self._waiters: deque[asyncio.Future[None]] = deque()

    async def lend(self) -> "Lane":
        """Give a thread for one event, when one is free."""
        while self._out >= self._most:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._wake()  # the turn was ours already: pass it on
                raise
        self._out += 1
        return Lane(self, self._idle.pop() if self._idle else Thread())

    def take_back(self, thread: Thread) -> None:
        """Take a thread back. One that is still at work is left to itself."""
        if not thread.pending:
            self._idle.append(thread)
            self._out -= 1
        elif self._left < _MOST_LEFT:
            thread.end()
            self._left += 1
            self._out -= 1
        self._wake()

    def close(self) -> None:
        """End the threads that are idle."""
        for thread in self._idle:
            thread.end()
        self._idle.clear()

    def _wake(self) -> None:
        while self._waiters and self._out < self._most:
            turn = self._waiters.popleft()
            if not turn.done():
                turn.set_result(None)
                return


class Lane:
    """One event's thread, and its copy of the context."""

    def __init__(self, threads: Threads, thread: Thread) -> None:
        self._threads = threads
        self._thread = thread
        self._context: Context = copy_context()

    async def run(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Run a function there; what it raises is raised here.

        Raises:
            HandlerExited: If it tried to end the process.
        """
        return await self._thread.put(lambda: self._context.run(function, *args, **kwargs))

    def run_after(self, function: Callable[..., Any], *args: Any) -> None:
        """Run a function there once what runs now has ended, and do not wait for it."""
        ended = self._thread.put(lambda: self._context.run(function, *args))
        ended.add_done_callback(_let_be)

    @property
    def busy(self) -> bool:
        """Whether a function there has not ended: nobody waits for it any more."""
        return self._thread.pending > 0

    def leave(self) -> None:
        """Give the thread back."""
        self._threads.take_back(self._thread)
