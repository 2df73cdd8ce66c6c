"""`innkeeper manifest`: do the Marketplace and the bot say the same?"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from innkeeper.cli.manifest import ManifestRefused, diff, show
from tests.cli.commands import BOT, CONFIGURED, innkeeper

HEARS = '@app.event("team_chat.channel_created")\nasync def made(ctx): ...\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, value in CONFIGURED.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "bot.py").write_text(f"{BOT}\n{HEARS}")
    return tmp_path


def shown(folder: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    show(folder / "bot.py", environment="production")
    return json.loads(capsys.readouterr().out)


def told(
    folder: Path, manifest: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> tuple[int, dict[str, dict[str, str]]]:
    (folder / "manifest.json").write_text(json.dumps(manifest))
    code = diff(folder / "manifest.json", folder / "bot.py", environment="production", as_json=True)
    return code, {each["setting"]: each for each in json.loads(capsys.readouterr().out)}


def completed(manifest: dict[str, Any]) -> dict[str, Any]:
    """Add what only the Marketplace knows."""
    manifest["features"]["team_chat_subscription"]["slash_command"]["command"] = "door"
    return {"manifest": {**manifest, "something_new": {"of": "Zoom's"}}}


def test_agrees_with_what_it_shows_itself(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = shown(folder, capsys)
    assert manifest["display_information"] == {"display_name": "Doorman"}
    assert told(folder, completed(manifest), capsys) == (0, {})


def _set(*path: str | int, to: Any) -> Callable[[dict[str, Any]], None]:
    def change(manifest: dict[str, Any]) -> None:
        part: Any = manifest
        for key in path[:-1]:
            part = part[key]
        part[path[-1]] = to

    return change


@pytest.mark.parametrize(
    "wrong",
    [
        (
            _set("oauth_information", "usage", to="ADMIN_MANAGEMENT"),
            "/oauth_information/usage",
            "USER_OPERATION",
        ),
        (
            _set("oauth_information", "production_redirect_uri", to="https://old.example.com/cb"),
            "/oauth_information/production_redirect_uri",
            "https://bot.example.com/oauth/callback",
        ),
        (
            _set("oauth_information", "oauth_allow_list", to=[]),
            "/oauth_information/oauth_allow_list",
            "https://bot.example.com/oauth/callback",
        ),
        (
            _set("oauth_information", "scopes", to=[{"scope": "imchat:bot"}]),
            "/oauth_information/scopes",
            "user:read:user",
        ),
        (
            _set("features", "team_chat_subscription", "enable", to=False),
            "/features/team_chat_subscription/enable",
            "true",
        ),
        (
            _set("features", "event_subscription", "events", 0, "event_types", to=[]),
            "/features/event_subscription/events/event_types",
            "team_chat.channel_created",
        ),
        (
            _set("features", "event_subscription", "events", 0, "production_webhook_url", to=""),
            "/features/event_subscription/events/0/production_webhook_url",
            "https://bot.example.com/events",
        ),
    ],
)
def test_tells_where_the_marketplace_says_otherwise(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    wrong: tuple[Callable[[dict[str, Any]], None], str, str],
) -> None:
    change, setting, here = wrong
    manifest = shown(folder, capsys)
    change(manifest)
    code, found = told(folder, completed(manifest), capsys)
    assert (code, list(found)) == (3, [setting])
    assert found[setting]["here"] == here


def test_the_deep_link_may_be_the_redirect(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = shown(folder, capsys)
    launch = "https://bot.example.com/launch"
    manifest["oauth_information"]["production_redirect_uri"] = launch
    assert told(folder, completed(manifest), capsys) == (0, {})


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"a":1,"a":2}', b"\xff"])
def test_refuses_a_file_that_is_no_manifest(folder: Path, content: bytes) -> None:
    (folder / "no.json").write_bytes(content)
    with pytest.raises(ManifestRefused):
        diff(folder / "no.json", folder / "bot.py", environment="production", as_json=False)


def test_says_it_in_lines(folder: Path) -> None:
    ended = innkeeper(
        "manifest", "show", "--environment", "development", cwd=folder, env=CONFIGURED
    )
    assert ended.code == 0
    manifest = completed(json.loads(ended.out))
    (folder / "manifest.json").write_text(json.dumps(manifest))
    how = ("manifest", "diff", "manifest.json")
    ended = innkeeper(*how, "--environment", "development", cwd=folder, env=CONFIGURED)
    assert (ended.code, ended.out) == (0, "")
    assert "says what the bot needs" in ended.err
    ended = innkeeper(*how, cwd=folder, env=CONFIGURED)
    assert ended.code == 3
    assert (
        "/oauth_information/production_redirect_uri\n  there: nothing\n  here:  https" in ended.out
    )
