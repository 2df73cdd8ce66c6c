"""oauth_checks A and X: the consent page, and the way back."""

import json

import pytest

from innkeeper.emulator.oauth.pending import KEPT
from innkeeper.net.outbound import Response
from tests.emulator.visit import (
    BOT,
    CALLBACK,
    VERIFIER,
    Visit,
    cookies,
    hidden,
    location,
    read,
    returned,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def visit() -> Visit:
    return Visit()


async def _answer(visit: Visit, shown: Response, **changes: str) -> Response:
    """Send the form of a consent page, from the browser that it was shown in."""
    form = {"request": hidden(shown, "request"), "user": visit.ana.id, "decision": "allow"}
    jar = "; ".join(f"{name}={value}" for name, value in cookies(shown).items())
    return await visit.ask("POST", "/oauth/authorize", form=form | changes, headers={"cookie": jar})


async def test_asks_and_does_not_redirect_by_itself(visit: Visit) -> None:
    """A01."""
    shown = await visit.authorize(state="s")
    assert shown.status == 200
    assert "location" not in shown.headers
    assert visit.app.name in shown.body.decode()
    assert not visit.world.codes


async def test_refuses_to_be_framed_and_names_no_referrer(visit: Visit) -> None:
    """A17, T-2."""
    shown = await visit.authorize()
    assert "frame-ancestors 'none'" in shown.headers["content-security-policy"]
    assert shown.headers["x-frame-options"] == "DENY"
    assert shown.headers["referrer-policy"] == "no-referrer"


async def test_lets_the_form_lead_to_the_app_and_nowhere_else(visit: Visit) -> None:
    """Browsers hold a form's redirects to `form-action`, too."""
    policy = (await visit.authorize()).headers["content-security-policy"]
    assert f"form-action 'self' {BOT};" in policy


async def test_goes_back_with_a_code_and_the_state(visit: Visit) -> None:
    gone = await _answer(visit, await visit.authorize(state="a b+c&d=\u00e9/%"))
    assert gone.status == 303  # A19
    assert location(gone).startswith(f"{CALLBACK}?code=")
    assert "#" not in location(gone)  # A22
    assert returned(location(gone))["state"] == ["a b+c&d=\u00e9/%"]  # A10
    assert gone.headers["referrer-policy"] == "no-referrer"  # T-2


async def test_draws_codes_that_cannot_be_guessed(visit: Visit) -> None:
    """A20."""
    codes = {await visit.code() for _ in range(20)}
    assert len(codes) == 20
    assert min(map(len, codes)) >= 22


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"client_id": "unknown"}, id="A02"),
        pytest.param({"redirect_uri": "https://elsewhere.test/"}, id="A04"),
    ],
)
async def test_shows_a_page_where_it_must_not_redirect(
    visit: Visit, changes: dict[str, str | None]
) -> None:
    shown = await visit.ask("GET", f"/oauth/authorize?{visit.query(**changes)}")
    assert shown.status == 400
    assert "location" not in shown.headers
    assert shown.headers["content-type"].startswith("text/html")
    assert "elsewhere.test" not in shown.body.decode()


async def test_gives_a_program_zooms_json_instead_of_the_page(visit: Visit) -> None:
    path = f"/oauth/authorize?{visit.query(redirect_uri='https://elsewhere.test/')}"
    shown = await visit.ask("GET", path, headers={"accept": "application/json"})
    assert shown.status == 400
    assert json.loads(shown.body) == {
        "status": False,
        "errorCode": 4700,
        "errorMessage": "Invalid redirect url",
        "result": None,
    }


async def test_says_by_which_rule_it_refused(visit: Visit) -> None:
    shown = await visit.authorize(redirect_uri="https://elsewhere.test/")
    assert shown.headers["x-emulator-refused"] == "authorize.redirect_unlisted"


async def test_sends_an_error_back_at_once(visit: Visit) -> None:
    gone = await visit.authorize(response_type=None, state="s")
    assert gone.status == 302
    assert returned(location(gone)) == {"error": ["invalid_request"], "state": ["s"]}


async def test_redirects_a_refusal_with_an_error(visit: Visit) -> None:
    gone = await _answer(visit, await visit.authorize(state="s"), decision="decline")
    assert gone.status == 303
    assert returned(location(gone)) == {"error": ["access_denied"], "state": ["s"]}
    assert not visit.world.installations


async def test_can_stay_on_the_page_after_a_refusal(visit: Visit) -> None:
    visit.world.rules.decline = "stay"
    shown = await _answer(visit, await visit.authorize(), decision="decline")
    assert (shown.status, "location" in shown.headers) == (200, False)
    assert "declined" in shown.body.decode()
    assert not visit.world.consent_requests


