"""Is all well in whichever order the steps of two happen?"""

import asyncio
from math import comb

import pytest

from tests.faults.crossings import Crossing, crossings, enumerate_orders
from tests.faults.interleaving import Choices, Scheduler, Turns

pytestmark = pytest.mark.slow

CROSSINGS = crossings(whole=False)


@pytest.mark.parametrize("crossing", CROSSINGS, ids=[f"F28-{each.name}" for each in CROSSINGS])
def test_a_purge_may_meet_anybody_in_any_order(crossing: Crossing) -> None:
    met = enumerate_orders(crossing)
    assert met.violations == {}
    # Of two purges one has the lease, and the other turns back: few orders are left.
    assert met.orders > (6 if crossing.name == "purge" else 40)


async def _nothing() -> None:
    """See nothing."""


def test_every_order_is_played_once() -> None:
    steps = {"one": ["a", "b", "c"], "other": ["x", "y", "z"]}
    orders: list[tuple[str, ...]] = []
    wanted: list[int] | None = []
    while wanted is not None:
        choices, scheduler = Choices(wanted), Scheduler()

        async def walk(name: str, scheduler: Scheduler = scheduler) -> None:
            for step in steps[name]:
                await Turns(name, scheduler).at(step)

        async def play(scheduler: Scheduler = scheduler, choices: Choices = choices) -> None:
            actors = {name: walk(name) for name in steps}
            await scheduler.run(actors, steps=steps, choices=choices, watch=_nothing)

        asyncio.run(play())
        orders.append(tuple(scheduler.order))
        wanted = choices.following()
    assert len(orders) == comb(6, 3)
    assert len(set(orders)) == len(orders)
