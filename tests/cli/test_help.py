"""Whoever types a command wrongly, or asks what there is, is told."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.cli.commands import COMMAND, environment, innkeeper

COMMANDS = ["demo", "dev", "run", "trigger", "emulator start", "keys new", "receipt verify"]


def test_lists_every_command(tmp_path: Path) -> None:
    ended = innkeeper("--help", cwd=tmp_path)
    said = " ".join(ended.said.split())
    assert ended.code == 0
    assert all(command.split()[0] in said for command in COMMANDS)
    assert all(f"innkeeper {command}" in said for command in COMMANDS if " " in command)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_says_what_it_does(command: str, tmp_path: Path) -> None:
    ended = innkeeper(*command.split(), "--help", cwd=tmp_path)
    assert ended.code == 0
    assert f"Usage: innkeeper {command}" in ended.said


@pytest.mark.parametrize(
    "argv",
    [(), ("open",), ("demo", "--twice"), ("keys",), ("emulator", "start", "--port", "many")],
    ids=" ".join,
)
def test_a_command_that_is_misused_says_how_it_is_used(
    argv: tuple[str, ...], tmp_path: Path
) -> None:
    ended = innkeeper(*argv, cwd=tmp_path)
    assert ended.code == 2
    assert "Usage: innkeeper" in ended.said


@pytest.mark.parametrize(
    "argv",
    [
        ("demo", "--bot-port", "65536"),
        ("dev", "--port", "-1"),
        ("run", "--port", "0"),
        ("emulator", "start", "--port", "0"),
    ],
    ids=" ".join,
)
def test_a_port_that_is_none_is_refused(argv: tuple[str, ...], tmp_path: Path) -> None:
    ended = innkeeper(*argv, cwd=tmp_path)
    assert ended.code == 78
    assert ended.line.endswith("is not a port; use one from 1 to 65535.")


def test_needs_no_terminal_no_locale_and_no_width(tmp_path: Path) -> None:
    poor = {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "TERM": "dumb", "COLUMNS": "20"}
    ended = innkeeper("--help", cwd=tmp_path, env=poor)
    assert ended.code == 0
    assert "emulator" in ended.said


def test_a_reader_who_leaves_is_no_fault(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(
        [COMMAND, "--help"],
        cwd=tmp_path,
        env=environment(),
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writing)
    assert b"Traceback" not in ended.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
def test_output_that_cannot_be_written_is_told_in_a_line(tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [COMMAND, "keys", "new"],
            cwd=tmp_path,
            env=environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert ended.returncode == 1
    assert ended.stderr == b"innkeeper: No space left on device.\n"
