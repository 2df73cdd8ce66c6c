"""oauth_checks C, V and Z: the two endpoints, whatever clients send."""

import re

import pytest

from tests.emulator.visit import CALLBACK, Visit, read

pytestmark = pytest.mark.anyio


@pytest.fixture
def visit() -> Visit:
    return Visit()


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke"])
async def test_takes_post_alone(visit: Visit, path: str, method: str) -> None:
    """C12."""
    refused = await visit.ask(method, path, headers=visit.basic())
    assert (refused.status, refused.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (None, b""),
        ("application/octet-stream", b""),
        ("application/json", b"{}"),
        ("application/x-www-form-urlencoded;charset=UTF-8", b""),
        ("text/plain", b"\xff\xfe"),
    ],
)
async def test_reads_parameters_of_the_query_whatever_the_body(
    visit: Visit, content_type: str | None, body: bytes
) -> None:
    """client_quirks 1."""
    headers = visit.basic() | ({} if content_type is None else {"content-type": content_type})
    path = "/oauth/token?grant_type=client_credentials"
    assert (await visit.ask("POST", path, body=body, headers=headers)).status == 200


@pytest.mark.parametrize("content_type", ["application/octet-stream", "application/json", ""])
async def test_reads_a_form_whatever_it_claims_to_be(visit: Visit, content_type: str) -> None:
    """client_quirks 1."""
    headers = visit.basic() | {"content-type": content_type}
    form = {"grant_type": "client_credentials"}
    assert (await visit.ask("POST", "/oauth/token", form=form, headers=headers)).status == 200


async def test_exchanges_a_code_in_the_query(visit: Visit) -> None:
    """Z03."""
    code = await visit.code()
    query = f"grant_type=authorization_code&code={code}&redirect_uri={CALLBACK}"
    answer = await visit.ask("POST", f"/oauth/token?{query}", headers=visit.basic())
    assert answer.status == 200


async def test_reads_no_query_where_told_so(visit: Visit) -> None:
    """Z02."""
    visit.world.rules.query_parameters = "refuse"
    path = "/oauth/token?grant_type=client_credentials"
    assert (await visit.ask("POST", path, headers=visit.basic())).status == 400
    assert (await visit.chatbot_token()).status == 200


async def test_refuses_a_parameter_that_is_sent_twice(visit: Visit) -> None:
    path = "/oauth/token?grant_type=client_credentials"
    form = {"grant_type": "client_credentials"}
    refused = await visit.ask("POST", path, form=form, headers=visit.basic())
    assert (refused.status, read(refused)["error"]) == (400, "invalid_request")


async def test_refuses_a_body_beyond_all_measure(visit: Visit) -> None:
    refused = await visit.ask("POST", "/oauth/token", body=b"x" * 300_000)
    assert refused.status == 413


@pytest.mark.parametrize("grant", ['"\\\x00\x7f\u00e9', "a" * 5000, "\r\nx: y"])
async def test_describes_errors_in_the_characters_that_are_allowed(
    visit: Visit, grant: str
) -> None:
    """C22."""
    visit.world.rules.error_shape = "rfc"
    for form in ({"grant_type": grant}, {"grant_type": "authorization_code", "code": grant}):
        refused = read(await visit.token(form))
        for value in refused.values():
            assert re.fullmatch(r"[\x20-\x21\x23-\x5b\x5d-\x7e]*", value)


async def test_says_which_rule_refused(visit: Visit) -> None:
    refused = await visit.token({"grant_type": "nothing"})
    assert refused.headers["x-emulator-refused"] == "grant.unsupported"


# Revocation


async def test_revokes_a_token(visit: Visit) -> None:
    """Z05, client_quirks 3."""
    tokens = await visit.tokens()
    answer = await visit.ask(
        "POST", "/oauth/revoke", form={"token": tokens["access_token"]}, headers=visit.basic()
    )
    assert (answer.status, read(answer)) == (200, {"status": "success"})
    assert (await visit.me(tokens["access_token"])).status == 401
    assert (await visit.refresh(tokens["refresh_token"])).status == 400
    assert visit.world.installations, "the app stays installed"


async def test_revoking_a_refresh_token_kills_its_access_tokens(visit: Visit) -> None:
    """V05."""
    first = await visit.tokens()
    second = read(await visit.refresh(first["refresh_token"]))
    path = f"/oauth/revoke?token={second['refresh_token']}"
    assert (await visit.ask("POST", path, headers=visit.basic())).status == 200
    for tokens in (first, second):
        assert (await visit.me(tokens["access_token"])).status == 401


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        pytest.param({"token": "unknown"}, 200, None, id="V06"),
        pytest.param({}, 400, "invalid_request", id="V09"),
        pytest.param({"token": ""}, 400, "invalid_request", id="V09-empty"),
    ],
)
async def test_answers_what_cannot_be_revoked(
    visit: Visit, form: dict[str, str], status: int, error: str | None
) -> None:
    answer = await visit.ask("POST", "/oauth/revoke", form=form, headers=visit.basic())
    assert (answer.status, read(answer).get("error")) == (status, error)


async def test_another_client_cannot_revoke_a_token(visit: Visit) -> None:
    """V08."""
    tokens = await visit.tokens()
    headers = visit.basic(visit.second_app())
    form = {"token": tokens["access_token"]}
    assert (await visit.ask("POST", "/oauth/revoke", form=form, headers=headers)).status == 400
    assert (await visit.ask("POST", "/oauth/revoke", form=form)).status == 400
    assert (await visit.me(tokens["access_token"])).status == 200


async def test_revoking_removes_the_app_where_told_so(visit: Visit) -> None:
    visit.world.rules.revoke_uninstalls = True
    tokens = await visit.tokens()
    form = {"token": tokens["access_token"]}
    await visit.ask("POST", "/oauth/revoke", form=form, headers=visit.basic())
    assert not visit.world.installations


async def test_revoking_a_chatbot_token_removes_nothing(visit: Visit) -> None:
    visit.world.rules.revoke_uninstalls = True
    await visit.tokens()
    chatbot = read(await visit.chatbot_token())
    form = {"token": chatbot["access_token"]}
    await visit.ask("POST", "/oauth/revoke", form=form, headers=visit.basic())
    assert visit.world.installations
