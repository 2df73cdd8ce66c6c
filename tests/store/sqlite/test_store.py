import asyncio
import resource
import shutil
import signal
import stat
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import apsw
import pytest

from innkeeper.errors import Fenced, KeyMissing, SealBroken, StoreUnavailable
from innkeeper.ids import AccountId, InstallationId, Jid, UserId
from innkeeper.secret import Secret
from innkeeper.store.base import ERASABLE
from innkeeper.store.records import (
    EventState,
    Owner,
    PendingInstall,
    Person,
    Receipt,
    Tombstone,
)
from innkeeper.store.seal import KeyRing
from innkeeper.store.sqlite import SqliteStore
from innkeeper.store.sqlite import connection as connection_module
from innkeeper.store.vault import SqliteVault
from tests.contracts.houses import (
    APP,
    DAY,
    MINUTE,
    NOW,
    SqliteHouse,
    accepted,
    app_grant,
    body,
    opened,
    owner,
    person,
    purge_begun,
    user_grant,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def house(tmp_path: Path) -> SqliteHouse:
    return SqliteHouse(tmp_path)


@pytest.fixture
async def vault(house: SqliteHouse) -> AsyncIterator[SqliteVault]:
    vault = house.vault()
    await vault.open()
    yield vault
    await vault.close()


@pytest.fixture
async def store(house: SqliteHouse, vault: SqliteVault) -> AsyncIterator[SqliteStore]:
    store = house.store(vault)
    await store.open()
    yield store
    await store.close()


def by_hand(folder: Path, sql: str) -> list[tuple[object, ...]]:
    """Do to the database what only somebody beside the store can."""
    connection = apsw.Connection(str(folder / "store.db"))
    connection.set_busy_timeout(1000)
    rows: list[tuple[object, ...]] = list(connection.execute(sql).fetchall())
    connection.close()
    return rows


def on_disk(folder: Path, name: str = "") -> bytes:
    files = [file for file in sorted(folder.iterdir()) if file.name.startswith(name)]
    return b"".join(file.read_bytes() for file in files)


def modes(folder: Path) -> dict[str, int]:
    return {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}


# who may open it


async def test_is_readable_by_its_owner_only(store: SqliteStore, tmp_path: Path) -> None:
    await opened(store)
    found = modes(tmp_path)
    assert {"store.db", "store.db-wal", "store.db-shm", "store.db.lock"} <= set(found)
    assert set(found.values()) == {0o600}


async def test_takes_a_file_back_that_others_could_read(
    house: SqliteHouse, vault: SqliteVault, tmp_path: Path
) -> None:
    (tmp_path / "store.db").touch(mode=0o644)
    store = house.store(vault)
    await store.open()
    assert stat.S_IMODE((tmp_path / "store.db").stat().st_mode) == 0o600
    await store.close()


async def test_writes_durably_and_wipes_what_it_frees(store: SqliteStore) -> None:
    def settings(name: str) -> object:
        return store._db.write(lambda connection: connection.rows(f"PRAGMA {name}")[0][0])

    names = ("journal_mode", "synchronous", "secure_delete", "foreign_keys", "trusted_schema")
    found = [await settings(name) for name in names]  # type: ignore[misc]
    assert found == ["wal", 2, 1, 1, 0]


async def test_refuses_a_second_process_that_writes(
    house: SqliteHouse, vault: SqliteVault, store: SqliteStore
) -> None:
    second = house.store(vault)
    with pytest.raises(StoreUnavailable, match="in use by another process"):
        await second.open()
    assert await store.ready()
    await store.close()
    await second.open()
    await second.close()


async def test_lets_somebody_look_while_it_writes(house: SqliteHouse, store: SqliteStore) -> None:
    ana = await opened(store)
    path = str(house.folder / "store.db")
    looking_vault = SqliteVault(
        str(house.folder / "vault.db"), KeyRing.parse(house.ring), app=APP, read_only=True
    )
    await looking_vault.open()
    looking = SqliteStore(path, vault=looking_vault, app=APP, read_only=True)
    await looking.open()
    assert [each.id for each in await looking.installations()] == [ana]
    assert not await looking.ready()
    with pytest.raises(StoreUnavailable):
        await looking.erase_installation(ana)
    await store.set_state(ana, "due", b"friday")
    assert await looking.get_state(ana, "due") == b"friday"
    await looking.close()
    await looking_vault.close()
    assert await store.get_installation(ana) is not None


async def test_lets_somebody_look_when_nobody_writes(
    house: SqliteHouse, vault: SqliteVault, store: SqliteStore
) -> None:
    ana = await opened(store)
    await store.close()
    looking = SqliteStore(str(house.folder / "store.db"), vault=vault, app=APP, read_only=True)
    await looking.open()
    assert await looking.get_installation(ana) is not None
    await looking.close()


async def test_looking_makes_nothing(vault: SqliteVault, tmp_path: Path) -> None:
    path = tmp_path / "nothing.db"
    looking = SqliteStore(str(path), vault=vault, app=APP, read_only=True)
    with pytest.raises(StoreUnavailable, match="cannot be opened"):
        await looking.open()
    assert not path.exists()
    path.touch()
    with pytest.raises(StoreUnavailable, match="not migrated yet"):
        await looking.open()


async def test_a_store_that_is_not_open_is_unavailable(
    house: SqliteHouse, vault: SqliteVault
) -> None:
    store = house.store(vault)
    assert not await store.ready()
    with pytest.raises(StoreUnavailable):
        await accepted(store, body())
    with pytest.raises(StoreUnavailable):
        await store.installations()


# what it refuses to open


async def test_refuses_a_database_that_is_newer_than_the_code(
    house: SqliteHouse, vault: SqliteVault, store: SqliteStore, tmp_path: Path
) -> None:
    await store.close()
    by_hand(tmp_path, "PRAGMA user_version = 999")
    with pytest.raises(StoreUnavailable, match="written by a newer Innkeeper"):
        await house.store(vault).open()
    looking = SqliteStore(str(tmp_path / "store.db"), vault=vault, app=APP, read_only=True)
    with pytest.raises(StoreUnavailable, match="written by a newer Innkeeper"):
        await looking.open()


async def test_refuses_a_database_of_something_else(
    house: SqliteHouse, vault: SqliteVault, tmp_path: Path
) -> None:
    by_hand(tmp_path, "CREATE TABLE notes (id INTEGER)")
    with pytest.raises(StoreUnavailable, match="not a database of Innkeeper's"):
        await house.store(vault).open()


async def test_refuses_a_file_that_is_no_database(
    house: SqliteHouse, vault: SqliteVault, tmp_path: Path
) -> None:
    (tmp_path / "store.db").write_bytes(b"not a database, but long enough to be one" * 100)
    with pytest.raises(StoreUnavailable, match="cannot be opened"):
        await house.store(vault).open()


@pytest.mark.parametrize("path", ["missing/store.db", "."])
async def test_refuses_a_place_where_no_file_can_be(
    vault: SqliteVault, tmp_path: Path, path: str
) -> None:
    store = SqliteStore(str(tmp_path / path), vault=vault, app=APP)
    with pytest.raises(StoreUnavailable, match="cannot be opened"):
        await store.open()


async def test_refuses_another_apps_database(
    house: SqliteHouse, store: SqliteStore, tmp_path: Path
) -> None:
    await store.close()
    vault = SqliteVault(str(tmp_path / "other.db"), KeyRing.parse(house.ring), app="other")
    await vault.open()
    other = SqliteStore(str(tmp_path / "store.db"), vault=vault, app="other")
    with pytest.raises(StoreUnavailable, match="database of another app"):
        await other.open()
    await vault.close()


async def test_refuses_a_vault_that_it_was_not_written_with(
    house: SqliteHouse, store: SqliteStore, tmp_path: Path
) -> None:
    await store.close()
    vault = SqliteVault(str(tmp_path / "new.db"), KeyRing.parse(house.ring), app=APP)
    await vault.open()
    with pytest.raises(KeyMissing, match="vault"):
        await house.store(vault).open()
    await vault.close()


async def test_a_migration_that_fails_leaves_nothing_behind(
    house: SqliteHouse, vault: SqliteVault, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    steps = connection_module._steps("sqlite")
    broken = [*steps, "CREATE TABLE extra (id INTEGER); CREATE TABLE inbox (id INTEGER);"]
    monkeypatch.setattr(connection_module, "_steps", lambda _schema: broken)
    with pytest.raises(StoreUnavailable, match="cannot be opened"):
        await house.store(vault).open()
    assert by_hand(tmp_path, "PRAGMA user_version") == [(1,)]
    assert by_hand(tmp_path, "SELECT name FROM sqlite_schema WHERE name = 'extra'") == []
    monkeypatch.setattr(connection_module, "_steps", lambda _schema: [*steps, "SELECT 1"])
    store = house.store(vault)
    await store.open()
    assert by_hand(tmp_path, "PRAGMA user_version") == [(2,)]
    await store.close()


# what was altered by hand


async def test_refuses_a_sealed_value_that_was_moved(store: SqliteStore, tmp_path: Path) -> None:
    ana, bob = await opened(store), await opened(store, "bob")
    for each in (ana, bob):
        await store.save_grant(user_grant(each), replaces=0, now=NOW)
        await store.set_state(each, "due", b"friday")
    for table in ("installations", "grants", "states"):
        by_hand(
            tmp_path,
            "UPDATE table_ SET sealed = (SELECT sealed FROM table_ AS other"
            " WHERE other.rowid <> table_.rowid)".replace("table_", table),
        )
    for read in (store.find_installation(owner()), store.find_grant(ana)):
        with pytest.raises(SealBroken):
            await read
    with pytest.raises(SealBroken):
        await store.get_state(ana, "due")
    with pytest.raises(SealBroken):
        await store.installations()


async def test_refuses_an_older_value_put_back_in_place(store: SqliteStore, tmp_path: Path) -> None:
    ana = await opened(store)
    await store.set_state(ana, "due", b"friday")
    by_hand(tmp_path, "CREATE TABLE kept AS SELECT sealed FROM states")
    await store.set_state(ana, "due", b"monday")
    by_hand(tmp_path, "UPDATE states SET sealed = (SELECT sealed FROM kept)")
    with pytest.raises(SealBroken):
        await store.get_state(ana, "due")


async def test_sets_aside_an_event_whose_body_was_altered(
    store: SqliteStore, tmp_path: Path
) -> None:
    first = await accepted(store, body(text="1"))
    second = await accepted(store, body(text="2"))
    third = await accepted(store, body(text="3"))
    by_hand(
        tmp_path,
        "UPDATE inbox_bodies SET sealed = (SELECT sealed FROM inbox_bodies WHERE id = 3)"
        " WHERE id IN (1, 2)",
    )
    await store.reclaim(now=NOW)
    assert [event.id for event in await store.claim(now=NOW, limit=10)] == [third.id]
    rows = {row.id: (row.state, row.reason) for row in await store.inbox_rows()}
    assert rows[first.id] == rows[second.id] == (EventState.QUARANTINED, "seal_broken")


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE installations SET welcomed = 1",
        "UPDATE installations SET status = 'live'",
        "INSERT INTO grants (id, installation_id, kind) VALUES ('g', '{id}', 'user')",
        "UPDATE grants SET used_at = 5",
        "INSERT INTO states VALUES ('{id}', x'00', 1, x'00')",
        "UPDATE states SET version = 5",
        "INSERT INTO cases (id, installation_id, reason, opened_at) VALUES ('c', '{id}', 'r', 1)",
        "INSERT INTO inbox_bodies VALUES (77, '{id}', x'00')",
        "UPDATE inbox_bodies SET installation_id = '{id}'",
        "INSERT INTO inbox_answers VALUES (1, '{id}', x'00')",
    ],
)
async def test_the_database_itself_refuses_a_write_that_forgets_the_fence(
    store: SqliteStore, sql: str
) -> None:
    ana = await opened(store)
    await store.save_grant(user_grant(ana), replaces=0, now=NOW)
    await store.set_state(ana, "due", b"friday")
    await accepted(store, body())
    await purge_begun(store, ana)
    with pytest.raises(Fenced):
        await store._db.change(sql.format(id=ana))


