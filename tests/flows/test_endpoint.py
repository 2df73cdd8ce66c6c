"""What the token endpoint may answer: rows of a list of bad inputs, by their number.

For each the old grant stays as it was, unless Zoom says that it is over.
"""

from typing import Any

import pytest
from structlog.testing import capture_logs

from innkeeper.errors import (
    BotScopeMissing,
    GrantRefused,
    NeedsReauth,
    TokenResponseInvalid,
    Unreachable,
)
from innkeeper.secret import Secret
from tests.flows.granting import ANA, Answer, Scene

pytestmark = pytest.mark.anyio

HTML = {"content-type": "text/html"}
JSON = {"content-type": "application/json"}
GOOD: dict[str, Any] = {
    "access_token": "pristine-a",
    "refresh_token": "pristine-r",
    "token_type": "bearer",
    "expires_in": 3600,
    "scope": "user:read",
}


def row(number: str, answer: Answer, reason: str) -> Any:
    return pytest.param(answer, reason, id=number)


def without(key: str) -> dict[str, Any]:
    return {name: value for name, value in GOOD.items() if name != key}


def raw(name: str, literal: str) -> bytes:
    kept = ",".join(f'"{key}":"{value}"' for key, value in without(name).items())
    return f'{{{kept},"{name}":{literal}}}'.encode()


TOKENS: list[Any] = [
    "",
    None,
    123,
    ["a"],
    "a" * 16_385,
    "a\r\nX: y",
    "a b",
    "schlüssel",
    "\x00",
]
LIFETIMES = ["0", "-1", "null", "true", '"1h"', "NaN", "1e300", "1" + "0" * 30, "{}", "1.5"]


@pytest.fixture
async def scene() -> Scene:
    scene = Scene()
    await scene.authorize()
    await scene.expire()
    return scene


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        row("K01", Answer(200, b"<html>log in</html>", HTML), "not_json"),
        row("K01-typed", Answer(200, b"<html>log in</html>", JSON), "not_json"),
        row("K01-list", Answer(200, b"[]", JSON), "not_json"),
        row("K01-empty", Answer(200, b"", JSON), "not_json"),
        row("K01-deep", Answer(200, b"[" * 20_000, JSON), "not_json"),
        row("K01-untyped", Answer(200, GOOD, {}), "not_json"),
        row("K04-missing", Answer(200, without("access_token")), "access_token"),
        *[
            row(f"K04-{n}", Answer(200, {**GOOD, "access_token": token}), "access_token")
            for n, token in enumerate(TOKENS)
        ],
        row("K05-refresh", Answer(200, without("refresh_token")), "refresh_token"),
        *[
            row(f"K05-{n}", Answer(200, {**GOOD, "refresh_token": token}), "refresh_token")
            for n, token in enumerate(TOKENS)
        ],
        row("K08-missing", Answer(200, without("token_type")), "token_type"),
        row("K08-mac", Answer(200, {**GOOD, "token_type": "mac"}), "token_type"),
        row("K08-null", Answer(200, {**GOOD, "token_type": None}), "token_type"),
        *[
            row(
                f"K10-{n}",
                Answer(200, raw("expires_in", literal)),
                "not_json" if literal == "NaN" else "expires_in",
            )
            for n, literal in enumerate(LIFETIMES)
        ],
        row("K13-list", Answer(200, {**GOOD, "scope": ["user:read"]}), "scope"),
        row("K13-long", Answer(200, {**GOOD, "scope": "s" * 10_240}), "scope"),
        *[row(f"K14-{status}", Answer(status, GOOD), "status") for status in (201, 202, 206)],
        row("K14-204", Answer(204, b"", {}), "status"),
        *[
            row(f"K15-{status}", Answer(status, GOOD, {**JSON, "location": "/x"}), "redirect")
            for status in (301, 302, 303, 307, 308)
        ],
    ],
)
async def test_makes_no_grant_of_nonsense(scene: Scene, answer: Answer, reason: str) -> None:
    before = scene.store.grants[ANA]
    scene.zoom.script.append(answer)
    with pytest.raises(TokenResponseInvalid) as caught:
        await scene.grants.user(ANA)
    assert caught.value.reason == reason
    assert "pristine" not in repr(caught.value)
    after = scene.store.grants[ANA]
    assert (after.version, after.refresh_token, after.dead) == (1, before.refresh_token, False)
    assert (scene.lost, len(scene.zoom.forms)) == ([], 1)
    scene.clock.advance(5)
    assert (await scene.grants.user(ANA)).token == Secret("access-1")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        *[
            row(f"K19-{code}", Answer(400, {"errorCode": code, "errorMessage": "no"}), str(code))
            for code in (4705, 4709, 4717)
        ],
        row("K19-client", Answer(401, {"error": "invalid_client"}), "invalid_client"),
        row("K19-odd", Answer(400, {"error": {"a": 1}, "code": 7}), "7"),
    ],
)
async def test_a_wrong_setting_harms_no_grant(scene: Scene, answer: Answer, reason: str) -> None:
    scene.zoom.script.append(answer)
    with capture_logs() as logs, pytest.raises(GrantRefused) as caught:
        await scene.grants.user(ANA)
    assert [each["log_level"] for each in logs if each["event"] == "grant.refused"] == ["error"]
    assert caught.value.reason == reason
    assert not isinstance(caught.value, NeedsReauth)
    assert (scene.store.grants[ANA].dead, scene.lost) == (False, [])
    scene.clock.advance(5)
    assert (await scene.grants.user(ANA)).token == Secret("access-1")


