# pyright: reportPrivateUsage=false
# These tests look behind the contract, which has its own suite.

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from innkeeper.errors import KeyMissing, StoreUnavailable
from innkeeper.store.seal import KeyRing
from innkeeper.store.sqlite import SqliteStore
from innkeeper.store.sqlite import connection as connection_module
from innkeeper.store.sqlite.connection import Connection, Row
from innkeeper.store.vault import SqliteVault
from tests.contracts.houses import (
    APP,
    SqliteHouse,
    accepted,
    body,
    opened,
)
from tests.store.sqlite.beside import by_hand, modes

pytestmark = pytest.mark.anyio


def _given(steps: list[str]) -> Callable[[str], list[str]]:
    return lambda schema: steps if schema == "sqlite" else []


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
    def settings(connection: Connection) -> list[Row]:
        names = ("journal_mode", "synchronous", "secure_delete", "foreign_keys", "trusted_schema")
        return [connection.rows(f"PRAGMA {name}")[0] for name in names]

    assert await store._db.write(settings) == [("wal",), (2,), (1,), (1,), (0,)]


async def test_refuses_a_second_process_that_writes(  # F46
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


async def test_refuses_a_database_that_is_newer_than_the_code(  # F39
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


async def test_refuses_a_file_that_is_no_database(  # F39
    house: SqliteHouse, vault: SqliteVault, tmp_path: Path
) -> None:
    (tmp_path / "store.db").write_bytes(b"not a database, but long enough to be one" * 100)
    with pytest.raises(StoreUnavailable, match="cannot be opened"):
        await house.store(vault).open()


@pytest.mark.parametrize("path", ["missing/store.db", "folder", "dangling.db"])
async def test_refuses_a_place_where_no_file_can_be(  # F38
    vault: SqliteVault, tmp_path: Path, path: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "dangling.db").symlink_to(tmp_path / "missing" / "store.db")
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


async def test_a_migration_that_fails_leaves_nothing_behind(  # F45
    house: SqliteHouse, vault: SqliteVault, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    steps = connection_module._steps("sqlite")
    broken = [*steps, "CREATE TABLE extra (id INTEGER); CREATE TABLE inbox (id INTEGER);"]
    monkeypatch.setattr(connection_module, "_steps", _given(broken))
    with pytest.raises(StoreUnavailable, match="cannot be opened"):
        await house.store(vault).open()
    assert by_hand(tmp_path, "PRAGMA user_version") == [(len(steps),)]
    assert by_hand(tmp_path, "SELECT name FROM sqlite_schema WHERE name = 'extra'") == []
    monkeypatch.setattr(connection_module, "_steps", _given([*steps, "SELECT 1"]))
    store = house.store(vault)
    await store.open()
    assert by_hand(tmp_path, "PRAGMA user_version") == [(len(steps) + 1,)]
    await store.close()


async def test_grants_of_an_older_schema_are_renewed_before_their_end(
    house: SqliteHouse, vault: SqliteVault, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with monkeypatch.context() as patched:
        steps = connection_module._steps("sqlite")
        first = next(n for n, step in enumerate(steps) if "renew_at" in step)
        patched.setattr(connection_module, "_steps", _given(steps[:first]))
        store = house.store(vault)
        await store.open()
        await store.close()
    by_hand(
        tmp_path,
        "INSERT INTO grants (id, kind, refresh_expires_at)"
        " VALUES ('account', 'account', 7776000000000), ('chatbot', 'chatbot', NULL)",
    )
    store = house.store(vault)
    await store.open()
    await store.close()
    found = by_hand(tmp_path, "SELECT renew_at FROM grants ORDER BY id")
    assert found == [(20 * 3_600_000_000,), (None,)]
