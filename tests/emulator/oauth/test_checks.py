"""Group E of the bad inputs, exactly; and that no check of the list is without a test."""

import asyncio
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from innkeeper.net.outbound import Response
from tests.emulator.visit import BOT, CALLBACK, S256, VERIFIER, Visit, read

pytestmark = pytest.mark.anyio

LISTED = (
    "A01 A02 A04 A05 A07 A08 A10 A11 A13 A14 A16 A17 A19 A20 A22"
    " C01 C03 C04 C06 C07 C09 C10 C12 C13 C15 C16 C18 C19 C21 C22 C24 C25"
    " P01 P02 P03 P05 P06 P08 P09 P11 P12 R01 R02 R04 R05 R07 R08 R10 R11"
    " M01 M02 M04 M05 M07 M08 V02 V03 V05 V06 V08 V09 V11 V12 Z02 Z03 Z05"
    " I-1 I-2 X-1 X-2 X-3 X-4 X-5 X-6 L-1 L-2 L-3 L-4 D-1 D-2 D-3 T-1 T-2 T-3 T-4 T-5"
    " E01 E02 E03 E04 E05 E06 E07 E08 E09 E10 E11 E12"
)


@pytest.fixture
def visit() -> Visit:
    return Visit()


def told(visit: Visit, answer: Response) -> tuple[int, str, str]:
    """Read an answer's status and rule, and the number that the traffic view names."""
    (*_, last) = visit.zoom.traffic.records()
    assert last.refusal is not None
    number = re.search(r"\b47\d\d\b", last.refusal.why)
    return answer.status, last.refusal.rule, number[0] if number else ""


@pytest.mark.parametrize(
    ("uri", "code"),
    [
        pytest.param(f"{CALLBACK}x", 4700, id="E01-suffix"),
        pytest.param(CALLBACK[:-1], 4700, id="E01-prefix"),
        pytest.param(CALLBACK.upper(), 4700, id="E01-case"),
    ],
)
async def test_shows_the_number_and_does_not_redirect(visit: Visit, uri: str, code: int) -> None:
    visit.world.rules.authorize_errors = "json"

    refused = await visit.authorize(redirect_uri=uri)

    assert (refused.status, read(refused)["errorCode"]) == (400, code)
    assert "location" not in refused.headers


@pytest.mark.parametrize(
    ("method", "verifier"),
    [
        pytest.param("S256", None, id="E03-missing"),
        pytest.param("S256", "w" * 43, id="E03-wrong"),
        pytest.param("S256", "v" * 42, id="E03-short"),
        pytest.param("S256", "v" * 129, id="E03-long"),
        pytest.param("S256", S256, id="E03-plain"),
        pytest.param(None, VERIFIER, id="E04-unasked"),
    ],
)
async def test_takes_no_verifier_but_the_right_one(
    visit: Visit, method: str | None, verifier: str | None
) -> None:
    challenge = S256 if method else None
    code = await visit.code(code_challenge=challenge, code_challenge_method=method)

    refused = await visit.exchange(code, code_verifier=verifier)

    assert (refused.status, read(refused)["error"]) == (400, "invalid_grant")


async def test_a_second_use_of_a_code_ends_what_the_first_gave(visit: Visit) -> None:
    """E05."""
    code = await visit.code()
    tokens = read(await visit.exchange(code))

    assert told(visit, await visit.exchange(code)) == (400, "code.spent", "4734")
    assert (await visit.me(tokens["access_token"])).status == 401


async def test_a_code_is_over_after_five_minutes(visit: Visit) -> None:
    """E06."""
    code = await visit.code()
    await visit.zoom.advance(300)

    assert told(visit, await visit.exchange(code)) == (400, "code.expired", "4733")


async def test_a_code_is_bound_to_its_client_and_its_redirect_url(visit: Visit) -> None:
    """E07."""
    code = await visit.code()

    stolen = await visit.exchange(code, app=visit.second_app())
    assert told(visit, stolen) == (400, "code.foreign", "4734")
    moved = await visit.exchange(code, redirect_uri=f"{BOT}/other")
    assert told(visit, moved) == (400, "code.redirect_mismatch", "4709")


