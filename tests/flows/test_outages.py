"""Zoom's token endpoint is down, slow or overrun: rows of a list of faults, by their number."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from innkeeper.errors import Unreachable
from innkeeper.flows.calls import Budget, Caller
from innkeeper.flows.grants import AccessToken
from innkeeper.flows.schedule import AHEAD, SPREAD
from innkeeper.flows.tokens import PARALLEL
from innkeeper.flows.turns import AT_ONCE, PATIENCE
from innkeeper.ids import InstallationId
from innkeeper.secret import Secret
from tests.flows.granting import LOST, QUOTA, Answer, Scene, tokens

pytestmark = pytest.mark.anyio

BEAT_SECONDS = 10


class Crowd(Scene):
    """Many people who authorized the app in the same second, and when Zoom was asked."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.people = [InstallationId(f"ins_{n}") for n in range(count)]
        self.zoom.any_refresh = True
        self.asked_at: list[datetime] = []
        self.zoom.on_asked = lambda: self.asked_at.append(self.clock.now())

    async def authorized(self) -> None:
        for person in self.people:
            await self.grants.adopt(person, tokens())

    async def beat(self) -> int:
        """Do what the background does every few seconds, and let them pass."""
        renewed = await self.grants.renew_ahead(self.clock.now())
        self.clock.advance(BEAT_SECONDS)
        return renewed

    async def all_ask(self, *people: InstallationId) -> list[AccessToken | BaseException]:
        wanted = (self.grants.user(each) for each in people or self.people)
        return await asyncio.gather(*wanted, return_exceptions=True)


def closest(moments: list[datetime]) -> timedelta:
    return min(later - first for first, later in pairwise(moments))


@pytest.mark.slow
async def test_f20_five_thousand_that_expire_together_are_renewed_one_after_the_other() -> None:
    crowd = Crowd(5000)
    await crowd.authorized()
    ends = crowd.clock.now() + timedelta(hours=1)
    assert await crowd.beat() == 0
    crowd.clock.advance((ends - AHEAD - SPREAD - crowd.clock.now()).total_seconds() - BEAT_SECONDS)
    while crowd.clock.now() < ends:
        await crowd.beat()
    assert len(crowd.asked_at) == 5000
    assert ends - AHEAD - SPREAD <= crowd.asked_at[0]
    assert crowd.asked_at[-1] <= ends - AHEAD + timedelta(seconds=BEAT_SECONDS)
    per_beat = Counter(crowd.asked_at)
    assert len(per_beat) >= 60  # every beat of ten minutes has its share
    assert max(per_beat.values()) <= 2 * 5000 / 60
    assert crowd.zoom.most_at_once <= PARALLEL
    crowd.zoom.forms.clear()
    assert not any(isinstance(each, BaseException) for each in await crowd.all_ask())
    assert crowd.zoom.forms == []  # nobody waits
    apart = Counter(grant.expires_at for grant in crowd.store.grants.values())
    assert max(apart.values()) <= 2 * 5000 / 60  # and next time they do not end together


@pytest.mark.slow
@pytest.mark.parametrize(
    "down",
    [
        pytest.param(LOST, id="lost"),
        pytest.param(Answer(503), id="503"),
        pytest.param(None, id="refuses-connections"),
    ],
)
async def test_f17_an_endpoint_that_is_down_is_probed_once_in_five_seconds(  # F51
    down: Answer | str | None,
) -> None:
    crowd = Crowd(100)
    await crowd.authorized()
    crowd.clock.advance(3700)
    crowd.zoom.always = down
    if down is None:
        crowd.transport.apps.clear()
    await crowd.all_ask()
    for n in range(300):
        await crowd.all_ask(*crowd.people[n % 90 : n % 90 + 5])
        await crowd.grants.renew_ahead(crowd.clock.now())
        crowd.clock.advance(2)
    first = crowd.asked_at[0] if crowd.asked_at else None
    later = [each for each in crowd.asked_at if each != first]
    assert len(later) <= 120
    assert not later or closest(later) >= timedelta(seconds=5)
    assert not any(grant.dead for grant in crowd.store.grants.values())

    crowd.zoom.always = None
    crowd.transport.apps["https://zoom.test"] = crowd.zoom
    before = len(crowd.zoom.forms)
    crowd.clock.advance(5)
    for _ in range(5):
        given = await crowd.all_ask()
        crowd.clock.advance(1)
    assert [type(each) for each in given] == [AccessToken] * 100
    assert len(crowd.zoom.forms) - before == 100
    assert crowd.zoom.most_at_once <= AT_ONCE
    assert crowd.lost == []


