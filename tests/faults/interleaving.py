"""In which order can two things happen? In every one: the orders are enumerated, not drawn.

Two actors run as two workers on one store. Each stops before every step that the other
could notice, and goes on when the schedule says so. A schedule is a list of choices; what
comes after its end goes to whoever is first. Depth first, each run tells which choices
there were, and the last one that was not tried yet is tried next, until none is left.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from tests.faults.edges import Plan

_inside: ContextVar[str] = ContextVar("inside", default="")
"""The call that is being made, so that what it does within is a point of its own."""

STUCK_SECONDS = 5.0


@dataclass(slots=True)
class Choices:
    """What was chosen in a run, and among how many."""

    wanted: list[int]
    taken: list[int] = field(default_factory=list[int])
    among: list[int] = field(default_factory=list[int])

    def choose(self, count: int) -> int:
        """Choose as the schedule says; the first where it says nothing."""
        place = len(self.taken)
        choice = self.wanted[place] if place < len(self.wanted) else 0
        self.taken.append(choice)
        self.among.append(count)
        return choice

    def following(self) -> list[int] | None:
        """Give the next schedule: the last choice that has another, changed; None at the end."""
        for place in reversed(range(len(self.taken))):
            if self.taken[place] + 1 < self.among[place]:
                return [*self.taken[:place], self.taken[place] + 1]
        return None


Steps = Mapping[str, Collection[str]]
"""Before which points each actor stops. A point within a call of the actor's is written
`store.save_grant>vault.find_key:after`."""


class Scheduler:
    """Lets one actor at a time take one step."""

    def __init__(self) -> None:
        self.order: list[str] = []
        """Who took which step, in this run."""
        self._steps: Steps = {}
        self._waiting: dict[str, list[tuple[str, asyncio.Future[None]]]] = {}
        self._moved = asyncio.Event()
        self._on = False

    async def at(self, actor: str, point: str) -> None:
        """Wait for this actor's turn."""
        if not self._on or point not in self._steps.get(actor, ()):
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting[actor].append((point, turn))
        self._moved.set()
        await turn

    async def run(
        self,
        actors: Mapping[str, Awaitable[object]],
        *,
        steps: Steps,
        choices: Choices,
        watch: Callable[[], Awaitable[None]],
    ) -> None:
        """Run the actors to their ends, in the order that the choices make.

        Args:
            watch: Called after every step, while nobody moves.

        Raises:
            Exception: Whatever an actor raises, once all have ended.
        """
        self._steps = steps
        self._waiting = {name: [] for name in actors}
        self.order = []
        self._on = True
        tasks = {name: asyncio.ensure_future(actor) for name, actor in actors.items()}
        for task in tasks.values():
            task.add_done_callback(lambda _: self._moved.set())
        try:
            while await self._all_stand(tasks):
                await watch()
                ready = [name for name, waiting in self._waiting.items() if waiting]
                name = ready[choices.choose(len(ready)) if len(ready) > 1 else 0]
                point, turn = self._waiting[name].pop(0)
                self.order.append(f"{name} {point}")
                turn.set_result(None)
        finally:
            self._on = False
            for _, turn in (each for waiting in self._waiting.values() for each in waiting):
                turn.cancel()
        await watch()
        await asyncio.gather(*tasks.values())

    async def _all_stand(self, tasks: Mapping[str, asyncio.Future[object]]) -> bool:
        """Wait until everybody waits or has ended; say whether anybody waits."""
        while not all(task.done() or self._waiting[name] for name, task in tasks.items()):
            self._moved.clear()
            async with asyncio.timeout(STUCK_SECONDS):
                await self._moved.wait()
        return any(self._waiting.values())


class Turns(Plan):
    """The edges of one actor: at each point it may have to wait for its turn."""

    def __init__(self, actor: str, scheduler: Scheduler) -> None:
        super().__init__()
        self._actor = actor
        self._scheduler = scheduler

    async def at(self, point: str) -> None:
        """Pass a point, when it is our turn."""
        await self._scheduler.at(self._actor, point)

    def within(self, point: str) -> AbstractContextManager[object]:
        """Say whose call it is, to what it does within."""
        return _calling(self, point)

    async def at_within(self, point: str) -> None:
        """Pass a point within a call."""
        await self.at(f"{_inside.get()}>{point}")


_caller: ContextVar[Turns | None] = ContextVar("caller", default=None)


class Within(Plan):
    """The edges below a shared store: a point belongs to whoever is calling."""

    async def at(self, point: str) -> None:
        """Pass a point, as a part of the call that leads here."""
        caller = _caller.get()
        if caller is not None:
            await caller.at_within(point)


@contextmanager
def _calling(turns: Turns, point: str) -> Generator[None]:
    caller, inside = _caller.set(turns), _inside.set(point)
    try:
        yield
    finally:
        _caller.reset(caller)
        _inside.reset(inside)
