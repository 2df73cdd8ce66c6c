"""A seed that is good grows a world; one that is not is told with file, place and remedy."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from innkeeper.cli.emulate import read_seed
from innkeeper.emulator import Emulator
from innkeeper.emulator.seed import SeedRefused
from innkeeper.net.outbound import AsgiTransport
from tests.cli.commands import free_ports, innkeeper, started, taken_port

MANIFEST: dict[str, Any] = {
    "display_information": {"display_name": "Bellboy"},
    "oauth_information": {
        "usage": "ADMIN_MANAGEMENT",
        "development_redirect_uri": "http://127.0.0.1:8080/oauth/callback",
    },
    "features": {},
}
SEED: dict[str, Any] = {
    "accounts": [{"users": [{"name": "Ida Brandt", "id": "u_ida", "role": "admin"}]}],
    "apps": [{"manifest": "bellboy.json", "client_id": "bellboy"}],
    "installs": [{"app": "bellboy", "user": "u_ida"}],
}


def planted(tmp_path: Path, seed: object = None, manifest: object = None) -> Path:
    (tmp_path / "bellboy.json").write_text(json.dumps(manifest or MANIFEST))
    file = tmp_path / "seed.json"
    file.write_text(json.dumps(SEED if seed is None else seed))
    return file


@pytest.mark.slow
def test_grows_the_world_of_its_seed(tmp_path: Path) -> None:
    planted(tmp_path)
    [port] = free_ports(1)
    argv = ("emulator", "start", "--port", str(port), "--seed", "seed.json")
    with started(*argv, port=port, cwd=tmp_path) as emulator:
        emulator.wait_until_it_answers()
        state = json.loads(emulator.get("/_emulator/state"))
        ended = emulator.end()
    assert [user["name"] for user in state["users"]] == ["Ida Brandt"]
    assert [app["client_id"] for app in state["apps"]] == ["bellboy"]
    assert [each["user_id"] for each in state["installations"]] == ["u_ida"]
    assert f"{emulator.url}/marketplace" in ended.said
    assert ended.code == 0


@pytest.mark.slow
def test_goes_on_from_a_snapshot(tmp_path: Path) -> None:
    kept = Emulator(seed=read_seed(planted(tmp_path)), transport=AsgiTransport(), random_seed=5)
    kept.world.users()[0].name = "Ida the second"
    document = asyncio.run(kept.snapshot())
    (tmp_path / "kept.json").write_text(json.dumps(document))
    [port] = free_ports(1)
    argv = ("emulator", "start", "--port", str(port), "--snapshot", "kept.json")
    with started(*argv, port=port, cwd=tmp_path) as emulator:
        emulator.wait_until_it_answers()
        state = json.loads(emulator.get("/_emulator/state"))
    assert [user["name"] for user in state["users"]] == ["Ida the second"]
    assert [app["client_id"] for app in state["apps"]] == ["bellboy"]


@pytest.mark.slow
def test_a_snapshot_of_another_version_is_told_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "kept.json").write_text('{"version": 99}')
    ended = innkeeper("emulator", "start", "--snapshot", "kept.json", cwd=tmp_path)
    assert ended.code == 1
    assert "version 99" in ended.line


def changed(**parts: Any) -> dict[str, Any]:
    return {**SEED, **parts}


A_KING = [{"users": [{"name": "Ida", "role": "king"}]}]


A_NOBODY = {**MANIFEST, "oauth_information": {"usage": "NOBODY"}}
A_STRANGER = [{"app": "bellboy", "user": "u_eva"}]


@pytest.mark.parametrize(
    ("seed", "manifest", "said"),
    [
        ([], None, ("at $", "expected `object`", "Correct the value")),
        ({}, None, ("at $", "missing required field `accounts`", "Add `accounts`.")),
        (
            changed(accounts=A_KING),
            None,
            ("$.accounts[0].users[0].role", "king", "admin or member"),
        ),
        (changed(guests=1), None, ("at $", "unknown field `guests`", "Known there are accounts")),
        (changed(apps=[{"manifest": "no.json"}]), None, ("no.json", "cannot be read", "the path")),
        (None, A_NOBODY, ("$.apps[0].manifest.oauth_information.usage", "NOBODY", "Marketplace")),
        (changed(installs=A_STRANGER), None, ("$.installs[0].user", "u_eva", "are: u_ida.")),
    ],
    ids=["list", "empty", "role", "unknown", "manifest", "usage", "install"],
)
def test_says_what_is_wrong_with_a_seed(
    seed: object, manifest: object, said: tuple[str, ...], tmp_path: Path
) -> None:
    file = planted(tmp_path, seed, manifest)
    with pytest.raises(SeedRefused) as refused:
        Emulator(seed=read_seed(file), transport=AsgiTransport())
    line = str(refused.value)
    assert line.startswith(f"{tmp_path}/")
    assert all(words in line for words in said)
    assert "\n" not in line


@pytest.mark.slow
def test_the_command_says_it_in_one_line(tmp_path: Path) -> None:
    planted(tmp_path, changed(installs=A_STRANGER))
    ended = innkeeper("emulator", "start", "--seed", "seed.json", cwd=tmp_path)
    assert ended.code == 1
    assert ended.line.startswith("innkeeper: seed.json, at $.installs[0].user: there is no u_eva")


@pytest.mark.parametrize(
    "content", [b"", b'{"accounts": [', b"\xff\xfe", b"[" * 200_000, b'{"a": 1, "a": 2}', b"NaN"]
)
def test_says_what_is_no_json(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "seed.json"
    file.write_bytes(content)
    with pytest.raises(SeedRefused, match=r"seed\.json, at \$: no JSON .*Write valid JSON"):
        read_seed(file)


def test_a_seed_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SeedRefused, match=r"none\.json, at \$: cannot be read \(No such file"):
        read_seed(tmp_path / "none.json")


def test_a_busy_port_is_told_in_a_line(tmp_path: Path) -> None:
    with taken_port() as port:
        ended = innkeeper("emulator", "start", "--port", str(port), cwd=tmp_path)
    assert ended.code == 71
    assert f"port {port} on 127.0.0.1 cannot be used: Address already in use" in ended.line


def python(*lines: str) -> subprocess.CompletedProcess[str]:
    """Run some Python in a process that has loaded nothing yet."""
    return subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=True
    )


@pytest.mark.slow
def test_its_start_waits_for_nothing_that_its_first_answer_can_do_without() -> None:
    loaded = python(
        "import sys, innkeeper.cli, innkeeper.cli.emulate",
        "from innkeeper.emulator import Emulator",
        "Emulator()",
        "print(*sorted(sys.modules))",
    ).stdout.split()
    assert "innkeeper.emulator.web" in loaded
    assert {"aiohttp", "jinja2", "structlog", "rich"} & {*loaded} == set()


@pytest.mark.slow
def test_what_a_library_has_to_say_is_a_line_of_json() -> None:
    said = python(
        "import logging",
        "from innkeeper.cli.emulate import FirstWord",
        "logging.getLogger().addHandler(FirstWord(logging.WARNING))",
        "for each in 'one', 'two': logging.getLogger('uvicorn.error').warning(each)",
        "logging.getLogger('uvicorn.error').info('three')",
    ).stderr.splitlines()
    assert [json.loads(line)["text"] for line in said] == ["one", "two"]
