"""After a 429 an account's calls wait together, come back in turn, and bother nobody else."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Coroutine
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from innkeeper.errors import ApiRefused
from innkeeper.flows.calls import BUDGET, Budget, Caller
from innkeeper.flows.gates import Quota
from innkeeper.flows.grants import AccessToken
from innkeeper.ids import AccountId
from tests.flows.granting import QUOTA, Scene

pytestmark = pytest.mark.anyio

STEP = 0.05
OTHER = Quota(AccountId("account-2"), "chatbot")
LISTS = Quota(QUOTA.account_id, "GET /users")


class Account:
    """An account at Zoom that takes so many calls a second, and says so; each takes a moment."""

    def __init__(self, per_second: int = 20) -> None:
        self.scene = Scene()
        self.per_second = per_second
        self.told: float | None = None
        """For how long every call is refused; None if only the limit of a second counts."""
        self.refuses_until = 0.0
        self.asked: list[float] = []
        self.refused: list[float] = []
        self.taken: Counter[int] = Counter()
        self.chance = 0.0
        self._began = self.scene.clock.now()
        self.caller = Caller(self.scene.grants, clock=self.scene.clock, chance=lambda: self.chance)

    @property
    def at(self) -> float:
        return round((self.scene.clock.now() - self._began).total_seconds(), 6)

    def refuses(self, wait: float, *, until: float) -> None:
        """Refuse every call until then, and ask each for the same wait."""
        self.told, self.refuses_until = wait, until

    async def _attempt(self, _access: AccessToken, _deadline: float) -> float:
        began = self.at
        self.asked.append(began)
        refused: ApiRefused | None = None
        if self.told is not None and began < self.refuses_until:
            refused = ApiRefused(429, 429, "no", retry_at=self.told)
        elif self.taken[int(began)] >= self.per_second:
            at = self._began + timedelta(seconds=int(began) + 1)
            refused = ApiRefused(429, 429, "no", retry_at=at, per_second=self.per_second)
        else:
            self.taken[int(began)] += 1
        await self.scene.clock.sleep(0.1)
        if refused is not None:
            self.refused.append(began)
            raise refused
        return began

    def call(
        self, quota: Quota = QUOTA, budget: Budget = BUDGET
    ) -> Coroutine[Any, Any, float | ApiRefused]:
        return self._told(
            self.caller.call(
                self.scene.grants.chatbot,
                self._attempt,
                quota=quota,
                repeatable=True,
                budget=budget,
            )
        )

    async def _told(self, call: Awaitable[float]) -> float | ApiRefused:
        try:
            return await call
        except ApiRefused as refusal:
            return refusal

    async def pass_time(self, seconds: float) -> None:
        for _ in range(round(seconds / STEP)):
            await quiet()
            self.scene.clock.advance(STEP)
        await quiet()

    async def all(self, *calls: Coroutine[Any, Any, Any]) -> list[Any]:
        """Make calls at once, and let time pass until all have ended."""
        tasks = [asyncio.ensure_future(each) for each in calls]
        while not all(task.done() for task in tasks):
            await self.pass_time(STEP)
        return [task.result() for task in tasks]


async def quiet() -> None:
    for _ in range(8):
        await asyncio.sleep(0)


async def test_a_crowd_finds_out_once_and_comes_back_as_fast_as_the_limit_allows() -> None:
    zoom = Account(per_second=20)
    done = await zoom.all(*(zoom.call() for _ in range(100)))
    assert all(isinstance(each, float) for each in done)
    assert zoom.refused == [0.0] * 80  # all at once; from then on nobody is refused
    assert len(zoom.asked) == 180
    assert max(done) <= 6
    assert max(Counter(zoom.asked[100:]).values()) <= 1


async def test_a_call_that_comes_while_it_is_closed_asks_nothing_until_it_opens() -> None:
    zoom = Account()
    zoom.refuses(10, until=5)
    first = asyncio.ensure_future(zoom.call())
    await zoom.pass_time(1)
    late = await zoom.all(*(zoom.call() for _ in range(5)), first)
    assert zoom.asked[0] == 0
    assert min(zoom.asked[1:]) >= 10
    assert min(late) >= 10


async def test_one_goes_ahead_and_the_others_wait_until_it_is_back() -> None:
    zoom = Account()
    zoom.refuses(30, until=300)
    patient = Budget(total_seconds=400)
    crowd = [asyncio.ensure_future(zoom.call(budget=patient)) for _ in range(20)]
    await zoom.pass_time(299)
    assert Counter(zoom.asked)[0.0] == 20
    assert len(zoom.asked) - 20 <= 300 / 30
    gaps = [b - a for a, b in zip(zoom.asked[20:], zoom.asked[21:], strict=False)]
    assert min(gaps) >= 30
    done = await zoom.all(*crowd)
    assert min(done) >= 300
    assert max(Counter(done).values()) == 1


async def test_another_account_is_not_kept_waiting() -> None:
    zoom = Account()
    zoom.refuses(20, until=0.01)
    first = asyncio.ensure_future(zoom.call())
    await zoom.pass_time(1)
    assert await zoom.all(zoom.call(OTHER)) == [1.0]
    assert await zoom.all(first) == [20.1]


async def test_the_limit_of_a_second_is_all_calls_and_that_of_a_day_is_not() -> None:
    zoom = Account()
    zoom.refuses(20, until=0.01)
    first = asyncio.ensure_future(zoom.call())
    await zoom.pass_time(1)
    assert min(await zoom.all(zoom.call(LISTS), first)) >= 20

    zoom = Account()
    zoom.refuses(40_000, until=0.01)
    [refused] = await zoom.all(zoom.call())
    assert isinstance(refused, ApiRefused)
    assert await zoom.all(zoom.call(LISTS)) == [0.1]


@pytest.mark.parametrize("wait", [40.0, 40_000.0, 1e15])
async def test_who_has_less_time_than_that_is_told_at_once_without_asking(wait: float) -> None:
    zoom = Account()
    zoom.refuses(wait, until=0.01)
    [first] = await zoom.all(zoom.call())
    assert first.retry_at == wait
    await zoom.pass_time(1)
    refused = await zoom.all(*(zoom.call() for _ in range(5)))
    assert zoom.asked == [0.0]
    assert zoom.at <= 1.3
    for each in refused:
        assert (each.status, each.zoom_code) == (429, 429)
        assert each is not first
        if wait < 1e6:
            left = (each.retry_at - zoom.scene.clock.now()).total_seconds()
            assert wait - 2 <= left <= wait


async def test_who_would_have_no_turn_in_time_is_told_at_once() -> None:
    zoom = Account(per_second=2)
    done = await zoom.all(*(zoom.call(budget=Budget(total_seconds=5)) for _ in range(40)))
    assert 8 <= sum(isinstance(each, float) for each in done) <= 10
    assert len(zoom.asked) <= 40 + 10
    assert zoom.at <= 5.5


async def test_whatever_zoom_says_one_call_asks_again_after_five_minutes() -> None:
    zoom = Account()
    zoom.refuses(40_000, until=1)
    await zoom.all(zoom.call())
    await zoom.pass_time(275)
    assert isinstance((await zoom.all(zoom.call()))[0], float)
    assert 300 <= zoom.asked[1] < 306


async def test_the_first_call_is_drawn_late_so_that_processes_do_not_come_together() -> None:
    came: list[float] = []
    for chance in (0.0, 0.5, 0.999):
        zoom = Account()
        zoom.chance = chance
        zoom.refuses(8, until=1)
        came += await zoom.all(zoom.call())
    assert [round(each) for each in came] == [8, 10, 12]


async def test_a_first_call_that_is_given_up_lets_the_next_one_go() -> None:
    zoom = Account()
    zoom.refuses(1, until=0.01)
    first = asyncio.ensure_future(zoom.call())
    await zoom.pass_time(0.5)
    second = asyncio.ensure_future(zoom.call())
    await zoom.pass_time(0.65)
    assert len(zoom.asked) == 2  # the first is on its way again
    first.cancel()
    assert await zoom.all(second) == [pytest.approx(1.25, abs=0.1)]


async def test_a_call_that_waits_can_be_given_up() -> None:
    zoom = Account()
    zoom.refuses(5, until=0.01)
    crowd = [asyncio.ensure_future(zoom.call()) for _ in range(3)]
    await zoom.pass_time(1)
    crowd[0].cancel()
    done = await zoom.all(*crowd[1:])
    assert max(done) < 6


async def test_nothing_is_remembered_of_an_account_that_has_enough_again() -> None:
    zoom = Account()
    await zoom.all(*(zoom.call() for _ in range(30)))
    await zoom.pass_time(5)
    await zoom.all(zoom.call())
    gates = zoom.caller._gates  # what it keeps is what is tested
    assert gates._gates == {}
    for number in range(50):
        zoom.refuses(1, until=zoom.at + 0.01)
        await zoom.all(zoom.call(Quota(AccountId(f"account-{number}"), "chatbot")))
        await zoom.pass_time(2)
    assert len(gates._gates) <= 1


@settings(deadline=None, max_examples=40)
@given(
    per_second=st.integers(1, 20),
    pauses=st.lists(st.sampled_from([0.0, 0.0, 0.05, 0.3, 1.0, 4.0]), max_size=40),
    chance=st.floats(0, 0.99),
)
async def test_whoever_asks_after_somebody_was_told_is_not_refused_in_that_second(
    per_second: int, pauses: list[float], chance: float
) -> None:
    zoom = Account(per_second)
    zoom.chance = chance
    calls: list[asyncio.Future[float | ApiRefused]] = []
    for pause in pauses:
        calls.append(asyncio.ensure_future(zoom.call()))
        await zoom.pass_time(pause)
    ended = await zoom.all(*(_ended(each) for each in calls))
    for each in ended:
        assert isinstance(each, float) or each.status == 429
    for second in {int(each) for each in zoom.refused}:
        those = [each for each in zoom.refused if int(each) == second]
        assert max(those) - min(those) <= 0.15  # the first one's answer was still under way


async def _ended(call: "asyncio.Future[float | ApiRefused]") -> float | ApiRefused:
    return await call
