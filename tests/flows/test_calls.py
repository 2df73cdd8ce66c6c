from datetime import timedelta
from functools import partial

import pytest

from innkeeper.errors import (
    AnswerLost,
    ApiRefused,
    NeedsReauth,
    ScopeNotGranted,
    Unreachable,
)
from innkeeper.flows.calls import BUDGET, Budget, Caller
from innkeeper.flows.grants import AccessToken
from tests.flows.granting import ANA, LOST, QUOTA, Answer, Scene

pytestmark = pytest.mark.anyio


class Calls:
    """Makes calls that end as they were told to, and keeps when each began."""

    def __init__(self, *ends: Exception | str) -> None:
        self.scene = Scene()
        self.ends = list(ends)
        self.at: list[float] = []
        self.tokens: list[str] = []
        self.deadlines: list[float] = []
        self.chance = 0.5
        self._began = self.scene.clock.now()
        self.caller = Caller(self.scene.grants, clock=self.scene.clock, chance=lambda: self.chance)

    async def attempt(self, access: AccessToken, deadline: float) -> str:
        self.at.append((self.scene.clock.now() - self._began).total_seconds())
        self.tokens.append(access.token.reveal())
        self.deadlines.append(deadline)
        end = self.ends.pop(0)
        if isinstance(end, Exception):
            raise end
        return end

    async def made(self, *, repeatable: bool = True, budget: Budget = BUDGET) -> str:
        grants = self.scene.grants
        return await self.scene.settle(
            self.caller.call(
                grants.chatbot, self.attempt, quota=QUOTA, repeatable=repeatable, budget=budget
            )
        )


def refused(status: int, code: int = 0, retry_at=None) -> ApiRefused:
    return ApiRefused(status, code, "no", retry_at=retry_at)


AWAY, LOST_ANSWER = Unreachable("no connection"), AnswerLost("no answer in time")


async def test_a_call_that_succeeds_is_made_once():
    calls = Calls("done")

    assert await calls.made() == "done"
    assert calls.at == [0]
    assert calls.deadlines == [10]


@pytest.mark.parametrize("repeatable", [True, False])
async def test_what_cannot_have_been_done_is_tried_again_after_growing_pauses(repeatable):
    calls = Calls(AWAY, AWAY, refused(503), "done")

    assert await calls.made(repeatable=repeatable) == "done"
    assert calls.at == [0, 0.5, 1.25, 2.75]


async def test_not_all_come_back_at_once():
    hasty, slow = Calls(AWAY, AWAY, AWAY, "done"), Calls(AWAY, AWAY, AWAY, "done")
    hasty.chance, slow.chance = 0.0, 1.0

    await hasty.made()
    await slow.made()

    assert hasty.at == [0, 0.25, 0.75, 1.75]
    assert slow.at == [0, 0.5, 1.5, 3.5]


async def test_what_may_have_been_done_is_done_again_only_where_that_does_no_harm():
    assert await Calls(LOST_ANSWER, "done").made() == "done"

    calls = Calls(LOST_ANSWER, "never")
    with pytest.raises(AnswerLost):
        await calls.made(repeatable=False)
    assert calls.at == [0]


@pytest.mark.parametrize("status", [502, 504])
async def test_a_gateway_without_an_answer_has_lost_it(status):
    assert await Calls(refused(status), "done").made() == "done"

    calls = Calls(refused(status), "never")
    with pytest.raises(AnswerLost) as caught:
        await calls.made(repeatable=False)
    assert isinstance(caught.value.__cause__, ApiRefused)
    assert calls.at == [0]


@pytest.mark.parametrize("status", [500, 503])
@pytest.mark.parametrize("repeatable", [True, False])
async def test_a_failure_that_zoom_itself_tells_is_tried_again(status, repeatable):
    assert await Calls(refused(status), "done").made(repeatable=repeatable) == "done"


@pytest.mark.parametrize("repeatable", [True, False])
async def test_waits_as_long_as_zoom_asks(repeatable):
    moment = Scene().clock.now() + timedelta(seconds=7)
    calls = Calls(refused(429, 429, retry_at=3.0), refused(429, 429, retry_at=moment), "done")
    calls.chance = 0.0

    assert await calls.made(repeatable=repeatable) == "done"
    assert calls.at == [0, 3, 7]


async def test_a_wait_that_is_over_already_is_short():
    calls = Calls(refused(429, 429, retry_at=Scene().clock.now() - timedelta(hours=1)), "done")

    assert await calls.made() == "done"
    assert calls.at == [0, 0.25]


