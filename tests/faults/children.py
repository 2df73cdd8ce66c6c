"""What if the process is really gone? A child runs the bot, and kills itself at a named point.

The emulator stays in the parent, on a loopback socket; the child has nothing else. It dies
by SIGKILL, so nothing of it is tidied up, neither Python's nor SQLite's. The parent then
opens what is left.
"""

import asyncio
import json
import multiprocessing
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any, cast

from innkeeper.clock import MovableClock
from innkeeper.emulator.world import AppRecord
from innkeeper.errors import InnkeeperError
from innkeeper.ids import Jid
from innkeeper.net.inbound import read_body, send_answer
from innkeeper.net.outbound import (
    ANSWER_LIMIT_BYTES,
    DEADLINE_SECONDS,
    HttpTransport,
    Receive,
    Request,
    Response,
    Scope,
    Send,
)
from innkeeper.net.serving import LOCAL, bind, serving
from innkeeper.secret import Secret
from innkeeper.settings import Settings
from innkeeper.store.seal import KeyRing
from innkeeper.store.sqlite.connection import Connection
from innkeeper.testing import BOT_URL, ZOOM_URL
from innkeeper.testing.clocks import PassingClock
from tests.faults.edges import At, CutOff, Plan, WatchedTransport
from tests.faults.oracle import Violated
from tests.faults.scenes import Scene
from tests.faults.shelves import SqliteShelves
from tests.faults.silence import hush
from tests.faults.town import Town, bot
from tests.journeys.bots import Notes

PATIENCE_SECONDS = 30.0
LOADED_LATE = ("innkeeper.net.pool", "innkeeper.web", "innkeeper.wiring", "innkeeper.work")
"""What an app loads when it starts: loaded once here, no child has to."""


class KeptNotes:
    """The bot's own table, in a file of the bot's own."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def kept(self) -> dict[str, list[str]]:
        """What is in it."""
        return json.loads(self._path.read_text()) if self._path.exists() else {}

    @kept.setter
    def kept(self, notes: dict[str, list[str]]) -> None:
        self._path.write_text(json.dumps(notes))

    def add(self, user_id: str, text: str) -> None:
        """Keep a note."""
        kept = self.kept
        self.kept = {**kept, user_id: [*kept.get(user_id, []), text]}

    def forget(self, user_id: str) -> int:
        """Drop what is somebody's."""
        kept = self.kept
        deleted = len(kept.pop(user_id, []))
        self.kept = kept
        return deleted


@dataclass(frozen=True, slots=True)
class Order:
    """What a child is told: who it is, where Zoom is, what time it is, and when to die.

    Args:
        number: The point at which it dies, counted from the first; 0 lets it live.
    """

    settings: Mapping[str, Any]
    zoom: str
    now: datetime
    number: int


def told_of(record: AppRecord, *, keys: str, directory: Path) -> Mapping[str, Any]:
    """Write down what a child needs to know of its app."""
    return {
        "client_id": record.client_id,
        "client_secret": record.client_secret,
        "bot_jid": record.bot_jid,
        "secret_token": record.secret_token,
        "management": record.management,
        "account_id": record.account_id,
        "keys": keys,
        "directory": str(directory),
    }


def settings_of(told: Mapping[str, Any]) -> Settings:
    """Make settings of what can be carried to a child."""
    return Settings(
        client_id=told["client_id"],
        client_secret=Secret(told["client_secret"]),
        bot_jid=Jid(told["bot_jid"]),
        secret_tokens=(Secret(told["secret_token"]),),
        management=told["management"],
        public_url=BOT_URL,
        keys=KeyRing.parse(told["keys"]),
        oauth_url=ZOOM_URL,
        api_url=ZOOM_URL,
        account_id=told["account_id"],
        database=Path(told["directory"]) / "innkeeper.db",
        vault=Path(told["directory"]) / "innkeeper.vault.db",
    )


# in the child


