"""The app behind WSGI: begun with a process's first request, whole requests, whole answers."""

import hmac
import io
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest

from innkeeper import App
from innkeeper.net.inbound import BODY_LIMIT_BYTES
from innkeeper.net.outbound import Receive, Scope, Send
from innkeeper.wsgi import Wsgi
from tests.doors import LOCAL, NoZoom, settings_at

ROOT = Path(__file__).parents[1]
CHALLENGE = b'{"event":"endpoint.url_validation","payload":{"plainToken":"abc"}}'


class Input(io.BytesIO):
    """A request's body that notes how much of it was read."""

    def __init__(self, content: bytes, *, breaks: bool = False) -> None:
        super().__init__(content)
        self.taken = 0
        self._breaks = breaks

    def read(self, size: int | None = -1) -> bytes:
        chunk = super().read(size)
        self.taken += len(chunk)
        if self._breaks and not chunk:
            raise OSError
        return chunk


class Answered:
    """What a WSGI server would send."""

    def __init__(self, shell: Wsgi, **environ: Any) -> None:
        whole: dict[str, Any] = {"wsgi.input": Input(b""), **environ}
        setup_testing_defaults(whole)
        self.body = b"".join(shell(whole, self._start))

    def _start(
        self, status: str, headers: list[tuple[str, str]], *_: Any
    ) -> Callable[[bytes], Any]:
        self.status, self.headers = status, headers
        return lambda _: None


def signed(body: bytes) -> dict[str, Any]:
    at = str(int(time.time()))
    mac = hmac.new(b"a-secret-token-at-the-door", b"v0:" + at.encode() + b":" + body, "sha256")
    return {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/events",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": Input(body),
        "HTTP_X_ZM_REQUEST_TIMESTAMP": at,
        "HTTP_X_ZM_SIGNATURE": f"v0={mac.hexdigest()}",
    }


@pytest.fixture
def shell(tmp_path: Path) -> Generator[Wsgi]:
    app = App("Porter")
    app.configure(settings_at(LOCAL, tmp_path), transport=NoZoom())
    shell = app.wsgi()
    yield shell
    shell.close()


def test_nothing_runs_before_the_first_request(tmp_path: Path, shell: Wsgi) -> None:
    before = set(threading.enumerate())
    assert list(tmp_path.iterdir()) == []
    assert Answered(shell, PATH_INFO="/healthz").status == "200 OK"
    assert set(threading.enumerate()) - before
    assert (tmp_path / "innkeeper.db").exists()


def test_an_app_has_one_shell(tmp_path: Path) -> None:
    app = App("Porter")
    assert app.wsgi() is app.wsgi()
    assert list(tmp_path.iterdir()) == []


def test_takes_what_zoom_signed_and_nothing_else(shell: Wsgi) -> None:
    answer = Answered(shell, **signed(CHALLENGE))
    assert answer.status == "200 OK"
    assert set(json.loads(answer.body)) == {"plainToken", "encryptedToken"}
    other = signed(CHALLENGE) | {"wsgi.input": Input(CHALLENGE.replace(b"abc", b"abd"))}
    assert Answered(shell, **other).status == "401 Unauthorized"


def test_lives_below_where_it_is_mounted(shell: Wsgi) -> None:
    answer = Answered(shell, **signed(CHALLENGE), SCRIPT_NAME="/zoom")
    assert answer.status == "200 OK"
    for path in ("", "/"):
        front = Answered(shell, SCRIPT_NAME="/zoom", PATH_INFO=path)
        assert (front.status, b"Porter" in front.body) == ("200 OK", True)


def test_a_body_is_read_up_to_the_limit_however_it_is_declared(shell: Wsgi) -> None:
    large = b"x" * (3 * BODY_LIMIT_BYTES)
    declared = signed(large)
    assert Answered(shell, **declared).status[:3] == "413"
    assert declared["wsgi.input"].taken == 0
    chunked = signed(large) | {"CONTENT_LENGTH": "", "wsgi.input_terminated": True}
    assert Answered(shell, **chunked).status[:3] == "413"
    assert chunked["wsgi.input"].taken == BODY_LIMIT_BYTES + 1


def test_a_body_without_an_end_is_not_waited_for(shell: Wsgi) -> None:
    endless = signed(CHALLENGE) | {"CONTENT_LENGTH": ""}
    assert Answered(shell, **endless).status == "401 Unauthorized"
    assert endless["wsgi.input"].taken == 0


@pytest.mark.parametrize("breaks", [False, True])
def test_who_hung_up_is_told_so_and_nothing_is_taken(shell: Wsgi, breaks: bool) -> None:
    cut = signed(CHALLENGE) | {"wsgi.input": Input(CHALLENGE[:10], breaks=breaks)}
    answer = Answered(shell, **cut)
    assert (answer.status, answer.body) == ("400 Bad Request", b'{"error":"client_gone"}')


