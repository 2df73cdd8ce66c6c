"""Who carries a purge out? One worker at a time, and no step holds up another's."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from innkeeper.flows import steps
from innkeeper.flows.purge import LEASE, Forgetter
from innkeeper.store.records import Installation, Purge, Receipt
from innkeeper.testing import Zoom
from tests.journeys.bots import Notes, porter

pytestmark = pytest.mark.anyio


class Slow:
    """A step of the bot's own that waits to be told."""

    def __init__(self) -> None:
        self.begun: asyncio.Queue[str] = asyncio.Queue()
        self.free = asyncio.Event()
        self.kept = 7

    async def delete(self, scope: steps.Scope) -> int:
        assert isinstance(scope, steps.UserScope)
        await self.begun.put(scope.user_id)
        await self.free.wait()
        kept, self.kept = self.kept, 0
        return kept


async def begun(forgetter: Forgetter, zoom: Zoom) -> Sequence[Purge]:
    """Begin the purge of everybody, and carry none out."""
    found: list[Installation] = list(await zoom.parts.store.installations())
    now = zoom.parts.clock.now()
    purges = [await forgetter.begin(each, removed_at=now) for each in found]
    return [each for each in purges if each is not None]


def forgetters(zoom: Zoom) -> list[Forgetter]:
    return [parts.forgetter for parts in zoom._running]  # pyright: ignore[reportPrivateUsage]  # both workers


@dataclass(frozen=True, slots=True)
class Underway:
    """A purge that one of two workers is in the middle of: within the bot's own step."""

    zoom: Zoom
    slow: Slow
    purge: Purge
    running: "asyncio.Task[Receipt | None]"
    second: Forgetter


@asynccontextmanager
async def underway() -> AsyncIterator[Underway]:
    slow, app = Slow(), porter()
    app.purge("slow")(slow.delete)
    async with Zoom(app, workers=2) as zoom:
        await (await zoom.user("Ana")).adds_app()
        first, second = forgetters(zoom)
        (purge,) = await begun(first, zoom)
        running = asyncio.create_task(first.run(purge))
        await slow.begun.get()
        yield Underway(zoom, slow, purge, running, second)


async def test_two_workers_run_no_step_twice() -> None:
    async with underway() as it:
        zoom, slow, running, second = it.zoom, it.slow, it.running, it.second
        assert await second.run(it.purge) is None
        assert await second.run_due() == 0
        slow.free.set()
        assert await running is not None
        assert slow.begun.empty()
        await zoom.settle()
        receipt = zoom.receipts.one()
        assert receipt.steps["bot:slow"] == 7
        assert receipt.tries == {}


async def test_what_a_worker_has_lost_it_neither_counts_nor_signs() -> None:
    async with underway() as it:
        zoom, slow, running, second = it.zoom, it.slow, it.running, it.second
        zoom._clock.advance(LEASE.total_seconds())  # pyright: ignore[reportPrivateUsage]  # no one else does anything
        other = asyncio.create_task(second.run_due())
        await slow.begun.get()
        slow.free.set()
        assert await running is None
        assert await other == 1
        await zoom.settle()
        receipt = zoom.receipts.one()
        assert receipt.tries == {"bot:slow": 2}
        assert receipt.steps["bot:slow"] == 0  # the seven went with the one who lost it


async def test_a_worker_that_ends_leaves_its_purge_to_the_next_at_once() -> None:
    async with underway() as it:
        it.running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await it.running
        it.slow.free.set()
        assert await it.second.run_due() == 1  # without waiting for the lease's end
        await it.zoom.settle()
        receipt = it.zoom.receipts.one()
        assert receipt.steps["bot:slow"] == 7
        assert receipt.tries == {"bot:slow": 2}


