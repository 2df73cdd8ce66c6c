"""What does a token cost, and how many calls does one expiry? Alone, in a crowd, in 16 processes.

`python -m bench.tokens` prints a table. SQLite lets one process write, so the crowd of one
process is measured there; several processes share a PostgreSQL that is started for it.
"""

import asyncio
import hashlib
import json
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog
import uvloop

from bench.tables import Row, show
from innkeeper.clock import MovableClock, SystemClock
from innkeeper.flows.endpoint import Credentials
from innkeeper.flows.grants import Grants
from innkeeper.flows.schedule import scheduled
from innkeeper.ids import AccountId, InstallationId, Jid, UserId
from innkeeper.net.outbound import HttpTransport
from innkeeper.secret import Secret
from innkeeper.store.base import Store, Vault
from innkeeper.store.postgres import PostgresStore, PostgresVault
from innkeeper.store.records import Grant, GrantKind, Owner, Person
from innkeeper.store.seal import KeyRing
from innkeeper.store.sqlite import SqliteStore
from innkeeper.store.vault import SqliteVault
from innkeeper.wire.oauth import Tokens
from tests.postgres import NoPostgres, Server, begun

APP = "client-of-the-bench"
LOOKS = 100_000
ROUNDS = 9
PROCESSES = 16
CALLERS = 1_000
GRANTS = 5_000
BEAT_SECONDS = 10
EVENTS_PER_SECOND = 300
ZOOM_SECONDS = 0.1
"""How long the token endpoint takes to answer."""
WANTED_MICROSECONDS = 2
WANTED_ACK_MS = 50


@dataclass
class TokenEndpoint:
    """A token endpoint on loopback, in the process that measures."""

    seconds: float = ZOOM_SECONDS
    calls: int = 0
    url: str = ""
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = head.partition(b"content-length: ")[2].partition(b"\r\n")[0]
                await reader.readexactly(int(length))
                self.calls += 1
                number = self.calls
                await asyncio.sleep(self.seconds)
                body = json.dumps(self.answer(number)).encode()
                kind = b"content-type: application/json\r\n"
                length = b"content-length: %d\r\n\r\n" % len(body)
                writer.write(b"HTTP/1.1 200 OK\r\n" + kind + length + body)
        self._open.discard(writer)
        writer.close()

    def answer(self, number: int) -> dict[str, str | int]:
        named = {"access_token": f"access-{number}", "refresh_token": f"refresh-{number}"}
        return {**named, "token_type": "bearer", "expires_in": 3600, "scope": "imchat:bot"}

    def end(self) -> None:
        for writer in self._open:
            writer.close()


@asynccontextmanager
async def endpoint(seconds: float = ZOOM_SECONDS) -> AsyncGenerator[TokenEndpoint]:
    made = TokenEndpoint(seconds)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0, backlog=200)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield made
    server.close()
    made.end()


@asynccontextmanager
async def opened(vault: Vault, store: Store) -> AsyncGenerator[Store]:
    await vault.open()
    await store.open()
    yield store
    await store.close()
    await vault.close()


def sqlite(folder: str) -> tuple[SqliteVault, SqliteStore]:
    ring = KeyRing.parse(KeyRing.generate())
    vault = SqliteVault(str(Path(folder) / "vault.db"), ring, app=APP)
    return vault, SqliteStore(str(Path(folder) / "store.db"), vault=vault, app=APP)


def postgres(url: str, ring: str) -> tuple[PostgresVault, PostgresStore]:
    server = Server(url)
    vault = PostgresVault(server.address("bench_tokens_vault"), KeyRing.parse(ring), app=APP)
    return vault, PostgresStore(server.address("bench_tokens"), vault=vault, app=APP)


def grants_of(
    store: Store, transport: HttpTransport, url: str, clock: MovableClock | None = None
) -> Grants:
    return Grants(
        store,
        transport=transport,
        clock=clock or SystemClock(),
        credentials=Credentials(
            oauth_url=url, api_url=url, client_id=APP, client_secret=Secret("secret-of-the-bench")
        ),
        log=structlog.get_logger(),
    )


async def open_for(store: Store, name: str) -> InstallationId:
    owner = Owner(AccountId("account-1"), UserId(name))
    person = Person(AccountId("account-1"), UserId(name), Jid(f"{name}@xmpp.test"))
    installation, _ = await store.open_installation(owner, person, authorized_at=datetime.now(UTC))
    return installation.id


