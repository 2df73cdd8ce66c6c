"""The whole lifecycle, by somebody with a real browser."""

import asyncio
import re

import pytest
from playwright.async_api import Page, expect

from tests.browser.town import Town, shoot, sign_in

pytestmark = [pytest.mark.anyio, pytest.mark.browser]


async def test_from_add_app_to_the_receipt(page: Page, town: Town) -> None:
    await sign_in(page, town, "Ana")
    await page.goto(town.local_test)
    await shoot(page, "01-local-test")
    await page.get_by_role("button", name="Add App Now").click()
    await expect(page.get_by_role("button", name="Allow")).to_be_visible()
    await shoot(page, "02-consent")
    await page.get_by_role("button", name="Allow").click()

    await expect(page).to_have_url(re.compile(rf"{town.bot_url}/launch"))
    await shoot(page, "03-launch")
    receipt = await page.locator("a[href*='/receipts/']").first.get_attribute("href")
    assert receipt
    link = page.locator("a[href*='/launch/chat']").first
    await link.click()
    await shoot(page, "04-deep-link")
    if "/launch/chat" in page.url:
        await page.get_by_role("link", name=re.compile("[Oo]pen")).first.click()
    await expect(page).to_have_url(re.compile(rf"{town.zoom_url}/chat"))

    conversation = page.get_by_role("log")
    await expect(conversation).to_contain_text("Thanks for adding me!")
    await expect(conversation).to_contain_text("Hi Ana")
    composer = page.get_by_role("textbox")
    await composer.fill(f"/{town.record.command} due friday ship it")
    await composer.press("Enter")
    await expect(conversation).to_contain_text("A new request")
    await shoot(page, "05-chat")
    await conversation.get_by_role("button", name="Approve").click()
    await expect(conversation).to_contain_text("Approved")
    await expect(conversation).to_contain_text("edited")
    await expect(conversation).not_to_contain_text("A new request")
    await shoot(page, "06-edited")

    await page.goto(f"{town.zoom_url}/traffic")
    await expect(page.locator("body")).to_contain_text("bot_installed")
    await shoot(page, "07-traffic")
    await page.goto(town.local_test)
    await page.get_by_role("button", name="Remove App").click()
    await expect(page.get_by_role("button", name="Add App Now")).to_be_visible()
    await shoot(page, "08-removed")
    await page.goto(receipt)
    async with asyncio.timeout(10):
        while "innkeeper receipt verify" not in await page.content():
            await page.reload()
    await shoot(page, "09-receipt")


async def test_consent_returns_only_after_a_scope_is_added(page: Page, town: Town) -> None:
    await sign_in(page, town, "Ana")
    await page.goto(f"{town.bot_url}/install")
    await page.get_by_role("button", name="Allow").click()
    await expect(page).to_have_url(re.compile(rf"{town.bot_url}/launch"))
    await page.goto(f"{town.bot_url}/install")
    await expect(page).to_have_url(re.compile(rf"{town.bot_url}/launch"))
    town.record.scopes.append("team_chat:read:list_user_channels")
    town.record.consent_version += 1
    await page.goto(f"{town.bot_url}/install")
    await expect(page.get_by_role("button", name="Allow")).to_be_visible()


async def test_explains_an_attempt_it_does_not_know(page: Page, town: Town) -> None:
    await page.goto(f"{town.bot_url}/oauth/callback?code=x&state=never-made")
    await expect(page.locator("body")).to_contain_text("state_unknown")
    await shoot(page, "10-problem")
    await page.goto(f"{town.bot_url}/")
    await shoot(page, "11-index")
