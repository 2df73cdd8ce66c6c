"""Several web processes, several workers, and some of them killed: no event is lost."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest

from innkeeper.store.seal import KeyRing
from tests.cli.commands import COMMAND, CONFIGURED, free_ports
from tests.deliveries import delivery
from tests.postgres import PASSWORD, Server, own_server

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

EVENTS = 240
BOT = """\
import os
from innkeeper import App, Command

app = App("Porter")


@app.command("note")
async def note(ctx: Command) -> None:
    with open("notes", "a") as notes:
        notes.write(f"{os.getpid()} {ctx.text}\\n")
"""


class Fleet:
    """Processes of one bot on one PostgreSQL."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        (folder / "bot.py").write_text(BOT)
        self._environment = {
            **os.environ,
            **CONFIGURED,
            "INNKEEPER_DATABASE_URL": url,
            "INNKEEPER_KEYS": KeyRing.generate(),
        }
        self.all: list[subprocess.Popen[bytes]] = []
        self.webs: dict[int, subprocess.Popen[bytes]] = {}
        self.workers: list[subprocess.Popen[bytes]] = []

    def start_web(self) -> int:
        (port,) = free_ports(1)
        process = self._start("run", "--port", str(port), INNKEEPER_HANDLERS="elsewhere")
        self.webs[port] = process
        return port

    def start_worker(self, **changes: str) -> None:
        self.workers.append(self._start("worker", **changes))

    def _start(self, *argv: str, **changes: str) -> "subprocess.Popen[bytes]":
        with (self.folder / "said").open("ab") as said:
            process = subprocess.Popen(
                [COMMAND, *argv],
                cwd=self.folder,
                env=self._environment | changes,
                stdout=said,
                stderr=said,
            )
        self.all.append(process)
        return process

    def notes(self) -> list[str]:
        with suppress(FileNotFoundError):
            return (self.folder / "notes").read_text().splitlines()
        return []

    def texts(self) -> set[str]:
        return {note.partition(" ")[2] for note in self.notes()}

    def end(self) -> list[int]:
        for process in self.all:
            if process.poll() is None:
                process.terminate()
        return [process.wait(30) for process in self.all]


@pytest.fixture
def own(postgres: Server) -> Iterator[Server]:
    with own_server(postgres) as server:
        yield server


@pytest.fixture
def fleet(own: Server, tmp_path: Path) -> Iterator[Fleet]:
    fleet = Fleet(tmp_path, own.url)
    yield fleet
    for process in fleet.all:
        process.kill()
        process.wait()


async def deliver(session: aiohttp.ClientSession, fleet: Fleet, number: int) -> None:
    """Post an event as Zoom does: again, anywhere, until somebody has taken it."""
    content, headers = delivery(number)
    for attempt in range(600):
        ports = list(fleet.webs)
        url = f"http://127.0.0.1:{ports[(number + attempt) % len(ports)]}/events"
        with suppress(aiohttp.ClientError, TimeoutError):
            async with session.post(url, data=content, headers=headers) as answer:
                if answer.status == 200:
                    return
        await asyncio.sleep(0.1)
    raise AssertionError(f"nobody has taken {number}")


async def until_noted(fleet: Fleet, numbers: range, seconds: float) -> None:
    wanted = {str(number) for number in numbers}
    async with asyncio.timeout(seconds):
        while not wanted <= {text.removeprefix("note ") for text in fleet.texts()}:  # noqa: ASYNC110  # files tell nobody
            await asyncio.sleep(0.1)


async def test_a_worker_says_how_it_is_at_the_operators_port(fleet: Fleet) -> None:
    (port,) = free_ports(1)
    fleet.start_worker(INNKEEPER_ADMIN_PORT=str(port))
    url = f"http://127.0.0.1:{port}"
    async with asyncio.timeout(60), aiohttp.ClientSession() as session:
        while True:
            with suppress(aiohttp.ClientError):
                async with session.get(f"{url}/readyz") as answer:
                    assert (await answer.json())["status"] == "ready"
                    break
            await asyncio.sleep(0.1)
        async with session.get(f"{url}/metrics") as answer:
            assert "innkeeper_ready 1.0" in await answer.text()
    assert fleet.end() == [0]


async def test_no_event_is_lost_whoever_is_killed(own: Server, fleet: Fleet) -> None:  # F11 F59
    for _ in range(2):
        fleet.start_web()
        fleet.start_worker()
    timeout = aiohttp.ClientTimeout(total=10)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        await asyncio.gather(*(deliver(session, fleet, number) for number in range(40)))
        await until_noted(fleet, range(40), 60)
        assert len({note.partition(" ")[0] for note in fleet.notes()}) <= 2

        sending = [asyncio.create_task(deliver(session, fleet, n)) for n in range(40, EVENTS)]
        await asyncio.sleep(0.1)
        fleet.workers[0].kill()
        port = next(iter(fleet.webs))
        fleet.webs.pop(port).kill()
        await asyncio.to_thread(own.restart, signal.SIGQUIT)
        fleet.start_worker()
        fleet.start_web()
        await asyncio.gather(*sending)
        await until_noted(fleet, range(EVENTS), 90)

    codes = fleet.end()
    assert codes[:4] == [-signal.SIGKILL, -signal.SIGKILL, 0, 0]  # the others may not be up yet
    said = (fleet.folder / "said").read_text()
    assert "Traceback" not in said
    assert PASSWORD not in said
    assert len(fleet.notes()) < 1.5 * EVENTS