async def test_a_429_that_does_not_say_is_waited_for_as_for_a_failure():
    calls = Calls(refused(429), refused(429), "done")

    assert await calls.made() == "done"
    assert calls.at == [0, 0.5, 1.25]


async def test_a_wait_beyond_the_budget_is_refused_at_once():
    calls = Calls(refused(429, 429, retry_at=86_000.0))

    with pytest.raises(ApiRefused) as caught:
        await calls.made()
    assert calls.at == [0]
    assert caught.value.retry_at == 86_000
    assert "share" in caught.value.meaning


async def test_all_attempts_together_keep_to_the_budget():
    calls = Calls(*[AWAY] * 50)

    with pytest.raises(Unreachable):
        await calls.made(budget=Budget(attempt_seconds=4, total_seconds=6))
    assert calls.at == [0, 0.5, 1.25, 2.75, 5.75]
    assert calls.deadlines == [4, 4, 4, 3.25, 0.25]


@pytest.mark.parametrize("refusal", [refused(400, 7004), refused(404), refused(302), refused(501)])
async def test_a_refusal_for_good_is_raised_at_once(refusal):
    calls = Calls(refusal)

    with pytest.raises(ApiRefused) as caught:
        await calls.made()
    assert caught.value is refusal


@pytest.mark.parametrize("refusal", [refused(401), refused(400, 7010), refused(400, 124)])
@pytest.mark.parametrize("repeatable", [True, False])
async def test_a_token_that_is_no_longer_taken_is_renewed_once(refusal, repeatable):
    calls = Calls(refusal, "done")

    assert await calls.made(repeatable=repeatable) == "done"
    assert calls.tokens == ["access-1", "access-2"]
    assert calls.at == [0, 0]

    calls = Calls(refusal, refusal, "never")
    with pytest.raises(ApiRefused):
        await calls.made(repeatable=repeatable)
    assert calls.tokens == ["access-1", "access-2"]


@pytest.mark.parametrize("refusal", [refused(401), refused(401, 124)])
async def test_k43_a_user_whose_every_token_is_refused_must_authorize_again(refusal):
    calls = Calls(*[refusal] * 5)
    await calls.scene.authorize()
    token = partial(calls.scene.grants.user, ANA)

    for _ in range(2):  # at once with a new token, then not again within the minute
        with pytest.raises(NeedsReauth) as caught:
            await calls.caller.call(token, calls.attempt, quota=QUOTA, repeatable=True)
        assert caught.value.__cause__ is refusal
    assert calls.tokens == ["access-0", "access-1", "access-1"]
    assert len(calls.scene.zoom.forms) == 1
    assert not calls.scene.store.grants[ANA].dead  # that is for the token endpoint to say


@pytest.mark.parametrize("refusal", [refused(401, 200), refused(400, 124)])
async def test_what_says_nothing_about_the_users_token_sends_nobody_away(refusal):
    calls = Calls(*[refusal] * 3)
    await calls.scene.authorize()

    with pytest.raises(ApiRefused):
        await calls.caller.call(
            partial(calls.scene.grants.user, ANA), calls.attempt, quota=QUOTA, repeatable=True
        )


async def test_a_missing_scope_is_not_mended_by_another_token():
    calls = Calls(ScopeNotGranted(401, 201, "no", ["user:read"]))

    with pytest.raises(ScopeNotGranted):
        await calls.made()
    assert calls.tokens == ["access-1"]


async def test_a_token_that_was_renewed_just_now_is_not_renewed_again():
    calls = Calls(refused(401), "done", refused(401), "never")

    await calls.made()
    with pytest.raises(ApiRefused):
        await calls.made()
    assert calls.tokens == ["access-1", "access-2", "access-2"]


async def test_a_lost_answer_about_a_token_is_not_one_about_the_message():
    calls = Calls("done")
    calls.scene.zoom.script.extend([LOST, LOST, Answer(503, b"")])

    assert await calls.made(repeatable=False) == "done"
    assert len(calls.at) == 1


async def test_without_a_token_nothing_is_called():
    calls = Calls("never")

    with pytest.raises(NeedsReauth):
        await calls.caller.call(
            lambda: calls.scene.grants.user(ANA), calls.attempt, quota=QUOTA, repeatable=True
        )
    calls.scene.zoom.script.extend([LOST] * 50)
    with pytest.raises(Unreachable) as caught:
        await calls.made(repeatable=False, budget=Budget(total_seconds=2))
    assert not isinstance(caught.value, AnswerLost)
    assert calls.at == []