# what a purge leaves

ACCOUNT, USER = "canaryAccountQ7", "canaryUserX9"
CANARIES = (
    ACCOUNT,
    USER,
    USER.lower(),
    "canaryJid",
    "Canary Person",
    "canary@people.test",
    "canaryAccess",
    "canaryRefresh",
    "canaryStateKey",
    "canaryStateValue",
    "canaryText",
    "canaryAnswer",
    "canaryOauthState",
    "canaryVerifier",
    "canaryAttempt",
    "canaryBotToken",
)
CANARY = Owner(AccountId(ACCOUNT), UserId(USER))


async def live_a_life(store: SqliteStore) -> InstallationId:
    """Have somebody do everything that leaves a trace."""
    who = Person(CANARY.account_id, UserId(USER), Jid("canaryJid@xmpp.test"))
    named = Person(*(who.account_id, who.user_id, who.jid), "Canary Person", "canary@people.test")
    installation, _ = await store.open_installation(CANARY, named, authorized_at=NOW)
    ana = installation.id
    grant = user_grant(ana, token="canaryAccess")
    await store.save_grant(grant, replaces=0, now=NOW)
    await store.replace_grant(user_grant(ana, token="canaryRefresh"), now=NOW)
    await store.save_grant(app_grant(), replaces=0, now=NOW)
    await store.set_state(ana, "canaryStateKey", b"canaryStateValue")
    await store.set_state(ana, "gone", b"canaryStateValue" * 500)
    await store.delete_state(ana, "gone")
    pending = PendingInstall("canaryAttempt", Secret("canaryVerifier"), NOW + MINUTE)
    await store.begin_install("canaryOauthState", pending)
    content = (
        body().replace(b"account-of-ana", ACCOUNT.encode()).replace(b"user-ana", USER.encode())
    )
    events = [
        await store.accept(
            key=bytes([number]) * 32,
            name="bot_notification",
            body=content.replace(b"help", b"canaryText" * (1 + 100 * number)),
            owner=CANARY if number % 2 else None,
            now=NOW,
        )
        for number in range(8)
    ]
    for event, state in zip(events, (EventState.DONE, EventState.DEAD), strict=False):
        await store.finish(event.id, state, now=NOW, installation_id=ana)
    answer = b'{"text":"canaryAnswer"}'
    done = EventState.DONE
    await store.finish(events[2].id, done, now=NOW, installation_id=ana, answer=answer)
    await store.open_case("send_refused", installation_id=ana, now=NOW)
    return ana


