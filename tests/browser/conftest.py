"""A real browser, and two real servers for it to visit."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import ConsoleMessage, Page, async_playwright

from innkeeper.app import App
from innkeeper.cli import example
from innkeeper.emulator import Emulator
from innkeeper.emulator.seed import Seed
from innkeeper.emulator.serving import hosting
from innkeeper.emulator.world import AppRecord
from innkeeper.local import local_settings, point_at
from innkeeper.net.outbound import HttpTransport
from innkeeper.net.serving import LOCAL, bind, serving

SHOTS = Path(os.environ.get("INNKEEPER_SCREENSHOTS", ""))


@dataclass
class Town:
    """An emulated Zoom and a bot, both on loopback."""

    emulator: Emulator
    record: AppRecord
    app: App
    zoom_url: str
    bot_url: str
    directory: Path

    @property
    def local_test(self) -> str:
        return f"{self.zoom_url}/marketplace/apps/{self.record.client_id}/local-test"


@pytest.fixture(scope="session")
def chromium() -> str:
    if os.environ.get("INNKEEPER_NO_BROWSER") == "1":
        pytest.skip("no browser: INNKEEPER_NO_BROWSER=1")
    found = os.environ.get("INNKEEPER_CHROMIUM") or shutil.which("chromium")
    if not found:
        pytest.fail("no Chromium; `make test` installs one where it may, or says how")
    return found


@pytest.fixture
async def page(chromium: str) -> AsyncIterator[Page]:
    resolver = "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=[resolver])
        context = await browser.new_context(
            locale="en-GB", timezone_id="UTC", viewport={"width": 1180, "height": 800}
        )
        context.set_default_timeout(10_000)
        page = await context.new_page()
        surprises: list[str] = []
        page.on("pageerror", lambda error: surprises.append(str(error)))
        page.on("console", lambda line: _note(line, surprises))
        yield page
        await browser.close()
    assert not surprises


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with AsyncExitStack() as stack:
        zoom_socket, bot_socket = bind(LOCAL, 0), bind(LOCAL, 0)
        zoom_url = f"http://{LOCAL}:{zoom_socket.getsockname()[1]}"
        bot_url = f"http://{LOCAL}:{bot_socket.getsockname()[1]}"
        emulator = Emulator(seed=Seed.default(), transport=HttpTransport(), base_url=zoom_url)
        record = next(iter(emulator.world.apps.values()))
        record.management, record.environment, record.welcome.mode = "user", "production", "dynamic"
        app = example.app
        record.name, record.description, record.command = app.name, app.description, "porter"
        app.configure(
            local_settings(record, public_url=bot_url, zoom_url=zoom_url, directory=tmp_path)
        )
        await app.start()
        stack.push_async_callback(app.stop)
        await stack.enter_async_context(hosting(emulator, zoom_socket))
        await stack.enter_async_context(serving(app, bot_socket))
        await point_at(emulator, record, bot_url)
        yield Town(emulator, record, app, zoom_url, bot_url, tmp_path)


def _note(line: ConsoleMessage, surprises: list[str]) -> None:
    """A page that was refused on purpose is no surprise; a blocked script or style is."""
    if line.type == "error" and "Failed to load resource" not in line.text:
        surprises.append(line.text)


async def shoot(page: Page, name: str) -> None:
    """Keep a picture of the page where INNKEEPER_SCREENSHOTS says, if it says so."""
    if SHOTS.name:
        await page.evaluate("Promise.all(document.getAnimations().map(one => one.finished))")
        SHOTS.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240  # a test may wait
        await page.screenshot(path=SHOTS / f"{name}.png", full_page=True)
