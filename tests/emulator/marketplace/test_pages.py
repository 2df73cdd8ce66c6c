"""What a developer sets up in the Marketplace, with forms alone."""

from urllib.parse import urlencode

import pytest

from innkeeper.net.outbound import Response
from tests.emulator.visit import BOT, ZOOM, Visit, location

pytestmark = pytest.mark.anyio


@pytest.fixture
def visit() -> Visit:
    return Visit()


async def _save(visit: Visit, what: str, *fields: tuple[str, str]) -> Response:
    path = f"/marketplace/apps/{visit.app.client_id}/{what}"
    return await visit.ask("POST", path, body=urlencode(fields).encode())


async def test_lists_the_apps(visit: Visit) -> None:
    page = await visit.browser().open(f"{ZOOM}/marketplace")
    assert page.status == 200
    assert visit.app.name in page.text


async def test_shows_an_app_with_its_credentials(visit: Visit) -> None:
    page = await visit.browser().open(visit.app_page())
    for value in (visit.app.client_id, visit.app.client_secret, visit.app.secret_token):
        assert value in page.text


@pytest.mark.parametrize("rest", ["", "/local-test"])
async def test_shows_the_others_where_there_is_no_such_app(visit: Visit, rest: str) -> None:
    page = await visit.browser().open(f"{ZOOM}/marketplace/apps/unknown{rest}")
    assert (page.status, visit.app.name in page.text) == (404, True)


@pytest.mark.parametrize(
    "rest", ["endpoints", "scopes", "welcome", "secret", "add-app", "remove-app"]
)
async def test_changes_nothing_where_there_is_no_such_app(visit: Visit, rest: str) -> None:
    assert (await visit.ask("POST", f"/marketplace/apps/unknown/{rest}")).status == 404


async def test_saves_endpoints_that_prove_themselves(visit: Visit) -> None:
    page = await visit.browser().open(visit.app_page())
    saved = await visit.browser().press(
        page,
        "Validate and save",
        bot_endpoint=f" {BOT}/zoom ",
        redirect_uris=f"{BOT}/one\r\n\r\n {BOT}/two \n{BOT}/one",
    )
    assert saved.visited[-1].endswith("?done=endpoints")
    assert "Saved" in saved.text
    assert visit.app.bot_endpoint == f"{BOT}/zoom"
    assert visit.app.redirect_uris == [f"{BOT}/one", f"{BOT}/two"]


async def test_keeps_what_was_typed_beside_the_reason_it_was_refused(visit: Visit) -> None:
    visit.bot.secret = "emu_of_another_app"
    before = visit.app.bot_endpoint
    page = await visit.browser().open(visit.app_page())
    refused = await visit.browser().press(
        page, "Validate and save", bot_endpoint=f"{BOT}/typed", redirect_uris=f"{BOT}/typed-too"
    )
    assert refused.status == 400
    assert "Not saved" in refused.text
    assert "URL validation failed" in refused.text
    assert f"{BOT}/typed" in refused.html
    assert f"{BOT}/typed-too" in refused.html
    assert visit.app.bot_endpoint == before


async def test_asks_no_proof_of_an_endpoint_that_stays(visit: Visit) -> None:
    visit.bot.silent = True
    page = await visit.browser().open(visit.app_page())
    saved = await visit.browser().press(page, "Validate and save", redirect_uris=f"{BOT}/new")
    assert saved.status == 200
    assert visit.app.redirect_uris == [f"{BOT}/new"]


async def test_saves_scopes(visit: Visit) -> None:
    saved = await _save(visit, "scopes", ("scope", "imchat:bot"), ("scope", "user:read:email"))
    assert location(saved).endswith("?done=scopes")
    assert visit.app.scopes == ["imchat:bot", "user:read:email"]
    assert visit.app.consent_version == 2


async def test_offers_scopes_that_the_app_could_ask_for(visit: Visit) -> None:
    page = await visit.browser().open(visit.app_page())
    assert 'value="imchat:bot" checked' in page.html
    assert 'value="team_chat:write:user_message">' in page.html
    visit.app.management, visit.app.scopes = "user", []
    page = await visit.browser().open(visit.app_page())
    assert 'value="imchat:bot"' not in page.html


async def test_refuses_a_scope_that_is_none(visit: Visit) -> None:
    refused = await _save(visit, "scopes", ("scope", "a b"))
    assert refused.status == 400
    assert visit.app.consent_version == 1


async def test_saves_the_welcome(visit: Visit) -> None:
    fields = [("mode", "static"), ("title", " Hello "), ("body", "one\r\ntwo")]
    assert (await _save(visit, "welcome", *fields)).status == 303
    assert (visit.app.welcome.mode, visit.app.welcome.title) == ("static", "Hello")
    assert visit.app.welcome.body == "one\ntwo"


async def test_refuses_a_welcome_of_another_kind(visit: Visit) -> None:
    refused = await _save(visit, "welcome", ("mode", "loud"), ("title", "typed"))
    assert refused.status == 400
    assert "typed" in refused.body.decode()
    assert visit.app.welcome.mode == "dynamic"


async def test_makes_a_new_secret_token(visit: Visit) -> None:
    before = visit.app.secret_token
    page = await visit.browser().open(visit.app_page())
    changed = await visit.browser().press(page, "Regenerate secret token")
    assert visit.app.secret_token != before
    assert visit.app.secret_token.startswith("emu_")
    assert visit.app.secret_token in changed.text


async def test_shows_an_app_without_a_command(visit: Visit) -> None:
    visit.app.command = ""
    page = await visit.browser().open(visit.app_page())
    assert (page.status, "Slash command" in page.text) == (200, False)


async def test_notes_what_zooms_validation_would_say(visit: Visit) -> None:
    visit.app.management = "user"
    page = await visit.browser().open(visit.app_page())
    assert "imchat:bot validates only under ADMIN_MANAGEMENT" in page.text


async def test_escapes_what_an_app_is_called(visit: Visit) -> None:
    visit.app.name = "<img src=x onerror=alert(1)>"
    page = await visit.browser().open(f"{ZOOM}/marketplace")
    assert "<img src=x" not in page.html
