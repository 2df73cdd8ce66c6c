"""oauth_checks P11, P12, M02: a client that has no secret, only PKCE."""

from typing import Any

import pytest

from tests.emulator.visit import CALLBACK, S256, VERIFIER, Visit, location, read, returned

pytestmark = pytest.mark.anyio

PUBLIC = "public_client"
PKCE = {"code_challenge": S256, "code_challenge_method": "S256"}


@pytest.fixture
def visit() -> Visit:
    visit = Visit()
    visit.app.public_client_id = PUBLIC
    return visit


async def _ask(visit: Visit, form: dict[str, str], path: str = "/oauth/token") -> Any:
    return await visit.ask("POST", path, form={"client_id": PUBLIC, **form})


async def _exchange(visit: Visit, code: str, verifier: str = VERIFIER) -> Any:
    grant = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    return await _ask(visit, {**grant, "code_verifier": verifier})


async def test_exchanges_and_refreshes_without_a_secret(visit: Visit):
    """P11."""
    answer = await _exchange(visit, await visit.code(client_id=PUBLIC, **PKCE))
    first = read(answer)

    again = await _ask(
        visit, {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    )

    assert (answer.status, again.status) == (200, 200)
    assert (await visit.me(read(again)["access_token"])).status == 200


async def test_is_sent_back_without_a_challenge(visit: Visit):
    """P12."""
    back = await visit.authorize(client_id=PUBLIC, state="s")

    assert returned(location(back)) == {"error": ["invalid_request"], "state": ["s"]}
    assert back.headers["x-emulator-refused"] == "authorize.pkce"


async def test_needs_the_verifier(visit: Visit):
    refused = await _exchange(visit, await visit.code(client_id=PUBLIC, **PKCE), "w" * 43)

    assert (refused.status, read(refused)) == (400, {"error": "invalid_grant"})


@pytest.mark.parametrize("grant", ["client_credentials", "account_credentials"])
async def test_may_not_act_for_itself(visit: Visit, grant: str):
    """M02."""
    refused = await _ask(visit, {"grant_type": grant, "account_id": visit.app.account_id})

    assert (refused.status, read(refused)) == (400, {"error": "unauthorized_client"})
    assert refused.headers["x-emulator-refused"] == "grant.public"


async def test_keeps_its_codes_and_tokens_apart_from_the_client_with_a_secret(visit: Visit):
    code = await visit.code(client_id=PUBLIC, **PKCE)
    foreign = await visit.exchange(code, code_verifier=VERIFIER)
    tokens = read(await _exchange(visit, code))

    assert foreign.headers["x-emulator-refused"] == "code.foreign"
    refused = await visit.refresh(tokens["refresh_token"])
    assert refused.headers["x-emulator-refused"] == "refresh.foreign"


async def test_cannot_spend_what_the_client_with_a_secret_was_given(visit: Visit):
    code = await visit.code(**PKCE)

    refused = await _exchange(visit, code)

    assert refused.headers["x-emulator-refused"] == "code.foreign"


async def test_revokes_its_own_tokens(visit: Visit):
    tokens = read(await _exchange(visit, await visit.code(client_id=PUBLIC, **PKCE)))

    answer = await _ask(visit, {"token": tokens["access_token"]}, "/oauth/revoke")

    assert read(answer) == {"status": "success"}
    assert (await visit.me(tokens["access_token"])).status == 401


async def test_is_refused_where_it_pretends_to_have_a_secret(visit: Visit):
    refused = await _ask(visit, {"grant_type": "client_credentials", "client_secret": "made up"})

    assert read(refused)["error"] == "invalid_client"


async def test_two_clients_never_share_an_id(visit: Visit):
    path = f"/_emulator/apps/{visit.app.client_id}"
    body = f'{{"public_client_id": "{visit.app.client_id}"}}'.encode()

    refused = await visit.ask("PATCH", path, body=body)

    assert (refused.status, read(refused)["error"]) == (400, "change_refused")
