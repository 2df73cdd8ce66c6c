"""`innkeeper check`: what is wrong with a bot, before it runs."""

import json
import sqlite3
from pathlib import Path

import pytest

from innkeeper.cli.check import check
from innkeeper.store.seal import KeyRing

BOT = """
from innkeeper import App
app = App()
app.purge_table("notes", "own.db", user="user_id")
app.owns("own.db", impersonal=["rooms"])

@app.purge("tickets")
def forget(scope): return 0
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "ZOOM_CLIENT_ID": "a-client-id",
        "ZOOM_CLIENT_SECRET": "a-client-secret-of-the-test",
        "ZOOM_BOT_JID": "bot@xmpp.zoom.us",
        "ZOOM_WEBHOOK_SECRET_TOKEN": "a-secret-token-of-the-test",
        "ZOOM_APP_MANAGEMENT": "user",
        "INNKEEPER_PUBLIC_URL": "https://bot.example.com",
    }.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "bot.py").write_text(BOT)
    connection = sqlite3.connect(tmp_path / "own.db")
    connection.executescript(
        "CREATE TABLE notes (user_id TEXT); CREATE TABLE tickets (account_id TEXT);"
        "CREATE TABLE rooms (owner_id TEXT);"
    )
    connection.close()
    return tmp_path


def checked(folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[dict[str, str]]]:

    code = check(folder / "bot.py", as_json=True)
    return code, json.loads(capsys.readouterr().out)


def test_finds_nothing_where_nothing_is_wrong(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert checked(folder, capsys) == (0, [])


def test_finds_a_table_that_no_step_purges(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    connection = sqlite3.connect(folder / "own.db")
    connection.execute("CREATE TABLE letters (id INTEGER, sender_jid TEXT)")
    connection.close()
    code, [finding] = checked(folder, capsys)
    assert code == 3
    assert "letters" in finding["where"]
    assert "sender_jid" in finding["why"]
    assert "app.purge_table('letters'" in finding["fix"]


def archive(folder: Path, table: str) -> None:
    connection = sqlite3.connect(folder / "archive.db")
    connection.execute(f"CREATE TABLE {table} (user_id TEXT)")
    connection.close()


def added(folder: Path, code: str) -> None:
    (folder / "bot.py").write_text(f"{BOT}\n{code}\n")


@pytest.mark.parametrize("table", ["notes", "tickets"])
def test_a_step_for_a_table_covers_none_of_that_name_in_another_file(
    table: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive(folder, table)
    added(folder, 'app.owns("archive.db")')
    code, found = checked(folder, capsys)
    where = [each["where"] for each in found]
    assert code == 3
    assert f"archive.db: table {table}" in where
    assert "own.db: table notes" not in where
    assert ("own.db: table tickets" in where) is (table == "tickets")


@pytest.mark.parametrize(
    "step",
    [
        'app.purge_table("notes", "archive.db", user="user_id", step="old notes")',
        'app.owns("./archive.db")\n@app.purge("archive.notes")\ndef old(scope): return 0',
    ],
)
def test_each_of_two_tables_of_one_name_has_a_step(
    step: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive(folder, "notes")
    added(folder, step)
    assert checked(folder, capsys) == (0, [])


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"INNKEEPER_KEYS": KeyRing.generate()}, []),
        ({}, ["innkeeper.key"]),
        (
            {
                "INNKEEPER_KEYS": KeyRing.generate(),
                "INNKEEPER_PUBLIC_URL": "http://127.0.0.1:8080",
                "ZOOM_OAUTH_URL": "http://127.0.0.1:8700",
                "ZOOM_API_URL": "http://127.0.0.1:8700",
            },
            ["INNKEEPER_PUBLIC_URL", "ZOOM_OAUTH_URL", "ZOOM_API_URL"],
        ),
        (
            {"INNKEEPER_KEYS": KeyRing.generate(), "INNKEEPER_DATABASE_URL": "sqlite:////tmp/i.db"},
            ["/tmp/i.db"],  # noqa: S108  # nothing is written there
        ),
    ],
)
def test_finds_what_does_not_do_for_serving_people(
    changes: dict[str, str],
    where: list[str],
    folder: Path,
    *,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if "INNKEEPER_DATABASE_URL" not in changes:  # tests live in a directory that is emptied
        monkeypatch.setattr("innkeeper.cli.check._EMPTIED", ())
    for name, value in changes.items():
        monkeypatch.setenv(name, value)
    assert checked(folder, capsys) == (0, [])
    code = check(folder / "bot.py", as_json=True, deploy=True)
    found = json.loads(capsys.readouterr().out)
    assert [each["where"] for each in found] == where
    assert code == (3 if where else 0)
    assert all(each["fix"] for each in found)


def test_makes_no_key_and_no_database(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(folder.iterdir())
    assert checked(folder, capsys) == (0, [])
    assert [each for each in sorted(folder.iterdir()) if each.suffix != ".pyc"] in (
        before,
        sorted([*before, folder / "__pycache__"]),
    )


def test_finds_all_that_is_wrong_at_once(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ZOOM_BOT_JID")
    (folder / "own.db").unlink()
    code, found = checked(folder, capsys)
    assert code == 3
    assert [each["where"].split()[0] for each in found] == ["ZOOM_BOT_JID", "own.db"]


def test_finds_a_table_that_does_not_suit_the_management(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZOOM_APP_MANAGEMENT", "admin")
    code, [finding] = checked(folder, capsys)
    assert (code, finding["where"]) == (3, "app.purge_table('notes')")


def test_says_where_a_bot_is_broken(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "bot.py").write_text("app = 7 +")
    code, [finding] = checked(folder, capsys)
    assert code == 3
    assert "bot.py:1" in finding["where"]


def test_says_what_webhooks_must_show(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert check(folder / "bot.py", as_json=False) == 0
    assert "Beside the signature" not in capsys.readouterr().err
    monkeypatch.setenv("INNKEEPER_WEBHOOK_BASIC", "zoom:canary-of-a-password")
    monkeypatch.setenv("INNKEEPER_WEBHOOK_BEARER", "zoom:canary-of-a-client")
    monkeypatch.setenv("INNKEEPER_WEBHOOK_HEADER", "X-Door: canary-of-a-value")
    assert check(folder / "bot.py", as_json=False) == 0
    told = capsys.readouterr()
    assert told.out == ""
    assert (
        "what event subscriptions bring must show Basic (INNKEEPER_WEBHOOK_BASIC), or" in told.err
    )
    assert "a token from https://bot.example.com/events/token" in told.err
    assert "the header x-door" in told.err
    assert "canary" not in told.err
    monkeypatch.setenv("INNKEEPER_WEBHOOK_HEADERS_ON", "all")
    assert check(folder / "bot.py", as_json=True) == 0
    told = capsys.readouterr()
    assert json.loads(told.out) == []
    assert "every webhook must show" in told.err
