"""A key ring that changes while the app runs, and what older keys wrap."""

import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from innkeeper.flows import rotation as rotation_module
from innkeeper.flows.rotation import Rotation
from innkeeper.store import keysource
from innkeeper.store.keysource import KeyFile
from innkeeper.store.seal import KeyRing
from innkeeper.store.sqlite.connection import connect
from innkeeper.store.vault import SqliteVault
from tests.store.keyservices import FakeService

pytestmark = pytest.mark.anyio

SUBJECTS = [f"ins_{number}" for number in range(10)]


@dataclass
class Heard:
    """A log that remembers."""

    lines: list[tuple[str, dict[str, object]]] = field(default_factory=list[Any])

    def info(self, event: str, **words: object) -> None:
        self.lines.append((event, words))

    warning = error = info

    @property
    def events(self) -> list[str]:
        return [event for event, _ in self.lines]


@dataclass
class Running:
    """A vault in use, with the file that its key ring came from."""

    vault: SqliteVault
    ring: KeyRing
    source: KeyFile
    log: Heard
    made: list[tuple[str, bytes]]

    def __post_init__(self) -> None:
        self.rotation = Rotation(self.vault, self.ring, source=self.source, log=self.log)

    def write(self, *entries: str) -> None:
        self.source.path.write_text(",".join(entries))


async def opened(folder: Path, source: KeyFile) -> Running:
    ring = source.ring()
    vault = SqliteVault(str(folder / "vault.db"), ring, app="app")
    await vault.open()
    made = [await vault.make_key(subject) for subject in SUBJECTS]
    return Running(vault, ring, source, Heard(), made)


@pytest.fixture
def old() -> str:
    return KeyRing.generate()


@pytest.fixture
async def running(
    tmp_path: Path, old: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Running]:
    monkeypatch.setattr(rotation_module, "AT_ONCE", 4)
    path = tmp_path / "ring"
    path.touch(0o600)
    path.write_text(old)
    running = await opened(tmp_path, KeyFile("INNKEEPER_KEYS_FILE", path))
    yield running
    await running.vault.close()


def id_of(entry: str) -> str:
    return entry.partition(":")[0]


def as_a_kill_leaves_it(folder: Path, name: str) -> Path:
    """Copy a vault that is in use, its log beside it."""
    copy = folder / name
    copy.mkdir()
    for file in folder.glob("vault.db*"):
        shutil.copy(file, copy)
    return copy


async def test_nothing_changes_while_the_file_does_not(running: Running) -> None:
    assert await running.rotation.turn() == 0
    assert running.log.lines == []


async def test_a_new_key_is_taken_up_and_wraps_everything(running: Running, old: str) -> None:
    new = KeyRing.generate()
    running.write(new, old)
    assert await running.rotation.turn() == 10
    assert await running.vault.wrapped_by() == {id_of(new): 10}
    assert running.log.lines == [
        ("keys.taken_up", {"newest": id_of(new), "keys": 2}),
        ("keys.wrapping_anew", {"done": 4, "left": 6}),
        ("keys.wrapped_anew", {"newest": id_of(new), "keys": 10}),
    ]
    running.write(new)
    assert await running.rotation.turn() == 0
    assert running.ring.ids == (id_of(new),)
    assert [await running.vault.find_key(each) for each in SUBJECTS] == running.made


async def test_a_ring_without_a_key_that_is_needed_is_not_taken(running: Running, old: str) -> None:
    running.write(KeyRing.generate())
    assert await running.rotation.turn() == 0
    [(event, words)] = running.log.lines
    assert (event, words["code"]) == ("keys.refused", "key_missing")
    assert id_of(old) in str(words["why"])
    assert running.ring.ids == (id_of(old),)
    await running.vault.make_key("ins_more")


async def test_another_key_of_a_known_id_is_not_taken(running: Running, old: str) -> None:
    running.write(f"{id_of(old)}:{KeyRing.generate().partition(':')[2]}")
    await running.rotation.turn()
    assert running.log.events == ["keys.refused"]
    assert await running.vault.wrapped_by() == {id_of(old): 10}


@pytest.mark.parametrize("how", ["gone", "open", "garbage", "empty"])
async def test_f64_the_old_ring_stays_and_each_turn_tells(
    running: Running, old: str, how: str
) -> None:
    path = running.source.path
    if how == "gone":
        path.rename(path.with_name("away"))
    elif how == "open":
        path.chmod(0o666)
    else:
        path.write_text("" if how == "empty" else "canary")
    for _ in range(2):
        await running.rotation.turn()
    assert running.log.events == ["keys.refused", "keys.refused"]
    assert "canary" not in str(running.log.lines)
    assert await running.vault.make_key("ins_more") is not None
    path.unlink(missing_ok=True)
    path.touch(0o600)
    running.write(KeyRing.generate(), old)
    assert await running.rotation.turn() == 11


async def test_f24_a_service_that_is_away_stops_nothing_that_runs(
    running: Running, old: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keysource, "SERVICE_SECONDS", 0.05)
    service = running.source.service = FakeService()
    new = service.ring()
    running.write(new, old)
    service.failing = service.hangs
    await running.rotation.turn()
    [(event, words)] = running.log.lines
    assert (event, words["code"]) == ("keys.refused", "key_service_unavailable")
    await running.vault.make_key("ins_more")
    assert await running.vault.wrapped_by() == {id_of(old): 11}
    service.failing = None
    service.released.set()
    assert await running.rotation.turn() == 11
    assert await running.vault.wrapped_by() == {id_of(new): 11}


async def test_f23_killed_at_every_batch_it_goes_on_from_there(
    tmp_path: Path, running: Running, old: str
) -> None:
    ring = f"{KeyRing.generate()},{old}"
    running.ring.become(KeyRing.parse(ring))
    copies: list[Path] = []
    wrap_anew = running.vault.wrap_anew

    async def killed_here(*, limit: int) -> int:
        count = await wrap_anew(limit=limit)
        copies.append(as_a_kill_leaves_it(tmp_path, f"copy{len(copies)}"))
        return count

    running.vault.wrap_anew = killed_here  # type: ignore[method-assign]  # to be killed
    assert await running.rotation.wrap_anew() == 10
    assert len(copies) == 4
    left: list[int] = []
    for copy in copies:
        vault = SqliteVault(str(copy / "vault.db"), KeyRing.parse(ring), app="app")
        await vault.open()
        assert [await vault.find_key(each) for each in SUBJECTS] == running.made
        log = Heard()
        left.append(await Rotation(vault, KeyRing.parse(ring), source=None, log=log).wrap_anew())
        await vault.close()
        vault = SqliteVault(
            str(copy / "vault.db"), KeyRing.parse(ring.partition(",")[0]), app="app"
        )
        await vault.open()
        assert [await vault.find_key(each) for each in SUBJECTS] == running.made
        await vault.close()
    assert left == [6, 2, 0, 0]


async def test_a_key_that_was_altered_is_told_and_holds_nothing_else_up(
    tmp_path: Path, running: Running, old: str
) -> None:
    new = KeyRing.generate()
    by_hand = connect(str(tmp_path / "vault.db"))
    by_hand.run("UPDATE data_keys SET wrapped = zeroblob(61) WHERE subject = 'ins_3'")
    by_hand.close()
    running.write(new, old)
    await running.rotation.turn()
    assert running.log.events[-1] == "keys.not_wrapped"
    assert "that of ins_3" in str(running.log.lines[-1])
    assert await running.vault.wrapped_by() == {id_of(old): 1, id_of(new): 9}
