"""What a process says when it fails holds no secret: neither of ours nor what it was about."""

import hashlib
import hmac
import http.client
import json
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from innkeeper import cli
from innkeeper.store.seal import KeyRing
from tests.cli.commands import CONFIGURED, Running, environment, free_ports, started

pytestmark = pytest.mark.slow

CANARY = "canary-3f9d"
SECRETS = {
    "ZOOM_CLIENT_SECRET": f"{CANARY}-client-secret",
    "ZOOM_WEBHOOK_SECRET_TOKEN": f"{CANARY}-secret-token",
    "ZOOM_S2S_CLIENT_SECRET": f"{CANARY}-s2s-secret",
}
BOT = f"""\
import asyncio, faulthandler, gc, os, threading, warnings
from innkeeper import App, Command

app = App()
SAID = "{CANARY} " + os.environ["ZOOM_CLIENT_SECRET"] + os.environ["INNKEEPER_KEYS"]


class Falls:
    def __del__(self):
        raise RuntimeError(SAID)


async def fails(token=SAID):
    raise RuntimeError(token)


@app.command("crash")
async def crash(ctx: Command):
    token = SAID
    raise RuntimeError(token)


@app.command("around")
async def around(ctx: Command):
    token = SAID
    warnings.warn(os.environ["ZOOM_CLIENT_SECRET"] + " is old")
    task = asyncio.create_task(fails())
    thread = threading.Thread(target=lambda: asyncio.run(fails()))
    thread.start()
    thread.join()
    fails()
    falls = Falls()
    del falls
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    del task
    gc.collect()
    try:
        int("x")
    except ValueError:
        ctx.log.exception("bot.failed")
    ctx.log.warning("token " + os.environ["ZOOM_CLIENT_SECRET"], of=os.environ["INNKEEPER_KEYS"])
    print("the last of it", flush=True)
"""


def post(server: Running, cmd: str) -> int:
    """Sign and send a command."""
    at = str(int(time.time()))
    payload = {
        "accountId": "Account-1",
        "cmd": cmd,
        "robotJid": CONFIGURED["ZOOM_BOT_JID"],
        "toJid": "user-1@xmpp.zoom.us",
        "userId": "User-1",
        "userJid": "user-1@xmpp.zoom.us",
        "userName": f"{CANARY} of a person",
        "timestamp": int(time.time() * 1000),
    }
    body = json.dumps({"event": "bot_notification", "payload": payload}).encode()
    secret = SECRETS["ZOOM_WEBHOOK_SECRET_TOKEN"].encode()
    mac = hmac.new(secret, b"v0:" + at.encode() + b":" + body, hashlib.sha256).hexdigest()
    headers = {
        "content-type": "application/json",
        "x-zm-request-timestamp": at,
        "x-zm-signature": f"v0={mac}",
    }
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("POST", "/events", body, headers)
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.fixture
def settings() -> dict[str, str]:
    ring = KeyRing.generate()
    SECRETS["ring key"] = ring.partition(":")[2]
    named = {name: value for name, value in SECRETS.items() if name.isupper()}
    return environment(CONFIGURED | named | {"INNKEEPER_KEYS": ring})


def test_i12_a_running_bot_that_crashes_in_every_way_says_no_secret(
    tmp_path: Path, settings: dict[str, str]
) -> None:
    (tmp_path / "bot.py").write_text(BOT)
    [port] = free_ports(1)
    strict = settings | {"PYTHONDEVMODE": "1", "PYTHONWARNINGS": "always"}
    argv = ("run", "bot.py", "--port", str(port))
    with started(*argv, port=port, cwd=tmp_path, env=strict) as server:
        server.wait_until_it_answers()
        limits = Path(f"/proc/{server.pid}/limits").read_text()
        assert [post(server, cmd) for cmd in ("crash", "around")] == [200, 200]
        server.wait_for_line(b"the last of it")
        ended = server.end(signal.SIGABRT, within=10)
    assert ended.code == -signal.SIGABRT
    for event in ("dispatch.handler_failed", "library", "thread.crashed", "object.crashed"):
        assert f'"event": "{event}"' in ended.err, ended.err
    assert "Fatal Python error: Aborted" in ended.err
    assert "was never awaited" in ended.err
    assert "never retrieved" in ended.err
    assert "invalid literal" in ended.err
    assert "Secret(\\u2026) is old" in ended.err
    said = ended.out + ended.err
    assert [name for name, value in SECRETS.items() if value in said] == []
    assert CANARY not in said
    [core] = [line for line in limits.splitlines() if line.startswith("Max core file size")]
    assert core.split()[4] == "0"


@pytest.mark.parametrize(
    "broken",
    [
        "int(os.environ['ZOOM_CLIENT_SECRET'])",
        "raise RuntimeError(os.environ['ZOOM_WEBHOOK_SECRET_TOKEN'])",
        "raise RuntimeError(dict(os.environ))",
    ],
)
def test_a_bot_that_cannot_be_loaded_says_no_secret(
    broken: str, tmp_path: Path, settings: dict[str, str]
) -> None:
    (tmp_path / "bot.py").write_text(f"import os\n{broken}\n")
    [port] = free_ports(1)
    with started("run", "bot.py", "--port", str(port), port=port, cwd=tmp_path, env=settings) as it:
        ended = it.end(0, within=30)
    assert ended.code == 1
    assert "(bot_refused)" in ended.err
    assert [name for name, value in SECRETS.items() if value in ended.out + ended.err] == []


@pytest.fixture
def refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Run a command with a setting changed, in this process; give all that it says."""
    monkeypatch.chdir(tmp_path)
    for name, value in (CONFIGURED | SECRETS).items():
        if name.isupper():
            monkeypatch.setenv(name, value)

    def run(argv: tuple[str, ...], **changes: str) -> str:
        for name, value in changes.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["innkeeper", *argv])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert ended.value.code != 0
        return "".join(capfd.readouterr())

    return run


WAYS = (f"{CANARY}", f"'{CANARY}'", f" {CANARY}", f"emu_{CANARY}", f"{CANARY},,", f"\ufeff{CANARY}")
PLACES = (
    "ZOOM_CLIENT_ID",
    "ZOOM_CLIENT_SECRET",
    "ZOOM_BOT_JID",
    "ZOOM_WEBHOOK_SECRET_TOKEN",
    "ZOOM_OAUTH_URL",
    "INNKEEPER_PUBLIC_URL",
    "INNKEEPER_KEYS",
    "INNKEEPER_KEYS_FILE",
    "INNKEEPER_KEY_SERVICE",
)


@pytest.mark.parametrize("name", PLACES)
def test_a_setting_that_is_refused_is_not_repeated(name: str, refused: Callable[..., str]) -> None:
    for way in WAYS:
        for argv in (("run", "bot.py"), ("keys", "status"), ("installation", "list")):
            said = refused(argv, **{name: way})
            assert CANARY not in said, argv