class Kill(At):
    """Kills this process at the nth point, edges and statements counted together.

    Args:
        tell: Says where, just before.
    """

    def __init__(self, number: int, *, tell: Callable[[str], None]) -> None:
        super().__init__(number)
        self._tell = tell
        self._lock = threading.Lock()

    async def at(self, point: str) -> None:
        """Pass a point, or die there."""
        self.pass_by(point)

    def pass_by(self, point: str) -> None:
        """Pass a point on whatever thread, or die there."""
        if not self.armed:
            return
        with self._lock:
            self.passed.append(point)
            if len(self.passed) == self.number:
                self._tell(f"{point}, the {self.number}th point")
                os.kill(os.getpid(), signal.SIGKILL)


def watch_statements(plan: Kill) -> None:
    """Make a point before and after every statement that SQLite is given to write."""
    for name in ("run", "change"):
        setattr(Connection, name, _watched(getattr(Connection, name), plan))


def _watched(real: Callable[..., Any], plan: Kill) -> Callable[..., Any]:
    def watched(self: Connection, sql: str, *values: Any) -> Any:
        point = "sql." + "_".join(sql.split()[:2])
        plan.pass_by(f"{point}:before")
        outcome = real(self, sql, *values)
        plan.pass_by(f"{point}:after")
        return outcome

    return watched


def live(order: Order, pipe: Pipe) -> None:
    """Be a bot, until told to end or killed."""
    hush()
    asyncio.run(_live(order, pipe))


async def _live(order: Order, pipe: Pipe) -> None:
    plan = Kill(order.number, tell=lambda point: pipe.send(("struck", point)))
    watch_statements(plan)
    settings = settings_of(order.settings)
    app = bot(cast("Notes", KeptNotes(Path(order.settings["notes"]))))
    app.configure(
        settings,
        transport=WatchedTransport(Rerouted(order.zoom), plan),
        clock=PassingClock(MovableClock(order.now, frozen=True)),
        shelf=SqliteShelves().shelf(settings, plan),
    )
    parts = await app.start(background=False)
    listener = bind(LOCAL, 0)
    async with serving(app, listener):
        plan.armed = True
        pipe.send(("port", listener.getsockname()[1]))
        while await asyncio.to_thread(pipe.recv) == "turn":
            await parts.dispatcher.settled()
            taken = await app.worker.turn()
            await parts.dispatcher.settled()
            pipe.send(("turn", taken))
        plan.armed = False
        pipe.send(("passed", len(plan.passed)))
    await app.stop()


class Rerouted:
    """What leads to Zoom, wherever that is."""

    def __init__(self, zoom: str) -> None:
        self._http = HttpTransport()
        self._zoom = zoom

    async def send(
        self,
        request: Request,
        *,
        deadline: float = DEADLINE_SECONDS,
        limit_bytes: int = ANSWER_LIMIT_BYTES,
    ) -> Response:
        """Send a request over a socket."""
        there = self._zoom + request.url.removeprefix(ZOOM_URL)
        moved = Request(request.method, there, request.headers, request.body)
        return await self._http.send(moved, deadline=deadline, limit_bytes=limit_bytes)

    async def aclose(self) -> None:
        """Close the sockets."""
        await self._http.aclose()


# in the parent


