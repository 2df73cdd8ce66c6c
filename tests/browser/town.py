"""What does a person find, and do, in a town with an emulated Zoom and a bot?"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from innkeeper.app import App
from innkeeper.emulator import Emulator
from innkeeper.emulator.world import AppRecord

SHOTS = Path(os.environ.get("INNKEEPER_SCREENSHOTS", ""))


@dataclass
class Town:
    """An emulated Zoom and a bot, both on loopback."""

    emulator: Emulator
    record: AppRecord
    app: App
    zoom_url: str
    bot_url: str

    @property
    def local_test(self) -> str:
        return f"{self.zoom_url}/marketplace/apps/{self.record.client_id}/local-test"


async def sign_in(page: Page, town: Town, name: str) -> None:
    await page.goto(f"{town.zoom_url}/signin?next=/chat")
    await page.get_by_text(name).first.click()
    await page.get_by_role("button", name="Sign in").click()


async def install(page: Page, town: Town) -> None:
    await sign_in(page, town, "Ana")
    await page.goto(town.local_test)
    await page.get_by_role("button", name="Add App Now").click()
    await page.get_by_role("button", name="Allow").click()
    await expect(page).to_have_url(re.compile(rf"{town.bot_url}/launch"))


async def look(page: Page, name: str) -> None:
    """Check a page for barriers: light, dark, and as narrow as a phone, where nothing sticks out.

    In the dark only colours differ, so only they are looked at again.
    """
    size = page.viewport_size
    assert size
    looks: tuple[tuple[str, Any, int, str], ...] = (
        ("light", "light", size["width"], ""),
        ("narrow", "light", 390, ""),
        ("dark", "dark", size["width"], ", runOnly: ['color-contrast']"),
    )
    await page.evaluate(Axe().axe_script)
    for look, scheme, width, only in looks:
        await page.emulate_media(color_scheme=scheme)
        await page.set_viewport_size({"width": width, "height": size["height"]})
        await page.evaluate("Promise.all(document.getAnimations().map(one => one.finished))")
        found = await page.evaluate(f"axe.run({{resultTypes: ['violations']{only}}})")
        barriers = [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]]
        assert barriers == [], look
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), look
        await shoot(page, f"{name}-{look}")
    await page.set_viewport_size(size)


async def shoot(page: Page, name: str) -> None:
    """Keep a picture of the page where INNKEEPER_SCREENSHOTS says, if it says so."""
    if SHOTS.name:
        await page.evaluate("Promise.all(document.getAnimations().map(one => one.finished))")
        SHOTS.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240  # a test may wait
        await page.screenshot(path=SHOTS / f"{name}.png", full_page=True)
