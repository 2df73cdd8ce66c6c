"""Can the emulator's own pages be used, seen in both schemes, and done without a script?"""

import re

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.stage import Stage
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


async def test_new_requests_appear_in_the_open_traffic_page(page: Page, stage: Stage) -> None:
    url = f"{stage.emulator.base_url}/traffic"
    await page.goto(url)
    await expect(page.locator("#wire[data-live]")).to_have_count(1)
    await expect(page.get_by_text("No request yet.")).to_be_visible()
    rows, said = page.locator(".wire > li"), page.get_by_role("status")
    await stage.get("/v2/users/me")
    await expect(rows).to_have_count(1)
    await expect(said).to_have_text("New: GET /v2/users/me")
    await rows.first.locator("summary").click()
    await page.evaluate("() => { window.untouched = true }")
    await stage.emulator.chat.says(stage.ana, stage.app.bot_jid, "good evening")
    await expect(rows).to_have_count(4)
    await expect(page.get_by_role("link", name="bot_notification")).to_be_visible()
    await expect(page.get_by_text("4 of 4")).to_be_visible()
    await expect(rows.last.locator("details")).to_have_attribute("open", "")
    assert await page.evaluate("() => window.untouched")

    await page.get_by_label("Status", exact=True).select_option("4xx")
    await page.get_by_label("App", exact=True).select_option("Every app")
    await page.get_by_role("button", name="Search").click()
    await expect(rows).to_have_count(1)
    await expect(page.locator("#wire[data-live]")).to_have_count(1)
    await stage.get("/v2/meetings/1")
    await stage.get("/v2/users/nobody")
    await expect(rows).to_have_count(2)
    await expect(rows.first).to_contain_text("/v2/users/nobody")


async def test_a_fault_shows_on_its_row_and_takes_only_what_fits_it(
    page: Page, stage: Stage
) -> None:
    await page.goto(f"{stage.emulator.base_url}/clock")
    kind = page.get_by_role("combobox", name="Fault")
    status = page.get_by_role("spinbutton", name="Status")
    seconds = page.get_by_role("spinbutton", name="Seconds")
    await expect(status).to_be_visible()
    await kind.select_option("slow")
    await expect(status).to_be_hidden()
    await expect(seconds).to_be_visible()
    await kind.select_option("html")
    await expect(seconds).to_be_hidden()
    await status.fill("504")
    await page.get_by_label("Where").fill("/v2/users")
    await page.get_by_role("button", name="Order").click()
    await expect(page.get_by_role("status")).to_contain_text("ordered")
    assert await stage.get("/v2/users") == 504

    await page.goto(f"{stage.emulator.base_url}/traffic?only=fault")
    await expect(page.locator(".wire summary")).to_contain_text("On purpose: html (fault 1)")


WITHIN_WORDS = """() => [...document.querySelectorAll('.calls code.row-words')].flatMap(code =>
    [...code.childNodes].filter(part => part.nodeType === Node.TEXT_NODE).filter(part => {
        const range = document.createRange();
        range.selectNodeContents(part);
        const lines = new Set([...range.getClientRects()].map(one => Math.round(one.top)));
        return lines.size > 1 && !/[ -]/.test(part.textContent);
    }).map(part => part.textContent))"""


async def test_no_path_breaks_within_a_word_on_a_phone(page: Page, stage: Stage) -> None:
    await page.set_viewport_size({"width": 390, "height": 800})
    await page.goto(f"{stage.emulator.base_url}/not-emulated")

    assert await page.locator(".calls code.row-words").count() > 20
    assert await page.evaluate(WITHIN_WORDS) == []


async def test_the_rules_jump_to_each_area(page: Page, stage: Stage) -> None:
    await page.goto(f"{stage.emulator.base_url}/rules")
    await page.get_by_role("navigation", name="On this page").get_by_text("Chat").click()

    await expect(page.get_by_role("heading", name="Chat", exact=True)).to_be_in_viewport()
    await expect(page.locator("main")).not_to_contain_text("`")


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