async def test_nothing_personal_is_ever_on_disk_in_plain(
    store: SqliteStore, tmp_path: Path
) -> None:
    await live_a_life(store)
    left = on_disk(tmp_path)
    assert [canary for canary in CANARIES if canary.encode() in left] == []


async def test_after_a_purge_nothing_of_a_person_is_left(
    store: SqliteStore, vault: SqliteVault, tmp_path: Path
) -> None:
    bob = await opened(store, "bob")
    ana = await live_a_life(store)
    rows = by_hand(
        tmp_path,
        "SELECT sealed FROM installations UNION ALL SELECT sealed FROM grants"
        " UNION ALL SELECT sealed FROM states UNION ALL SELECT sealed FROM inbox_bodies"
        " UNION ALL SELECT sealed FROM inbox_answers UNION ALL SELECT owner_index"
        " FROM installations",
    )
    traces = [row[0] for row in rows]
    kept = by_hand(
        tmp_path,
        "SELECT sealed FROM installations WHERE id = 'bob' UNION ALL"
        " SELECT owner_index FROM installations WHERE id = 'bob' UNION ALL"
        " SELECT sealed FROM grants WHERE id = 'chatbot'".replace("bob", bob),
    )
    assert len(traces) > 12

    await vault.bury(Tombstone(ana, 1, NOW + MINUTE, NOW), owner=CANARY)
    purge = await purge_begun(store, ana)
    for part in ERASABLE:
        await store.record_step(ana, part, await store.erase(ana, part))
    await store.erase_installation(ana)
    await vault.destroy_key(ana)
    await store.scrub()
    await store.end_purge(ana, Receipt(purge.receipt_id, 1, b"{}", b"s", "k"))

    everything = on_disk(tmp_path)
    assert [canary for canary in CANARIES if canary.encode() in everything] == []
    left = on_disk(tmp_path, "store.db")
    mine = [trace for trace in traces if (trace,) not in kept]
    assert len(mine) == len(traces) - 3
    assert [trace for trace in mine if isinstance(trace, bytes) and trace[-28:] in left] == []
    await vault.forget_owners(buried_before=NOW + 31 * DAY)
    left = on_disk(tmp_path)
    assert [trace for trace in mine if isinstance(trace, bytes) and trace[-28:] in left] == []


