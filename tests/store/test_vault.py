import asyncio
import stat
from pathlib import Path

import pytest

from innkeeper.errors import KeyMissing, SealBroken, StoreUnavailable
from innkeeper.store.seal import KeyRing
from innkeeper.store.sqlite import connection as connection_module
from innkeeper.store.sqlite.connection import connect, connect_to_read
from innkeeper.store.vault import SqliteVault
from tests.contracts.houses import SqliteHouse, owner
from tests.contracts.test_vault import tombstone

pytestmark = pytest.mark.anyio


def on_disk(folder: Path, name: str = "vault.db") -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir() if file.name.startswith(name))


def modes(folder: Path) -> dict[str, int]:
    return {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}


def wrapped_keys(folder: Path) -> dict[str, bytes]:
    connection = connect(str(folder / "vault.db"))
    rows = connection.rows("SELECT subject, wrapped FROM data_keys")
    connection.close()
    return dict(rows)


async def opened(folder: Path, ring: str, **options: bool) -> SqliteVault:
    vault = SqliteVault(str(folder / "vault.db"), KeyRing.parse(ring), app="app", **options)
    await vault.open()
    return vault


async def test_nothing_of_a_destroyed_key_is_left_in_the_file(tmp_path: Path) -> None:
    vault = SqliteHouse(tmp_path).vault()
    await vault.open()
    subjects = [f"ins_{number:024x}" for number in range(400)]
    await asyncio.gather(*(vault.make_key(subject) for subject in subjects))
    wrapped = wrapped_keys(tmp_path)
    assert all(wrapped[subject] in on_disk(tmp_path) for subject in subjects)
    gone, kept = subjects[::3], [*subjects[1::3], *subjects[2::3]]
    await asyncio.gather(*(vault.destroy_key(subject) for subject in gone))
    left = on_disk(tmp_path)
    assert [subject for subject in gone if wrapped[subject][-28:] in left] == []
    assert all(wrapped[subject] in left for subject in kept)
    assert (tmp_path / "vault.db-wal").stat().st_size == 0
    await vault.close()


async def test_says_so_if_a_destroyed_key_may_be_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_module, "_WRITER_WAITS_MS", 1)
    vault = SqliteHouse(tmp_path).vault()
    await vault.open()
    await vault.make_key("ins_1")
    reader = connect_to_read(str(tmp_path / "vault.db"))
    reader.run("BEGIN")
    reader.rows("SELECT count(*) FROM data_keys")
    with pytest.raises(StoreUnavailable, match="another process reads it"):
        await vault.destroy_key("ins_1")
    assert await vault.find_key("ins_1") is None
    reader.close()
    assert not await vault.destroy_key("ins_1")
    assert (tmp_path / "vault.db-wal").stat().st_size == 0
    await vault.close()


async def test_shows_neither_keys_nor_owners_on_disk(tmp_path: Path) -> None:
    vault = SqliteHouse(tmp_path).vault()
    await vault.open()
    _, key = await vault.make_key("ins_1")
    signing = await vault.signing_key()
    await vault.bury(tombstone(), owner=owner())
    left = on_disk(tmp_path)
    for canary in (key, bytes.fromhex(signing.private.reveal()), b"account-of-ana", b"user-ana"):
        assert canary not in left
        assert canary.hex().encode() not in left
    await vault.close()


async def test_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    vault = SqliteHouse(tmp_path).vault()
    await vault.open()
    await vault.make_key("ins_1")
    assert modes(tmp_path) == dict.fromkeys(
        ("vault.db", "vault.db-wal", "vault.db-shm", "vault.db.lock"), 0o600
    )
    await vault.close()


