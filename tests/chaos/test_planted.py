"""Would the oracle of chaos notice? Two lives of a bot, one mistake in both.

Between them the power fails: of what was written only that is left which was synced.
"""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from innkeeper import App, Command
from innkeeper.flows.dispatch import Dispatcher
from innkeeper.ids import EventId
from innkeeper.store.events import place_of
from innkeeper.store.records import Accepted, EventState
from innkeeper.store.seal import KeyRing
from innkeeper.store.sqlite import SqliteStore
from innkeeper.store.sqlite import connection as connection_module
from tests.chaos.fleet import rows_of
from tests.chaos.oracle import Tale, judge
from tests.faults.disk import disk
from tests.journeys.house import CLIENT_ID, House, notification, running, signed

pytestmark = [pytest.mark.anyio, pytest.mark.sqlite]

PLAIN, FAILS, FAILS_LATE, HELD, CUT_OFF = range(5)


class Lives:
    """A bot that has one effect for each event, and fails in its first life."""

    def __init__(self) -> None:
        self.tale = Tale()
        self.had: list[int] = []
        self.first = True
        self.begun, self.over = asyncio.Event(), asyncio.Event()
        self.held, self.let_go = asyncio.Event(), asyncio.Event()

    def bot(self) -> App:
        app = App("Porter")

        @app.command("note")
        async def note(ctx: Command, number: str) -> None:
            which = int(number)
            if self.first and which == CUT_OFF:
                self.begun.set()
                await self.over.wait()
                raise ZeroDivisionError
            if self.first and which == FAILS:
                raise ZeroDivisionError

            async def have() -> None:
                self.had.append(which)

            if which == HELD:  # nothing guards its effect but the claim
                self.held.set()
                await self.let_go.wait()
                await have()
                return
            await ctx.once("note", have)
            if self.first and which == FAILS_LATE:
                raise ZeroDivisionError

        return app

    async def live(self, folder: Path) -> Tale:
        """Live until the power fails, live again until all is done, and tell."""
        ring, later, tale = KeyRing.generate(), folder / "later", self.tale
        (folder / "now").mkdir()
        with disk() as one:
            async with running(folder / "now", app=self.bot(), ring=ring) as house:
                for number in (PLAIN, PLAIN, FAILS, FAILS_LATE):
                    body = _body(tale, number)
                    status, _ = await house.deliver(body)
                    assert status == 200
                await _begin(house, _body(tale, HELD), self.held)
                await house.app.worker.take_up()  # a worker comes along, and finds nothing to do
                self.let_go.set()
                await house.parts.dispatcher.settled()
                await _begin(house, _body(tale, CUT_OFF), self.begun)
                await house.rows()  # what ends soon has ended
                one.lose_power(folder / "now", later)
                self.over.set()
        self.first = False
        tale.acked = set(tale.sent)
        async with running(later, app=self.bot(), ring=ring) as house:
            house.clock.advance(60)
            await house.app.worker.take_up()
            await house.parts.dispatcher.settled()
            await house.rows()
        tale.had, tale.rows = self.had, rows_of(later)
        return tale


async def _begin(house: House, body: bytes, begun: asyncio.Event) -> None:
    """Deliver an event, and wait until its handler is at work."""
    await house.request("POST", "/events", signed(body), body)
    async with asyncio.timeout(10):
        await begun.wait()


def _body(tale: Tale, number: int) -> bytes:
    body = notification(cmd=f"note {number}")
    tale.sent[number] = place_of(body, hashlib.sha256(CLIENT_ID.encode() + body).digest())
    return body


Real = Callable[..., Any]


def _acks_before_the_commit(_real: Real) -> Real:
    async def accept(_self: SqliteStore, **_: Any) -> Accepted:
        return Accepted(EventId("1"), fresh=True, state=EventState.CLAIMED)

    return accept


def _knows_no_repetition(real: Real) -> Real:
    keys = (bytes([number]) * 32 for number in range(9))

    async def accept(self: SqliteStore, *, key: bytes, **rest: Any) -> Accepted:  # noqa: ARG001  # the mistake
        return await real(self, key=next(keys), **rest)

    return accept


def _has_effects_again(real: Real) -> Real:
    async def begin_effect(*about: Any) -> Any:
        return replace(await real(*about), fresh=True, result=None)

    return begin_effect


def _is_done_before_its_handler(real: Real) -> Real:
    async def deliver(self: Any, waiting: Any, *rest: Any) -> None:
        await self._store.finish(waiting.event.id, EventState.DONE, now=self._clock.now())
        await real(self, waiting, *rest)

    return deliver


def _lets_failures_go(_real: Real) -> Real:
    async def defer(self: SqliteStore, event: EventId, **_: Any) -> None:
        self.finish_soon(event, EventState.DONE)

    return defer


def _never_takes_over(_real: Real) -> Real:
    async def reclaim(*_: Any, **__: Any) -> int:
        return 0

    return reclaim


def _claims_what_is_held(real: Real) -> Real:
    async def claim(self: SqliteStore, **about: Any) -> Any:
        await self.reclaim(now=about["now"])  # as if nobody lived who holds anything
        return await real(self, **about)

    return claim


def _does_not_wait_for_the_disk(pragmas: Any) -> Any:
    return pragmas.replace("synchronous = FULL", "synchronous = NORMAL")


PLANTED = {
    "acks before the commit": (SqliteStore, "accept", _acks_before_the_commit, {"I1"}),
    "knows no repetition": (SqliteStore, "accept", _knows_no_repetition, {"I1", "I2", "I3"}),
    "has effects again": (SqliteStore, "begin_effect", _has_effects_again, {"I3"}),
    "done before its handler": (Dispatcher, "_deliver", _is_done_before_its_handler, {"I1"}),
    "lets failures go": (SqliteStore, "defer", _lets_failures_go, {"I1"}),
    "never takes over": (SqliteStore, "reclaim", _never_takes_over, {"I3"}),
    "claims what is held": (SqliteStore, "claim", _claims_what_is_held, {"I3"}),
    "does not wait for the disk": (
        connection_module,
        "_PRAGMAS",
        _does_not_wait_for_the_disk,
        {"I1"},
    ),
}
"""What is wrong: where, and which invariants it violates."""


async def test_two_lives_and_a_crash_are_well(tmp_path: Path) -> None:
    assert judge(await Lives().live(tmp_path)) == []


@pytest.mark.parametrize("planted", PLANTED)
async def test_the_oracle_sees_a_mistake(
    planted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, name, mistaken, violated = PLANTED[planted]
    monkeypatch.setattr(owner, name, mistaken(getattr(owner, name)))
    assert {each[:2] for each in judge(await Lives().live(tmp_path))} == violated
