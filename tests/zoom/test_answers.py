from datetime import UTC, datetime

import msgspec
import pytest

from innkeeper.errors import AnswerLost, ApiRefused, ScopeNotGranted, Unreachable
from innkeeper.net.outbound import Request, Response
from innkeeper.zoom.answers import call_api, printable, refusal, retry_after, retry_at
from tests.zoom.scripted import Scripted, says

pytestmark = pytest.mark.anyio

REQUEST = Request("GET", "https://api.test/v2/thing")


class Thing(msgspec.Struct):
    name: str = "none"


@pytest.mark.parametrize("status", [200, 201, 204, 299])
async def test_any_2xx_is_a_success(status: int) -> None:
    found = await call_api(Scripted(says(status, {"name": "a", "new": 1})), REQUEST, shape=Thing)
    assert found.name == "a"


async def test_a_success_may_say_nothing() -> None:
    assert (await call_api(Scripted(Response(204)), REQUEST, shape=Thing)).name == "none"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"<html>log in</html>", id="K44-html"),
        pytest.param(b'{"name":"a', id="K44-truncated"),
        pytest.param(b'{"name":NaN}', id="K44-nan"),
        pytest.param(b'{"name":' + b"[" * 60_000, id="K44-deep"),
        pytest.param(b'{"name":1}', id="wrong-type"),
        pytest.param(b'{"name":"\xff"}', id="not-utf8"),
        pytest.param(b"[]", id="list"),
    ],
)
async def test_a_success_that_makes_no_sense_counts_as_lost(body: bytes) -> None:
    with pytest.raises(AnswerLost, match="makes no sense"):
        await call_api(Scripted(Response(200, {}, body)), REQUEST, shape=Thing)


@pytest.mark.parametrize("error", [AnswerLost("gone"), Unreachable("away")])
async def test_a_call_is_made_once_and_its_failure_passed_on(error: Unreachable) -> None:
    transport = Scripted(error)
    with pytest.raises(Unreachable) as caught:
        await call_api(transport, REQUEST, shape=Thing, deadline=3)
    assert caught.value is error
    assert transport.deadlines == [3]


async def test_a_refusal_carries_zooms_number_and_words() -> None:
    transport = Scripted(says(401, {"code": 124, "message": "Invalid access token."}))
    with pytest.raises(ApiRefused) as caught:
        await call_api(transport, REQUEST, shape=Thing)
    refused = caught.value
    assert (refused.status, refused.zoom_code) == (401, 124)
    assert refused.message == "Invalid access token."


@pytest.mark.parametrize(
    ("message", "scopes"),
    [
        ("Invalid access token, does not contain scopes:[user:read:user].", ("user:read:user",)),
        ("does not contain scopes: [a:read, b_c:write:admin]", ("a:read", "b_c:write:admin")),
        ("Invalid access token, does not contain scopes:[" + "a:b, " * 50, ("a:b",) * 40),
    ],
)
@pytest.mark.parametrize(("status", "code"), [(401, 201), (400, 4711), (400, 104)])
async def test_a_scope_that_was_not_granted_is_named(
    message: str, scopes: tuple[str, ...], status: int, code: int
) -> None:
    refused = refusal(says(status, {"code": code, "message": message}))
    assert isinstance(refused, ScopeNotGranted)
    assert (refused.status, refused.zoom_code) == (status, code)
    assert refused.scopes == scopes
    assert "/install" in refused.fix


@pytest.mark.parametrize("message", ["does not contain scopes:[]", "no scopes", "", None])
async def test_a_refusal_that_names_no_scope_is_a_refusal(message: str | None) -> None:
    assert type(refusal(says(400, {"code": 4711, "message": message}))) is ApiRefused


@pytest.mark.parametrize("status", [199, 301, 302, 307, 400, 404, 429, 500])
async def test_nothing_but_a_2xx_is_a_success(status: int) -> None:
    with pytest.raises(ApiRefused) as caught:
        await call_api(Scripted(says(status, {"name": "a"})), REQUEST, shape=Thing)
    assert caught.value.status == status