def tokens(expires_in: int) -> Tokens:
    return Tokens(Secret("access-0"), expires_in, refresh_token=Secret("refresh-0"))


# a token that is at hand


async def looks() -> list[float]:
    """Tell how much processor time a look at a living token takes, in microseconds."""
    with tempfile.TemporaryDirectory() as folder:
        async with endpoint() as zoom, opened(*sqlite(folder)) as store:
            grants = grants_of(store, HttpTransport(), zoom.url)
            ana = await open_for(store, "ana")
            await grants.adopt(ana, tokens(3600))
            taken = []
            for _ in range(ROUNDS + 1):
                before = time.process_time()
                for _ in range(LOOKS):
                    await grants.user(ana)
                taken.append((time.process_time() - before) / LOOKS * 1e6)
    return taken[1:]


# one expiry


@dataclass(frozen=True)
class Crowd:
    """How one expiry went: calls at the endpoint, tokens given out, and the slowest caller."""

    calls: int
    given: int
    tokens: int
    seconds: float


async def one_process() -> Crowd:
    """Let the callers of all processes wait in one, on SQLite."""
    with tempfile.TemporaryDirectory() as folder:
        async with endpoint() as zoom, opened(*sqlite(folder)) as store:
            transport = HttpTransport()
            grants = grants_of(store, transport, zoom.url)
            transport.open()
            ana = await open_for(store, "ana")
            await grants.adopt(ana, tokens(1))
            await asyncio.sleep(1)
            before = time.perf_counter()
            given = await asyncio.gather(*(grants.user(ana) for _ in range(PROCESSES * CALLERS)))
            seconds = time.perf_counter() - before
            await transport.aclose()
            different = {each.token.reveal() for each in given}
            return Crowd(zoom.calls, len(given), len(different), seconds)


async def child(url: str, ring: str, zoom: str, installation: str) -> None:
    """Wait for the word on stdin, then let a thousand callers ask at once."""
    async with opened(*postgres(url, ring)) as store:
        transport = HttpTransport()
        transport.open()
        grants = grants_of(store, transport, zoom)
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        before = time.perf_counter()
        asked = (grants.user(InstallationId(installation)) for _ in range(CALLERS))
        given = await asyncio.gather(*asked)
        seconds = time.perf_counter() - before
        different = sorted({each.token.reveal() for each in given})
        print(json.dumps([len(given), different, seconds]), flush=True)
        await transport.aclose()


async def many_processes(server: Server) -> Crowd:
    """Let sixteen processes ask for one person's token at one expiry."""
    ring = KeyRing.generate()
    async with endpoint() as zoom, opened(*postgres(server.url, ring)) as store:
        ana = await open_for(store, "ana")
        await grants_of(store, HttpTransport(), zoom.url).adopt(ana, tokens(1))
        argv = [sys.executable, "-m", "bench.tokens", server.url, ring, zoom.url, ana]
        pipe = asyncio.subprocess.PIPE
        children = [
            await asyncio.create_subprocess_exec(*argv, stdin=pipe, stdout=pipe)
            for _ in range(PROCESSES)
        ]
        for each in children:
            assert await said(each) == "ready"
        for each in children:
            assert each.stdin is not None
            each.stdin.write(b"go\n")
        told = [json.loads(await said(each)) for each in children]
        for each in children:
            await each.wait()
    given, different, seconds = zip(*told, strict=True)
    return Crowd(zoom.calls, sum(given), len(set().union(*different)), max(seconds))


