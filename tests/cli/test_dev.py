"""`innkeeper dev` shows a first screen, and the app on it can be added at once."""

import asyncio
import json
import os
import pty
import signal
import subprocess
from functools import partial
from pathlib import Path

import pytest

from innkeeper.app import App
from innkeeper.browser import Browser
from innkeeper.cli.botfile import load_bot
from innkeeper.cli.develop import Reloader
from innkeeper.cli.stage import Stage
from innkeeper.emulator import Emulator
from innkeeper.errors import BotRefused
from innkeeper.net.outbound import AsgiTransport, HttpTransport
from tests.cli.commands import (
    BOT,
    COMMAND,
    environment,
    free_ports,
    half_a_request,
    innkeeper,
    started,
    taken_port,
    watched_chat,
)
from tests.cli.test_botfile import _leave_no_trace  # noqa: F401  # a fixture
from tests.doors import LOCAL, NoZoom, settings_at


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "bot.py").write_text(BOT)
    return tmp_path


async def add(local_test: str) -> str:
    """Add the app as a person does, and read where that ends."""
    transport = HttpTransport()
    browser = Browser(transport)
    try:
        page = await browser.open(local_test)
        page = await browser.press(page, page.forms[0].buttons[0].text)  # be somebody
        page = await browser.press(await browser.open(local_test), "Add App Now")
        page = await browser.press(page, "Allow")
    finally:
        await transport.aclose()
    return page.text


@pytest.mark.slow
@pytest.mark.anyio
async def test_shows_where_to_begin_and_the_app_can_be_added(here: Path) -> None:
    port, emulator_port = free_ports(2)
    argv = ("dev", "bot.py", "--port", str(port), "--emulator-port", str(emulator_port))
    with started(*argv, port=port, cwd=here) as bot:
        bot.wait_until_it_answers()
        screen = bot.first_screen(b"Ctrl-C")
        [local_test] = [word for word in screen.split() if word.endswith("/local-test")]
        text = await add(local_test)
        with watched_chat(emulator_port), half_a_request(port), half_a_request(emulator_port):
            ended = bot.end(signal.SIGINT)
    assert f"bot.py runs at http://127.0.0.1:{port}, beside an emulated Zoom" in screen
    assert "commands  help\n" in screen
    assert "welcome   yes\n" in screen
    assert "Doorman is ready" in text
    assert ended.code == 0
    told = [json.loads(line) for line in ended.said.splitlines()]
    assert [line["event"] for line in told] == ["install.finished"]


HERE = """
@app.command("here")
def here(ctx: Command) -> str:
    return "Here I am"
"""


class Changes:
    """What is saved, when the test says so."""

    def __init__(self) -> None:
        self._saved: asyncio.Queue[bool] = asyncio.Queue()
        self.told: asyncio.Queue[str] = asyncio.Queue()

    def __aiter__(self) -> "Changes":
        return self

    async def __anext__(self) -> object:
        if not await self._saved.get():
            raise StopAsyncIteration
        return {"a change"}

    async def save(self, path: Path, source: str) -> str:
        """Save a file, and wait for what is told of it."""
        path.write_text(source)  # noqa: ASYNC240  # a test may wait
        self._saved.put_nowait(True)
        return await self.told.get()


@pytest.mark.anyio
@pytest.mark.usefixtures("_leave_no_trace")
async def test_what_is_saved_is_reloaded_and_what_is_wrong_changes_nothing(here: Path) -> None:
    path, changes, stage = here / "bot.py", Changes(), Stage(load_bot(here / "bot.py"))
    record = next(iter(Emulator(transport=AsgiTransport()).world.apps.values()))
    prepare = partial(App.configure, settings=settings_at(LOCAL, here), transport=NoZoom())
    reloader = Reloader(path, stage, record, prepare=prepare, tell=changes.told.put_nowait)
    await reloader.begin()
    following = asyncio.create_task(reloader.follow(changes))
    assert record.name == "Doorman"

    said = await changes.save(path, BOT.replace("Doorman", "Porter") + HERE)
    assert said.startswith(f"{path} is reloaded. It has:\n  commands  help, here\n")
    assert record.name == stage.app.name == "Porter"

    porter = stage.app
    said = await changes.save(path, BOT + "def (\n")
    assert said.startswith(f"Not reloaded: {path}:14: invalid syntax")
    assert said.endswith("The bot goes on as it was. Save it again.")
    said = await changes.save(path, BOT + "\n\nprint(undefined)\n")
    assert f"Not reloaded: {path}:16: NameError" in said
    said = await changes.save(
        path, BOT + "\n\n@app.command('help')\ndef more(_: Command) -> None: ...\n"
    )
    assert said.startswith("Not reloaded: ")
    assert stage.app is porter
    assert porter.worker is not None

    await changes.save(path, BOT)
    assert stage.app.name == "Doorman"
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    await reloader.end()
    with pytest.raises(BotRefused, match="was not started"):
        _ = stage.app.worker


