"""How does a command run until it is stopped? On the fast loop, ended by a signal."""

import asyncio
import gc
import resource
import signal
from collections.abc import Coroutine
from typing import Any, Final

from click.exceptions import Exit

_GARBAGE: Final = (2_000, 10, 1_000)
"""After how many new objects Python looks for garbage among the youngest, and how many such
looks lead to one at the next generation. Ten thousand handlers that wait are half a million
objects: a look at all of them stops the loop for 0.2 to 0.4 seconds, so that one is rare."""


def look_for_garbage_rarely() -> None:
    """Have Python search all of its memory a hundred times less often, and the young as ever."""
    gc.set_threshold(*_GARBAGE)


def leave_no_core() -> None:
    """Have the system write no core file if this process crashes: it would hold every key."""
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, most))


def run_until_done(main: Coroutine[Any, Any, None]) -> None:
    """Run a server's main task on the fast loop; a signal cancels it, so that it tidies up.

    Raises:
        Exit: With 130 or 143, if a signal came before it was up, or while it ended.
    """
    import uvloop  # noqa: PLC0415  # not on every platform

    look_for_garbage_rarely()
    leave_no_core()
    caught: list[int] = []

    async def interruptible() -> None:
        task = asyncio.current_task()

        def interrupt(number: int) -> None:
            caught.append(number)
            if task is not None:
                task.cancel()

        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, interrupt, number)
        await main

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(interruptible())
        except asyncio.CancelledError:
            raise Exit(128 + caught[-1]) from None


async def until_stopped() -> None:
    """Return at Ctrl-C, or when asked to end: for whoever serves, a signal is a wish."""
    task = asyncio.current_task()
    try:
        await asyncio.get_running_loop().create_future()
    except asyncio.CancelledError:
        if task is not None:
            task.uncancel()