async def test_needs_the_page_that_was_shown(visit: Visit) -> None:
    """X-1."""
    shown = await visit.authorize()
    for changes in ({"request": ""}, {"request": "x" * 22}):
        assert (await _answer(visit, shown, **changes)).status == 400
    form = {"request": hidden(shown, "request"), "user": visit.ana.id, "decision": "allow"}
    another = {"cookie": "emu_browser=of-somebody-else"}
    foreign = await visit.ask("POST", "/oauth/authorize", form=form, headers=another)
    assert foreign.status == 400
    assert foreign.headers["x-emulator-refused"] == "consent.replayed"
    assert not visit.world.installations


async def test_takes_the_answer_of_a_client_without_cookies(visit: Visit) -> None:
    shown = await visit.authorize()
    form = {"request": hidden(shown, "request"), "user": visit.ana.id, "decision": "allow"}
    assert (await visit.ask("POST", "/oauth/authorize", form=form)).status == 303
    assert (await visit.ask("POST", "/oauth/authorize", form=form)).status == 400


async def test_refuses_a_form_from_another_origin(visit: Visit) -> None:
    """X-1."""
    shown = await visit.authorize()
    form = {"request": hidden(shown, "request"), "user": visit.ana.id, "decision": "allow"}
    jar = f"emu_browser={cookies(shown)['emu_browser']}"
    headers = {"cookie": jar, "origin": "https://evil.test"}
    assert (await visit.ask("POST", "/oauth/authorize", form=form, headers=headers)).status == 403
    assert not visit.world.installations


async def test_takes_each_page_once(visit: Visit) -> None:
    """X-2."""
    shown = await visit.authorize()
    assert (await _answer(visit, shown)).status == 303
    assert (await _answer(visit, shown)).status == 400
    assert len(visit.world.codes) == 1


async def test_keeps_two_pages_of_one_browser_apart(visit: Visit) -> None:
    first = await visit.authorize(state="one")
    jar = {"cookie": f"emu_browser={cookies(first)['emu_browser']}"}
    second = await visit.ask("GET", f"/oauth/authorize?{visit.query(state='two')}", headers=jar)
    assert returned(location(await _answer(visit, second)))["state"] == ["two"]
    assert returned(location(await _answer(visit, first)))["state"] == ["one"]


async def test_remembers_only_so_many_pages(visit: Visit) -> None:
    first = await visit.authorize()
    for _ in range(KEPT - 1):
        visit.world.consent_requests[visit.world.new_id()] = visit.world.consent_requests[
            hidden(first, "request")
        ]
    await visit.authorize()
    assert len(visit.world.consent_requests) == KEPT
    assert (await _answer(visit, first)).status == 400


@pytest.mark.parametrize(
    "changes", [{"decision": "maybe"}, {"decision": ""}, {"user": "nobody"}, {"user": ""}]
)
async def test_understands_only_allow_and_decline_by_somebody(
    visit: Visit, changes: dict[str, str]
) -> None:
    shown = await visit.authorize()
    refused = await _answer(visit, shown, **changes)
    assert refused.headers["x-emulator-refused"] == "consent.decision"
    assert (await _answer(visit, shown)).status == 303, "the page may be sent again, corrected"


async def test_makes_the_token_belong_to_whoever_was_picked(visit: Visit) -> None:
    """X-3."""
    visit.app.management = "user"
    gone = await _answer(visit, await visit.authorize(), user=visit.ben.id)
    code = returned(location(gone))["code"][0]
    tokens = read(await visit.exchange(code))
    assert read(await visit.me(tokens["access_token"]))["id"] == visit.ben.id


async def test_signs_the_browser_in_as_whoever_was_picked(visit: Visit) -> None:
    gone = await _answer(visit, await visit.authorize())
    assert cookies(gone)["emu_user"] == visit.ana.id


async def test_revokes_the_earlier_pair_when_the_same_user_authorizes_again(visit: Visit) -> None:
    """X-4."""
    first = await visit.tokens()
    await visit.code()
    assert (await visit.me(first["access_token"])).status == 401
    refused = await visit.refresh(first["refresh_token"])
    assert read(refused) == {"reason": "Invalid Token!", "error": "invalid_grant"}


async def test_can_revoke_the_earlier_pair_only_at_the_exchange(visit: Visit) -> None:
    visit.world.rules.earlier_tokens = "exchange"
    first = await visit.tokens()
    code = await visit.code()
    assert (await visit.me(first["access_token"])).status == 200
    await visit.exchange(code)
    assert (await visit.me(first["access_token"])).status == 401


