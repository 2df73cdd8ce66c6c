"""A real browser, one for all tests, and two real servers for it to visit."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright

from innkeeper.app import App
from innkeeper.cli import example
from innkeeper.emulator import Emulator
from innkeeper.emulator.seed import Seed
from innkeeper.emulator.serving import hosting
from innkeeper.local import local_settings, point_at
from innkeeper.net.outbound import HttpTransport
from innkeeper.net.serving import LOCAL, bind, serving
from tests.browser.stage import Stage, staged
from tests.browser.town import Town
from tests.chromium import launching

OpenPage = Callable[..., Awaitable[Page]]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The browser lives longer than a test, and so does the loop that talks to it."""
    return "asyncio"


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(**launching())
        yield browser
        await browser.close()


@pytest.fixture
async def open_page(browser: Browser) -> AsyncIterator[OpenPage]:
    """Open pages in browser contexts of their own: each is another person's browser.

    What a page finds wrong with itself, or its policy with it, fails the test.
    """
    surprises: list[str] = []
    async with AsyncExitStack() as stack:

        async def opened(**options: Any) -> Page:
            usual = {
                "locale": "en-GB",
                "timezone_id": "UTC",
                "viewport": {"width": 1180, "height": 800},
            }
            context = await browser.new_context(**(usual | options))
            stack.push_async_callback(context.close)
            context.set_default_timeout(10_000)
            page = await context.new_page()
            page.on("pageerror", lambda error: surprises.append(str(error)))
            page.on("console", lambda line: _note(line, surprises))
            return page

        yield opened
    assert not surprises


@pytest.fixture
async def page(open_page: OpenPage) -> Page:
    return await open_page()


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with staged() as stage:
        yield stage


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with built(example.app, tmp_path) as town:
        yield town


@asynccontextmanager
async def built(app: App, directory: Path, **settings: Any) -> AsyncIterator[Town]:
    """Build a town around a bot; `settings` are what is not as usual."""
    async with AsyncExitStack() as stack:
        zoom_socket, bot_socket = bind(LOCAL, 0), bind(LOCAL, 0)
        zoom_url = f"http://{LOCAL}:{zoom_socket.getsockname()[1]}"
        bot_url = f"http://{LOCAL}:{bot_socket.getsockname()[1]}"
        emulator = Emulator(seed=Seed.default(), transport=HttpTransport(), base_url=zoom_url)
        record = next(iter(emulator.world.apps.values()))
        record.management, record.environment, record.welcome.mode = "user", "production", "dynamic"
        record.name, record.description, record.command = app.name, app.description, "porter"
        usual = local_settings(record, public_url=bot_url, zoom_url=zoom_url, directory=directory)
        app.configure(replace(usual, **settings))
        await stack.enter_async_context(hosting(emulator, zoom_socket))
        await app.start()
        stack.push_async_callback(app.stop)
        await stack.enter_async_context(serving(app, bot_socket))
        await point_at(emulator, record, bot_url)
        yield Town(emulator, record, app, zoom_url, bot_url)


def _note(line: ConsoleMessage, surprises: list[str]) -> None:
    """A page that was refused on purpose is no surprise; a blocked script or style is."""
    if line.type == "error" and "Failed to load resource" not in line.text:
        surprises.append(line.text)
