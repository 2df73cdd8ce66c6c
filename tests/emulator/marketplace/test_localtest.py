"""Add App Now, and Remove App."""

import pytest

from innkeeper.emulator.marketplace.localtest import authorization_url
from tests.emulator.visit import BOT, CALLBACK, ZOOM, Visit, location, returned

pytestmark = pytest.mark.anyio


@pytest.fixture
def visit() -> Visit:
    return Visit()


async def test_adds_the_app_for_whoever_is_picked_and_removes_it(visit: Visit) -> None:
    browser = visit.browser()
    page = await browser.open(visit.app_page("/local-test"))
    assert "Nobody has added it" in page.text
    consent = await browser.press(page, "Add App Now")
    assert consent.url.startswith(f"{ZOOM}/oauth/authorize?")
    landed = await browser.press(consent, "Allow")
    assert landed.url.startswith(f"{CALLBACK}?code=")
    assert set(returned(landed.url)) == {"code"}, "an install that begins at Zoom has no state"
    page = await browser.open(visit.app_page("/local-test"))
    removed = await browser.press(page, "Remove App")
    assert "Zoom tells only production apps" in removed.text
    assert "Nobody has added it" in removed.text
    assert not visit.world.installations


async def test_goes_straight_through_when_consent_stands(visit: Visit) -> None:
    await visit.code()
    asked = await visit.ask("POST", f"/marketplace/apps/{visit.app.client_id}/add-app")
    gone = await visit.ask("GET", location(asked), user=visit.ana)
    assert (gone.status, location(gone).startswith(CALLBACK)) == (302, True)


async def test_lets_its_form_lead_to_the_app(visit: Visit) -> None:
    shown = await visit.ask("GET", f"/marketplace/apps/{visit.app.client_id}/local-test")
    assert f"form-action 'self' {BOT};" in shown.headers["content-security-policy"]


async def test_shows_the_authorization_url(visit: Visit) -> None:
    page = await visit.browser().open(visit.app_page("/local-test"))
    url = authorization_url(visit.app, ZOOM)
    assert url.startswith(f"{ZOOM}/oauth/authorize?response_type=code&client_id=")
    assert url.replace("&", "&amp;") in page.html


async def test_cannot_add_an_app_without_a_redirect_url(visit: Visit) -> None:
    visit.app.redirect_uris = []
    page = await visit.browser().open(visit.app_page("/local-test"))
    assert "no redirect URL yet" in page.text
    gone = await visit.ask("POST", f"/marketplace/apps/{visit.app.client_id}/add-app")
    assert location(gone) == f"/marketplace/apps/{visit.app.client_id}/local-test"


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [(f"{BOT}/deauthorize", "app_deauthorized is on its way"), ("", "the app was not told")],
)
async def test_says_whether_a_production_app_is_told(
    visit: Visit, endpoint: str, words: str
) -> None:
    visit.app.environment, visit.app.deauthorization_endpoint = "production", endpoint
    await visit.code()
    browser = visit.browser()
    page = await browser.open(visit.app_page("/local-test"))
    assert words in (await browser.press(page, "Remove App")).text


@pytest.mark.parametrize("signed_in", ["admin", "member", "nobody"])
async def test_names_an_admin_of_the_account_as_the_remover(visit: Visit, signed_in: str) -> None:
    visit.app.environment = "production"
    await visit.code()
    boss = visit.world.users()[2]
    boss.role = "admin"
    user = {"admin": boss, "member": visit.ben, "nobody": None}[signed_in]
    path = f"/marketplace/apps/{visit.app.client_id}/remove-app"
    await visit.ask("POST", path, form={"installation": visit.installation.id}, user=user)
    await visit.zoom.settle()
    (event,) = visit.bot.events("app_deauthorized")
    wanted = boss if signed_in == "admin" else visit.ana
    assert event["payload"]["user_id"] == wanted.id


async def test_removing_twice_says_so(visit: Visit) -> None:
    await visit.code()
    path = f"/marketplace/apps/{visit.app.client_id}/remove-app"
    form = {"installation": visit.installation.id}
    await visit.ask("POST", path, form=form)
    assert location(await visit.ask("POST", path, form=form)).endswith("?removed=before")


async def test_removes_no_other_apps_installation(visit: Visit) -> None:
    other = visit.second_app()
    await visit.code(client_id=other.client_id)
    path = f"/marketplace/apps/{visit.app.client_id}/remove-app"
    await visit.ask("POST", path, form={"installation": visit.installation.id})
    assert visit.installation.client_id == other.client_id