async def said(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(120):
        return (await process.stdout.readline()).decode().strip()


# five thousand that end together


def fullest_beat() -> int:
    """Tell how many of them the background takes up in its busiest beat."""
    now = datetime(2030, 1, 1, tzinfo=UTC)
    due: Counter[int] = Counter()
    for number in range(GRANTS):
        grant_id = f"ins_{hashlib.sha256(str(number).encode()).hexdigest()[:24]}"
        renew_at = scheduled(_issued(grant_id, now), now=now).renew_at
        assert renew_at is not None
        due[int((renew_at - now).total_seconds()) // BEAT_SECONDS] += 1
    return max(due.values())


def _issued(grant_id: str, now: datetime) -> Grant:
    return Grant(
        id=grant_id,
        kind=GrantKind.USER,
        installation_id=InstallationId(grant_id),
        version=1,
        access_token=Secret("access-0"),
        refresh_token=Secret("refresh-0"),
        expires_at=now + timedelta(hours=1),
        refresh_expires_at=now + timedelta(days=90),
        scope=frozenset(),
        api_url="",
        used_at=now,
    )


@dataclass(frozen=True)
class Backlog:
    """How fast it was renewed, and how long the inbox took meanwhile and before, in ms."""

    per_second: float
    quiet: list[float]
    meanwhile: list[float]


async def backlog() -> Backlog:
    """Renew all of them with no spread at all, as after an outage, while events come in."""
    with tempfile.TemporaryDirectory() as folder:
        async with endpoint(0.0) as zoom, opened(*sqlite(folder)) as store:
            clock, transport = MovableClock(), HttpTransport()
            transport.open()  # as a running app has long done
            grants = grants_of(store, transport, zoom.url, clock)
            names = [f"user-{number}" for number in range(GRANTS)]
            people = await asyncio.gather(*(open_for(store, name) for name in names))
            await asyncio.gather(*(grants.adopt(each, tokens(3600)) for each in people))
            quiet = await arrivals(store, asyncio.create_task(asyncio.sleep(5)))
            clock.advance(3590)
            before = time.perf_counter()
            renewing = asyncio.create_task(grants.renew_ahead(clock.now()))
            meanwhile = await arrivals(store, renewing)
            seconds = time.perf_counter() - before
            assert renewing.result() == zoom.calls == GRANTS
            await transport.aclose()
            return Backlog(GRANTS / seconds, quiet, meanwhile)


async def arrivals(store: Store, until: "asyncio.Task[None] | asyncio.Task[int]") -> list[float]:
    """Take events in at a steady rate, each timed from when it was due."""
    taken: list[float] = []
    pending: set[asyncio.Task[None]] = set()
    begun, number = time.perf_counter(), 0
    while not until.done():
        due = begun + number / EVENTS_PER_SECOND
        await asyncio.sleep(max(due - time.perf_counter(), 0))
        pending.add(asyncio.create_task(_arrival(store, due, taken)))
        number += 1
    await asyncio.gather(*pending)
    return sorted(taken)


async def _arrival(store: Store, due: float, taken: list[float]) -> None:
    body = json.dumps({"event": "bot_notification", "at": due}).encode()
    key = hashlib.sha256(body).digest()
    await store.accept(
        key=key, name="bot_notification", body=body, owner=None, now=datetime.now(UTC)
    )
    taken.append((time.perf_counter() - due) * 1000)


def _p99(taken: list[float]) -> float:
    return taken[len(taken) * 99 // 100]


def _crowded(crowd: Crowd) -> str:
    return f"{crowd.calls} call, {crowd.tokens} token for {crowd.given:,}; {crowd.seconds:.2f} s"


def rows() -> list[Row]:
    """Give the rows of the table."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    taken = uvloop.run(looks())
    look = f"{statistics.median(taken):.2f} µs ({min(taken):.2f} to {max(taken):.2f})"
    alone = _crowded(uvloop.run(one_process()))
    try:
        server = begun()
    except NoPostgres:
        shared = "no PostgreSQL here"
    else:
        shared = _crowded(uvloop.run(many_processes(server)))
        server.stop()
    drained = uvloop.run(backlog())
    crowd = f"{PROCESSES} x {CALLERS:,} callers at one expiry"
    return [
        ("a token that is at hand", look, f"<= {WANTED_MICROSECONDS} µs"),
        (f"{crowd}: one process, SQLite", alone, "1 call"),
        (f"{crowd}: {PROCESSES} processes, PostgreSQL", shared, "1 call"),
        (
            f"{GRANTS:,} tokens that end together: most in {BEAT_SECONDS} s",
            f"{fullest_beat()}",
            f"<= {2 * GRANTS * BEAT_SECONDS // 600}",
        ),
        (f"{GRANTS:,} tokens due at once: renewed", f"{drained.per_second:,.0f}/s", ""),
        (
            f"the same: an event kept meanwhile, p99 at {EVENTS_PER_SECOND}/s",
            f"{_p99(drained.meanwhile):.1f} ms (quiet {_p99(drained.quiet):.1f} ms)",
            f"<= {WANTED_ACK_MS} ms",
        ),
    ]


def main() -> None:
    if len(sys.argv) > 1:
        uvloop.run(child(*sys.argv[1:]))
        return
    show(rows())


if __name__ == "__main__":
    main()