async def test_a_ring_without_the_key_that_wraps_stops_the_start(tmp_path: Path) -> None:
    old = KeyRing.generate()
    vault = await opened(tmp_path, old)
    await vault.make_key("app")
    await vault.close()
    with pytest.raises(KeyMissing, match=old.split(":")[0]):
        await opened(tmp_path, KeyRing.generate())
    same_id = f"{old.split(':')[0]}:{KeyRing.generate().split(':')[1]}"
    with pytest.raises(KeyMissing, match="not the one that was used") as refused:
        await opened(tmp_path, same_id)
    assert same_id.split(":")[1] not in str(refused.value)
    vault = await opened(tmp_path, old)
    assert await vault.find_key("app") is not None
    await vault.close()


async def test_wraps_with_the_newest_key_what_an_older_one_wrapped(tmp_path: Path) -> None:
    old, new = KeyRing.generate(), KeyRing.generate()
    vault = await opened(tmp_path, old)
    made, signing = await vault.make_key("app"), await vault.signing_key()
    before = wrapped_keys(tmp_path)["app"]
    await vault.close()
    vault = await opened(tmp_path, f"{new},{old}")
    assert await vault.find_key("app") == made
    assert before not in on_disk(tmp_path)
    await vault.close()
    vault = await opened(tmp_path, new)
    assert await vault.find_key("app") == made
    assert await vault.signing_key() == signing
    await vault.close()


async def test_only_looks_when_told_so(tmp_path: Path) -> None:
    old, new = KeyRing.generate(), KeyRing.generate()
    vault = await opened(tmp_path, old)
    made = await vault.make_key("app")
    looking = await opened(tmp_path, f"{new},{old}", read_only=True)
    assert await looking.make_key("app") == made
    with pytest.raises(StoreUnavailable):
        await looking.make_key("ins_1")
    await looking.close()
    await vault.close()
    vault = await opened(tmp_path, old)
    assert await vault.find_key("app") == made
    await vault.close()


async def test_refuses_another_apps_vault(tmp_path: Path) -> None:
    ring = KeyRing.generate()
    await (await opened(tmp_path, ring)).close()
    other = SqliteVault(str(tmp_path / "vault.db"), KeyRing.parse(ring), app="other")
    with pytest.raises(StoreUnavailable, match="vault of another app"):
        await other.open()


async def test_refuses_a_second_process_that_writes(tmp_path: Path) -> None:
    ring = KeyRing.generate()
    vault = await opened(tmp_path, ring)
    with pytest.raises(StoreUnavailable, match="in use by another process"):
        await opened(tmp_path, ring)
    await vault.close()
    await (await opened(tmp_path, ring)).close()


async def test_refuses_a_key_that_was_altered(tmp_path: Path) -> None:
    house = SqliteHouse(tmp_path)
    vault = house.vault()
    await vault.open()
    for subject in ("app", "ins_1", "ins_2"):
        await vault.make_key(subject)
    await vault.close()
    connection = connect(str(tmp_path / "vault.db"))
    connection.run(
        "UPDATE data_keys SET wrapped = (SELECT wrapped FROM data_keys WHERE subject = 'ins_2')"
        " WHERE subject = 'ins_1'"
    )
    connection.close()
    vault = house.vault()
    await vault.open()
    with pytest.raises(SealBroken):
        await vault.find_key("ins_1")
    await vault.close()


async def test_remembers_a_bounded_number_of_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("innkeeper.store.vault._CACHE_SIZE", 2)
    vault = await opened(tmp_path, KeyRing.generate())
    made = [await vault.make_key(f"ins_{number}") for number in range(5)]
    assert [await vault.find_key(f"ins_{number}") for number in range(5)] == made
    await vault.close()


async def test_a_closed_vault_is_unavailable(tmp_path: Path) -> None:
    vault = SqliteHouse(tmp_path).vault()
    with pytest.raises(StoreUnavailable):
        await vault.make_key("app")
    await vault.open()
    await vault.open()
    await vault.make_key("app")
    await vault.close()
    await vault.close()
    with pytest.raises(StoreUnavailable):
        await vault.find_key("app")
    with pytest.raises(StoreUnavailable):
        await vault.bury(tombstone(), owner=owner())
