"""Can the emulator's own pages be used, seen in both schemes, and done without a script?"""

import re

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.town import Town, install, look

pytestmark = [pytest.mark.anyio, pytest.mark.browser]


async def test_the_clock_moves_two_hours_at_a_press(page: Page, town: Town) -> None:
    await page.goto(f"{town.zoom_url}/clock")
    await page.get_by_role("button", name="+2 hours").click()

    await expect(page.get_by_role("banner")).to_contain_text("2 h ahead")
    await look(page, "20-clock")


async def test_a_rule_keeps_the_value_that_is_chosen(page: Page, town: Town) -> None:
    await page.goto(f"{town.zoom_url}/rules")
    rule = page.get_by_label("decline", exact=True)
    await expect(page.get_by_role("button", name="Set decline", exact=True)).to_be_hidden()
    async with page.expect_navigation():
        await rule.select_option("stay")
    await page.goto(f"{town.zoom_url}/rules")
    await expect(rule).to_have_value("stay")
    assert town.emulator.world.rules.decline == "stay"
    await look(page, "21-rules")

    await page.get_by_role("button", name="zoom", exact=True).click()
    await expect(rule).to_have_value("redirect")


async def test_traffic_explains_a_refusal_and_a_signature(page: Page, town: Town) -> None:
    await page.request.get(f"{town.zoom_url}/v2/users/me")
    await page.goto(f"{town.zoom_url}/traffic")
    await page.get_by_role("searchbox").fill("/v2/users/me")
    await page.get_by_role("button", name="Search").click()
    rows = page.locator(".wire details")
    await expect(rows).to_have_count(1)
    await rows.locator("summary").click()

    await expect(rows).to_contain_text("Refused: token.missing")
    await expect(rows).to_contain_text(f"curl {town.zoom_url}/v2/users/me")
    await expect(rows.get_by_role("link", name="token.missing")).to_be_visible()
    await look(page, "22-refused")

    await install(page, town)
    await page.goto(f"{town.zoom_url}/traffic")
    await page.get_by_role("link", name="bot_installed").click()
    await page.get_by_text("The signature, step by step").click()

    await expect(page.locator(".explained")).to_contain_text("HMAC-SHA256")
    await expect(page.get_by_text("It fits.")).to_be_visible()
    await look(page, "23-delivery")


async def test_everything_works_without_a_script(open_page: OpenPage, town: Town) -> None:
    plain = await open_page(java_script_enabled=False)
    await install(plain, town)
    await plain.goto(f"{town.zoom_url}/chat")
    await plain.get_by_role("link", name=re.compile(town.record.name)).first.click()
    composer = plain.get_by_role("textbox")
    await composer.fill(f"/{town.record.command} due friday ship it")
    await plain.get_by_role("button", name="Send").click()
    await expect(plain.get_by_role("log")).to_contain_text("due friday ship it")

    await plain.goto(f"{town.zoom_url}/traffic")
    await expect(plain.locator("main")).to_contain_text("bot_notification")
    await plain.locator(".wire summary").first.click()
    await expect(plain.locator(".wire details").first).to_contain_text("curl")
    await plain.goto(f"{town.zoom_url}/rules")
    await expect(plain.get_by_role("button", name="Set decline", exact=True)).to_be_visible()
