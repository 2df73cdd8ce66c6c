"""The command line as its users start it: a process of its own, in a directory of its own."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

COMMAND = Path(sys.executable).with_name("innkeeper")
PATIENCE_SECONDS = 30.0

BOT = """\
from innkeeper import App, Card, Command, Installed

app = App("Doorman")


@app.on_install
async def hello(ctx: Installed) -> Card:
    return Card("Welcome in!")


@app.command("help")
def help_(ctx: Command) -> str:
    return "Try anything"
"""

CONFIGURED = {
    "ZOOM_CLIENT_ID": "client-of-the-command-line",
    "ZOOM_CLIENT_SECRET": "canary-client-secret-0001",
    "ZOOM_BOT_JID": "v1doorman@xmpp.zoom.us",
    "ZOOM_WEBHOOK_SECRET_TOKEN": "canary-secret-token-0001",
    "ZOOM_APP_MANAGEMENT": "user",
    "INNKEEPER_PUBLIC_URL": "https://bot.example.com",
}


@dataclass(frozen=True)
class Ended:
    """How a process ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """Everything, which holds no traceback however it went."""
        both = self.out + self.err
        assert "Traceback" not in both
        return both

    @property
    def line(self) -> str:
        """The one line on stderr."""
        [line] = self.err.splitlines()
        assert self.out == ""
        assert self.said
        return line


def environment(changes: Mapping[str, str] | None = None) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("ZOOM_", "INNKEEPER_"))}
    return {**kept, **(changes or {})}


def innkeeper(*argv: str, cwd: Path, env: Mapping[str, str] | None = None) -> Ended:
    """Run a command to its end."""
    ended = subprocess.run(
        [COMMAND, *argv],
        cwd=cwd,
        env=environment(env),
        capture_output=True,
        timeout=PATIENCE_SECONDS,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    return Ended(ended.returncode, ended.stdout.decode(), ended.stderr.decode())


class Running:
    """A server that a command started."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self._process = process
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    @property
    def pid(self) -> int:
        return self._process.pid

    def get(self, path: str) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        connection.request("GET", path)
        content = connection.getresponse().read()
        connection.close()
        return content

    def wait_until_it_answers(self) -> None:
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            assert self._process.poll() is None, self._process.communicate()
            try:
                self.get("/")
            except OSError:
                assert time.monotonic() < end, "it does not answer"
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(0.05)
            else:
                return

    def wait_for_line(self, words: bytes) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if words in line:
                return
        raise AssertionError(f"it never said {words!r}")

    def first_screen(self, last: bytes) -> str:
        """Read what it says on stderr, up to the line with these words."""
        assert self._process.stderr is not None
        said = b""
        for line in self._process.stderr:
            said += line
            if last in line:
                return said.decode()
        raise AssertionError(said)

    def read_one_line_and_leave(self) -> tuple[int, bytes]:
        """Do as `| head -1` does: read one line, and read no more."""
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        assert self._process.stdout.readline()
        self._process.stdout.close()
        self._process.stdout = None
        _, err = self._process.communicate(timeout=PATIENCE_SECONDS)
        return self._process.returncode, err

    def end(self, number: int = signal.SIGTERM, *, within: float = 3.0) -> Ended:
        """Send a signal, and see how it ends; it has three seconds."""
        self._process.send_signal(number)
        out, err = self._process.communicate(timeout=within)
        return Ended(self._process.returncode, out.decode(), err.decode())


@contextmanager
def started(
    *argv: str, port: int, cwd: Path, env: Mapping[str, str] | None = None
) -> Generator[Running]:
    """Start a server of ours; whatever happens, it is gone at the end."""
    with running([str(COMMAND), *argv], port=port, cwd=cwd, env=env) as server:
        yield server


@contextmanager
def running(
    argv: list[str], *, port: int, cwd: Path, env: Mapping[str, str] | None = None
) -> Generator[Running]:
    """Start any server; whatever happens, it is gone at the end."""
    process = subprocess.Popen(
        argv,
        cwd=cwd,
        env=environment(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        yield Running(process, port)
    finally:
        process.kill()
        process.communicate()


def free_ports(count: int) -> list[int]:
    """Find ports that nobody has."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports: list[int] = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@contextmanager
def taken_port() -> Generator[int]:
    """Hold a port, as another server would."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


@contextmanager
def watched_chat(port: int) -> Generator[socket.socket]:
    """Sign in at an emulator and hold its chat's event stream open."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    host = {"Host": f"127.0.0.1:{port}"}
    connection.request("GET", "/_emulator/state", headers=host)
    state = json.loads(connection.getresponse().read())
    user, robot = state["users"][0]["id"], state["apps"][0]["bot_jid"]
    form = {**host, "Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", "/signin", urlencode({"user": user, "next": "/"}), form)
    answer = connection.getresponse()
    answer.read()
    cookie = (answer.getheader("set-cookie") or "").partition(";")[0]
    connection.close()
    with socket.create_connection(("127.0.0.1", port), timeout=5) as stream:
        lines = [f"GET /chat/events?{urlencode({'with': robot})} HTTP/1.1", f"Cookie: {cookie}"]
        stream.sendall("\r\n".join([*lines, f"Host: 127.0.0.1:{port}", "", ""]).encode())
        head = b""
        while b"\r\n\r\n" not in head:
            head += stream.recv(4096)
        assert b"text/event-stream" in head
        yield stream


@contextmanager
def half_a_request(port: int) -> Generator[socket.socket]:
    """Begin a request and never finish it."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as stream:
        head = (
            f"POST /events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 100\r\n"
            f"x-zm-request-timestamp: 1654503849\r\nx-zm-signature: v0={'0' * 64}\r\n\r\n"
        )
        stream.sendall(head.encode() + b'{"half":')
        yield stream
