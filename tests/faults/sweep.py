"""Has every step been cut off once? A scene is played again and again, until a run meets no point.

The nth run is cut off at the nth point that it passes. So nothing is listed, nothing is
left out, and a step that is added tomorrow is swept tomorrow.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from innkeeper.errors import InnkeeperError
from tests.faults.edges import At, Crash, CutOff, Fail, Plan
from tests.faults.oracle import Violated
from tests.faults.scenes import Scene
from tests.faults.shelves import Shelves
from tests.faults.town import Town

MOST_POINTS = 2_000
"""No scene passes so many: a sweep that does not end must not go on for ever."""


@dataclass(slots=True)
class Swept:
    """What a sweep met."""

    struck: list[str] = field(default_factory=list[str])
    """The points at which a run was cut off, in the order in which they come."""
    violations: list[str] = field(default_factory=list[str])
    """What did not hold, and where it was cut off."""


async def play(scene: Scene, plan: Plan, *, shelves: Shelves | None = None) -> None:
    """Play a scene once under a plan, and judge what came of it.

    Raises:
        Violated: If an invariant does not hold.
    """
    async with Town(plan, shelves=shelves) as town:
        await scene.prepare(town)
        oracle = await scene.oracle(town)
        await oracle.note()
        if isinstance(plan, Crash):
            plan.seen, plan.world = town.leave, town.outside
        plan.armed = True
        with suppress(CutOff, InnkeeperError):
            await scene.act(town)
        plan.armed = False
        while plan.dead:
            oracle.left()
            with suppress(CutOff):
                await town.rise()
                await oracle.risen()
                await town.settle()
        plan.armed = False
        await scene.recover(town)
        await scene.judge(town, oracle)


def _mourn_nobody(_loop: asyncio.AbstractEventLoop, _context: dict[str, Any]) -> None:
    """Say nothing of tasks that died with their process."""


def run(scene: Scene, plan: Plan, *, shelves: Shelves | None = None) -> str:
    """Play a scene in an event loop of its own; say what did not hold, if anything."""
    with asyncio.Runner() as runner:
        runner.get_loop().set_exception_handler(_mourn_nobody)
        try:
            runner.run(play(scene, plan, shelves=shelves))
        except Violated as violated:
            return str(violated)
    return ""


Strikes = Iterator[tuple[str, str]]
"""Where each run was struck, and what did not hold, if anything."""


def strikes(
    scene: Scene, kind: Callable[[int], At] = Crash, *, shelves: Shelves | None = None
) -> Strikes:
    """Strike a scene at every point; the last run meets none and plays to its end."""
    for number in range(1, MOST_POINTS):
        plan = kind(number)
        wrong = run(scene, plan, shelves=shelves)
        yield plan.struck, wrong
        if not plan.struck:
            return
    message = f"{scene.name} does not end"
    raise AssertionError(message)


def crashes_twice(scene: Scene, *, every: bool = False) -> Strikes:
    """Cut the process off at every point, and the next one at every point of its start."""
    first, struck = 0, True
    while struck:
        first, second, struck = first + 1, 0, False
        while True:
            second += 1
            plan = Crash(first, again=second, every=every)
            wrong = run(scene, plan)
            if not plan.struck:
                break
            struck = True
            yield f"{plan.first}, then {plan.struck}", wrong


def crashes(scene: Scene, *, shelves: Shelves | None = None, until_wrong: bool = False) -> Swept:
    """Cut the process off at every point of a scene.

    Args:
        until_wrong: End where the first thing is wrong.
    """
    return _swept(scene, strikes(scene, Crash, shelves=shelves), until_wrong=until_wrong)


def failures(scene: Scene, *, shelves: Shelves | None = None) -> Swept:
    """Have every call of a scene fail once, in a process that lives on."""
    return _swept(scene, strikes(scene, Fail, shelves=shelves), until_wrong=False)


def _swept(scene: Scene, met: Strikes, *, until_wrong: bool) -> Swept:
    swept = Swept()
    for where, wrong in met:
        if wrong:
            swept.violations.append(f"{scene.name}, {where or 'to its end'}: {wrong}")
        if where:
            swept.struck.append(where)
        if wrong and until_wrong:
            break
    return swept
