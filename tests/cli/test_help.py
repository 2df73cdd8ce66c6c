"""Whoever types a command wrongly, or asks what there is, is told."""

import os
import subprocess
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import click
import pytest

from innkeeper.cli.commands import VERSION, command_line
from tests.cli.commands import BOT, COMMAND, CONFIGURED, environment, innkeeper

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


def every(command: click.Command) -> Iterator[click.Command]:
    yield command
    for inner in getattr(command, "commands", {}).values():
        yield from every(inner)


@pytest.mark.parametrize("command", [*every(command_line)], ids=lambda each: each.callback.__name__)
def test_whatever_can_be_typed_is_explained(command: click.Command) -> None:
    assert (command.help or "").endswith((".", "?", "innkeeper chat."))
    assert [each.name for each in command.params if not getattr(each, "help", "")] == []


def test_no_sentence_is_cut_off(tmp_path: Path) -> None:
    said = " ".join(innkeeper("--help", cwd=tmp_path).out.split())
    assert "tables that no step purges." in said
    assert all(section.help in said for section in command_line.commands.values() if section.help)


def test_says_its_version(tmp_path: Path) -> None:
    ended = innkeeper("--version", cwd=tmp_path)
    assert (ended.code, ended.out) == (0, f"innkeeper {VERSION}\n")
    assert version("innkeeper") == VERSION


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("chekc", "check"), ("receipt verfy", "verify"), ("demo --onc", "--once")],
)
def test_what_is_mistyped_is_told_as_it_was_meant(typed: str, meant: str, tmp_path: Path) -> None:
    ended = innkeeper(*typed.split(), cwd=tmp_path)
    assert ended.code == 2
    assert f"Did you mean '{meant}'?" in ended.err


@pytest.mark.parametrize(
    ("typed", "offered"),
    [("innkeeper rec", "receipt"), ("innkeeper delivery list --state de", "dead")],
)
def test_a_shell_completes_what_is_begun(typed: str, offered: str, tmp_path: Path) -> None:
    asked = {"_INNKEEPER_COMPLETE": "bash_complete", "COMP_WORDS": typed}
    asked["COMP_CWORD"] = str(len(typed.split()) - 1)
    ended = innkeeper(cwd=tmp_path, env=asked)
    assert (ended.code, ended.out) == (0, f"plain,{offered}\n")


@pytest.mark.slow
def test_what_runs_a_bot_loads_neither_an_emulator_nor_what_others_need(tmp_path: Path) -> None:
    told = "import sys\nprint(*sys.modules)\n"
    (tmp_path / "bot.py").write_text(f"{BOT}\n{told}raise SystemExit")
    ended = innkeeper("run", cwd=tmp_path, env=CONFIGURED)
    loaded = set(ended.out.split())
    other = {"emulator", "testing", "cli.demo", "cli.walk", "cli.review", "cli.develop"}
    assert "innkeeper.app" in loaded
    assert loaded & {f"innkeeper.{each}" for each in other} == set()
    assert loaded & {"typer", "pydantic", "importlib.metadata"} == set()


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
