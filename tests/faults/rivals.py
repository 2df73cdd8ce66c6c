"""Do many processes on one database get into each other's way? Bots that are told when to go.

Each is a process of its own, with connections of its own, and lives for many rounds. All it
is told comes over a pipe; a round begins when each has said that it stands ready. The
emulator stays in the parent, on a loopback socket, and its record says what Zoom was asked.
"""

import asyncio
import itertools
import multiprocessing
import os
import signal
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.connection import Connection as Pipe
from typing import Any, cast

from innkeeper.errors import InnkeeperError
from innkeeper.ids import InstallationId
from innkeeper.net.serving import LOCAL, bind, serving
from innkeeper.settings import Settings
from innkeeper.store.seal import KeyRing
from innkeeper.work import Parts
from tests.faults.children import (
    LOADED_LATE,
    PATIENCE_SECONDS,
    Order,
    Rerouted,
    settings_of,
    told_of,
)
from tests.faults.crossings import Stage
from tests.faults.edges import Plan, WatchedTransport
from tests.faults.postgres import PostgresShelves
from tests.faults.silence import hush
from tests.faults.town import Callback, bot
from tests.journeys.bots import Notes

_GIVES_WAY_SECONDS = 0.005


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of one's part in a round, and when it was played, by the machine's clock."""

    outcome: str
    """What it was after; or the code of the error, with a colon before it."""
    began: float
    ended: float

    @property
    def failed(self) -> bool:
        """Whether it did not get it."""
        return self.outcome.startswith(":")


# in the child


class _Clock:
    """A clock that stands where the parent sets it; whoever waits lets the others go on."""

    def __init__(self, now: datetime) -> None:
        self.time = now
        self.waits = 0
        self.moved = asyncio.Event()

    def now(self) -> datetime:
        """Tell the time."""
        return self.time

    async def sleep(self, seconds: float) -> None:  # noqa: ARG002  # a clock's signature
        """Give way to the other processes."""
        self.waits += 1
        await asyncio.sleep(_GIVES_WAY_SECONDS)


class _Halt(Plan):
    """Halts this process at a point, once, until somebody lets it go on."""

    def __init__(self, pipe: Pipe, clock: _Clock) -> None:
        super().__init__()
        self.wanted = ""
        self._pipe = pipe
        self._clock = clock

    async def at(self, point: str) -> None:
        """Pass a point, or stand still there with all that one holds."""
        if point == self.wanted:
            self.wanted = ""
            self._pipe.send(("halts", point))
            os.kill(os.getpid(), signal.SIGSTOP)
            await self._clock.moved.wait()  # it was gone, and is told for how long


class _Deeds:
    """What a child can be told to do; each method is a word of the parent's."""

    def __init__(self, pipe: Pipe, clock: _Clock, halt: _Halt) -> None:
        self._pipe = pipe
        self._clock = clock
        self._halt = halt
        self._ready: tuple[str, tuple[Any, ...]] = ("", ())
        self._tasks: set[asyncio.Task[None]] = set()
        self.parts: Parts | None = None
        self.over = asyncio.Event()

    def hear(self) -> None:
        """Take one order, and see to it beside those that are under way."""
        try:
            number, word, values = self._pipe.recv()
        except (EOFError, OSError):  # the parent is gone
            self.over.set()
            return
        task = asyncio.create_task(self._obey(number, word, values))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _obey(self, number: int, word: str, values: tuple[Any, ...]) -> None:
        answer = await getattr(self, word)(*values)
        self._pipe.send((number, answer))

    async def ready(self, now: datetime, deed: str, *values: Any) -> None:
        """Stand ready for the next round."""
        self._clock.time = now
        self._ready = (deed, values)

    async def go(self) -> Ran:
        """Do it."""
        deed, values = self._ready
        began = time.monotonic()
        try:
            outcome = await getattr(self, f"_{deed}")(*values)
        except InnkeeperError as error:
            outcome = f":{error.code}"
        return Ran(outcome, began, time.monotonic())

    async def halt(self, point: str) -> None:
        """Halt at that point when it comes."""
        self._halt.wanted = point
        self._clock.moved.clear()

    async def move_clock(self, now: datetime) -> None:
        """Let it be that late."""
        self._clock.time = now
        self._clock.moved.set()

    async def waits(self) -> int:
        """Say how often somebody here has waited."""
        return self._clock.waits

    async def end(self) -> None:
        """End."""
        self.over.set()

    async def _token(self, installation_id: InstallationId) -> str:
        access = await cast("Parts", self.parts).grants.user(installation_id)
        return access.token.reveal()

    async def _callbacks(self, brought: Sequence[Callback]) -> str:
        """Take callbacks that come at once; say which of them installed the app."""
        parts = cast("Parts", self.parts)
        served = await asyncio.gather(*(each.to(parts) for each in brought))
        return "".join("1" if each else "0" for each in served)


