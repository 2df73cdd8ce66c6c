"""An app's own pages, in its author's colours and in German, and what they do stays."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from innkeeper import App, Pages, UserId
from innkeeper.flows.invitations import Invitations
from tests.browser.conftest import OpenPage, built
from tests.browser.town import Town, install, look, sign_in
from tests.ui.german import GERMAN

pytestmark = [pytest.mark.anyio, pytest.mark.browser]

STYLE = """
:root { --press: #5b2a86; --press-over: #45206a; --accent: #5b2a86; }
@media (prefers-color-scheme: dark) {
  :root { --press: #8e5bbf; --press-over: #8e5bbf; --on-press: #ffffff; --accent: #d9bdf3; }
}
"""


def purple(folder: Path) -> App:
    style = folder / "brand.css"
    style.write_text(STYLE)
    pages = Pages(style=style, texts={"de": GERMAN})
    return App("Nachtportier", description="Weckt Sie rechtzeitig.", pages=pages)


async def test_wears_its_authors_colours_and_speaks_german(
    open_page: OpenPage, tmp_path: Path
) -> None:
    page = await open_page(locale="de-CH")
    async with built(purple(tmp_path), tmp_path) as town:
        await page.goto(f"{town.bot_url}/")
        button = page.get_by_role("link", name="Zu Zoom hinzufügen")
        await expect(button).to_have_css("background-color", "rgb(91, 42, 134)")
        await look(page, "40-own-index")
        await install(page, town)
        await expect(page.get_by_role("heading", name="Nachtportier ist bereit")).to_be_visible()
        await page.get_by_role("link", name="Auf dieser Seite bleiben").click()
        await look(page, "41-own-launch")
        receipt = page.locator("a[href*='/receipts/']").first
        await receipt.click()
        await expect(page.get_by_role("heading", name="Noch nichts gelöscht")).to_be_visible()
        await look(page, "42-own-receipt")


async def test_says_what_it_cannot_say_in_german_in_english(
    open_page: OpenPage, tmp_path: Path
) -> None:
    page = await open_page(locale="de-DE")
    async with built(purple(tmp_path), tmp_path) as town:
        await page.goto(f"{town.bot_url}/oauth/callback?code=x&state=never-made")
        await expect(page.get_by_role("link", name="Neu beginnen")).to_be_visible()
        await expect(page.get_by_text("This installation is not open")).to_be_visible()


async def test_who_declines_can_go_back_to_where_they_came_from(page: Page, town: Town) -> None:
    await sign_in(page, town, "Ana")
    await page.goto(town.app.install_url(return_to="/healthz"))
    await page.get_by_role("button", name="Decline").click()
    await expect(page.get_by_role("heading", name=re.compile("was not added"))).to_be_visible()
    await look(page, "43-cancelled")
    await page.get_by_role("link", name="Go back").click()
    await expect(page).to_have_url(f"{town.bot_url}/healthz")


async def test_who_allows_is_led_back_and_sees_the_launch_page_when_they_reload(
    page: Page, town: Town
) -> None:
    await sign_in(page, town, "Ana")
    await page.goto(town.app.install_url(return_to="/healthz"))
    await page.get_by_role("button", name="Allow").click()
    await expect(page).to_have_url(f"{town.bot_url}/healthz")
    await page.go_back()
    await page.goto(f"{town.bot_url}/install")  # Zoom asks no more: straight through
    await expect(page).to_have_url(re.compile(rf"{town.bot_url}/launch\?receipt="))


async def test_a_slow_zoom_is_waited_for_by_a_page_that_looks_again(page: Page, town: Town) -> None:
    parts = await town.app.start()
    parts.installer.attempts.patience_seconds = 0.3
    town.emulator.faults.add({"kind": "slow", "seconds": 2}, on={"path": "/oauth/token"}, times=1)
    await sign_in(page, town, "Ana")
    await page.goto(f"{town.bot_url}/install")
    await page.get_by_role("button", name="Allow").click()
    await expect(page.get_by_role("heading", name="Zoom takes its time")).to_be_visible()
    await expect(page).to_have_url(re.compile(rf"{town.bot_url}/launch\?receipt="))


async def test_the_page_that_waits_keeps_nobody_out(page: Page, town: Town) -> None:
    parts = await town.app.start()
    parts.installer.attempts.patience_seconds = 0.3
    town.emulator.faults.add({"kind": "slow", "seconds": 6}, on={"path": "/oauth/token"}, times=1)
    await sign_in(page, town, "Ana")
    await page.goto(f"{town.bot_url}/install")
    await page.get_by_role("button", name="Allow").click()
    await expect(page.get_by_role("heading", name="Zoom takes its time")).to_be_visible()
    await page.evaluate("window.stop()")  # while it is looked at, it does not look again
    await look(page, "44-working")


async def test_a_link_for_somebody_else_and_a_link_too_old_say_so(page: Page, town: Town) -> None:
    await sign_in(page, town, "Ana")
    await page.goto(town.app.install_url(user_id=UserId("another")))
    await page.get_by_role("button", name="Allow").click()
    await expect(page.locator("body")).to_contain_text("account_mismatch")
    await look(page, "45-mismatch")
    parts = await town.app.start()
    old = Invitations(
        secret=parts.settings.client_secret, public_url=parts.settings.public_url
    ).write(
        metadata={},
        return_to="",
        account_id=None,
        user_id=None,
        lifetime=timedelta(hours=1),
        now=parts.clock.now() - timedelta(hours=2),
    )
    await page.goto(f"{town.bot_url}/install?invitation={old}")
    await expect(page.locator("body")).to_contain_text("invitation_expired")
    await look(page, "46-expired")
    await page.get_by_role("link", name="Start again").click()
    await expect(page).to_have_url(f"{town.bot_url}/")


async def test_an_account_that_is_not_listed_is_told_so(page: Page, tmp_path: Path) -> None:
    async with built(App("Porter"), tmp_path, accounts=frozenset({"another"})) as town:
        await sign_in(page, town, "Ana")
        await page.goto(f"{town.bot_url}/install")
        await page.get_by_role("button", name="Allow").click()
        await expect(page.locator("body")).to_contain_text("account_not_allowed")
        await look(page, "47-not-allowed")