class Child:
    """A bot in a process of its own, seen from its parent."""

    def __init__(self, order: Order) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([__name__, *LOADED_LATE])
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=live, args=(order, theirs), daemon=True)
        self._process.start()
        theirs.close()
        self.struck = ""
        """Where it died."""
        self.passed = 0
        """How many points it passed, if it lived to the end."""
        self._http = HttpTransport()
        self._port = 0

    async def come_up(self) -> None:
        """Wait until it listens."""
        self._port = await self._hear("port")

    async def turn(self) -> int:
        """Let it do what is due; say how much that was.

        Raises:
            CutOff: If it is dead.
        """
        with suppress(OSError):
            self._pipe.send("turn")
        return await self._hear("turn")

    async def end(self) -> None:
        """Tell it to end, unless it is dead, and see it gone."""
        with suppress(OSError):
            self._pipe.send("end")
        with suppress(CutOff):
            self.passed = await self._hear("passed")
        await self._http.aclose()
        await asyncio.to_thread(self._process.join, PATIENCE_SECONDS)
        if self._process.exitcode is None:
            self._process.kill()
            self._process.join()
        self._pipe.close()
        self._process.close()

    async def _hear(self, wanted: str) -> int:
        while True:
            try:
                word, value = await asyncio.to_thread(self._pipe.recv)
            except (EOFError, OSError):
                raise CutOff from None
            if word == "struck":
                self.struck = value
            elif word == wanted:
                return int(value)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Carry a request to it and its answer back."""
        query = scope["query_string"].decode("latin-1")
        url = f"http://{LOCAL}:{self._port}{scope['path']}{'?' if query else ''}{query}"
        headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
        for name in ("host", "content-length"):
            headers.pop(name, None)
        request = Request(scope["method"], url, headers, await read_body(scope, receive))
        try:
            answer = await self._http.send(request)
        except InnkeeperError:
            raise ConnectionResetError from None
        pairs = [
            (name.encode("latin-1"), line.encode("latin-1"))
            for name, value in answer.headers.items()
            for line in value.split("\n")
            if name not in {"content-length", "transfer-encoding"}
        ]
        await send_answer(send, answer.status, answer.body, pairs)


class Nursery(Town):
    """The town, whose bot can be taken into a process of its own."""

    def __init__(self) -> None:
        self._place = Path(tempfile.mkdtemp())
        super().__init__(Plan(), notes=cast("Notes", KeptNotes(self._place / "notes")))
        self._ring = KeyRing.generate()
        self._child: Child | None = None

    @property
    def _settings(self) -> Settings:  # type: ignore[override]  # what a child can be told, too
        return settings_of(self._told)

    @property
    def _told(self) -> Mapping[str, Any]:
        told = told_of(self.record, keys=self._ring, directory=self.directory)
        return {**told, "notes": str(self._place / "notes")}

    async def __aexit__(self, *ended: Any) -> None:
        """End, and leave nothing behind."""
        await super().__aexit__(*ended)
        shutil.rmtree(self._place)

    @asynccontextmanager
    async def child(self, number: int) -> AsyncGenerator[Child]:
        """Let a child be the bot while the block runs; then see what it left."""
        await self._stop()
        self._running = []
        at_home = self.transport.apps[BOT_URL]
        listener = bind(LOCAL, 0)
        zoom = f"http://{LOCAL}:{listener.getsockname()[1]}"
        async with serving(self.emulator.app, listener):
            child = Child(Order(self._told, zoom, self.clock.now(), number))
            try:
                await child.come_up()
                self.transport.apps[BOT_URL] = self._child = child
                yield child
            finally:
                self._child = None
                self.transport.apps[BOT_URL] = at_home
                await child.end()

    async def settle(self) -> None:
        """Let everything happen that is due, wherever the bot is."""
        if self._child is None:
            await super().settle()
            return
        for _ in range(100):
            await self.emulator.settle()
            if not await self._child.turn() and self.emulator.quiet:
                return


@dataclass(frozen=True, slots=True)
class Killed:
    """What came of a child."""

    struck: str
    passed: int
    wrong: str


async def _kill(scene: Scene, number: int) -> Killed:
    async with Nursery() as town:
        await scene.prepare(town)
        oracle = await scene.oracle(town)
        await oracle.note()
        async with town.child(number) as child:
            with suppress(CutOff, InnkeeperError):
                await scene.act(town)
        try:
            if child.struck:
                oracle.left()
            town.crashes += bool(child.struck)
            await town.begin_anew()
            await oracle.risen()
            await town.settle()
            await scene.recover(town)
            await scene.judge(town, oracle)
        except Violated as violated:
            return Killed(child.struck, child.passed, f"{scene.name}, {child.struck}: {violated}")
        return Killed(child.struck, child.passed, "")


def kill(scene: Scene, number: int) -> Killed:
    """Play a scene in a child that is killed at its nth point; 0 lets it live."""
    return asyncio.run(_kill(scene, number))
