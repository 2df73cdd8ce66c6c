"""Both sides of every switch about OAuth."""

from typing import Any
from urllib.parse import urlencode

import pytest

from innkeeper.emulator.rules import preset
from tests.emulator.visit import (
    BOT,
    CALLBACK,
    S256,
    VERIFIER,
    ZOOM,
    Visit,
    location,
    read,
    returned,
)

pytestmark = pytest.mark.anyio

DAY = 86_400


@pytest.fixture
def visit() -> Visit:
    return Visit()


def refused_by(answer: Any) -> str:
    return str(answer.headers.get("x-emulator-refused", ""))


@pytest.mark.parametrize("rule", ["ignored", "come_back"])
async def test_unknown_parameters(visit: Visit, rule: Any):
    visit.world.rules.unknown_parameters = rule
    query = visit.query(state="s") + "&plan=a%20b&url=x&code=evil&error=evil&iss=evil"

    landed = await visit.zoom.authorize(f"{ZOOM}/oauth/authorize?{query}", visit.ana)

    back = returned(landed)
    assert (len(back["code"]), back["code"] == ["evil"], back["state"]) == (1, False, ["s"])
    kept = {name: back[name] for name in set(back) - {"code", "state"}}
    assert kept == ({"plan": ["a b"], "url": ["x"]} if rule == "come_back" else {})


@pytest.mark.parametrize(("rule", "status"), [("redirect", 302), ("ask", 200)])
async def test_standing_consent(visit: Visit, rule: Any, status: int):
    await visit.code()
    visit.world.rules.standing_consent = rule

    assert (await visit.authorize(user=visit.ana)).status == status


@pytest.mark.parametrize(
    ("rule", "kind"), [("page", "text/html; charset=utf-8"), ("json", "application/json")]
)
async def test_authorize_errors(visit: Visit, rule: Any, kind: str):
    visit.world.rules.authorize_errors = rule

    refused = await visit.authorize(redirect_uri="https://evil.test/")

    assert (refused.status, refused.headers["content-type"]) == (400, kind)
    if rule == "json":
        assert read(refused) == {
            "status": False,
            "errorCode": 4700,
            "errorMessage": "Invalid redirect url",
            "result": None,
        }


@pytest.mark.parametrize(("rule", "status"), [("allow", 200), ("refuse", 400)])
async def test_base_url_redirects(visit: Visit, rule: Any, status: int):
    visit.app.redirect_uris = [f"{BOT}/"]
    visit.app.strict_redirects = False
    visit.world.rules.base_url_redirects = rule

    assert (await visit.authorize(redirect_uri=f"{BOT}/deep/callback")).status == status


@pytest.mark.parametrize("rule", ["refuse", "ignore"])
async def test_unknown_scopes(visit: Visit, rule: Any):
    visit.world.rules.unknown_scopes = rule
    visit.world.rules.granted_scopes = "asked"
    asked = "imchat:bot moon:write"

    if rule == "refuse":
        sent_back = await visit.authorize(user=visit.ana, scope=asked)
        assert returned(location(sent_back))["error"] == ["invalid_scope"]
        return
    tokens = read(await visit.exchange(await visit.code(scope=asked)))
    assert tokens["scope"] == "imchat:bot"


@pytest.mark.parametrize(("rule", "status"), [("optional", 200), ("required", 302)])
async def test_pkce(visit: Visit, rule: Any, status: int):
    visit.world.rules.pkce = rule

    assert (await visit.authorize()).status == status
    assert (await visit.authorize(code_challenge=VERIFIER)).status == 200


@pytest.mark.parametrize(("rule", "status"), [("allow", 200), ("refuse", 302)])
async def test_plain_challenge(visit: Visit, rule: Any, status: int):
    visit.world.rules.plain_challenge = rule

    assert (await visit.authorize(code_challenge=VERIFIER)).status == status
    safe = await visit.authorize(code_challenge=S256, code_challenge_method="S256")
    assert safe.status == 200


async def test_no_issuer_by_default(visit: Visit):
    """I-1."""
    landed = await visit.zoom.authorize(f"http://127.0.0.1:8700/?{visit.query()}", visit.ana)

    assert "iss" not in returned(landed)
    hidden = await visit.ask("GET", "/.well-known/oauth-authorization-server")
    assert (hidden.status, refused_by(hidden)) == (404, "http.not_found")


async def test_the_issuer_where_it_is_wanted(visit: Visit):
    """I-1, I-2."""
    visit.world.rules.issuer = "sent"

    landed = await visit.zoom.authorize(f"http://127.0.0.1:8700/?{visit.query()}", visit.ana)
    declined = await visit.authorize(scope="moon:write")
    metadata = read(await visit.ask("GET", "/.well-known/oauth-authorization-server"))

    issuer = visit.zoom.base_url
    assert returned(landed)["iss"] == [issuer]
    assert returned(location(declined))["iss"] == [issuer]
    assert metadata["issuer"] == issuer
    assert metadata["authorization_response_iss_parameter_supported"] is True
    assert metadata["code_challenge_methods_supported"] == ["plain", "S256"]


@pytest.mark.parametrize(
    ("rule", "account", "chatbot"),
    [("allow", 200, 200), ("refuse_account", 400, 200), ("refuse", 400, 400)],
)
async def test_query_parameters(visit: Visit, rule: Any, account: int, chatbot: int):
    visit.world.rules.query_parameters = rule
    owner = visit.app.account_id

    for grant, status in (
        ({"grant_type": "account_credentials", "account_id": owner}, account),
        ({"grant_type": "client_credentials"}, chatbot),
    ):
        path = f"/oauth/token?{urlencode(grant)}"
        answer = await visit.ask("POST", path, headers=visit.basic())
        assert answer.status == status


