# pyright: reportPrivateUsage=false
# These tests look behind the contract, which has its own suite.

import asyncio
import resource
import signal
import subprocess
import sys
import textwrap
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import apsw
import pytest

from innkeeper.errors import InnkeeperError, StoreInUse, StoreUnavailable
from innkeeper.store.records import EventState
from innkeeper.store.sqlite import SqliteStore
from innkeeper.store.sqlite import connection as connection_module
from innkeeper.store.sqlite.connection import connect
from innkeeper.store.sqlite.writer import Writer
from innkeeper.store.vault import SqliteVault
from tests.contracts.houses import (
    NOW,
    SqliteHouse,
    accepted,
    body,
    opened,
    owner,
    purge_begun,
)
from tests.store.sqlite.beside import by_hand

pytestmark = pytest.mark.anyio


@contextmanager
def files_at_most(size: int) -> Generator[None]:
    """Let no file of this process grow beyond a size, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_full_disk_is_told_and_got_over(store: SqliteStore, tmp_path: Path) -> None:
    ana = await opened(store)
    with files_at_most(4096):
        for attempt in range(3):
            with pytest.raises(StoreUnavailable):
                await accepted(store, body(text=str(attempt)))
        with pytest.raises(StoreUnavailable):
            await store.set_state(ana, "due", b"friday")
        assert not await store.ready()
        assert (await store.get_installation(ana)) is not None
    assert await store.ready()
    assert (await accepted(store, body(text="0"))).fresh
    assert len(await store.inbox_rows()) == 1
    assert by_hand(tmp_path, "PRAGMA integrity_check") == [("ok",)]


async def test_a_locked_database_is_told(  # F35
    house: SqliteHouse, vault: SqliteVault, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(connection_module, "_WRITER_WAITS_MS", 1)
    store = house.store(vault)
    await store.open()
    other = connect(str(tmp_path / "store.db"))
    other.run("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="BusyError"):
        await accepted(store, body())
    other.run("COMMIT")
    other.close()
    assert (await accepted(store, body())).fresh
    await store.close()


async def test_a_read_only_database_is_told(store: SqliteStore) -> None:  # F38
    await store._db.write(lambda connection: connection.rows("PRAGMA query_only = ON"))
    with pytest.raises(StoreUnavailable, match="ReadOnlyError"):
        await accepted(store, body())
    assert (await accepted(store, body())).fresh  # it connected anew, and may write again


async def test_a_folder_that_vanishes_is_told_and_got_over(  # F38
    house: SqliteHouse, vault: SqliteVault, tmp_path: Path
) -> None:
    store = house.store(vault)
    await store.open()
    await accepted(store, body())
    names = ("store.db", "store.db-wal", "store.db-shm")
    aside = [(tmp_path / name, tmp_path / "aside" / name) for name in names]
    (tmp_path / "aside").mkdir()
    for path, elsewhere in aside:
        path.rename(elsewhere)
    with pytest.raises(StoreUnavailable, match="its file is gone"):
        await accepted(store, body(text="lost, if it was taken"))
    assert not await store.ready()
    for path, elsewhere in aside:
        elsewhere.rename(path)
    assert await store.ready()
    assert (await accepted(store, body(text="now"))).fresh
    await store.close()


@pytest.mark.parametrize("left", ["nothing", "half", "a page of noise", "no schema"])
async def test_a_damaged_database_stops_the_start_and_stays_as_it_is(  # F39
    house: SqliteHouse, vault: SqliteVault, tmp_path: Path, left: str
) -> None:
    store = house.store(vault)
    await store.open()
    await opened(store)
    await accepted(store, body())
    await store.close()
    path = tmp_path / "store.db"
    whole = path.read_bytes()
    damaged = {
        "nothing": b"",
        "half": whole[: len(whole) // 2],
        "a page of noise": whole[:4096] + b"noise..." * 512 + whole[8192:],
        "no schema": whole[:100] + bytes(3996) + whole[4096:],
    }[left]
    path.write_bytes(damaged)
    with pytest.raises(InnkeeperError):
        await house.store(vault).open()
    assert path.read_bytes() == damaged
    path.write_bytes(whole)
    again = house.store(vault)
    await again.open()
    assert len(await again.inbox_rows()) == 1
    await again.close()


async def test_a_start_ends_only_the_purge_leases_of_the_dead(
    house: SqliteHouse, vault: SqliteVault, store: SqliteStore
) -> None:
    ana, later = await opened(store), NOW + timedelta(minutes=3)
    await purge_begun(store, ana)
    assert await store.lease_purge(ana, holder="a", now=NOW, until=later) is not None
    second = house.store(vault)
    with pytest.raises(StoreInUse):
        await second.open()  # in this process too: so none that lives can lose its lease
    assert await store.lease_purge(ana, holder="b", now=NOW, until=later) is None
    await store.close()
    await second.open()
    await second.reclaim(now=NOW)
    assert await second.lease_purge(ana, holder="b", now=NOW, until=later) is not None
    await second.close()


async def test_reads_again_after_an_error(store: SqliteStore, tmp_path: Path) -> None:
    ana = await opened(store)
    await store.scrub()
    path = tmp_path / "store.db"
    whole = path.read_bytes()
    with path.open("r+b") as file:
        file.write(b"no header of a database" * 4)
        file.flush()
        store._db._reader = None  # a new connection has nothing of it in memory
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                await store.get_installation(ana)
        file.seek(0)
        file.write(whole)
    assert await store.get_installation(ana) is not None


async def test_reads_again_after_its_connection_broke(store: SqliteStore) -> None:
    ana = await opened(store)
    assert store._db._reader is not None
    store._db._reader.close()
    with pytest.raises(StoreUnavailable, match="ConnectionClosedError"):
        await store.get_installation(ana)
    assert await store.get_installation(ana) is not None


@contextmanager
def commits_that_seem_to_fail() -> Generator[None]:
    """Commit, and then say that it failed: as a log whose sync failed, read anew."""
    whole = Writer._commit

    def cut_off(*about: Any) -> Any:
        whole(*about)
        raise apsw.IOError("disk I/O error")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Writer, "_commit", cut_off)
        yield


async def test_gives_back_an_arrival_that_is_there_all_the_same(store: SqliteStore) -> None:
    await accepted(store, body(text="the day has its key"))
    with commits_that_seem_to_fail(), pytest.raises(StoreUnavailable):
        await accepted(store, body())
    again = await accepted(store, body())  # Zoom's retry
    assert (again.fresh, again.state) == (False, EventState.CLAIMED)
    (event,) = await store.claim(now=NOW, limit=10)
    assert (event.id, event.body) == (again.id, body())
    assert await store.claim(now=NOW, limit=10) == []


async def test_gives_back_a_claim_that_is_there_all_the_same(store: SqliteStore) -> None:
    event = (await accepted(store, body())).id
    await store.defer(event, until=NOW, reason="later")
    with commits_that_seem_to_fail():
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                await store.claim(now=NOW, limit=10)
    assert [each.id for each in await store.claim(now=NOW, limit=10)] == [event]
    assert await store.claim(now=NOW, limit=10) == []


CRASH = """
    import asyncio, os, signal, sys
    from pathlib import Path
    from tests.contracts.houses import SqliteHouse, accepted, body, opened

    async def main() -> None:
        house = SqliteHouse(Path(sys.argv[1]), ring=sys.argv[2])
        vault = house.vault()
        await vault.open()
        store = house.store(vault)
        await store.open()
        await opened(store)
        await asyncio.gather(*(accepted(store, body(text=str(n))) for n in range(100)))
        os.kill(os.getpid(), signal.SIGKILL)

    asyncio.run(main())
"""


@pytest.mark.slow
async def test_what_was_accepted_survives_a_kill(house: SqliteHouse, tmp_path: Path) -> None:
    command = [sys.executable, "-c", textwrap.dedent(CRASH), str(tmp_path), house.ring]
    root = Path(__file__).parents[3]
    ended = await asyncio.to_thread(subprocess.run, command, cwd=root, check=False)
    assert ended.returncode == -signal.SIGKILL
    vault = house.vault()
    await vault.open()
    store = house.store(vault)
    await store.open()
    assert await store.find_installation(owner()) is not None
    assert await store.reclaim(now=NOW) == 100
    claimed = await store.claim(now=NOW, limit=1000)
    assert {event.body for event in claimed} == {body(text=str(n)) for n in range(100)}
    await store.close()
    await vault.close()