@pytest.mark.parametrize("name", ["access_token", "refresh_token"])
async def test_k04_a_token_too_large_for_an_answer_is_never_read(scene: Scene, name: str) -> None:
    scene.zoom.script.extend([Answer(200, {**GOOD, name: "a" * 65_536})] * 2)
    with pytest.raises(Unreachable, match="too large"):
        await scene.grants.user(ANA)
    assert (len(scene.zoom.forms), scene.lost) == (2, [])


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Answer(200, {**GOOD, "token_type": "Bearer"}), id="K08-capital"),
        pytest.param(Answer(200, {**GOOD, "token_type": "BEARER "}), id="K08-spaced"),
        pytest.param(Answer(200, {**GOOD, "expires_in": "3600"}), id="K10-digits"),
        pytest.param(Answer(200, without("scope")), id="K13-missing"),
        pytest.param(Answer(200, {**GOOD, "scope": ""}), id="K13-empty"),
        pytest.param(
            Answer(200, GOOD, {**JSON, "date": "Thu, 01 Jan 1970 00:00:00 GMT", "age": "9" * 9}),
            id="K49",
        ),
    ],
)
async def test_takes_what_only_looks_unusual(scene: Scene, answer: Answer) -> None:
    scene.zoom.script.append(answer)
    access = await scene.grants.user(ANA)
    assert access.token == Secret("pristine-a")
    assert (access.expires_at - scene.clock.now()).total_seconds() == 3600
    assert access.scope == {"user:read"}


async def test_k11_a_missing_lifetime_counts_as_five_minutes(scene: Scene) -> None:
    scene.zoom.script.append(Answer(200, without("expires_in")))
    with capture_logs() as logs:
        access = await scene.grants.user(ANA)
    assert (access.expires_at - scene.clock.now()).total_seconds() == 300
    assert [each for each in logs if each["event"] == "grant.lifetime_assumed"] == [
        {
            "event": "grant.lifetime_assumed",
            "log_level": "warning",
            "grant": ANA,
            "seconds": 300,
        }
    ]
    assert scene.store.grants[ANA].refresh_token == Secret("pristine-r")


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Answer(200, {**GOOD, "error": "invalid_grant"}), id="K02"),
        *[
            pytest.param(Answer(400, {"errorCode": code, "errorMessage": "over"}), id=f"K16-{code}")
            for code in (4711, 4733, 4734, 4735, 4737, 4738, 4741)
        ],
        pytest.param(Answer(400, {"errorCode": 4740, "errorMessage": "late"}), id="K17"),
        pytest.param(Answer(401, {"reason": "Invalid Token!"} | {"error": "x"}), id="K16-401"),
    ],
)
async def test_a_grant_is_over_when_zoom_says_so(scene: Scene, answer: Answer) -> None:
    scene.zoom.script.append(answer)
    with pytest.raises(NeedsReauth):
        await scene.grants.user(ANA)
    assert scene.store.grants[ANA].dead
    assert (scene.lost, len(scene.zoom.forms)) == ([ANA], 1)
    assert scene.causes == [answer.body.get("errorCode", 0)]