def live(order: Order, shelves: PostgresShelves, pipe: Pipe) -> None:
    """Be a bot, until told to end, or alone."""
    hush()
    asyncio.run(_live(order, shelves, pipe))


async def _live(order: Order, shelves: PostgresShelves, pipe: Pipe) -> None:
    settings, clock = settings_of(order.settings), _Clock(order.now)
    halt = _Halt(pipe, clock)
    deeds = _Deeds(pipe, clock, halt)
    app = bot(Notes())
    app.configure(
        settings,
        transport=WatchedTransport(Rerouted(order.zoom), halt),
        clock=clock,
        shelf=shelves.shelf(settings, halt),
    )
    deeds.parts = await app.start(background=False)
    asyncio.get_running_loop().add_reader(pipe.fileno(), deeds.hear)
    pipe.send((0, None))
    await deeds.over.wait()
    asyncio.get_running_loop().remove_reader(pipe.fileno())
    await app.stop()


# in the parent


class Rival:
    """One of many bots, seen from their parent."""

    def __init__(self, order: Order, shelves: PostgresShelves) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([__name__, *LOADED_LATE])
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=live, args=(order, shelves, theirs), daemon=True)
        self._process.start()
        theirs.close()
        self._numbers = itertools.count(1)
        loop = asyncio.get_running_loop()
        self._up: asyncio.Future[Any] = loop.create_future()
        self._answers = {0: self._up}
        self._halted = asyncio.Event()
        loop.add_reader(self._pipe.fileno(), self._hear)

    async def come_up(self) -> None:
        """Wait until it can be told what to do."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self._up

    def tell(self, word: str, *values: Any) -> asyncio.Future[Any]:
        """Tell it something; what it answers comes later."""
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        self._pipe.send((number, word, values))
        return answer

    async def told(self, word: str, *values: Any) -> Any:
        """Tell it something, and wait for its answer."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.tell(word, *values)

    async def halted(self) -> None:
        """Wait until it stands still."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self._halted.wait()

    async def go_on(self, now: datetime) -> None:
        """Let it live again after a halt, and see how late it is."""
        late = self.tell("move_clock", now)
        self._halted.clear()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not late.done():  # it says that it halts a moment before it does
                os.kill(cast("int", self._process.pid), signal.SIGCONT)
                await asyncio.wait([late], timeout=0.05)
        await late

    async def end(self) -> None:
        """See it gone, whatever state it is in."""
        with suppress(OSError, TimeoutError):
            if not self._halted.is_set():  # else it would not hear it
                await self.told("end")
                await asyncio.to_thread(self._process.join, PATIENCE_SECONDS)
        asyncio.get_running_loop().remove_reader(self._pipe.fileno())
        if self._process.exitcode is None:
            self._process.kill()
            await asyncio.to_thread(self._process.join)
        self._pipe.close()
        self._process.close()

    def _hear(self) -> None:
        try:
            about, said = self._pipe.recv()
        except (EOFError, OSError):
            asyncio.get_running_loop().remove_reader(self._pipe.fileno())
            for answer in self._answers.values():
                if not answer.done():
                    answer.set_exception(ConnectionResetError("a child has died"))
            return
        if about == "halts":
            self._halted.set()
        else:
            self._answers.pop(about).set_result(said)


class Field(Stage):
    """A Zoom and a database; whoever runs there comes from outside.

    Args:
        url: Where the database is.
        space: Which schema of it is ours.
    """

    def __init__(self, url: str, space: str) -> None:
        self._on = PostgresShelves(url, space)
        self._ring = KeyRing.generate()
        super().__init__(shelves=self._on, workers=1)

    @property
    def _settings(self) -> Settings:  # type: ignore[override]  # what a child can be told, too
        return settings_of(self._told)

    @property
    def _told(self) -> Any:
        return told_of(self.record, keys=self._ring, directory=self.directory)

    @asynccontextmanager
    async def rivals(self, count: int) -> AsyncGenerator[list[Rival]]:
        """Let so many processes stand ready while the block runs; none outlives it."""
        listener = bind(LOCAL, 0)
        zoom = f"http://{LOCAL}:{listener.getsockname()[1]}"
        order = Order(self._told, zoom, self.clock.now(), 0)
        async with serving(self.emulator.app, listener), AsyncExitStack() as stack:
            rivals: list[Rival] = []
            for _ in range(count):
                rivals.append(Rival(order, self._on))
                stack.push_async_callback(rivals[-1].end)
            for each in rivals:
                await each.come_up()
            yield rivals

    async def begin(self, *runners: tuple[Rival, str, Any]) -> "asyncio.Future[list[Ran]]":
        """Have each stand ready for a deed, then let all go at once."""
        now = self.clock.now()
        await asyncio.gather(*(each.told("ready", now, *deed) for each, *deed in runners))
        return asyncio.gather(*(each.tell("go") for each, *_ in runners))

    async def race(self, *runners: tuple[Rival, str, Any]) -> list[Ran]:
        """Let all go at once, and wait for the last."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await (await self.begin(*runners))
