"""How is an emulator reached over sockets? Its own server, in this loop or in a thread."""

import asyncio
import socket
import threading
from collections.abc import AsyncGenerator, Generator
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager
from typing import Protocol

from innkeeper.net.outbound import AsgiApp
from innkeeper.net.serving import serving


class Servable(Protocol):
    """What can be served: an application, and what runs beside it."""

    app: AsgiApp

    async def start(self) -> None:
        """Begin what runs in the background."""
        ...

    async def aclose(self) -> None:
        """End it."""
        ...


@asynccontextmanager
async def hosting(emulator: Servable, listener: socket.socket) -> AsyncGenerator[None]:
    """Serve an emulator while the block runs; open event streams end before the server does."""
    await emulator.start()
    async with serving(emulator.app, listener):
        try:
            yield
        finally:
            await emulator.aclose()


@contextmanager
def hosting_in_thread(emulator: Servable, listener: socket.socket) -> Generator[None]:
    """Serve an emulator from a thread of its own while the block runs.

    Raises:
        BaseException: What kept the server from starting, or ended it.
    """
    up: Future[asyncio.AbstractEventLoop] = Future()
    over = asyncio.Event()

    async def main() -> None:
        async with hosting(emulator, listener):
            up.set_result(asyncio.get_running_loop())
            await over.wait()

    ended: Future[None] = Future()

    def run() -> None:
        try:
            asyncio.run(main())
        except BaseException as error:  # told in the thread that waits for it
            (ended if up.done() else up).set_exception(error)
        else:
            ended.set_result(None)

    thread = threading.Thread(target=run, name="innkeeper-emulator", daemon=True)
    thread.start()
    loop = up.result()
    try:
        yield
    finally:
        if not ended.done():
            loop.call_soon_threadsafe(over.set)
        thread.join()
    ended.result()