NOW = "Tue, 01 Jan 2030 01:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        pytest.param({"retry-after": "7"}, 7, id="K20-seconds"),
        pytest.param({"retry-after": "1"}, 5, id="K20-soon"),
        pytest.param({"retry-after": "1" + "0" * 9}, 300, id="K20-1e9"),
        pytest.param({"retry-after": "-1"}, 5, id="K20-negative"),
        pytest.param({"retry-after": "soon"}, 5, id="K20-garbage"),
        pytest.param({"retry-after": "1" * 400}, 5, id="K20-digits"),
        pytest.param(
            {"retry-after": "Tue, 01 Jan 2030 01:00:20 GMT", "date": NOW}, 20, id="K20-date"
        ),
        pytest.param({"retry-after": "2030-01-01T01:00:20Z", "date": NOW}, 20, id="K20-iso"),
        pytest.param({"retry-after": "2030-01-01T01:00:20", "date": NOW}, 20, id="K20-no-zone"),
        pytest.param({"retry-after": "2031-01-01T00:00:00Z", "date": NOW}, 300, id="K20-tomorrow"),
        pytest.param({"retry-after": "2029-01-01T00:00:00Z", "date": NOW}, 5, id="K20-past"),
        pytest.param({"retry-after": "2030-01-01T01:00:20Z"}, 5, id="K20-undated"),
        pytest.param({}, 5, id="K20-none"),
    ],
)
async def test_waits_as_long_as_zoom_asks_within_bounds(
    scene: Scene, headers: dict[str, str], seconds: int
) -> None:
    scene.zoom.script.append(Answer(429, {"code": 429}, {**JSON, **headers}))
    with pytest.raises(Unreachable):
        await scene.grants.user(ANA)
    scene.clock.advance(seconds - 1)
    with pytest.raises(Unreachable) as caught:
        await scene.grants.user(ANA)
    assert caught.value.retry_after == 1
    assert len(scene.zoom.forms) == 1
    scene.clock.advance(1)
    assert (await scene.grants.user(ANA)).token == Secret("access-1")
    assert scene.lost == []


@pytest.mark.parametrize(
    "scope",
    [
        pytest.param("", id="K13-empty"),
        pytest.param("user:read", id="K50-lacks"),
        pytest.param("imchat:bots", id="K50-longer"),
    ],
)
async def test_a_chatbot_token_without_its_scope_is_refused_and_says_so(
    scene: Scene, scope: str
) -> None:
    scene.zoom.scope = scope
    with capture_logs() as logs, pytest.raises(BotScopeMissing):
        await scene.grants.chatbot()
    assert "chatbot" not in scene.store.grants
    assert [(each["event"], each["log_level"], each["code"]) for each in logs] == [
        ("grant.refused", "error", "bot_scope_missing")
    ]


async def test_k13_a_chatbots_answer_may_leave_its_scope_out(scene: Scene) -> None:
    scene.zoom.script.append(Answer(200, without("scope")))
    assert (await scene.grants.chatbot()).token == Secret("pristine-a")


async def test_nobody_is_sent_to_authorize_the_chatbot_itself(scene: Scene) -> None:
    scene.zoom.script.append(Answer(400, {"error": "invalid_grant", "reason": "no\x1b[2J"}))
    with pytest.raises(GrantRefused) as caught:
        await scene.grants.chatbot()
    assert not isinstance(caught.value, NeedsReauth)
    assert "\x1b" not in str(caught.value)
    assert scene.lost == []