async def test_f17_one_alone_finds_out_whether_zoom_serves_again() -> None:
    crowd = Crowd(50)
    await crowd.authorized()
    crowd.clock.advance(3700)
    crowd.zoom.script.append(Answer(503))
    await crowd.all_ask(crowd.people[0])
    crowd.clock.advance(5)
    crowd.zoom.asked.clear()
    crowd.zoom.gate = asyncio.Event()
    probe = asyncio.ensure_future(crowd.grants.user(crowd.people[0]))
    await crowd.zoom.asked.wait()
    refused = await crowd.all_ask(*crowd.people[1:])
    assert {type(each) for each in refused} == {Unreachable}
    assert {each.retry_after for each in refused if isinstance(each, Unreachable)} == {1.0}
    assert len(crowd.zoom.forms) == 2
    crowd.zoom.gate.set()
    assert (await probe).token == Secret("access-1")
    assert {type(each) for each in await crowd.all_ask()} == {AccessToken}


async def test_f18_a_slow_endpoint_holds_up_nobody_who_needs_nothing_of_it() -> None:
    crowd = Crowd(200)
    await crowd.authorized()
    crowd.clock.advance(3700)
    await crowd.grants.chatbot()
    crowd.zoom.gate = asyncio.Event()
    waiting = asyncio.ensure_future(crowd.all_ask())
    for _ in range(2000):
        await asyncio.sleep(0)
    assert len(crowd.zoom.forms) == 1 + AT_ONCE
    assert (await crowd.grants.chatbot()).token == Secret("access-1")
    crowd.clock.advance(PATIENCE.total_seconds() + 1)
    crowd.zoom.gate.set()
    given = await waiting
    served = [each for each in given if isinstance(each, AccessToken)]
    assert len(served) == AT_ONCE
    assert {type(each) for each in given} == {AccessToken, Unreachable}
    assert len(crowd.zoom.forms) == 1 + AT_ONCE  # who waited too long asks for nothing


async def test_f19_one_call_in_each_interval_that_zoom_asks_for() -> None:
    crowd = Crowd(100)
    await crowd.authorized()
    crowd.clock.advance(3700)
    crowd.zoom.always = Answer(429, {"code": 429}, {"retry-after": "30"})
    await crowd.all_ask()
    for n in range(300):
        await crowd.all_ask(*crowd.people[n % 90 : n % 90 + 5])
        await crowd.grants.renew_ahead(crowd.clock.now())
        crowd.clock.advance(1)
    per_moment = Counter(crowd.asked_at)
    first, *later = sorted(per_moment)
    assert per_moment[first] <= AT_ONCE + PARALLEL  # before the first of them was refused
    assert [per_moment[each] for each in later] == [1] * 9
    assert closest([first, *later]) >= timedelta(seconds=30)


async def test_f19_those_who_were_told_to_wait_come_back_spread() -> None:
    chances = iter(n / 100 for n in range(100))
    scene = Scene()
    caller = Caller(scene.grants, clock=scene.clock, chance=lambda: next(chances))
    began = scene.clock.now()
    came: list[float] = []

    async def attempt(_: AccessToken, __: float) -> str:
        came.append((scene.clock.now() - began).total_seconds())
        return "done"

    await scene.grants.chatbot()
    scene.zoom.always = Answer(429, {"code": 429}, {"retry-after": "10"})

    async def token() -> AccessToken:
        if scene.clock.now() < began + timedelta(seconds=10):
            raise Unreachable("no token", retry_after=10)
        return await scene.grants.chatbot()

    calls = (caller.call(token, attempt, quota=QUOTA, repeatable=True) for _ in range(100))
    await scene.settle(asyncio.gather(*calls))
    assert min(came) >= 10
    assert max(came) - min(came) >= 10 / 2 - 0.25  # the clock moves in quarters
    assert max(Counter(int(each) for each in came).values()) <= 25


async def test_f19_a_wait_is_never_stretched_beyond_the_budget() -> None:
    scene = Scene()
    caller = Caller(scene.grants, clock=scene.clock, chance=lambda: 0.99)
    refused = [Unreachable("no token", retry_after=9)]

    async def token() -> AccessToken:
        if refused:
            raise refused.pop()
        return await scene.grants.chatbot()

    async def attempt(_: AccessToken, left: float) -> float:
        return left

    budget = Budget(total_seconds=10)
    left = await scene.settle(
        caller.call(token, attempt, quota=QUOTA, repeatable=True, budget=budget)
    )
    assert 0 <= left <= 1  # the clock moves in quarters


async def test_f14_an_answer_lost_on_its_way_costs_one_more_call_and_no_grant() -> None:
    crowd = Crowd(20)
    await crowd.authorized()
    crowd.clock.advance(3700)
    crowd.zoom.script.append(LOST)
    given = await crowd.all_ask()
    assert {type(each) for each in given} == {AccessToken}
    assert len(crowd.zoom.forms) == 21
    assert crowd.lost == []
    assert {grant.attempted_at for grant in crowd.store.grants.values()} == {None}
