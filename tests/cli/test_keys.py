"""A ring of keys that is rotated from the command line, whether the bot runs or not."""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from innkeeper import cli
from innkeeper.store.seal import KeyRing, new_key
from innkeeper.store.sqlite.connection import FileLock, connect
from innkeeper.store.vault import SqliteVault
from tests.cli.commands import COMMAND, CONFIGURED, Ended, environment, innkeeper
from tests.docs.blocks import ROOT

pytestmark = pytest.mark.slow

APP = CONFIGURED["ZOOM_CLIENT_ID"]
SERVICE = """\
class Service:
    def wrap(self, key, /):
        return bytes(byte ^ 255 for byte in key)

    unwrap = wrap


class Broken:
    def wrap(self, key, /):
        raise RuntimeError("canary " + key.hex())

    unwrap = wrap


service, broken = Service(), Broken()
"""


Keys = Callable[..., Ended]


@pytest.fixture
def keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Keys:
    """Run a command in this process, which is sooner done than a process of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))

    def run(*argv: str, **changes: str) -> Ended:
        with monkeypatch.context() as patch:
            for name, value in (CONFIGURED | changes).items():
                patch.setenv(name, value)
            patch.setattr(sys, "argv", ["innkeeper", "keys", *argv])
            patch.delitem(sys.modules, "kms", raising=False)
            with pytest.raises(SystemExit) as ended:
                cli.main()
        said = capsys.readouterr()
        return Ended(int(ended.value.code or 0), said.out, said.err)

    return run


def status(keys: Keys, **changes: str) -> dict[str, int]:
    ended = keys("status", "--json", **changes)
    assert ended.code == 0, ended.said
    return {each["id"]: each["wraps"] for each in json.loads(ended.out)}


async def looked(directory: Path, ring: str, **options: Any) -> dict[str, int]:
    """Open a vault as an app does, or only to look, and count."""
    path = str(directory / "innkeeper.vault.db")
    vault = SqliteVault(path, KeyRing.parse(ring), app=APP, **options)
    await vault.open()
    counts = dict(await vault.wrapped_by())
    await vault.close()
    return counts


def filled(directory: Path, ring: str, count: int) -> None:
    """Make a vault as an app with so many installations has one."""
    asyncio.run(looked(directory, ring))
    parsed = KeyRing.parse(ring)
    rows: list[tuple[object, ...]] = []
    for number in range(count):
        subject, (key_id, key) = f"ins_{number:024x}", new_key()
        rows.append((subject, key_id, *parsed.wrap(key, app=APP, subject=subject)))
    connection = connect(str(directory / "innkeeper.vault.db"))
    connection.run("BEGIN")
    connection.run_many("INSERT INTO data_keys VALUES (?, ?, ?, ?)", rows)
    connection.run("COMMIT")
    connection.close()


@pytest.fixture
def house(tmp_path: Path) -> Path:
    ring = KeyRing.generate()
    (tmp_path / "innkeeper.key").touch(0o600)
    (tmp_path / "innkeeper.key").write_text(f"{ring}\n")
    filled(tmp_path, ring, 30)
    return tmp_path


def ids(house: Path) -> tuple[str, ...]:
    return tuple(KeyRing.parse((house / "innkeeper.key").read_text()).ids)


def test_rotates_while_the_bot_does_not_run(house: Path, keys: Keys) -> None:
    [old] = ids(house)
    assert status(keys) == {old: 30}
    ended = keys("rotate")
    assert (ended.code, ended.out) == (0, "")
    new, kept = ids(house)
    assert kept == old
    assert f"{new} wraps everything" in ended.said
    assert status(keys) == {new: 30, old: 0}
    [first, second] = keys("status").out.splitlines()
    assert first.split() == [new, "wraps", "30", "newest"]
    assert second.endswith("older, can be taken out")
    alone = (house / "innkeeper.key").read_text().partition(",")[0]
    (house / "innkeeper.key").write_text(alone)
    assert status(keys) == {new: 30}


def test_says_as_json_what_was_rotated(house: Path, keys: Keys) -> None:
    [old] = ids(house)
    ended = keys("rotate", "--json")
    told = json.loads(ended.out)
    assert told == {"newest": ids(house)[0], "older": [old], "to_wrap": 30, "done": True}
    lock = FileLock(str(house / "innkeeper.vault.db"))
    try:
        assert json.loads(keys("rotate", "--json").out)["done"] is False
    finally:
        lock.release()


def test_leaves_it_to_the_bot_that_runs(house: Path, keys: Keys) -> None:
    [old] = ids(house)
    running = FileLock(str(house / "innkeeper.vault.db"))
    made: set[str] = set()
    for _ in range(2):  # a second call makes no second key
        ended = keys("rotate")
        assert ended.code == 0
        assert "innkeeper keys status" in ended.said
        new, kept = ids(house)
        assert kept == old
        assert status(keys) == {new: 0, old: 30}
        made.add(new)
    running.release()
    assert "Going on with" in keys("rotate").said
    assert status(keys) == {made.pop(): 30, old: 0}
    assert made == set()


def test_f23_goes_on_after_it_was_killed(house: Path, keys: Keys) -> None:
    (house / "innkeeper.vault.db").unlink()
    filled(house, (house / "innkeeper.key").read_text().strip(), 20_000)
    process = subprocess.Popen(
        [COMMAND, "keys", "rotate"],
        cwd=house,
        env=environment(CONFIGURED),
        stderr=subprocess.DEVNULL,
    )
    try:
        while not begun(house):
            assert process.poll() is None
    finally:
        process.kill()
        process.wait(20)
    new, old = ids(house)
    counts = status(keys)
    assert counts[new] + counts[old] == 20_000
    assert counts[old] > 0
    ended = keys("rotate")
    assert ended.code == 0
    assert ids(house) == (new, old)
    assert status(keys) == {new: 20_000, old: 0}


def begun(house: Path) -> bool:
    ring = (house / "innkeeper.key").read_text()
    new = ring.partition(":")[0]
    return "," in ring and new in asyncio.run(looked(house, ring, read_only=True))


def test_a_ring_in_the_environment_is_the_operators_to_change(tmp_path: Path, keys: Keys) -> None:
    old, new = KeyRing.generate(), KeyRing.generate()
    filled(tmp_path, old, 5)
    ended = keys("rotate", INNKEEPER_KEYS=old)
    assert ended.code == 78
    assert "innkeeper keys new" in ended.line
    ring = f"{new},{old}"
    assert keys("rotate", INNKEEPER_KEYS=ring).code == 0
    assert status(keys, INNKEEPER_KEYS=ring) == {
        new.partition(":")[0]: 5,
        old.partition(":")[0]: 0,
    }
    assert "canary" not in ended.said


def test_c05_a_ring_that_lacks_a_key_is_told_and_changes_nothing(house: Path, keys: Keys) -> None:
    before = (house / "innkeeper.vault.db").read_bytes()
    for command in ("rotate", "status"):
        ended = keys(command, INNKEEPER_KEYS=KeyRing.generate())
        assert ended.code == 78
        assert "(key_missing)" in ended.line
        assert ids(house)[0] in ended.line
    assert (house / "innkeeper.vault.db").read_bytes() == before


def test_where_nothing_is_kept_there_is_nothing_to_rotate(keys: Keys) -> None:
    for command in ("rotate", "status"):
        ended = keys(command, INNKEEPER_KEYS=KeyRing.generate())
        assert ended.code == 1
        assert "(nothing_kept)" in ended.line


def test_a_key_service_wraps_new_keys(house: Path, keys: Keys) -> None:
    (house / "kms.py").write_text(SERVICE)
    service = {"INNKEEPER_KEY_SERVICE": "kms:service"}
    printed = keys("new", **service)
    assert printed.said.partition(":")[2].startswith("wrapped:")
    assert keys("rotate", **service).code == 0
    assert ":wrapped:" in (house / "innkeeper.key").read_text().partition(",")[0]
    assert sorted(status(keys, **service).values()) == [0, 30]


def test_f24_nothing_opens_while_the_key_service_is_away(house: Path, keys: Keys) -> None:
    (house / "kms.py").write_text(SERVICE)
    assert keys("rotate", INNKEEPER_KEY_SERVICE="kms:service").code == 0
    (house / "bot.py").write_text("from innkeeper import App\n\napp = App()\n")
    broken = {"INNKEEPER_KEY_SERVICE": "kms:broken"}
    for command in ("status", "new", "rotate"):
        ended = keys(command, **broken)
        assert ended.code == 1
        assert "(key_service_unavailable)" in ended.line
        assert "canary" not in ended.said
    ended = innkeeper("run", "bot.py", cwd=house, env=CONFIGURED | broken)
    assert ended.code == 1
    assert "(key_service_unavailable)" in ended.line
    assert "canary" not in ended.said
    ended = keys("status")
    assert ended.code == 78
    assert "no INNKEEPER_KEY_SERVICE is set" in ended.said


def test_the_how_to_does_what_it_says(house: Path, keys: Keys) -> None:
    page = (ROOT / "docs" / "how-to" / "rotate-secrets.md").read_text("utf-8")
    section = page.partition("## The key ring")[2].partition("## ")[0]
    commands = re.findall(r"^ +innkeeper keys (\w+)$", section, re.MULTILINE)
    assert commands == ["rotate", "status"]
    [old] = ids(house)
    said = [keys(command) for command in commands]
    assert [ended.code for ended in said] == [0, 0]
    new, _ = ids(house)
    assert f"{old}  wraps 0   older, can be taken out" in said[1].out
    alone = (house / "innkeeper.key").read_text().partition(",")[0]
    (house / "innkeeper.key").write_text(alone)
    assert status(keys) == {new: 30}