@pytest.mark.parametrize(
    ("header", "form", "rule"),
    [
        pytest.param("Basic !", {}, "client.refused", id="E08-malformed"),
        pytest.param("Basic /w==", {}, "client.refused", id="E08-no-utf-8"),
        pytest.param(None, {}, "client.refused", id="E08-nothing"),
    ],
)
async def test_credentials_that_cannot_be_read(
    visit: Visit, header: str | None, form: Mapping[str, str], rule: str
) -> None:
    headers = {} if header is None else {"authorization": header}

    refused = await visit.token({"grant_type": "client_credentials", **form}, headers=headers)

    assert told(visit, refused) == (400, rule, "4706")


async def test_credentials_in_two_places(visit: Visit) -> None:
    """E08."""
    form = {"grant_type": "client_credentials", "client_secret": visit.app.client_secret}

    assert told(visit, await visit.token(form))[:2] == (400, "client.twice")


@pytest.mark.parametrize(
    ("rule", "refusal", "number"),
    [
        pytest.param("revoke_family", "refresh.revoked", "4741", id="E09-family"),
        pytest.param("grace", "refresh.tolerance", "4740", id="E09-tolerance"),
    ],
)
async def test_an_old_refresh_token(visit: Visit, rule: Any, refusal: str, number: str) -> None:
    visit.world.rules.refresh_reuse = rule
    old = (await visit.tokens())["refresh_token"]
    for _ in range(2):
        await visit.refresh(old)

    assert told(visit, await visit.refresh(old)) == (400, refusal, number)


async def test_of_two_refreshes_at_once_one_succeeds(visit: Visit) -> None:
    """E10."""
    token = (await visit.tokens())["refresh_token"]

    both = await asyncio.gather(visit.refresh(token), visit.refresh(token))

    assert sorted(answer.status for answer in both) == [200, 400]


@pytest.mark.parametrize(
    ("how", "rule"),
    [
        pytest.param("revoked", "token.revoked", id="E11-revoked"),
        pytest.param("expired", "token.expired", id="E11-expired"),
    ],
)
async def test_a_token_that_is_over(visit: Visit, how: str, rule: str) -> None:
    access = (await visit.tokens())["access_token"]
    if how == "revoked":
        await visit.ask("POST", "/oauth/revoke", form={"token": access}, headers=visit.basic())
    else:
        await visit.zoom.advance(3600)

    refused = await visit.me(access)

    assert told(visit, refused)[:2] == (401, rule)
    assert read(refused) == {"code": 124, "message": "Invalid access token."}


async def _say(visit: Visit, access: str, content_type: str) -> Response:
    message = {
        "robot_jid": visit.app.bot_jid,
        "to_jid": visit.ana.jid,
        "account_id": visit.ana.account_id,
        "content": {"head": {"text": "Hello"}},
    }
    headers = {"authorization": f"Bearer {access}", "content-type": content_type}
    body = json.dumps(message).encode()
    return await visit.ask("POST", "/v2/im/chat/messages", body=body, headers=headers)


async def test_each_kind_of_token_serves_its_own_api(visit: Visit) -> None:
    """E12."""
    user = (await visit.tokens())["access_token"]
    chatbot = read(await visit.chatbot_token())["access_token"]

    assert told(visit, await _say(visit, user, "application/json"))[1] == "chatbot.token_kind"
    assert told(visit, await visit.me(chatbot))[:2] == (401, "token.kind")
    assert (await _say(visit, chatbot, "application/json")).status == 200


@pytest.mark.parametrize("content_type", ["text/plain", "text/plain;charset=UTF-8", ""])
async def test_takes_json_that_claims_to_be_text(visit: Visit, content_type: str) -> None:
    """client_quirks 4."""
    await visit.tokens()
    chatbot = read(await visit.chatbot_token())["access_token"]

    assert (await _say(visit, chatbot, content_type)).status == 200


def test_every_check_of_the_list_is_named_by_a_test() -> None:
    tests = Path(__file__).parents[2]
    others = [path for path in tests.rglob("test_*.py") if path != Path(__file__)]
    own = Path(__file__).read_text("utf-8").partition("def told")[2]
    named = "\n".join([own, *(path.read_text("utf-8") for path in others)])

    # what may not stand before a name is looked at where the name is: ten times faster
    written = (re.search(rf"{name}\b(?<![\w-]{name})", named) for name in LISTED.split())
    assert [name for name, found in zip(LISTED.split(), written, strict=True) if not found] == []