async def test_a_worker_that_ends_takes_no_purge_from_whoever_has_it_now() -> None:
    async with underway() as it:
        it.zoom._clock.advance(LEASE.total_seconds())  # pyright: ignore[reportPrivateUsage]  # no one else does anything
        other = asyncio.create_task(it.second.run_due())
        await it.slow.begun.get()
        it.running.cancel()
        await asyncio.gather(it.running, return_exceptions=True)
        assert await it.zoom.parts.store.purges(due_by=it.zoom.parts.clock.now()) == []
        it.slow.free.set()
        assert await other == 1


async def test_two_workers_that_sign_at_once_both_find_their_place_in_the_chain(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with Zoom(porter(), workers=2) as zoom:
        for name in ("Ana", "Ben"):
            await (await zoom.user(name)).adds_app()
        first, second = forgetters(zoom)
        ours, others = await begun(first, zoom)
        vault, met = zoom.parts.vault, asyncio.Barrier(2)
        last, asked = vault.last_receipt, [1, 2]

        async def together() -> Receipt | None:
            found = await last()
            if asked and asked.pop():
                await met.wait()  # both have seen the same end of the chain
            return found

        for forgetter in (first, second):
            monkeypatch.setattr(forgetter._vault, "last_receipt", together)  # pyright: ignore[reportPrivateUsage]  # what it signs by
        both = await asyncio.gather(first.run(ours), second.run(others))
        assert sorted(each.sequence for each in both if each is not None) == [1, 2]


async def test_a_step_that_hangs_holds_up_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "STEP_SECONDS", 0.05)
    slow, notes = Slow(), Notes()
    app = porter(notes)

    @app.purge("hangs for Ana")
    async def hangs(scope: steps.Scope) -> int:
        assert isinstance(scope, steps.UserScope)
        return await slow.delete(scope) if scope.user_id == ana.user.id else 3

    async with Zoom(app) as zoom:
        ana, ben = await zoom.user("Ana"), await zoom.user("Ben")
        for each in (ana, ben):
            await each.adds_app()
            await each.says("due friday ship it")
        await ana.removes_app()
        (left,) = await zoom.parts.store.purges()
        assert left.attempts == 1
        assert "grants" in left.done  # what we keep does not wait for the bot
        await ben.removes_app()
        assert zoom.receipts.one().steps["bot:hangs for Ana"] == 3
        slow.free.set()
        await zoom.clock.advance(seconds=10)
        assert [each.complete for each in zoom.receipts.all()] == [True, True]
        assert not notes.kept
        assert await zoom.leftovers(ana) == []


async def test_no_step_of_the_bots_runs_before_it_is_served() -> None:
    slow, app = Slow(), porter()
    app.purge("slow")(slow.delete)
    async with Zoom(app) as zoom:
        ana = await zoom.user("Ana")
        await ana.adds_app()
        await ana.says("due friday ship it")
        (forgetter,) = forgetters(zoom)
        await begun(forgetter, zoom)
        await forgetter.reconcile()
        assert slow.begun.empty()
        (left,) = await zoom.parts.store.purges()
        assert set(left.done) == {"grants", "state", "inbox", "cases"}
        assert left.done["state"] == 1
        slow.free.set()
        await zoom.settle()
        assert zoom.receipts.one().steps["bot:slow"] == 7
        assert zoom.receipts.one().steps["state"] == 1


async def test_counts_what_went_before_verify_found_the_rest() -> None:
    left = [3, 4]
    app = porter()

    async def is_gone(_: steps.Scope) -> bool:
        return not left

    @app.purge("in halves", verify=is_gone)
    async def halves(_: steps.Scope) -> int:
        return left.pop()

    async with Zoom(app) as zoom:
        ana = await zoom.user("Ana")
        await ana.adds_app()
        await ana.removes_app()
        assert zoom.receipts.all() == ()
        await zoom.clock.advance(seconds=10)
        assert zoom.receipts.one().steps["bot:in halves"] == 7
        assert zoom.receipts.one().tries == {"bot:in halves": 2}
