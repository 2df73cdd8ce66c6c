"""How is a bot changed while it runs? Requests wait a moment, and then meet the new one."""

import asyncio
import importlib
import linecache
import sys
from pathlib import Path
from types import ModuleType

from innkeeper.app import App
from innkeeper.cli.botfile import load_bot
from innkeeper.errors import InnkeeperError
from innkeeper.net.outbound import Receive, Scope, Send


class Stage:
    """The application that a server is given; which bot plays on it may change.

    Args:
        app: The bot that is on; the stage never starts it.
    """

    def __init__(self, app: App) -> None:
        self.app = app
        self._open = asyncio.Event()
        self._open.set()
        self._empty = asyncio.Event()
        self._empty.set()
        self._inside = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve ASGI by the bot that is on."""
        await self._open.wait()
        self._inside += 1
        self._empty.clear()
        try:
            await self.app(scope, receive, send)
        finally:
            self._inside -= 1
            if not self._inside:
                self._empty.set()

    async def replace(self, new: App) -> None:
        """Stop the bot that is on and start another; nobody finds the stage empty.

        What the first was doing may end, as at any stop. If the other cannot start, the
        first goes on.

        Raises:
            Exception: What kept the other from starting.
        """
        self._open.clear()
        await self._empty.wait()
        old = self.app
        try:
            await old.stop()
            try:
                await new.start()
            except BaseException:
                await old.start()
                raise
            self.app = new
        finally:
            self._open.set()


def load_again(path: Path) -> App:
    """Load a bot's file, and all of its neighbours that it imports, as they are now.

    What the bot keeps in module variables begins anew.

    Raises:
        BotRefused: If it cannot be loaded; then its modules are what they were.
    """
    before = _modules_beside(path)
    for name in before:
        del sys.modules[name]
    importlib.invalidate_caches()
    linecache.checkcache()
    try:
        return load_bot(path)
    except InnkeeperError:
        for name in _modules_beside(path):
            del sys.modules[name]
        sys.modules.update(before)
        raise


def _modules_beside(path: Path) -> dict[str, ModuleType]:
    """Find the modules that are the bot's own: those in its folder, installed ones aside."""
    folder = path.resolve().parent
    return {
        name: module
        for name, module in sys.modules.items()
        if name.partition(".")[0] not in {"innkeeper", "__main__"}
        and (file := getattr(module, "__file__", None)) is not None
        and Path(file).is_relative_to(folder)
        and "site-packages" not in Path(file).parts
    }
