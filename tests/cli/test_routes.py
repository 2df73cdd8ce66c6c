"""The handlers of a bot are listed, and each text finds the one that takes it."""

import json
from pathlib import Path

import pytest

from innkeeper.cli.routes import explain_text, list_routes
from innkeeper.errors import BotRefused
from tests.cli.commands import innkeeper

BOT = """\
from datetime import date

from innkeeper import Action, App, Command, Router

app, rooms = App("Doorman"), Router()
app.include(rooms)


@app.command("due")
async def due(ctx: Command, when: date, *what: str) -> str:
    \"\"\"Remember something.

    For a day.
    \"\"\"
    return ""


@app.command("due")
async def all_due(ctx: Command) -> str:
    return ""


@app.command("due list")
async def list_due(ctx: Command) -> str:
    return ""


@rooms.action("clean")
def clean(ctx: Action, room: int) -> None: ...
"""
OTHER = """

@app.command()
async def other(ctx: Command) -> str:
    return ""
"""


@pytest.fixture
def bot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a bot; that it was loaded is forgotten after the test."""
    import sys  # noqa: PLC0415  # replaced for one test

    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    monkeypatch.setattr(sys, "path", list(sys.path))
    file = tmp_path / "doorman.py"
    file.write_text(BOT)
    return file


def test_lists_handlers_with_what_they_take_and_where_they_stand(
    bot: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    list_routes(bot, as_json=False)
    lines = [line.split("  ") for line in capsys.readouterr().out.splitlines()]
    assert [[cell.strip() for cell in line if cell] for line in lines] == [
        ["@app.command", "due WHEN [WHAT…]", "due", f"{bot}:9"],
        ["@app.command", "due", "all_due", f"{bot}:18"],
        ["@app.command", "due list", "list_due", f"{bot}:23"],
        ["@app.action", "clean ROOM", "clean", f"{bot}:28"],
    ]


def test_lists_them_as_json(bot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    list_routes(bot, as_json=True)
    first = json.loads(capsys.readouterr().out)[0]
    assert first == {
        "decorator": "command",
        "key": "due",
        "usage": "due WHEN [WHAT…]",
        "handler": "due",
        "file": str(bot),
        "line": 9,
        "about": "Remember something.",
    }


def test_says_that_there_are_none(bot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bot.write_text("from innkeeper import App\napp = App()\n")
    list_routes(bot, as_json=False)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "has no handlers yet" in shown.err


EXPLAINED = {
    "due": ("@app.command('due')", "it begins with `due`, and nothing else", {}),
    "due 2030-01-31 ship it": (
        "@app.command('due')",
        "it begins with `due`, and has more behind, which is for the one with typed words",
        {"when": "2030-01-31", "what": ["ship", "it"]},
    ),
    "DUE List me": (
        "@app.command('due list')",
        "it begins with `due list`, which is more than `due`",
        {"args": ["me"]},
    ),
    "else": ("@app.command", "it begins with no command's own words", {"args": ["else"]}),
}


@pytest.mark.parametrize("text", EXPLAINED)
def test_tells_which_command_takes_a_text_and_why(
    text: str, bot: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bot.write_text(BOT + OTHER)
    assert explain_text(bot, text, as_json=True) == 0
    told = json.loads(capsys.readouterr().out)
    takes, why, values = EXPLAINED[text]
    assert (told["takes"], told["why"]) == (takes, why)
    assert {key: told.get(key) for key in values} == values


def test_tells_what_does_not_fit(bot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert explain_text(bot, "due someday", as_json=False) == 3
    lines = capsys.readouterr().out.splitlines()
    assert "refused  “someday” does not fit WHEN: a day, such as 2030-01-31" in lines[4]
    assert lines[5] == "usage    due WHEN [WHAT…]"


def test_tells_that_nobody_takes_it(bot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert explain_text(bot, "else", as_json=True) == 3
    assert json.loads(capsys.readouterr().out) == {
        "text": "else",
        "takes": None,
        "why": "its first word begins none of `due`, `due list`, and there is no @app.command()",
    }


def test_a_handler_that_is_wrong_is_told_instead(bot: Path) -> None:
    bot.write_text(BOT.replace("when: date", "when: bytes"))
    with pytest.raises(BotRefused, match=r"`when` that no typed word fills"):
        list_routes(bot, as_json=False)


@pytest.mark.slow
def test_the_command_ends_with_what_it_found(bot: Path) -> None:
    ended = innkeeper("routes", bot.name, "--explain", "due 2030-01-31", cwd=bot.parent)
    assert (ended.code, ended.err) == (0, "")
    assert "when     2030-01-31" in ended.said
    assert innkeeper("routes", bot.name, "--explain", "else", cwd=bot.parent).code == 3
    assert "clean ROOM" in innkeeper("routes", bot.name, cwd=bot.parent).out
