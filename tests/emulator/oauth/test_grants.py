"""oauth_checks C, P, R and M: what a grant gives, and what it refuses."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from tests.emulator.visit import BOT, S256, VERIFIER, Visit, read

pytestmark = pytest.mark.anyio

CODE_FAULT = {"reason": "Invalid authorization code", "error": "invalid_grant"}
TOKEN_FAULT = {"reason": "Invalid Token!", "error": "invalid_grant"}


@pytest.fixture
def visit() -> Visit:
    return Visit()


def _rule(answer: Any) -> str:
    return str(answer.headers["x-emulator-refused"])


async def test_gives_tokens_for_a_code(visit: Visit) -> None:
    """C01, client_quirks 5."""
    answer = await visit.exchange(await visit.code())
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    tokens = read(answer)
    assert tokens["token_type"] == "bearer"
    assert tokens["expires_in"] == 3600
    assert tokens["scope"] == "imchat:bot user:read:user"
    assert tokens["api_url"] == "http://127.0.0.1:8700"
    assert tokens["access_token"].startswith("eyJ")
    assert tokens["refresh_token"].startswith("eyJ")


async def test_takes_a_code_once_and_revokes_what_it_gave(visit: Visit) -> None:
    """C03, C04."""
    code = await visit.code()
    tokens = read(await visit.exchange(code))
    again = await visit.exchange(code)
    assert (again.status, read(again), _rule(again)) == (400, CODE_FAULT, "code.spent")
    assert (await visit.me(tokens["access_token"])).status == 401
    assert read(await visit.refresh(tokens["refresh_token"])) == TOKEN_FAULT


@pytest.mark.parametrize(
    ("age", "status"),
    [pytest.param(295, 200, id="C06"), pytest.param(300, 400, id="E06")],
)
async def test_takes_a_code_for_five_minutes(visit: Visit, age: int, status: int) -> None:
    code = await visit.code()
    await visit.zoom.advance(age)
    assert (await visit.exchange(code)).status == status


async def test_a_wrong_clients_attempt_does_not_burn_the_code(visit: Visit) -> None:
    """C07, C25."""
    code = await visit.code()
    stranger = visit.second_app()
    refused = await visit.exchange(code, app=stranger)
    assert (read(refused), _rule(refused)) == (CODE_FAULT, "code.foreign")
    assert (await visit.exchange(code)).status == 200


@pytest.mark.parametrize(
    "uri",
    [
        pytest.param(None, id="C09"),
        pytest.param("", id="C09-empty"),
        pytest.param(f"{BOT}/oauth/callback/", id="E07"),
    ],
)
async def test_needs_the_redirect_uri_of_the_authorization(visit: Visit, uri: str | None) -> None:
    code = await visit.code()
    refused = await visit.exchange(code, redirect_uri=uri)
    assert read(refused) == {"reason": "Redirect URI mismatch.", "error": "invalid_grant"}
    assert (await visit.exchange(code)).status == 200


@pytest.mark.parametrize("uri", [None, f"{BOT}/oauth/callback"])
async def test_needs_no_redirect_uri_where_none_was_sent_before(
    visit: Visit, uri: str | None
) -> None:
    code = await visit.code(redirect_uri=None)
    assert (await visit.exchange(code, redirect_uri=uri)).status == 200


async def test_needs_a_code(visit: Visit) -> None:
    """C10."""
    for extra in ({}, {"code": ""}):
        refused = await visit.token({"grant_type": "authorization_code"} | extra)
        assert (refused.status, read(refused)["error"]) == (400, "invalid_request")


async def test_refuses_a_code_that_was_never_given(visit: Visit) -> None:
    assert read(await visit.exchange("x" * 32)) == CODE_FAULT


async def test_refuses_a_code_of_an_installation_that_is_gone(visit: Visit) -> None:
    code = await visit.code()
    await visit.zoom.remove_app(visit.installation.id)
    await visit.code()
    assert read(await visit.exchange(code)) == CODE_FAULT


async def test_refuses_a_code_of_a_user_who_is_gone(visit: Visit) -> None:
    code = await visit.code()
    visit.world.accounts[0].users.remove(visit.ana)
    refused = await visit.exchange(code)
    assert (read(refused), _rule(refused)) == (CODE_FAULT, "code.owner_gone")


@pytest.mark.parametrize(
    "grant",
    [
        "password",
        "implicit",
        "AUTHORIZATION_CODE",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "",
    ],
)
async def test_knows_only_zooms_grants(visit: Visit, grant: str) -> None:
    refused = await visit.token({"grant_type": grant})
    assert refused.status == 400
    assert read(refused) == {
        "reason": "unsupported grant type",
        "error": "unsupported_grant_type",
    }


async def test_names_a_missing_grant_as_the_rfc_does_where_told_so(visit: Visit) -> None:
    """C13."""
    visit.world.rules.error_shape = "rfc"
    refused = await visit.token({})
    assert (refused.status, read(refused)["error"]) == (400, "invalid_request")


# PKCE


@pytest.mark.parametrize("method", ["S256", "plain", None])
async def test_takes_the_verifier_of_the_challenge(visit: Visit, method: str | None) -> None:
    """P01."""
    challenge = S256 if method == "S256" else VERIFIER
    code = await visit.code(code_challenge=challenge, code_challenge_method=method)
    assert (await visit.exchange(code, code_verifier=VERIFIER)).status == 200


@pytest.mark.parametrize(
    ("method", "verifier", "rule"),
    [
        pytest.param("S256", "w" * 43, "pkce.mismatch", id="P02"),
        pytest.param("plain", "w" * 43, "pkce.mismatch", id="P02-plain"),
        pytest.param("S256", None, "pkce.missing", id="P03"),
        pytest.param("S256", "", "pkce.missing", id="P03-empty"),
        pytest.param("S256", "v" * 42, "pkce.mismatch", id="P06"),
        pytest.param("plain", "v" * 42, "pkce.mismatch", id="P06-plain"),
        pytest.param("S256", "v" * 129, "pkce.mismatch", id="E03-long"),
        pytest.param("S256", S256, "pkce.mismatch", id="P09"),
        pytest.param(None, S256, "pkce.unasked", id="E04"),
    ],
)
async def test_refuses_any_other_verifier(
    visit: Visit, method: str | None, verifier: str | None, rule: str
) -> None:
    challenge = {"S256": S256, "plain": VERIFIER, None: None}[method]
    code = await visit.code(code_challenge=challenge, code_challenge_method=method)
    refused = await visit.exchange(code, code_verifier=verifier)
    assert (refused.status, read(refused)["error"], _rule(refused)) == (400, "invalid_grant", rule)


# Refresh


async def test_gives_a_new_pair_for_a_refresh_token(visit: Visit) -> None:
    """R01, R02."""
    first = await visit.tokens()
    second = read(await visit.refresh(first["refresh_token"]))
    assert {second["access_token"], second["refresh_token"]}.isdisjoint(first.values())
    assert second["scope"] == first["scope"]
    reused = await visit.refresh(first["refresh_token"])
    assert (reused.status, read(reused), _rule(reused)) == (400, TOKEN_FAULT, "refresh.reused")
    assert (await visit.refresh(second["refresh_token"])).status == 200


async def test_can_revoke_the_whole_family_for_a_reuse(visit: Visit) -> None:
    """E09."""
    visit.world.rules.refresh_reuse = "revoke_family"
    first = await visit.tokens()
    second = read(await visit.refresh(first["refresh_token"]))
    await visit.refresh(first["refresh_token"])
    assert (await visit.me(second["access_token"])).status == 401
    assert read(await visit.refresh(second["refresh_token"])) == TOKEN_FAULT


@pytest.mark.parametrize(("rule", "status"), [("lives", 200), ("dies", 401)])
async def test_leaves_the_old_access_token_to_a_rule(visit: Visit, rule: Any, status: int) -> None:
    visit.world.rules.refreshed_access = rule
    first = await visit.tokens()
    await visit.refresh(first["refresh_token"])
    assert (await visit.me(first["access_token"])).status == status


async def test_another_clients_attempt_does_not_burn_the_refresh_token(visit: Visit) -> None:
    """R04, R05."""
    tokens = await visit.tokens()
    refused = await visit.refresh(tokens["refresh_token"], app=visit.second_app())
    assert (read(refused), _rule(refused)) == (TOKEN_FAULT, "refresh.foreign")
    assert (await visit.refresh(tokens["refresh_token"])).status == 200


async def test_takes_no_access_token_as_a_refresh_token(visit: Visit) -> None:
    """R07."""
    tokens = await visit.tokens()
    assert read(await visit.refresh(tokens["access_token"])) == TOKEN_FAULT


async def test_takes_and_reports_a_narrower_scope(visit: Visit) -> None:
    """R08."""
    tokens = await visit.tokens()
    narrowed = read(await visit.refresh(tokens["refresh_token"], scope="imchat:bot"))
    assert narrowed["scope"] == "imchat:bot"
    wider = await visit.refresh(narrowed["refresh_token"], scope="imchat:bot user:read:user")
    assert read(wider)["error"] == "invalid_scope"


@pytest.mark.parametrize(
    ("age", "status"),
    [
        pytest.param(timedelta(days=89, hours=23), 200, id="R10-alive"),
        pytest.param(timedelta(days=90), 400, id="R10"),
    ],
)
async def test_takes_a_refresh_token_for_ninety_days(
    visit: Visit, age: timedelta, status: int
) -> None:
    tokens = await visit.tokens()
    await visit.zoom.advance(age.total_seconds())
    assert (await visit.refresh(tokens["refresh_token"])).status == status


async def test_needs_a_refresh_token_and_a_client(visit: Visit) -> None:
    """R11."""
    assert read(await visit.token({"grant_type": "refresh_token"}))["error"] == "invalid_request"
    tokens = await visit.tokens()
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    refused = await visit.ask("POST", "/oauth/token", form=form)
    assert read(refused)["error"] == "invalid_client"


# Machines


async def test_gives_a_chatbot_token(visit: Visit) -> None:
    """M01, M08."""
    token = read(await visit.chatbot_token())
    assert token["expires_in"] == 3600
    assert token["api_url"] == "http://127.0.0.1:8700"
    assert token["scope"] == "imchat:bot"
    assert "refresh_token" not in token


async def test_gives_a_user_managed_app_a_chatbot_token_too(visit: Visit) -> None:
    visit.app.management, visit.app.scopes = "user", ["imchat:userapp"]
    assert read(await visit.chatbot_token())["scope"] == "imchat:bot"


async def test_gives_an_account_token_for_the_right_account(visit: Visit) -> None:
    """M04, M05."""
    grant = {"grant_type": "account_credentials"}
    token = read(await visit.token(grant | {"account_id": visit.app.account_id}))
    assert "refresh_token" not in token
    assert read(await visit.me(token["access_token"]))["id"] == visit.ana.id
    for wrong in ({"account_id": "another"}, {}):
        refused = await visit.token(grant | wrong)
        assert (refused.status, read(refused)["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("grant", ["client_credentials", "account_credentials"])
async def test_gives_no_scope_that_the_app_has_not(visit: Visit, grant: str) -> None:
    """M07."""
    account = {"account_id": visit.app.account_id}
    refused = await visit.token({"grant_type": grant, "scope": "imchat:bot user:write"} | account)
    assert read(refused)["error"] == "invalid_scope"


# At the same moment


@pytest.mark.parametrize(
    "kind", [pytest.param("code", id="D-1"), pytest.param("refresh", id="D-2")]
)
async def test_of_two_at_the_same_moment_exactly_one_wins(visit: Visit, kind: str) -> None:
    if kind == "code":
        code = await visit.code()
        both = await asyncio.gather(*(visit.exchange(code) for _ in range(5)))
    else:
        token = (await visit.tokens())["refresh_token"]
        both = await asyncio.gather(*(visit.refresh(token) for _ in range(5)))
    assert sorted(answer.status for answer in both) == [200, 400, 400, 400, 400]