async def test_goes_straight_through_while_nothing_changed(visit: Visit) -> None:
    """X-5."""
    await visit.code()
    gone = await visit.authorize(user=visit.ana, state="s")
    assert gone.status == 302
    assert returned(location(gone))["state"] == ["s"]


async def test_asks_a_browser_where_nobody_is_signed_in(visit: Visit) -> None:
    await visit.code()
    assert (await visit.authorize()).status == 200


@pytest.mark.parametrize("changed", ["scopes", "bot_endpoint", "deauthorization_endpoint"])
async def test_asks_again_after_scopes_or_endpoints_changed(visit: Visit, changed: str) -> None:
    """X-5."""
    await visit.code()
    value = {
        "scopes": [*visit.app.scopes, "team_chat:read:list_members"],
        "bot_endpoint": f"{BOT}/other",
        "deauthorization_endpoint": f"{BOT}/gone",
    }[changed]
    path = f"/_emulator/apps/{visit.app.client_id}"
    body = json.dumps({changed: value}).encode()
    assert (await visit.ask("PATCH", path, body=body)).status == 200
    assert (await visit.authorize(user=visit.ana)).status == 200
    await visit.code()
    assert (await visit.authorize(user=visit.ana)).status == 302


async def test_does_not_ask_again_after_the_name_changed(visit: Visit) -> None:
    await visit.code()
    path = f"/_emulator/apps/{visit.app.client_id}"
    await visit.ask(
        "PATCH", path, body=b'{"name":"Another","scopes":["imchat:bot","user:read:user"]}'
    )
    assert (await visit.authorize(user=visit.ana)).status == 302


async def test_asks_again_after_the_app_was_removed(visit: Visit) -> None:
    await visit.code()
    await visit.zoom.remove_app(visit.installation.id)
    assert (await visit.authorize(user=visit.ana)).status == 200


async def test_lets_only_an_admin_install_for_an_account(visit: Visit) -> None:
    shown = await visit.authorize()
    refused = await _answer(visit, shown, user=visit.ben.id)
    assert refused.status == 403
    assert "An account admin is required" in refused.body.decode()
    assert not visit.world.installations
    assert (await _answer(visit, shown)).status == 303


async def test_warns_a_member_before_an_admin_is_picked(visit: Visit) -> None:
    shown = await visit.authorize(user=visit.ben)
    assert "An account admin is required" in shown.body.decode()


async def test_a_member_does_not_go_through_on_the_admins_consent(visit: Visit) -> None:
    await visit.code()
    assert (await visit.authorize(user=visit.ben)).status == 200


async def test_keeps_a_development_app_within_its_account() -> None:
    visit = Visit()
    visit.app.account_id = "another"
    refused = await _answer(visit, await visit.authorize())
    assert refused.status == 403
    assert refused.headers["x-emulator-refused"] == "authorize.other_account"
    visit.app.environment = "production"
    assert (await _answer(visit, await visit.authorize())).status == 303


@pytest.mark.parametrize("decision", ["allow", "decline"])
async def test_judges_the_request_again_when_it_is_answered(visit: Visit, decision: str) -> None:
    shown = await visit.authorize()
    visit.app.redirect_uris = [f"{BOT}/other"]
    refused = await _answer(visit, shown, decision=decision)
    assert refused.headers["x-emulator-refused"] == "authorize.redirect_unlisted"


async def test_welcomes_a_new_installation_once(visit: Visit) -> None:
    await visit.code()
    await visit.code()
    assert not visit.bot.events("bot_installed"), "the redirect does not wait for it"
    await visit.zoom.settle()
    (event,) = visit.bot.events("bot_installed")
    assert event["payload"]["userId"] == visit.ana.id


async def test_welcomes_nobody_who_removed_the_app_meanwhile(visit: Visit) -> None:
    await visit.code()
    await visit.zoom.remove_app(visit.installation.id)
    await visit.zoom.settle()
    assert not visit.bot.events("bot_installed")


async def test_grants_only_what_was_asked_where_told_so(visit: Visit) -> None:
    """client_quirks 10."""
    visit.world.rules.granted_scopes = "asked"
    tokens = read(await visit.exchange(await visit.code(scope="user:read:user")))
    assert tokens["scope"] == "user:read:user"
    assert visit.installation.scopes == ["user:read:user"]


async def test_carries_a_challenge_from_the_page_to_the_code(visit: Visit) -> None:
    shown = await visit.authorize(code_challenge=VERIFIER)
    code = returned(location(await _answer(visit, shown)))["code"][0]
    assert (await visit.exchange(code)).status == 400
    assert (await visit.exchange(code, code_verifier=VERIFIER)).status == 200
