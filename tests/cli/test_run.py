"""`innkeeper run` starts with what was configured, or says all that is wrong with it."""

import json
import signal
import socket
from pathlib import Path
from urllib.request import urlopen

import pytest

from innkeeper.environment import load_settings, read_settings
from innkeeper.errors import SettingsRefused
from innkeeper.net.serving import LOCAL, PortTaken, bind
from innkeeper.store.seal import KeyRing
from tests.cli.commands import (
    BOT,
    CONFIGURED,
    Ended,
    free_ports,
    half_a_request,
    innkeeper,
    started,
    taken_port,
)


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "bot.py").write_text(BOT)
    return tmp_path


def run(here: Path, *argv: str, **changes: str) -> Ended:
    return innkeeper("run", *argv, cwd=here, env={**CONFIGURED, **changes})


@pytest.mark.slow
def test_who_is_stopped_before_it_is_up_says_so(here: Path) -> None:
    (here / "bot.py").write_text("import os\nimport signal\n\nos.kill(os.getpid(), signal.SIGINT)")
    ended = run(here)
    assert ended.code == 130
    assert ended.said.strip() == ""


@pytest.mark.slow
def test_says_all_that_is_missing_at_once_with_where_to_find_it(here: Path) -> None:
    ended = innkeeper("run", cwd=here)
    assert ended.code == 78
    assert ended.said.startswith(f"innkeeper: {len(CONFIGURED)} settings are not usable:\n")
    assert all(f"  {name} is missing.\n    " in ended.said for name in CONFIGURED)
    assert "App Credentials" in ended.said


@pytest.mark.slow
def test_names_no_value_however_wrong(here: Path) -> None:
    ended = run(
        here,
        ZOOM_CLIENT_SECRET="canary-1 ",
        ZOOM_WEBHOOK_SECRET_TOKEN="emu_canary-2-canary-2",
        ZOOM_BOT_JID="canary-3",
        ZOOM_APP_MANAGEMENT="canary-4",
        INNKEEPER_PUBLIC_URL="http://user:canary-5@bot.example.com",
        INNKEEPER_DATABASE_URL="postgresql://user:canary-6@db/x",
    )
    assert ended.code == 78
    assert ended.said.count(".\n    ") == 6
    assert "canary" not in ended.said


@pytest.mark.slow
def test_production_takes_nothing_of_an_emulators(here: Path) -> None:
    wrong = {
        "INNKEEPER_PUBLIC_URL": "http://bot.example.com",
        "ZOOM_OAUTH_URL": "http://zoom.us",
        "ZOOM_API_URL": "http://api.zoom.us",
        "ZOOM_CLIENT_SECRET": "emu_client_secret_of_the_test",
        "ZOOM_WEBHOOK_SECRET_TOKEN": "emu_secret_token_of_the_test",
    }
    ended = run(here, **wrong)
    assert ended.code == 78
    assert [name for name in wrong if f"  {name} is " in ended.said] == list(wrong)
    assert "_of_the_test" not in ended.said
    assert not (here / "innkeeper.key").exists()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "must be written `id:key`"),
        (b"\xff\xfe\x00", "must be written `id:key`"),
        (b"k1:short", "is not base64url of exactly 32 bytes"),
    ],
    ids=["empty", "bytes", "short"],
)
def test_a_broken_key_file_is_told_by_its_name(content: bytes, why: str, tmp_path: Path) -> None:
    key = tmp_path / "innkeeper.key"
    key.write_bytes(content)
    key.chmod(0o600)
    with pytest.raises(SettingsRefused) as refused:
        read_settings(CONFIGURED, tmp_path)
    [fault] = refused.value.faults
    assert fault.name == "innkeeper.key"
    assert why in fault.why


def test_reads_what_the_environment_leaves_out_from_a_file_as_it_stands_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in CONFIGURED.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("ZOOM_CLIENT_SECRET")
    (tmp_path / ".env").write_text("ZOOM_CLIENT_SECRET='a-${HOME}-b-$c-0001'\nZOOM_BOT_JID=x@y\n")
    settings = load_settings(tmp_path)
    assert settings.client_secret.reveal() == "a-${HOME}-b-$c-0001"
    assert settings.bot_jid == CONFIGURED["ZOOM_BOT_JID"]


@pytest.mark.parametrize("kind", ["bytes", "directory"])
def test_a_file_of_settings_that_is_no_text_is_told(kind: str, tmp_path: Path) -> None:
    if kind == "bytes":
        (tmp_path / ".env").write_bytes(b"ZOOM_CLIENT_ID=\xff")
    else:
        (tmp_path / ".env").mkdir()
    with pytest.raises(SettingsRefused) as refused:
        load_settings(tmp_path)
    faults = {fault.name for fault in refused.value.faults}
    assert (".env" in faults) == (kind == "bytes")


@pytest.mark.slow
def test_a_busy_port_is_told_in_a_line(here: Path) -> None:
    with taken_port() as port:
        ended = run(here, "--port", str(port))
    assert ended.code == 71
    assert f"port {port} on 127.0.0.1 cannot be used" in ended.err.splitlines()[-1]
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("host", ["", "192.0.2.1", "no.such.host.invalid"])
def test_a_host_that_is_not_ours_cannot_be_used(host: str) -> None:
    with pytest.raises(PortTaken):
        bind(host, 8080)


def test_one_port_is_taken_once() -> None:
    with bind(LOCAL, 0) as listener, pytest.raises(PortTaken, match="Address already in use"):
        bind(LOCAL, listener.getsockname()[1])


@pytest.mark.slow
def test_what_is_no_database_is_told_in_a_line(here: Path) -> None:
    (here / "innkeeper.db").write_bytes(b"this is a letter, not a database\n" * 100)
    [port] = free_ports(1)
    ended = run(here, "--port", str(port), INNKEEPER_KEYS=KeyRing.generate())
    assert ended.code == 1
    assert "innkeeper.db cannot be opened" in ended.err.splitlines()[-1]
    assert ended.said


@pytest.mark.slow
def test_serves_keeps_its_secrets_and_ends_when_asked(here: Path) -> None:
    [port] = free_ports(1)
    with started("run", "--port", str(port), port=port, cwd=here, env=CONFIGURED) as server:
        server.wait_until_it_answers()
        second = run(here, "--port", str(free_ports(1)[0]))
        with half_a_request(port), socket.create_connection(("127.0.0.1", port)):
            ready = server.get("/readyz")
            ended = server.end(signal.SIGTERM)
    assert json.loads(ready)["status"] == "ready"
    assert ended.code == 0
    assert f"bot.py listens on http://127.0.0.1:{port} for https://bot.example.com" in ended.said
    assert "innkeeper.key was made" in ended.said
    assert "canary" not in ended.said
    assert (here / "innkeeper.key").stat().st_mode & 0o777 == 0o600
    assert second.code == 1
    assert "is in use by another process" in second.line


@pytest.mark.slow
def test_opens_the_operators_port_on_this_machine_only(here: Path) -> None:
    port, admin = free_ports(2)
    env = {**CONFIGURED, "INNKEEPER_ADMIN_PORT": str(admin)}
    with started("run", "--port", str(port), "--host", "0.0.0.0", port=port, cwd=here, env=env) as (  # noqa: S104  # the other port must not follow
        server
    ):
        server.wait_until_it_answers()
        told = urlopen(f"http://127.0.0.1:{admin}/metrics", timeout=30).read()  # this machine's
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.2", admin), timeout=5)
        ended = server.end(signal.SIGTERM)
    assert b"innkeeper_ready 1.0" in told
    assert ended.code == 0