def typed(emulator_port: int, said: str, cwd: Path) -> tuple[int, str, str]:
    """Pipe lines into a chat, and read what it prints."""
    argv = [COMMAND, "chat", "--emulator", f"http://127.0.0.1:{emulator_port}"]
    ended = subprocess.run(
        argv, input=said, cwd=cwd, env=environment(), capture_output=True, text=True, check=False
    )
    return ended.returncode, ended.stdout, ended.stderr


@pytest.mark.slow
@pytest.mark.anyio
async def test_a_file_that_is_saved_is_noticed_and_its_bot_answers_in_the_same_chat(
    here: Path,
) -> None:
    port, zoom = free_ports(2)
    argv = ("dev", "bot.py", "--port", str(port), "--emulator-port", str(zoom))
    with started(*argv, port=port, cwd=here) as bot:
        screen = bot.first_screen(b"Ctrl-C")
        assert "innkeeper trigger bot_notification --set payload.cmd=help --emulator" in screen
        [local_test] = [word for word in screen.split() if word.endswith("/local-test")]
        await add(local_test)
        assert typed(zoom, "help\n", here) == (0, "Doorman: Try anything\n", "")

        (here / "bot.py").write_text(BOT + HERE)  # a test may wait
        assert "bot.py is reloaded. It has:" in bot.first_screen(b"is reloaded")
        said = "Doorman: Here I am\nDoorman: Try anything\n"
        assert typed(zoom, "here\n\nhelp", here) == (0, said, "")

        (here / "bot.py").write_text("def (")  # a test may wait
        assert "Not reloaded: " in bot.first_screen(b"goes on as it was")
        assert typed(zoom, "here", here)[0] == 0

        code, out, err = typed(zoom, "what is this", here)
        assert (code, out) == (1, "")
        assert err == (
            "innkeeper: nothing came within 5 s. Is the app added, and does it answer this?\n"
        )
        assert in_a_terminal(zoom, here) == b"Doorman: Here I am"
        ended = bot.end(signal.SIGINT)
    assert ended.code == 0


def in_a_terminal(emulator_port: int, cwd: Path) -> bytes:
    """Type a line and then Ctrl-D; give the line that came."""
    ours, theirs = pty.openpty()
    argv = [COMMAND, "chat", "--emulator", f"http://127.0.0.1:{emulator_port}"]
    with subprocess.Popen(
        argv,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=cwd,
        env=environment(),
    ) as chat:
        assert chat.stdout is not None
        assert chat.stderr is not None
        assert (
            chat.stderr.readline() == b"You are Ana Keller, talking to Doorman. Ctrl-D ends it.\n"
        )
        os.write(ours, b"here\n")
        line = chat.stdout.readline().strip()
        os.write(ours, b"\x04")
        try:
            assert chat.wait(10) == 0
        finally:
            chat.kill()
    os.close(ours)
    os.close(theirs)
    return line


@pytest.mark.slow
def test_a_busy_port_is_told_in_a_line(here: Path) -> None:
    [free] = free_ports(1)
    with taken_port() as taken:
        options = ("--port", str(free), "--emulator-port", str(taken))
        ended = innkeeper("dev", *options, cwd=here)
    assert ended.code == 71
    assert f"port {taken} on 127.0.0.1 cannot be used" in ended.line


def test_bot_and_emulator_cannot_share_a_port(here: Path) -> None:
    [port] = free_ports(1)
    ended = innkeeper("dev", "--port", str(port), "--emulator-port", str(port), cwd=here)
    assert ended.code == 78
    assert ended.line == f"innkeeper: two servers cannot share port {port}; give each its own."
