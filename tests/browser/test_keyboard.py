"""Can somebody without a mouse do it all? From the Marketplace to a button in a card."""

import re
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.town import Town

pytestmark = [pytest.mark.anyio, pytest.mark.browser]

STOPS = 60
FOCUSED = """() => {
    const here = document.activeElement, style = getComputedStyle(here);
    const box = here.getBoundingClientRect();
    return {
        what: here.outerHTML.slice(0, 120),
        marked: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
        seen: box.width > 0 && box.height > 0 && box.top < innerHeight && box.bottom > 0
            && box.left < innerWidth && box.right > 0,
    };
}"""


async def reach(page: Page, role: Any, name: str | re.Pattern[str], *, key: str = "Tab") -> Locator:
    """Press a key until a control has the focus, which shows at every stop."""
    await page.wait_for_load_state()  # what shows the focus is a stylesheet
    wanted = page.get_by_role(role, name=name)
    await expect(wanted).to_have_count(1)
    for _ in range(STOPS):
        await page.keyboard.press(key)
        stop = await page.evaluate(FOCUSED)
        assert stop["marked"], stop
        assert stop["seen"], stop
        if await wanted.evaluate("one => one === document.activeElement"):
            return wanted
    pytest.fail(f"{key} does not lead to {name}")


async def test_from_the_marketplace_to_a_button_in_a_card(page: Page, town: Town) -> None:
    await page.goto(f"{town.zoom_url}/signin?next=/marketplace")
    await reach(page, "radio", re.compile("Ana Keller"))
    await page.keyboard.press("ArrowDown")
    await expect(page.get_by_role("radio", name=re.compile("Ben Okafor"))).to_be_checked()
    await page.keyboard.press("ArrowUp")
    await reach(page, "button", "Sign in")
    await page.keyboard.press("Enter")

    await reach(page, "link", "Local Test, Night Porter")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(town.local_test)
    await reach(page, "button", "Add App Now")
    await page.keyboard.press("Enter")
    await reach(page, "button", "Allow")
    await page.keyboard.press("Enter")

    await expect(page).to_have_url(re.compile(rf"{town.bot_url}/launch"))
    await reach(page, "link", "Open in Zoom")
    await page.keyboard.press("Enter")
    await reach(page, "link", "Open Chat")
    await page.keyboard.press("Enter")

    await expect(page.locator(".talk[data-live]")).to_have_count(1)
    log = page.get_by_role("log")
    await expect(log).to_contain_text("Thanks for adding me!")
    composer = await reach(page, "textbox", "Message to Night Porter")
    await page.keyboard.type("/po")
    await page.keyboard.press("ArrowUp")
    assert (await page.evaluate(FOCUSED))["marked"]
    await page.keyboard.press("Enter")
    await expect(composer).to_be_focused()
    await page.keyboard.press("Control+A")
    await page.keyboard.type("/porter due friday ship it")
    await page.keyboard.press("Enter")
    await expect(log).to_contain_text("A new request")
    await reach(page, "button", "Approve", key="Shift+Tab")
    await page.keyboard.press("Enter")

    await expect(log).to_contain_text("Approved")
    card = log.get_by_role("article").filter(has_text="Approved")
    await expect(card).to_be_focused()
