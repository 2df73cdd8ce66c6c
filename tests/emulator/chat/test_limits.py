"""A plan's limits hold for all apps of an account together."""

import json
from datetime import timedelta

import pytest

from innkeeper.clock import MovableClock
from innkeeper.emulator.world import Calls
from innkeeper.net.outbound import Response
from tests.emulator.chat.test_api import send
from tests.emulator.scene import START, Scene

pytestmark = pytest.mark.anyio

LEFT = "x-ratelimit-remaining"


@pytest.fixture
def scene() -> Scene:
    """Give a scene whose clock runs, a moment after a second began, so that seconds pass."""
    scene = Scene()
    scene.install()
    scene.world.clock = Running(START, frozen=True)
    scene.world.accounts[0].plan = "free"
    return scene


class Running(MovableClock):
    """A clock that says it runs, yet moves only when told."""

    @property
    def frozen(self) -> bool:
        return False


def refused(answer: Response, rule: str) -> dict[str, str]:
    assert answer.status == 429
    assert json.loads(answer.body)["code"] == 429
    assert answer.headers["x-emulator-refused"] == rule
    assert answer.headers["x-ratelimit-category"] == "Medium"
    assert answer.headers[LEFT] == "0"
    return dict(answer.headers)


@pytest.mark.parametrize(("plan", "most"), [("free", 2), ("pro", 20), ("business", 60)])
async def test_a_plan_allows_so_many_calls_a_second(scene: Scene, plan: str, most: int) -> None:
    scene.world.accounts[0].plan = plan  # type: ignore[assignment]  # from the table above
    for left in range(most - 1, -1, -1):
        answer = await send(scene)
        assert answer.status == 200
        assert answer.headers["x-ratelimit-type"] == "QPS"
        assert answer.headers["x-ratelimit-limit"] == str(most)
        assert answer.headers[LEFT] == str(left)
    said = refused(await send(scene), "limit.per_second")
    assert said["x-ratelimit-limit"] == str(most)
    assert said["x-ratelimit-reset"] == str(int(START.timestamp()) + 1)
    assert len(scene.messages()) == most
    scene.world.clock.advance(1)
    assert (await send(scene)).status == 200


async def test_all_apps_of_an_account_share_its_limits(scene: Scene) -> None:
    scene.install(scene.other)
    await send(scene)
    await send(scene, scene.token(scene.other), robot_jid=scene.other.bot_jid)
    refused(await send(scene, scene.token(scene.other)), "limit.per_second")


async def test_a_refused_call_says_what_is_left_too(scene: Scene) -> None:
    answer = await send(scene, content={})
    assert answer.status == 400
    assert answer.headers[LEFT] == "1"


async def test_a_free_plan_has_a_limit_for_the_day_until_midnight(scene: Scene) -> None:
    day = f"{START:%Y-%m-%d}"
    scene.world.calls["acc_north"] = Calls(0, 0, day, 1999)
    assert (await send(scene)).status == 200
    said = refused(await send(scene), "limit.daily")
    assert said["x-ratelimit-type"] == "Daily"
    assert said["x-ratelimit-limit"] == "2000"
    midnight = START.replace(hour=0) + timedelta(days=1)
    assert said["retry-after"] == f"{midnight:%Y-%m-%dT%H:%M:%SZ}"
    scene.world.clock.advance((midnight - START).total_seconds())
    assert (await send(scene)).status == 200


async def test_only_a_free_plan_has_a_limit_for_the_day(scene: Scene) -> None:
    scene.world.accounts[0].plan = "pro"
    scene.world.calls["acc_north"] = Calls(0, 0, f"{START:%Y-%m-%d}", 100_000)
    assert (await send(scene)).status == 200


async def test_on_a_frozen_clock_seconds_are_only_counted(scene: Scene) -> None:
    scene.world.clock = scene.clock
    answers = [await send(scene) for _ in range(5)]
    assert [answer.status for answer in answers] == [200] * 5
    assert [answer.headers[LEFT] for answer in answers] == ["1", "0", "0", "0", "0"]


async def test_limits_may_only_count(scene: Scene) -> None:
    scene.world.rules.rate_limits = "count"
    answers = [await send(scene) for _ in range(4)]
    assert [answer.status for answer in answers] == [200] * 4
    assert answers[-1].headers[LEFT] == "0"


async def test_limits_may_be_off(scene: Scene) -> None:
    scene.world.rules.rate_limits = "off"
    answers = [await send(scene) for _ in range(4)]
    assert [answer.status for answer in answers] == [200] * 4
    assert LEFT not in answers[0].headers
    assert scene.world.calls == {}


async def test_the_scope_for_bots_is_asked_for(scene: Scene) -> None:
    token = scene.token()
    token.scopes = ["user:read:user"]
    answer = await send(scene, token)
    assert (answer.status, json.loads(answer.body)["code"]) == (400, 4711)
    assert answer.headers["x-emulator-refused"] == "token.scope"
    assert scene.messages() == []
    scene.world.rules.scopes = "ignore"
    assert (await send(scene, token)).status == 200
