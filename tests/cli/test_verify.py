"""`innkeeper verify`: why is a delivery refused?"""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from innkeeper.secret import Secret
from innkeeper.wire.signature import sign
from tests.cli.commands import CONFIGURED, innkeeper

AT = "2026-11-27T12:00:00+00:00"
BODY = b'{"event":"bot_notification"}'
TOKEN = {"ZOOM_WEBHOOK_SECRET_TOKEN": CONFIGURED["ZOOM_WEBHOOK_SECRET_TOKEN"]}


@pytest.fixture
def saved(tmp_path: Path) -> list[str]:
    stamp = str(round(datetime(2026, 11, 27, 12, tzinfo=UTC).timestamp()))
    signature = sign(BODY, timestamp=stamp, secret=Secret(TOKEN["ZOOM_WEBHOOK_SECRET_TOKEN"]))
    (tmp_path / "body").write_bytes(BODY)
    (tmp_path / "headers").write_text(
        f"POST /events HTTP/1.1\r\nHost: bot.example.com\r\nX-Zm-Request-Timestamp: {stamp}\r\n"
        f"x-zm-signature: {signature}\r\n"
    )
    return ["verify", "--body", "body", "--headers", "headers"]


def test_says_that_it_is_genuine(saved: list[str], tmp_path: Path) -> None:
    ended = innkeeper(*saved, "--at", AT, cwd=tmp_path, env=TOKEN)
    assert (ended.code, ended.err) == (0, "")
    assert ended.said == "it is genuine: secret token 1 of 1 fits.\n"


def test_tells_what_is_wrong_and_shows_no_secret(saved: list[str], tmp_path: Path) -> None:
    (tmp_path / "body").write_bytes(BODY + b"\n")
    ended = innkeeper(*saved, "--at", AT, "--json", cwd=tmp_path, env=CONFIGURED)
    assert ended.code == 3
    told = json.loads(ended.out)
    assert (told["genuine"], told["reason"]) == (False, "SignatureMismatch")
    assert "line's end" in told["why"]
    assert not any(CONFIGURED[name] in ended.said for name in CONFIGURED if "SECRET" in name)


def test_asks_for_the_secret_token_alone(saved: list[str], tmp_path: Path) -> None:
    ended = innkeeper(*saved, cwd=tmp_path)
    assert ended.code == 78
    assert "one setting is not usable" in ended.err
    assert "ZOOM_WEBHOOK_SECRET_TOKEN" in ended.said


def test_says_that_there_is_no_such_file(saved: list[str], tmp_path: Path) -> None:
    (tmp_path / "headers").unlink()
    assert innkeeper(*saved, cwd=tmp_path, env=TOKEN).code == 2