@pytest.mark.parametrize(
    ("answer", "code", "message"),
    [
        (says(400, {"code": "7004", "message": "no"}), 7004, "no"),
        (says(400, {"code": "x7", "message": "no"}), 0, "no"),
        (says(400, {"code": True}), 0, ""),
        (says(400, {"code": {"a": 1}, "message": ["no"]}), 0, ""),
        (says(302, {}), 0, ""),
        (says(500, ["no"]), 0, "no explanation in JSON"),
        (Response(502, {}, b"<html>bad gateway</html>"), 0, "no explanation in JSON"),
        (Response(503), 0, "no explanation in JSON"),
        (Response(500, {}, b"[" * 60_000), 0, "no explanation in JSON"),
    ],
)
def test_a_refusal_is_read_whatever_it_looks_like(
    answer: Response, code: int, message: str
) -> None:
    refused = refusal(answer)
    assert (refused.status, refused.zoom_code, refused.message) == (answer.status, code, message)


def test_what_zoom_says_is_shortened_and_cannot_move_the_cursor() -> None:
    refused = refusal(says(400, {"code": 1, "message": "\x1b[2J\r\n\u202e" + "a" * 9000}))
    assert refused.message == "[2J" + "a" * 297


def test_prints_on_one_line() -> None:
    assert printable(" a\tb\nc\x00 ", 10) == "abc"


NOON = "Tue, 01 Jan 2030 12:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry_after": "5"}, 5.0),
        ({"retry_after": "86400"}, 300.0),
        ({"retry_after": "-5"}, None),
        ({"retry_after": "5.5"}, None),
        ({"retry_after": "²"}, None),
        ({"retry_after": "Tue, 01 Jan 2030 12:00:30 GMT", "date": NOON}, 30.0),
        ({"retry_after": "Tue, 01 Jan 2030 12:00:30 -0000", "date": NOON}, 30.0),
        ({"retry_after": "2030-01-01T12:00:30+00:00", "date": NOON}, 30.0),
        ({"retry_after": "2030-01-01T11:00:00Z", "date": NOON}, 0.0),
        ({"retry_after": "9999-12-31T23:59:59Z", "date": NOON}, 300.0),
        ({"retry_after": "Tue, 01 Jan 99999 12:00:30 GMT", "date": NOON}, None),
        ({"retry_after": "2030-01-01T12:00:30Z", "date": "today"}, None),
        ({"retry_after": "2030-01-01T12:00:30Z"}, None),
    ],
)
def test_waits_as_long_as_it_is_told_but_no_longer_than_five_minutes(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert retry_after(says(429, {}, **headers)) == seconds


RESET = "1893499205"  # five seconds after noon


@pytest.mark.parametrize(
    ("status", "headers", "at"),
    [
        (429, {}, None),
        (429, {"retry_after": "5"}, 5.0),
        (429, {"retry_after": "86400"}, 86_400.0),
        (429, {"x_ratelimit_reset": RESET}, datetime(2030, 1, 1, 12, 0, 5, tzinfo=UTC)),
        (429, {"x_ratelimit_reset": RESET, "date": NOON}, 5.0),
        (429, {"x_ratelimit_reset": "soon", "date": NOON}, None),
        (429, {"retry_after": "2030-01-02T00:00:00Z"}, datetime(2030, 1, 2, tzinfo=UTC)),
        (429, {"retry_after": "2030-01-02T00:00:00Z", "date": NOON}, 43_200.0),
        (429, {"retry_after": "2030-01-01T00:00:00Z", "date": NOON}, 0.0),
        (503, {"retry_after": "5"}, 5.0),
        (500, {"retry_after": "5"}, None),
    ],
)
def test_reads_when_zoom_wants_to_be_asked_again(status: int, headers: dict[str, str], at) -> None:
    assert refusal(says(status, {"code": 429}, **headers)).retry_at == at
    assert retry_at(says(status, {}, **headers)) == at


@pytest.mark.parametrize(
    ("status", "headers", "limit"),
    [
        (429, {"x_ratelimit_type": "QPS", "x_ratelimit_limit": "20"}, 20),
        (429, {"x_ratelimit_limit": "2"}, 2),
        (429, {"x_ratelimit_type": "Daily", "x_ratelimit_limit": "2000"}, None),
        (429, {"x_ratelimit_type": "Daily-limit", "x_ratelimit_limit": "2000"}, None),
        (429, {"x_ratelimit_type": "QPS", "x_ratelimit_limit": "0"}, None),
        (429, {"x_ratelimit_type": "QPS", "x_ratelimit_limit": "-5"}, None),
        (429, {"x_ratelimit_type": "QPS", "x_ratelimit_limit": "many"}, None),
        (429, {}, None),
        (503, {"x_ratelimit_limit": "20"}, None),
    ],
)
def test_reads_how_many_calls_a_second_are_allowed(
    status: int, headers: dict[str, str], limit: int | None
) -> None:
    assert refusal(says(status, {"code": 429}, **headers)).per_second == limit
