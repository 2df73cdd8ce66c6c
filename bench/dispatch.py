"""What does a handler cost, once its event is durable? Processor time for one event.

`python -m bench.dispatch` prints a table: from the queue to the end of the event, with
the strict parse, the installation's look-up, the match, the context and the call. The
store is left out: what it costs is in the throughput that `make bench` measures.
"""

import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

import uvloop

from bench.tables import Row, show
from innkeeper import Action, App, CallNext, Command, Context, Depends
from innkeeper.clock import SystemClock
from innkeeper.ids import EventId, Jid
from innkeeper.net.outbound import AsgiTransport
from innkeeper.secret import Secret
from innkeeper.settings import Settings
from innkeeper.store.records import InboxEvent
from innkeeper.store.seal import KeyRing
from innkeeper.work import Parts

EVENTS = 4_000
ROUNDS = 9
ROBOT = "v1bench@xmpp.zoom.us"
WANTED_MICROSECONDS = 60


async def session() -> AsyncIterator[str]:
    yield "a session"


def bot() -> App:
    app = App("The bench's bot")

    @app.command("noop")
    async def noop(ctx: Command) -> None: ...

    @app.command("due")
    async def due(ctx: Command, when: date, *what: str) -> None: ...

    @app.command("needs")
    async def needs(ctx: Command, it: Annotated[str, Depends(session)]) -> None: ...

    @app.command("sync")
    def sync(ctx: Command) -> None: ...

    @app.action("approve")
    async def approve(ctx: Action) -> None: ...

    for number in range(200):  # a bot with many commands
        app.command(f"command{number} of many")(noop)
    return app


def wrapped() -> App:
    app = bot()

    @app.middleware
    async def around(ctx: Context, call_next: CallNext) -> None:
        await call_next()

    return app


def event(cmd: str) -> bytes:
    return (
        '{"event":"bot_notification","payload":{"accountId":"Account-1","channelName":"Front desk",'
        f'"cmd":"{cmd}","robotJid":"{ROBOT}","timestamp":1795780000000,'
        '"toJid":"user-1@xmpp.zoom.us","triggerId":"Trigger-1","userId":"User-1",'
        '"userJid":"user-1@xmpp.zoom.us","userMemberId":"Member-1","userName":"Noor Haddad",'
        '"userStatus":"authorized"}}'
    ).encode()


@asynccontextmanager
async def running(app: App, directory: Path) -> AsyncIterator[Parts]:
    settings = Settings(
        client_id="client-of-the-bench",
        client_secret=Secret("a-client-secret-of-the-bench"),
        bot_jid=Jid(ROBOT),
        secret_tokens=(Secret("a-secret-token-of-the-bench"),),
        management="user",
        public_url="http://127.0.0.1:8701",
        keys=KeyRing.parse(KeyRing.generate()),
        database=directory / "innkeeper.db",
        vault=directory / "innkeeper.vault.db",
    )
    app.configure(settings, transport=AsgiTransport(), clock=SystemClock())
    parts = await app.start(background=False)
    try:
        yield parts
    finally:
        await app.stop()


async def microseconds(parts: Parts, body: bytes) -> list[float]:
    """Tell how much processor time each of many events took, round by round."""
    dispatcher: Any = parts.dispatcher
    store, dispatcher._store.finish_soon = dispatcher._store.finish_soon, lambda *_: None
    at = datetime.now(UTC)
    events = [InboxEvent(EventId(str(n)), "bot_notification", body, at, 1) for n in range(EVENTS)]
    taken: list[float] = []
    try:
        for _ in range(ROUNDS + 1):
            begun = time.process_time()
            for each in events:
                dispatcher.take(each)
            await dispatcher.settled()
            taken.append((time.process_time() - begun) * 1e6 / EVENTS)
    finally:
        dispatcher._store.finish_soon = store
    return taken[1:]  # the first round warms up


async def measure(make: Callable[[], App], cmd: str) -> list[float]:
    with tempfile.TemporaryDirectory() as directory:
        async with running(make(), Path(directory)) as parts:
            return await microseconds(parts, event(cmd))


CASES = (
    ("a command that does nothing", bot, "noop", f"<= {WANTED_MICROSECONDS} µs"),
    ("... with typed words", bot, "due friday ship it", ""),
    ("... that depends on an async generator", bot, "needs it", ""),
    ("... behind middleware", wrapped, "noop", ""),
    ("... in a thread", bot, "sync", ""),
)


def rows() -> list[Row]:
    """Give the rows of the table."""
    found: list[Row] = []
    for name, make, cmd, wanted in CASES:
        taken = uvloop.run(measure(make, cmd))
        value = f"{statistics.median(taken):.1f} µs ({min(taken):.1f} to {max(taken):.1f})"
        found.append((f"dispatch: {name}", value, wanted))
    return found


def main() -> None:
    show(rows())


if __name__ == "__main__":
    main()
