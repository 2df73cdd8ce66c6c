"""`innkeeper dev` shows a first screen, and the app on it can be added at once."""

import signal
from pathlib import Path

import pytest

from innkeeper.browser import Browser
from innkeeper.net.outbound import HttpTransport
from tests.cli.commands import (
    BOT,
    free_ports,
    half_a_request,
    innkeeper,
    started,
    taken_port,
    watched_chat,
)


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
    assert ended.said == ""


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
