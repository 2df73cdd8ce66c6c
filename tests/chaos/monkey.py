"""What if everything dies all the time? Events as Zoom sends them, and a monkey with a seed."""

import asyncio
import hashlib
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random

import aiohttp

from innkeeper.store.events import place_of
from tests.chaos.fleet import Fleet
from tests.chaos.oracle import Tale, judge
from tests.cli.commands import CONFIGURED
from tests.deliveries import delivery
from tests.postgres import Server

KILL_EVERY = (0.05, 0.5)
RISES_SECONDS = 10.0
STOP_SERVER_EVERY = (2.0, 6.0)
FULL_EVERY = (0.5, 2.0)
FULL_SECONDS = 0.3
SENDERS = 8
ATTEMPTS = 40
"""More than Zoom makes, or most events would be given up while everybody is dead."""
ENOUGH_TAKEN = 20
LONGER_SECONDS = 60.0
"""For which it rages on if no more was taken yet: on a busy machine few live to take any."""
QUIET_SECONDS = 120.0
"""In which all that was taken in must end."""


@dataclass(slots=True)
class Came:
    """What came of it."""

    tale: Tale
    wrong: Sequence[str]
    kills: int = 0
    restarts: int = 0
    """Of PostgreSQL."""
    full: int = 0
    """How often the disk took nothing more for a while."""
    rose: float = 0.0
    """How long it took until all were ready, after all had been killed at once."""
    restarted: float = 0.0
    """How long it took until one web process was ready after a kill, with the others up."""
    settled: float = 0.0
    """How long it took from then until every event had ended."""


def place(content: bytes) -> bytes:
    """Say where in the store an event is."""
    key = hashlib.sha256(CONFIGURED["ZOOM_CLIENT_ID"].encode() + content).digest()
    return place_of(content, key)


class Monkey:
    """Sends, kills and restarts, all from one seed.

    Args:
        seed: Gives the order of events, whom to kill and when.
    """

    def __init__(self, fleet: Fleet, seed: int) -> None:
        self._fleet = fleet
        self._seed = seed
        self._number = 0
        self._over = asyncio.Event()
        self._came = Came(Tale(), ())

    async def play(self, seconds: float) -> Came:
        """Let it rage for so long, then let all come to rest, and judge."""
        fleet, came = self._fleet, self._came
        await fleet.rise()
        timeout = aiohttp.ClientTimeout(total=5)
        async with aiohttp.ClientSession(timeout=timeout) as session, asyncio.TaskGroup() as group:
            for sender in range(SENDERS):
                group.create_task(self._send(session, self._chance(f"sender {sender}")))
            group.create_task(self._kill(self._chance("kills")))
            if fleet.server is not None:
                group.create_task(self._stop_server(fleet.server, self._chance("stops")))
            else:
                group.create_task(self._fill_disk(self._chance("disk")))
            await asyncio.sleep(seconds)
            end = time.monotonic() + LONGER_SECONDS
            while self._took_little() and time.monotonic() < end:  # noqa: ASYNC110  # nobody tells
                await asyncio.sleep(0.5)
            self._over.set()
        fleet.kill_all()
        came.rose = await fleet.rise()
        began = time.monotonic()
        await settle(fleet, came.tale)
        came.settled = time.monotonic() - began
        fleet.kill(0)
        came.restarted = await fleet.restart([0])
        came.wrong = judge(came.tale)
        return came

    def _took_little(self) -> bool:
        return len(self._came.tale.acked) <= ENOUGH_TAKEN

    def _chance(self, name: str) -> Random:
        return Random(f"{self._seed} {name}")  # noqa: S311  # no secret: it is to repeat itself

    async def _send(self, session: aiohttp.ClientSession, chance: Random) -> None:
        """Send events that were shuffled, and one in ten of them again."""
        while not self._over.is_set():
            numbers = list(range(self._number, self._number + 10))
            self._number += 10
            chance.shuffle(numbers)
            written = [(number, *delivery(number)) for number in numbers]
            again = chance.choice(written)
            for number, content, headers in [*written, again]:
                self._came.tale.sent[number] = place(content)
                if await self._deliver(session, content, headers, chance):
                    self._came.tale.acked.add(number)

    async def _deliver(
        self,
        session: aiohttp.ClientSession,
        content: bytes,
        headers: dict[str, str],
        chance: Random,
    ) -> bool:
        for _ in range(ATTEMPTS):
            url = f"http://127.0.0.1:{chance.choice(self._fleet.ports)}/events"
            with suppress(aiohttp.ClientError, TimeoutError):
                async with session.post(url, data=content, headers=headers) as answer:
                    if answer.status == 200:
                        return True
            if self._over.is_set():
                return False
            await asyncio.sleep(0.1)
        return False

    async def _kill(self, chance: Random) -> None:
        alone = self._fleet.size == 1
        while not self._over.is_set():
            if alone and chance.random() < 0.5:
                await self._rises()
            await asyncio.sleep(chance.uniform(*KILL_EVERY))
            number = chance.randrange(self._fleet.size)
            self._fleet.kill(number)
            self._fleet.start(number)
            self._came.kills += 1
            self._fleet.raise_the_dead()

    async def _rises(self) -> None:
        """Let one that is alone come up: killed at every start, it would take nothing."""
        end = time.monotonic() + RISES_SECONDS
        while not (self._over.is_set() or time.monotonic() > end or await self._fleet.is_ready(0)):
            self._fleet.raise_the_dead()
            await asyncio.sleep(0.02)

    async def _stop_server(self, server: Server, chance: Random) -> None:
        while not self._over.is_set():
            await asyncio.sleep(chance.uniform(*STOP_SERVER_EVERY))
            how = chance.choice([signal.SIGQUIT, signal.SIGINT, signal.SIGKILL])
            await asyncio.to_thread(server.restart, how)
            self._came.restarts += 1

    async def _fill_disk(self, chance: Random) -> None:
        """Let no file grow any more for a while, as if a disk was full."""
        while not self._over.is_set():
            await asyncio.sleep(chance.uniform(*FULL_EVERY))
            self._came.full += self._fleet.fill_disk()
            await asyncio.sleep(FULL_SECONDS)
            self._fleet.make_room()


async def settle(fleet: Fleet, tale: Tale) -> None:
    """Wait until each event has ended, or the time for it is over, and tell."""
    end = time.monotonic() + QUIET_SECONDS
    while time.monotonic() < end:
        tale.rows = await fleet.rows()
        if all(state not in {"open", "ready", "claimed"} for state, _ in tale.rows.values()):
            break
        await asyncio.sleep(0.2)
    tale.had = fleet.had()


def rage(folder: Path, server: Server | None, *, seed: int, seconds: float) -> Came:
    """Let a monkey rage among the processes of a bot, and say what came of it."""
    fleet = Fleet(folder, server)
    try:
        return asyncio.run(Monkey(fleet, seed).play(seconds))
    finally:
        fleet.kill_all()
