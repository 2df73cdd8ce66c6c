"""Real processes of one bot, to be killed at any time, and a store that may be stopped too."""

import asyncio
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, cast

import aiohttp
import asyncpg  # pyright: ignore[reportMissingTypeStubs]  # it has none

from innkeeper.store.seal import KeyRing
from tests.cli.commands import COMMAND, CONFIGURED, free_ports
from tests.postgres import Server

BOT = """\
from innkeeper import App, Command

app = App("Porter")


@app.command("note")
async def note(ctx: Command, number: str) -> None:
    async def have() -> None:
        with open("had", "a") as had:
            had.write(f"{number}\\n")

    await ctx.once("note", have)
"""
RISEN_SECONDS = 30.0


class Fleet:
    """The processes of one bot.

    Args:
        folder: Where they run, and write down what they did.
        server: The PostgreSQL that they share; None for one process on SQLite.
    """

    def __init__(self, folder: Path, server: Server | None) -> None:
        self.folder = folder
        self.server = server
        (folder / "bot.py").write_text(BOT)
        environment = {**os.environ, **CONFIGURED, "INNKEEPER_KEYS": KeyRing.generate()}
        # As where it was installed: whoever starts compiles nothing. That took 2 of 3 seconds.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        environment.setdefault("PYTHONPYCACHEPREFIX", str(Path(sys.prefix) / "pycache"))
        self.ports = free_ports(1 if server is None else 2)
        self._roles: list[tuple[str, ...]] = [("run", "--port", str(port)) for port in self.ports]
        if server is not None:
            environment |= {
                "INNKEEPER_DATABASE_URL": server.url,
                "INNKEEPER_HANDLERS": "elsewhere",
            }
            self._roles += [("worker",), ("worker",)]
        self._environment = environment
        self.said = folder / "said"
        """Where their output goes."""
        self.descriptors = 1024
        """How many files and connections each may have open; so many by default on Linux."""
        self._processes: dict[int, subprocess.Popen[bytes]] = {}

    @property
    def size(self) -> int:
        """Count the processes that there should be."""
        return len(self._roles)

    def start(self, number: int) -> None:
        """Start one, as a service manager does when it has ended."""
        argv, environment = self._roles[number], dict(self._environment)
        if argv[0] == "worker":
            environment.pop("INNKEEPER_HANDLERS")
        with self.said.open("ab") as said:
            self._processes[number] = subprocess.Popen(
                ["sh", "-c", f'ulimit -n {self.descriptors}; exec "$0" "$@"', COMMAND, *argv],
                cwd=self.folder,
                env=environment,
                stdout=said,
                stderr=said,
            )

    def kill(self, number: int) -> None:
        """Kill one; nothing of it is tidied up."""
        process = self._processes[number]
        process.kill()
        process.wait()

    def fill_disk(self) -> bool:
        """Let the files of a process on SQLite grow no further; say if it lives."""
        log = self.folder / "innkeeper.db-wal"
        return self._limit_files(log.stat().st_size if log.exists() else 0)

    def make_room(self) -> bool:
        """Let them grow again."""
        return self._limit_files(None)

    def signal(self, number: int, sent: int) -> None:
        """Send a signal to one."""
        self._processes[number].send_signal(sent)

    def wait(self, number: int, seconds: float) -> int:
        """Wait for the end of one, and give its code."""
        return self._processes[number].wait(seconds)

    def holds(self, number: int) -> tuple[int, int]:
        """Tell how many kilobytes of memory and how many descriptors one holds."""
        place = Path("/proc", str(self._processes[number].pid))
        status = (place / "status").read_text()
        memory = status.partition("VmRSS:")[2].split()[0]
        return int(memory), len(list((place / "fd").iterdir()))

    def _limit_files(self, size: int | None) -> bool:
        process = self._processes[0]
        if process.poll() is not None:
            return False
        _, most = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (most if size is None else size, most))
        return True

    def raise_the_dead(self) -> int:
        """Start again whoever ended by itself; say how many had."""
        ended = [n for n, each in self._processes.items() if each.poll() is not None]
        for number in ended:
            self.start(number)
        return len(ended)

    def end(self) -> list[int]:
        """End all in good order, and give their codes."""
        for process in self._processes.values():
            process.send_signal(signal.SIGTERM)
        return [process.wait(RISEN_SECONDS) for process in self._processes.values()]

    def kill_all(self) -> None:
        """Let nobody be left."""
        for number in self._processes:
            self.kill(number)

    async def rise(self) -> float:
        """Start all, and give the seconds until each web process is ready for Zoom."""
        return await self.restart(range(self.size))

    async def restart(self, numbers: Sequence[int]) -> float:
        """Start some, and give the seconds until their web processes are ready for Zoom."""
        began = time.monotonic()
        for number in numbers:
            self.start(number)
        async with asyncio.timeout(RISEN_SECONDS), aiohttp.ClientSession() as session:
            for port in (self.ports[n] for n in numbers if n < len(self.ports)):
                while not await _is_ready(session, port):  # noqa: ASYNC110  # it tells nobody
                    await asyncio.sleep(0.02)
        return time.monotonic() - began

    async def is_ready(self, number: int) -> bool:
        """Say whether a web process is ready for Zoom."""
        async with aiohttp.ClientSession() as session:
            return await _is_ready(session, self.ports[number])

    def had(self) -> list[int]:
        """List the effects that were had."""
        with suppress(FileNotFoundError):
            return [int(line) for line in (self.folder / "had").read_text().splitlines()]
        return []

    async def rows(self) -> dict[bytes, tuple[str, str]]:
        """Say of each event, by its place, how it stands and why."""
        if self.server is None:
            return rows_of(self.folder)
        connection: Any = await cast("Any", asyncpg).connect(self.server.url)
        try:
            found = await connection.fetch(
                "SELECT place, state, reason FROM innkeeper.inbox_events"
            )
        finally:
            await connection.close()
        return {row[0]: (row[1], row[2]) for row in found}


def rows_of(folder: Path) -> dict[bytes, tuple[str, str]]:
    """Say how each event in a folder's SQLite stands, and why."""
    with closing(sqlite3.connect(folder / "innkeeper.db", timeout=10)) as database:
        found = database.execute("SELECT place, state, reason FROM inbox").fetchall()
    return {row[0]: (row[1], row[2]) for row in found}


async def _is_ready(session: aiohttp.ClientSession, port: int) -> bool:
    with suppress(aiohttp.ClientError):
        async with session.get(f"http://127.0.0.1:{port}/readyz") as answer:
            return answer.status == 200
    return False