def test_every_cookie_and_header_comes_through(shell: Wsgi) -> None:
    moved = Answered(shell, PATH_INFO="/install", HTTP_HOST=LOCAL.partition("//")[2])
    names = [name.lower() for name, _ in moved.headers]
    assert "set-cookie" in names
    assert "content-security-policy" in names
    assert names.count("content-length") == 1


def test_looking_ahead_gets_no_body(shell: Wsgi) -> None:
    answer = Answered(shell, REQUEST_METHOD="HEAD", PATH_INFO="/healthz")
    assert (answer.status, answer.body) == ("200 OK", b"")


def test_many_threads_share_one_loop(shell: Wsgi) -> None:
    def ask(_: int) -> str:
        return Answered(shell, **signed(CHALLENGE)).status

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(40))) == {"200 OK"}
    assert [each.name for each in threading.enumerate()].count("innkeeper wsgi") == 1


def test_an_app_that_cannot_start_says_so_each_time(tmp_path: Path) -> None:
    app = App("Porter")
    app.configure(settings_at(LOCAL, tmp_path / "nowhere"), transport=NoZoom())
    shell = app.wsgi()
    for _ in range(2):
        answer = Answered(shell, PATH_INFO="/healthz")
        assert (answer.status, answer.body) == (
            "503 Service Unavailable",
            b'{"error":"unavailable"}',
        )
    shell.close()


class Failing:
    """An application that fails in a way that quotes what it was about."""

    async def __call__(self, _scope: Scope, _receive: Receive, _send: Send) -> None:
        raise ValueError("canary")

    async def stop(self) -> None:
        """Nothing was begun."""


def test_a_failure_is_answered_and_quotes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    shell = Wsgi(Failing())
    answer = Answered(shell)
    assert (answer.status, answer.body) == ("500 Internal Server Error", b'{"error":"failed"}')
    assert "canary" not in "".join(capsys.readouterr())
    shell.close()


def test_lets_go_when_it_is_closed_and_begins_anew(tmp_path: Path, shell: Wsgi) -> None:
    for _ in range(2):
        assert Answered(shell, PATH_INFO="/healthz").status == "200 OK"
        assert list(tmp_path.glob("*-wal"))
        shell.close()
        assert list(tmp_path.glob("*-wal")) == []


PROCESS = """
import os, sys
from pathlib import Path
from innkeeper import App
from tests.doors import LOCAL, NoZoom, settings_at
from tests.test_wsgi import Answered

app = App("Porter")
app.configure(settings_at(LOCAL, Path(sys.argv[1])), transport=NoZoom())
shell = app.wsgi()

def ask(who):
    print(who, Answered(shell, PATH_INFO="/healthz").status[:3], flush=True)

def child(who):
    pid = os.fork()
    if not pid:
        ask(who)
        sys.exit()
    os.waitpid(pid, 0)
"""


WARNINGS = ("-W", "error::ResourceWarning", "-W", "ignore::DeprecationWarning")
"""Newer Pythons warn of a fork beside threads, which is what is tested here."""


def process(directory: Path, then: str) -> str:
    """Run a program in a process of its own; give what it said, but for the log's times."""
    ended = subprocess.run(
        [sys.executable, *WARNINGS, "-c", PROCESS + then, str(directory)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


@pytest.mark.slow
def test_each_process_that_a_server_forks_begins_anew(tmp_path: Path) -> None:
    said = process(tmp_path, "child('first'); child('second'); ask('parent')")
    assert said.splitlines() == ["first 200", "second 200", "parent 200"]
    assert list(tmp_path.glob("*-wal")) == []  # each stopped as it ended


@pytest.mark.slow
def test_a_child_leaves_alone_what_its_parent_opened(tmp_path: Path) -> None:
    said = process(tmp_path, "ask('parent'); child('child'); ask('parent')")
    first, *told, last = said.splitlines()
    assert (first, told[-1], last) == ("parent 200", "child 503", "parent 200")
    assert "store_in_use" in told[0]


@pytest.mark.slow
def test_a_child_holds_no_lock_of_its_parents(tmp_path: Path) -> None:
    then = """
ask('parent')
ready, over = os.pipe(), os.pipe()
if not os.fork():
    os.read(over[0], 1)
    os._exit(0)
shell.close()
child('successor')
os.write(over[1], b'.')
"""
    assert process(tmp_path, then).splitlines() == ["parent 200", "successor 200"]


@pytest.mark.slow
def test_a_second_process_is_refused_and_told_why(tmp_path: Path, shell: Wsgi) -> None:
    assert Answered(shell, PATH_INFO="/healthz").status == "200 OK"
    told = process(tmp_path, "ask('second')")
    assert "second 503" in told
    assert "store_in_use" in told
    assert "one process at a time writes to it" in told
    assert Answered(shell, **signed(CHALLENGE)).status == "200 OK"
