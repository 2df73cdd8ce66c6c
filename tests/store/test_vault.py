import asyncio
import stat
from functools import partial
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


@pytest.mark.parametrize("only_signing", [False, True], ids=["C05", "C05-signing"])
async def test_a_ring_without_the_key_that_wraps_stops_the_start(
    tmp_path: Path, *, only_signing: bool
) -> None:
    old = KeyRing.generate()
    vault = await opened(tmp_path, old)
    await (vault.signing_key if only_signing else partial(vault.make_key, "app"))()
    await vault.close()
    with pytest.raises(KeyMissing, match=old.split(":")[0]):
        await opened(tmp_path, KeyRing.generate())
    same_id = f"{old.split(':')[0]}:{KeyRing.generate().split(':')[1]}"
    with pytest.raises(KeyMissing, match="not the one that was used") as refused:
        await opened(tmp_path, same_id)
    assert same_id.split(":")[1] not in str(refused.value)
    vault = await opened(tmp_path, old)
    assert (await vault.find_key("app") is None) is only_signing
    await vault.close()


async def test_leaves_nothing_that_an_older_key_could_open(tmp_path: Path) -> None:
    old, new = KeyRing.generate(), KeyRing.generate()
    vault = await opened(tmp_path, old)
    made = [await vault.make_key(f"ins_{number}") for number in range(50)]
    before = wrapped_keys(tmp_path)
    await vault.close()
    vault = await opened(tmp_path, f"{new},{old}")
    while await vault.wrap_anew(limit=20):
        pass
    left = on_disk(tmp_path)
    assert [subject for subject, wrapped in before.items() if wrapped in left] == []
    assert [await vault.find_key(f"ins_{number}") for number in range(50)] == made
    await vault.close()


async def test_a_rotation_is_not_done_while_its_traces_may_be_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_module, "_WRITER_WAITS_MS", 1)
    old, new = KeyRing.generate(), KeyRing.generate()
    vault = await opened(tmp_path, old)
    await vault.make_key("app")
    await vault.close()
    vault = await opened(tmp_path, f"{new},{old}")
    reader = connect_to_read(str(tmp_path / "vault.db"))
    reader.run("BEGIN")
    reader.rows("SELECT count(*) FROM data_keys")
    assert await vault.wrap_anew(limit=10) == 1
    with pytest.raises(StoreUnavailable, match="another process reads it"):
        await vault.wrap_anew(limit=10)
    reader.close()
    assert await vault.wrap_anew(limit=10) == 0
    assert (tmp_path / "vault.db-wal").stat().st_size == 0
    await vault.close()


async def test_a_key_that_was_altered_is_not_wrapped_anew(tmp_path: Path) -> None:
    old, new = KeyRing.generate(), KeyRing.generate()
    vault = await opened(tmp_path, old)
    await asyncio.gather(*(vault.make_key(f"ins_{number}") for number in range(5)))
    await vault.close()
    connection = connect(str(tmp_path / "vault.db"))
    connection.run("UPDATE data_keys SET wrapped = zeroblob(61) WHERE subject = 'ins_3'")
    connection.close()
    vault = await opened(tmp_path, f"{new},{old}")
    assert await vault.wrap_anew(limit=10) == 4
    with pytest.raises(SealBroken, match="that of ins_3"):
        await vault.wrap_anew(limit=10)
    assert await vault.wrapped_by() == dict(
        zip(KeyRing.parse(f"{new},{old}").ids, (4, 1), strict=True)
    )
    await vault.close()


async def test_only_looks_when_told_so(tmp_path: Path) -> None:
    old, new = KeyRing.generate(), KeyRing.generate()
    vault = await opened(tmp_path, old)
    made = await vault.make_key("app")
    assert await vault.wrapped_by() == {old.partition(":")[0]: 1}
    looking = await opened(tmp_path, f"{new},{old}", read_only=True)
    assert await looking.make_key("app") == made
    assert await looking.wrapped_by() == await vault.wrapped_by()
    for writing in (looking.make_key("ins_1"), looking.wrap_anew(limit=1)):
        with pytest.raises(StoreUnavailable):
            await writing
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
        " WHERE subject IN ('app', 'ins_1')"
    )
    connection.close()
    vault = house.vault()
    await vault.open()
    for subject in ("app", "ins_1"):
        with pytest.raises(SealBroken):
            await vault.find_key(subject)
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