@pytest.mark.parametrize(("rule", "status"), [("allow", 200), ("refuse", 400)])
async def test_tokens_in_query(visit: Visit, rule: Any, status: int):
    visit.world.rules.tokens_in_query = rule
    given = await visit.tokens()
    grant = {"grant_type": "refresh_token", "refresh_token": given["refresh_token"]}

    answer = await visit.ask("POST", f"/oauth/token?{urlencode(grant)}", headers=visit.basic())
    assert answer.status == status
    revoked = await visit.ask(
        "POST", f"/oauth/revoke?token={given['access_token']}", headers=visit.basic()
    )
    assert revoked.status == status


@pytest.mark.parametrize(("rule", "status"), [("refuse", 401), ("allow", 200)])
async def test_access_token_in_query(visit: Visit, rule: Any, status: int):
    """V11."""
    visit.world.rules.access_token_in_query = rule
    given = await visit.tokens()

    answer = await visit.ask("GET", f"/v2/users/me?access_token={given['access_token']}")

    assert answer.status == status


@pytest.mark.parametrize("rule", ["invalid_grant", "invalid_request"])
async def test_code_error(visit: Visit, rule: Any):
    visit.world.rules.code_error = rule

    refused = read(await visit.exchange("x" * 32))

    assert refused == {"reason": "Invalid authorization code", "error": rule}


@pytest.mark.parametrize("rule", ["400", "401"])
async def test_refresh_status(visit: Visit, rule: Any):
    visit.world.rules.refresh_status = rule

    assert (await visit.refresh("x" * 32)).status == int(rule)


async def test_a_spent_refresh_token_is_tolerated_a_few_times(visit: Visit):
    visit.world.rules.refresh_reuse = "grace"
    visit.world.rules.refresh_grace = 2
    spent = (await visit.tokens())["refresh_token"]
    await visit.refresh(spent)

    assert [(await visit.refresh(spent)).status for _ in range(3)] == [200, 200, 400]
    assert refused_by(await visit.refresh(spent)) == "refresh.tolerance"


@pytest.mark.parametrize(("days", "status"), [(90, 400), (91, 200)])
async def test_refresh_days(visit: Visit, days: int, status: int):
    visit.world.rules.refresh_days = days
    given = await visit.tokens()
    await visit.zoom.advance(90 * DAY)

    assert (await visit.refresh(given["refresh_token"])).status == status


@pytest.mark.parametrize("seconds", [3600, 3599])
async def test_expires_in(visit: Visit, seconds: Any):
    visit.world.rules.expires_in = seconds

    assert (await visit.tokens())["expires_in"] == seconds


@pytest.mark.parametrize("rule", ["sent", "absent"])
async def test_api_url(visit: Visit, rule: Any):
    visit.world.rules.api_url = rule

    assert ("api_url" in await visit.tokens()) == (rule == "sent")


@pytest.mark.parametrize(("rule", "dots"), [("jwt", 2), ("opaque", 0)])
async def test_token_format(visit: Visit, rule: Any, dots: int):
    visit.world.rules.token_format = rule
    given = await visit.tokens()

    assert given["access_token"].count(".") == dots
    assert (await visit.me(given["access_token"])).status == 200


@pytest.mark.parametrize(("rule", "status"), [("all", 200), ("newest", 401)])
async def test_account_tokens(visit: Visit, rule: Any, status: int):
    visit.world.rules.account_tokens = rule
    grant = {"grant_type": "account_credentials", "account_id": visit.app.account_id}
    first = read(await visit.token(grant))
    second = read(await visit.token(grant))

    assert (await visit.me(first["access_token"])).status == status
    assert (await visit.me(second["access_token"])).status == 200


@pytest.mark.parametrize(("rule", "status"), [("die", 401), ("live", 200)])
async def test_removed_tokens(visit: Visit, rule: Any, status: int):
    visit.world.rules.removed_tokens = rule
    given = await visit.tokens()
    await visit.zoom.remove_app(visit.installation.id)

    assert (await visit.me(given["access_token"])).status == status


@pytest.mark.parametrize("code", ["4711", "201"])
async def test_a_call_needs_its_scope(visit: Visit, code: Any):
    visit.world.rules.scope_error = code
    visit.app.scopes = ["imchat:bot"]
    given = await visit.tokens()

    refused = await visit.me(given["access_token"])

    assert (refused.status, refused_by(refused)) == (400, "token.scope")
    assert read(refused) == {
        "code": int(code),
        "message": "Invalid access token, does not contain scopes:[user:read:user, user:read].",
    }
    visit.world.rules.scopes = "ignore"
    assert (await visit.me(given["access_token"])).status == 200


async def test_a_scope_for_the_account_allows_what_the_users_does(visit: Visit):
    visit.app.scopes = ["user:read:user:admin"]

    assert (await visit.me((await visit.tokens())["access_token"])).status == 200


async def test_the_paranoid_take_a_whole_authorization_all_the_same(visit: Visit):
    visit.world.rules = preset("paranoid")
    code = await visit.code(code_challenge=S256, code_challenge_method="S256")

    given = await visit.exchange(code, code_verifier=VERIFIER, redirect_uri=CALLBACK)

    assert given.status == 200