async def test_yesterdays_database_beside_todays_vault_shows_nothing(
    house: SqliteHouse, vault: SqliteVault, tmp_path: Path
) -> None:
    store = house.store(vault)
    await store.open()
    bob = await opened(store, "bob")
    ana = await live_a_life(store)
    await store.close()
    yesterday = tmp_path / "yesterday"
    shutil.copy(tmp_path / "store.db", yesterday)

    await store.open()
    await purge_begun(store, ana)
    for part in ERASABLE:
        await store.erase(ana, part)
    await store.erase_installation(ana)
    await vault.destroy_key(ana)
    await store.close()
    shutil.copy(yesterday, tmp_path / "store.db")

    store = house.store(vault)
    await store.open()
    assert await store.orphans() == [ana]
    assert [each.id for each in await store.installations()] == [bob]
    assert await store.find_installation(CANARY) is None
    assert await store.find_grant(ana) is None
    assert await store.get_state(ana, "canaryStateKey") is None
    with pytest.raises(Fenced):
        await store.set_state(ana, "canaryStateKey", b"again")
    assert [await store.erase(ana, part) for part in ERASABLE] == [1, 1, 7, 1]
    await store.erase_installation(ana)
    await store.scrub()
    assert await store.orphans() == []
    await store.close()


# when the disk fails


