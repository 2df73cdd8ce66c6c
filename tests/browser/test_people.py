"""Do several people share one Zoom? Each in a browser of their own, at the same time."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.stage import Stage

pytestmark = [pytest.mark.anyio, pytest.mark.browser]

UNTOUCHED = "() => window.untouched === true"


async def mark(page: Page) -> None:
    """Leave a mark that a reload would take away."""
    await page.evaluate("() => { window.untouched = true }")


async def say(page: Page, text: str) -> None:
    await page.get_by_role("textbox").fill(text)
    await page.keyboard.press("Enter")


async def test_what_one_says_the_other_sees_at_once(open_page: OpenPage, stage: Stage) -> None:
    ana, ben = await open_page(), await open_page()
    hers = await stage.enter(ana, channel=True)
    his = await stage.enter(ben, stage.ben, channel=True)
    await mark(ana)
    await mark(ben)
    await say(ana, "Room 7 asks for towels.")
    await expect(his.get_by_role("article", name="Ana Ito")).to_contain_text("towels")
    await say(ben, "I go.")
    await expect(hers.get_by_role("article", name="Ben Ortiz")).to_contain_text("I go.")
    await say(ana, "/porter due")
    await expect(his).to_contain_text("Heard bot_notification")
    await expect(hers).to_contain_text("Heard bot_notification")

    assert await ana.evaluate(UNTOUCHED)
    assert await ben.evaluate(UNTOUCHED)
    assert [event["payload"]["userId"] for event in stage.bot.heard] == [stage.ana.id]


async def test_what_one_says_to_a_bot_nobody_else_sees(open_page: OpenPage, stage: Stage) -> None:
    ana, ben = await open_page(), await open_page()
    hers = await stage.enter(ana)
    his = await stage.enter(ben, stage.ben)
    await say(ana, "between us")
    await expect(hers).to_contain_text("between us")
    await say(ben, "and mine")
    await expect(his).to_contain_text("and mine")

    await expect(his).not_to_contain_text("between us")
    await expect(hers).not_to_contain_text("and mine")


async def test_on_a_phone_one_goes_back_to_the_list_and_into_another_conversation(
    open_page: OpenPage, stage: Stage
) -> None:
    page = await open_page(viewport={"width": 390, "height": 800})
    await stage.enter(page)
    rail = page.get_by_role("navigation", name="Conversations")
    await expect(rail).to_be_hidden()
    await page.get_by_role("link", name="All conversations").click()
    await expect(rail).to_be_visible()
    await expect(page.get_by_role("log")).to_have_count(0)
    await rail.get_by_role("link", name="general").click()

    await expect(page.get_by_role("heading", name="general")).to_be_visible()


async def test_one_browser_becomes_somebody_else(open_page: OpenPage, stage: Stage) -> None:
    page, other = await open_page(), await open_page()
    await stage.enter(page, channel=True)
    seen = await stage.enter(other, channel=True)
    await page.locator(".top .who summary").click()
    await page.get_by_role("button", name="Ben Ortiz").click()
    await expect(page.get_by_role("banner")).to_contain_text("Viewing as Ben Ortiz")
    await expect(page.get_by_role("heading", name="general")).to_be_visible()
    await say(page, "this is Ben")

    await expect(seen.get_by_role("article", name="Ben Ortiz")).to_contain_text("this is Ben")
    await expect(other.get_by_role("banner")).to_contain_text("Viewing as Ana Ito")
