import pytest

from innkeeper.errors import AnswerLost, NeedsReauth, TokenResponseInvalid, Unreachable
from innkeeper.net.outbound import Response
from innkeeper.secret import Secret
from innkeeper.wire.oauth import TokenRequest, Tokens
from innkeeper.zoom.oauth import fetch_tokens, revoke
from tests.zoom.scripted import Scripted, says

pytestmark = pytest.mark.anyio

TOKENS = {"access_token": "new", "token_type": "bearer", "expires_in": 3600, "scope": "imchat:bot"}


async def fetch(transport: Scripted, *, refreshable: bool = False) -> Tokens:
    return await fetch_tokens(
        transport,
        oauth_url="https://zoom.test",
        client_id="client",
        client_secret=Secret("s3cret"),
        request=TokenRequest.refresh(Secret("old token")),
        refreshable=refreshable,
    )


async def end(transport: Scripted) -> bool:
    return await revoke(
        transport,
        oauth_url="https://zoom.test",
        client_id="client",
        client_secret=Secret("s3cret"),
        token=Secret("a+b"),
    )


async def test_asks_with_a_form_and_a_basic_header_and_nothing_in_the_query() -> None:
    transport = Scripted(says(200, TOKENS))
    got = await fetch(transport)
    assert got == Tokens(Secret("new"), 3600, frozenset({"imchat:bot"}))
    asked = transport.asked
    assert (asked.method, asked.url) == ("POST", "https://zoom.test/oauth/token")
    assert asked.body == b"grant_type=refresh_token&refresh_token=old+token"
    assert asked.headers == {
        "authorization": "Basic Y2xpZW50OnMzY3JldA==",
        "content-type": "application/x-www-form-urlencoded",
        "accept": "application/json",
    }
    assert transport.deadlines == [10.0]


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_a_busy_zoom_is_no_verdict_on_the_grant(status: int) -> None:
    said = says(status, {"error": "invalid_grant"}, retry_after="9")
    with pytest.raises(Unreachable) as caught:
        await fetch(Scripted(said))
    assert caught.value.retry_after == 9
    assert not isinstance(caught.value, AnswerLost)


async def test_a_redirect_is_no_token_answer() -> None:
    with pytest.raises(TokenResponseInvalid, match="redirect"):
        await fetch(Scripted(says(307, TOKENS, location="https://evil.test")))


async def test_a_refresh_must_bring_the_next_refresh_token() -> None:
    with pytest.raises(TokenResponseInvalid, match="refresh_token"):
        await fetch(Scripted(says(200, TOKENS)), refreshable=True)


async def test_zoom_may_say_that_the_grant_is_over() -> None:
    with pytest.raises(NeedsReauth):
        await fetch(Scripted(says(400, {"reason": "Invalid Token!", "error": "invalid_grant"})))


async def test_revokes_with_a_form() -> None:
    transport = Scripted(says(200, {"status": "success"}))
    assert await end(transport)
    assert transport.asked.url == "https://zoom.test/oauth/revoke"
    assert transport.asked.body == b"token=a%2Bb"


@pytest.mark.parametrize(
    "answer",
    [
        says(400, {"reason": "Invalid Token!", "error": "invalid_request"}),
        says(200, {"status": "failure"}),
        says(200, ["success"]),
        Response(200, {}, b"<html>"),
    ],
)
async def test_nothing_but_success_is_a_revocation(answer: Response) -> None:
    assert not await end(Scripted(answer))


async def test_a_busy_zoom_has_not_said_whether_it_revoked() -> None:
    with pytest.raises(Unreachable):
        await end(Scripted(says(503, {"status": "success"})))