@contextmanager
def files_at_most(size: int) -> Iterator[None]:
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


async def test_a_locked_database_is_told(
    house: SqliteHouse, vault: SqliteVault, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(connection_module, "_WRITER_WAITS_MS", 1)
    store = house.store(vault)
    await store.open()
    other = apsw.Connection(str(tmp_path / "store.db"))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="BusyError"):
        await accepted(store, body())
    other.execute("COMMIT")
    other.close()
    assert (await accepted(store, body())).fresh
    await store.close()


async def test_a_read_only_database_is_told(store: SqliteStore) -> None:
    def forbid(connection: object) -> None:
        connection.rows("PRAGMA query_only = ON")  # type: ignore[attr-defined]

    await store._db.write(forbid)
    with pytest.raises(StoreUnavailable, match="ReadOnlyError"):
        await accepted(store, body())
    assert (await accepted(store, body())).fresh  # it connected anew, and may write again


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


# small things


async def test_forgets_hashes_a_thousand_at_a_time(store: SqliteStore) -> None:
    events = await asyncio.gather(*(accepted(store, body(text=str(n))) for n in range(1500)))
    for event in events:
        store.finish_soon(event.id, EventState.DONE, now=NOW)
    await store.ready()
    forgotten = await store.expire_inbox(hashes_before=NOW + MINUTE, bodies_before=NOW)
    assert forgotten == 1500
    assert await store.inbox_rows() == []


async def test_remembers_a_bounded_number_of_owners(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("innkeeper.store.sqlite.part._LINKS_KEPT", 2)
    names = ("ana", "bob", "eve")
    ids = [await opened(store, name) for name in names]
    assert set(store._links.values()) == {ids[2]}
    for name in names:
        await store.find_installation(owner(name))
    assert len(store._links) <= 2


async def test_forgets_whose_an_installation_was_when_it_is_purged(store: SqliteStore) -> None:
    ana = await opened(store)
    assert store._links == {owner(): ana}
    await purge_begun(store, ana)
    await store.find_installation(owner())
    assert store._links == {}


async def test_an_installation_that_is_purged_while_it_opens_is_opened_anew(
    store: SqliteStore,
) -> None:
    first = await opened(store)
    again, _ = await asyncio.gather(
        store.open_installation(owner(), person(), authorized_at=NOW + timedelta(hours=1)),
        purge_begun(store, first),
    )
    found = await store.get_installation(again[0].id)
    assert found is not None
    live = await store.find_installation(owner())
    assert live is not None
    assert live.id in {first, again[0].id}
