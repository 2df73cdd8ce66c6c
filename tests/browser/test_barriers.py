"""Does any page of the emulator keep somebody out? Each one, with something on it."""

from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

import pytest
from playwright.async_api import Page, expect

from tests.browser.stage import BOT, Stage
from tests.browser.town import look

pytestmark = [pytest.mark.anyio, pytest.mark.browser, pytest.mark.slow]

CONSENT = "/oauth/authorize?" + urlencode(
    {"response_type": "code", "client_id": "porter", "redirect_uri": f"{BOT}/oauth/callback"}
)
REQUEST = {
    "head": {"text": "A new request", "sub_head": {"text": "Room 7"}},
    "body": [
        {"type": "message", "text": "Two towels, please.", "editable": True},
        {"type": "fields", "items": [{"key": "Floor", "value": "2", "editable": True}]},
        {"type": "select", "text": "Who goes?", "static_source": "members"},
        {"type": "hologram", "text": "no element of Zoom's"},
        {"type": "actions", "items": [{"text": "Approve", "value": "yes", "style": "Primary"}]},
    ],
}

Way = Callable[[Page, Stage], Awaitable[object]]


def at(path: str, *, signed_in: bool = True) -> Way:
    async def go(page: Page, stage: Stage) -> None:
        if not signed_in:
            await page.context.clear_cookies()
        await page.goto(f"{stage.emulator.base_url}{path}")

    return go


async def chat(page: Page, stage: Stage) -> None:
    log = await stage.enter(page)
    await expect(log).to_contain_text("Two towels")


async def commands(page: Page, stage: Stage) -> None:
    await stage.enter(page)
    await page.get_by_role("textbox").press_sequentially("/p")
    await page.keyboard.press("ArrowDown")


async def replying(page: Page, stage: Stage) -> None:
    await stage.enter(page)
    await page.get_by_role("link", name="Reply").first.click()


async def channel(page: Page, stage: Stage) -> None:
    await stage.enter(page, channel=True)
    await page.get_by_text("Apps", exact=True).last.click()


async def consent(page: Page, stage: Stage) -> None:
    stage.emulator.world.installations.clear()
    await page.goto(f"{stage.emulator.base_url}{CONSENT}")
    await expect(page.get_by_role("button", name="Allow")).to_be_visible()


async def approval(page: Page, stage: Stage) -> None:
    account = stage.emulator.world.accounts[0]
    account.approval_required = True
    await consent(page, stage)
    await page.get_by_text("Ben Ortiz").click()
    await page.get_by_role("button", name="Allow").click()
    await expect(page.get_by_role("button", name="Request approval")).to_be_visible()


async def approval_asked(page: Page, stage: Stage) -> None:
    await approval(page, stage)
    await page.get_by_role("button", name="Request approval").click()
    await expect(page.get_by_role("status")).to_contain_text("Your admins were asked")


async def delivery(page: Page, stage: Stage) -> None:
    await at("/traffic")(page, stage)
    await page.get_by_role("link", name="bot_notification").click()
    await page.get_by_text("The signature, step by step").click()


async def opened_row(page: Page, stage: Stage) -> None:
    await at("/traffic?only=refused")(page, stage)
    await page.locator(".wire summary").first.click()


async def validated(page: Page, stage: Stage) -> None:
    await at("/marketplace/apps/porter")(page, stage)
    await page.get_by_role("button", name="Validate http").last.click()
    await expect(page.get_by_role("heading", name="URL validation")).to_be_in_viewport()
    await expect(page.get_by_text("What was checked")).to_be_visible()


JID = "/launch/chat?jid=robot_"
PAGES: dict[str, Way] = {
    "home": at("/"),
    "sign-in": at("/signin", signed_in=False),
    "marketplace": at("/marketplace"),
    "app": at("/marketplace/apps/porter"),
    "app-validated": validated,
    "local-test": at("/marketplace/apps/porter/local-test"),
    "consent": consent,
    "approval": approval,
    "approval-asked": approval_asked,
    "device": at("/oauth_device"),
    "refused": at("/oauth/authorize?client_id=nobody"),
    "launch-sign-in": lambda page, stage: at(JID + stage.app.bot_jid, signed_in=False)(page, stage),
    "launch-open": lambda page, stage: at(JID + stage.app.bot_jid)(page, stage),
    "launch-switch": lambda page, stage: at(
        f"{JID}{stage.app.bot_jid}&client={stage.ben.id}")(page, stage),
    "launch-nowhere": at(JID + "nobody"),
    "chat": chat,
    "chat-commands": commands,
    "chat-reply": replying,
    "channel": channel,
    "conversations": at("/chat?list"),
    "traffic": at("/traffic"),
    "traffic-row": opened_row,
    "delivery": delivery,
    "clock": at("/clock"),
    "rules": at("/rules"),
    "not-emulated": at("/not-emulated"),
}  # fmt: skip


@pytest.fixture
async def lived_in(stage: Stage, page: Page) -> Stage:
    """Have something on every page: talk, a card, a refusal, a fault, a call in vain."""
    world, emulator = stage.emulator.world, stage.emulator
    world.rules.rate_limits = "off"
    stage.card(REQUEST)
    await emulator.chat.says(stage.ana, stage.app.bot_jid, "What is due?")
    await emulator.chat.says(stage.ben, stage.general.jid, "@Porter two towels, please")
    emulator.faults.order({"do": {"kind": "status", "status": 503}, "on": {"path": "/v2/users"}})
    assert await stage.get("/v2/users") == 503
    assert await stage.get("/v2/users/me") == 401
    assert await stage.get("/v2/meetings/1") == 501
    assert await stage.get("/v2/team_chat/some_long_name_that_nobody_lists/at_all") == 501
    await emulator.advance(7_500)
    await stage.enter(page)
    return stage


@pytest.mark.parametrize("name", PAGES)
async def test_no_page_keeps_somebody_out(page: Page, lived_in: Stage, name: str) -> None:
    await PAGES[name](page, lived_in)
    await look(page, name)
