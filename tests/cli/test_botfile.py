"""A bot's file is loaded, or one line says where it is wrong."""

from pathlib import Path

import pytest

from innkeeper.app import App
from innkeeper.cli.botfile import load_bot
from innkeeper.errors import BotRefused, SettingsRefused
from tests.cli.commands import BOT, innkeeper


@pytest.fixture(autouse=True)
def _leave_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bot's file joins the modules, and its directory the path, for good: not in a test."""
    import sys  # noqa: PLC0415  # replaced for one test

    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)


def bot(tmp_path: Path, source: str, name: str = "doorman.py") -> Path:
    file = tmp_path / name
    file.write_text(source)
    return file


def refusal(path: Path) -> str:
    with pytest.raises(BotRefused) as refused:
        load_bot(path)
    said = str(refused.value)
    assert "\n" not in said
    return said


def test_loads_the_app_of_a_file(tmp_path: Path) -> None:
    app = load_bot(bot(tmp_path, BOT))
    assert isinstance(app, App)
    assert [route.key for route in app.routes() if route.decorator == "command"] == ["help"]


def test_loads_the_only_app_whatever_it_is_called(tmp_path: Path) -> None:
    path = bot(tmp_path, "from innkeeper import App\ndoor = App('Door')\n")
    assert load_bot(path).name == "Door"


def test_app_is_the_one_that_is_called_so(tmp_path: Path) -> None:
    path = bot(tmp_path, "from innkeeper import App\nother = App('A')\napp = App('B')\n")
    assert load_bot(path).name == "B"


def test_a_file_may_import_its_neighbours(tmp_path: Path) -> None:
    bot(tmp_path, "NAME = 'Next door'\n", "doorbell_of_the_test.py")
    path = bot(
        tmp_path,
        "from innkeeper import App\nfrom doorbell_of_the_test import NAME\napp = App(NAME)\n",
    )
    assert load_bot(path).name == "Next door"


@pytest.mark.parametrize("name", ["innkeeper.py", "asyncio.py", "my-bot.py", "naïve.py"])
def test_a_files_name_hides_no_module(name: str, tmp_path: Path) -> None:
    assert load_bot(bot(tmp_path, BOT, name)).name == "Doorman"
    import innkeeper  # noqa: PLC0415  # is it still there?

    assert innkeeper.App is App


def test_says_that_a_file_is_missing(tmp_path: Path) -> None:
    assert "none.py is not there" in refusal(tmp_path / "none.py")
    assert "is not there" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("source", "where", "why"),
    [
        ("from innkeeper import App\napp = App(\n", "doorman.py:2", "was never closed"),
        ("x = 1\n  y = 2\n", "doorman.py:2", "unexpected indent"),
        ("a\x00b", "doorman.py", "null bytes"),
        ("x = 1\nraise RuntimeError('one\\n  two')\n", "doorman.py:2", "RuntimeError: one two"),
        ("\nimport no_such_module_at_all\n", "doorman.py:2", "No module named"),
        ("from innkeeper import Bot\n", "doorman.py:1", "cannot import name 'Bot'"),
        ("import json\n\njson.loads('{')\n", "doorman.py:3", "JSONDecodeError"),
        ("import sys\nsys.exit(0)\n", "doorman.py:2", "it ends the process here"),
        ("def again():\n    again()\nagain()\n", "doorman.py:2", "RecursionError"),
        ("from innkeeper import Card\nCard('x').button('', 'y')\n", "doorman.py:2", "card refused"),
        ("x = 1\n", "doorman.py", "write: app = App()"),
        ("def app(): ...\n", "doorman.py", "write: app = App()"),
        ("from innkeeper import App\na, b = App(), App()\n", "doorman.py has 2 apps", "`app`"),
    ],
)
def test_says_where_a_file_is_wrong(source: str, where: str, why: str, tmp_path: Path) -> None:
    said = refusal(bot(tmp_path, source))
    assert where in said
    assert why in said


def test_says_where_a_file_is_wrong_that_is_named_from_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = refusal(bot(Path(), "x = 1\nx.y\n"))
    assert said.startswith(f"{tmp_path}/doorman.py:2: AttributeError")


def test_says_where_a_neighbour_is_wrong(tmp_path: Path) -> None:
    bot(tmp_path, "x = (\n", "broken_neighbour.py")
    said = refusal(bot(tmp_path, "import broken_neighbour\n"))
    assert "broken_neighbour.py:1" in said


def test_says_which_handlers_are_one_too_many(tmp_path: Path) -> None:
    twice = "\n".join(
        f"@app.command('due')\ndef {name}(ctx: Command) -> str:\n    return ''\n"
        for name in ("first", "second")
    )
    said = refusal(bot(tmp_path, f"from innkeeper import App, Command\napp = App()\n{twice}"))
    assert "@app.command('due')" in said
    assert "first" in said
    assert "second" in said


def test_what_is_no_python_file_is_not_run(tmp_path: Path) -> None:
    assert "it is no Python file" in refusal(bot(tmp_path, BOT, "doorman.txt"))


def test_a_refusal_of_the_settings_stays_one(tmp_path: Path) -> None:
    path = bot(
        tmp_path, "from innkeeper.errors import SettingsRefused\nraise SettingsRefused([])\n"
    )
    with pytest.raises(SettingsRefused):
        load_bot(path)


@pytest.mark.slow
def test_the_command_says_it_in_one_line(tmp_path: Path) -> None:
    bot(tmp_path, "from innkeeper import App\napp = App(\n", "bot.py")
    ended = innkeeper("dev", cwd=tmp_path)
    assert ended.code == 1
    assert ended.line.startswith(f"innkeeper: {tmp_path}/bot.py:2: ")
    ended = innkeeper("dev", "elsewhere.py", cwd=tmp_path)
    assert ended.code == 1
    assert ended.line.startswith("innkeeper: elsewhere.py is not there")
