"""A new bot is a folder that runs, and whose own tests pass; nothing is ever overwritten."""

import subprocess
import sys
from pathlib import Path

import pytest

from innkeeper.cli.botfile import load_bot
from innkeeper.cli.newbot import TEMPLATES, NotBegun, begin
from innkeeper.environment import read_settings
from innkeeper.errors import SettingsRefused
from tests.cli.commands import innkeeper
from tests.cli.test_botfile import _leave_no_trace  # noqa: F401  # a fixture for every test here

FILES = {
    "minimal": {"bot.py", "test_bot.py", "README.md", ".env.example", ".gitignore"},
    "webapp": {"bot.py", "test_bot.py", "web.py", "test_web.py", "README.md", ".env.example"},
}


def run(folder: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", *argv]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("template", TEMPLATES)
def test_its_own_tests_pass(template: str, tmp_path: Path) -> None:
    folder = tmp_path / "front-desk"
    made = begin(folder, template)
    assert FILES[template] <= {file.name for file in made}
    done = run(
        folder, "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:asyncio", "-W", "error", "."
    )
    assert done.returncode == 0, done.stdout + done.stderr
    tidy = run(folder, "ruff", "check", "--isolated", ".")
    assert tidy.returncode == 0, tidy.stdout
    shaped = run(folder, "ruff", "format", "--isolated", "--line-length=100", "--check", ".")
    assert shaped.returncode == 0, shaped.stdout


@pytest.mark.parametrize("template", TEMPLATES)
def test_it_is_called_what_its_folder_is(template: str, tmp_path: Path) -> None:
    begin(tmp_path / "front_desk-2", template)
    app = load_bot(tmp_path / "front_desk-2" / "bot.py")
    assert app.name == "Front Desk 2"
    readme = (tmp_path / "front_desk-2" / "README.md").read_text()
    assert readme.startswith("# Front Desk 2\n")
    assert "$" not in readme


@pytest.mark.parametrize("template", TEMPLATES)
def test_its_env_names_settings_and_holds_no_secret(template: str, tmp_path: Path) -> None:
    begin(tmp_path / "desk", template)
    lines = (tmp_path / "desk" / ".env.example").read_text().splitlines()
    written = dict(line.split("=", 1) for line in lines if line and line[0] != "#")
    with pytest.raises(SettingsRefused) as refused:
        read_settings(written, tmp_path)
    named = {fault.name for fault in refused.value.faults}
    assert named == {name for name, value in written.items() if not value} - {"INNKEEPER_KEYS"}


def test_what_must_stay_secret_stays_out_of_git(tmp_path: Path) -> None:
    begin(tmp_path / "desk", "minimal")
    ignored = (tmp_path / "desk" / ".gitignore").read_text().split()
    assert {".env", "innkeeper.key", "*.db"} <= set(ignored)


@pytest.mark.parametrize("there", ["folder", "file", "link"])
def test_overwrites_nothing(there: str, tmp_path: Path) -> None:
    place = tmp_path / "desk"
    if there == "folder":
        place.mkdir()
    elif there == "file":
        place.write_text("mine")
    else:
        place.symlink_to(tmp_path / "nowhere")
    with pytest.raises(NotBegun, match="is there already"):
        begin(place, "minimal")
    assert not place.is_dir() or list(place.iterdir()) == []


@pytest.mark.parametrize("name", ["2desk", "-x", "desk.py", 'de"sk', "..", "ü", "a" * 64])
def test_a_name_that_could_break_something_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(NotBegun, match="can be no bot's name"):
        begin(tmp_path / name, "minimal")
    assert list(tmp_path.iterdir()) == []


def test_the_command_lists_what_it_made_and_says_what_is_next(tmp_path: Path) -> None:
    made = innkeeper("new", "desk", cwd=tmp_path)
    assert made.code == 0
    assert made.out.split() == [
        f"desk/{name}" for name in sorted([*FILES["minimal"], "requirements.txt"])
    ]
    assert made.err == "Next: cd desk && innkeeper dev\n"
    again = innkeeper("new", "desk", cwd=tmp_path)
    assert (again.code, again.line) == (
        1,
        "innkeeper: desk is there already. Choose another name, or move it away. (not_begun)",
    )
    other = innkeeper("new", "desk2", "--template", "huge", cwd=tmp_path)
    assert (other.code, "Known are: minimal, webapp." in other.line) == (2, True)
    nowhere = innkeeper("new", "no/where", cwd=tmp_path)
    assert (nowhere.code, "cannot be made" in nowhere.line) == (1, True)
