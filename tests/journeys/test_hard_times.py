"""What if the machine has a hard time? A slow disk, odd clocks, events in any order,
a bad line, no memory."""

import asyncio
import itertools
import random
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from innkeeper import App, Command
from innkeeper.net.serving import LOCAL, bind, serving
from innkeeper.store.records import EventState
from tests.faults.disk import disk, full, slow
from tests.faults.line import bad_line
from tests.journeys.house import NOW, House, notification, running, signed, stamp
from tests.journeys.test_deauthorization import removal, statements

pytestmark = [pytest.mark.anyio, pytest.mark.sqlite]

WITHIN_SECONDS = 3.0
"""Zoom waits no longer for an answer."""


async def _deliver(house: House, text: str, *, seconds: float = 0) -> None:
    """Deliver an event that was signed when the clock has it, and see that it is taken."""
    moved = (house.clock.now() - NOW).total_seconds()
    body = notification(cmd=text)
    headers = signed(body, timestamp=stamp(moved + seconds))
    status, _ = await house.deliver(body, headers)
    assert status == 200


@pytest.mark.slow
async def test_f40_a_slow_disk_is_asked_once_for_many(tmp_path: Path) -> None:
    bodies = [notification(cmd=f"note {number}") for number in range(40)]
    with disk() as one:
        async with running(tmp_path) as house:
            await _deliver(house, "first")
            began = time.monotonic()
            with one.failing("sync", slow(0.2)):
                answers = await asyncio.gather(
                    *(house.request("POST", "/events", signed(body), body) for body in bodies)
                )
            assert time.monotonic() - began < WITHIN_SECONDS
            assert {status for status, _, _ in answers} == {200}
            assert one.struck <= len(bodies) / 4, "events share commits"
            await house.parts.dispatcher.settled()
            assert len(house.heard) == 41


@pytest.mark.parametrize(
    "jump",
    [
        pytest.param(timedelta(hours=1), id="F47-an-hour-on"),
        pytest.param(-timedelta(hours=1), id="F47-an-hour-back"),
        pytest.param(timedelta(days=3653), id="F47-ten-years-on"),
    ],
)
async def test_a_clock_that_jumps_forgets_nobody_and_does_nothing_twice(
    tmp_path: Path, jump: timedelta
) -> None:
    async with running(tmp_path) as house:
        await _deliver(house, "before")
        (before,) = await house.parts.store.installations()
        house.clock.stand_at(NOW + jump)
        await house.app.worker.turn()
        await _deliver(house, "after")
        house.clock.stand_at(NOW)
        await house.app.worker.turn()
        await _deliver(house, "back")
        await _deliver(house, "back")
        assert house.heard == ["before", "after", "back"]
        (after,) = await house.parts.store.installations()
        assert (after.id, after.status) == (before.id, before.status)
        assert not house.zoom.asked


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param(datetime(2026, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), id="F49-leap-second"),
        pytest.param(datetime(2027, 3, 28, 1, 0, tzinfo=UTC), id="F49-summer-time"),
        pytest.param(datetime(2028, 2, 29, 12, 0, tzinfo=UTC), id="F49-leap-day"),
        pytest.param(datetime(2038, 1, 19, 3, 14, 7, tzinfo=UTC), id="F49-2038"),
        pytest.param(datetime(2100, 2, 28, 23, 59, 59, tzinfo=UTC), id="F49-2100"),
    ],
)
async def test_no_moment_is_special(tmp_path: Path, moment: datetime) -> None:
    async with running(tmp_path) as house:
        house.clock.stand_at(moment)
        for step in range(3):
            await _deliver(house, f"note {step}")
            await house.app.worker.turn()
            house.clock.advance(1)
        assert house.heard == ["note 0", "note 1", "note 2"]


async def test_f50_what_zoom_sent_before_a_pause_of_two_hours_is_taken_after_it(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as house:
        await _deliver(house, "before")
        house.clock.advance(7200)
        await house.app.worker.turn()
        await _deliver(house, "before", seconds=-7200)  # its answer was lost
        await _deliver(house, "while it was paused", seconds=-7200)
        assert house.heard == ["before", "while it was paused"]


async def test_f55_events_that_come_ten_times_and_in_any_order_are_handled_once(
    tmp_path: Path,
) -> None:
    bodies = [
        notification(cmd=f"note {number}", timestamp=int(NOW.timestamp() * 1000) - number * 180_000)
        for number in range(20)
    ]
    deliveries = bodies * 10
    random.Random(55).shuffle(deliveries)  # noqa: S311  # no secret
    async with running(tmp_path) as house:
        for body in deliveries:
            assert (await house.deliver(body))[0] == 200
        assert sorted(house.heard) == sorted(f"note {number}" for number in range(20))
        assert {row.state for row in await house.rows()} == {EventState.DONE}


async def test_f59_a_handler_that_finds_no_memory_is_tried_again(tmp_path: Path) -> None:
    app, tries = App("The test's bot"), list[str]()

    @app.command("much")
    async def much(ctx: Command) -> None:
        tries.append(ctx.text)
        if len(tries) == 1:
            raise MemoryError

    async with running(tmp_path, app=app) as house:
        await _deliver(house, "much")
        await _deliver(house, "little")
        house.clock.advance(6)
        await house.app.worker.take_up()
        await house.parts.dispatcher.settled()
        assert tries == ["much", "much"]
        assert house.heard == ["little"]
        assert {row.state for row in await house.rows()} == {EventState.DONE}


@pytest.mark.slow
async def test_f36_a_purge_that_found_no_room_is_carried_on_when_there_is_some(
    tmp_path: Path,
) -> None:
    answers: set[int] = set()
    for nth in itertools.count(1, 9):
        folder = tmp_path / str(nth)
        folder.mkdir()
        with disk() as one:
            async with running(folder) as house:
                await _deliver(house, "before")
                (hers,) = await house.parts.store.installations()
                house.clock.advance(1)
                body = removal(house.clock.now())
                headers = signed(body, timestamp=stamp(1))
                with one.failing("write", full, nth=nth):
                    status, _ = await house.deliver(body, headers)
                answers.add(status)
                for _ in range(3):
                    house.clock.advance(600)
                    assert (await house.deliver(body, headers))[0] == 200  # Zoom's retry
                    await house.app.worker.turn()
                    await house.parts.dispatcher.settled()
                (statement,) = await statements(house)
                assert (statement.installation, statement.complete) == (hers.id, True)
                assert not await house.parts.store.installations()
        if not one.struck:
            break
    assert answers == {200, 503}


@pytest.mark.slow
async def test_f53_a_bad_line_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    bodies = [notification(cmd=f"note {number}") for number in range(120)]
    listener = bind(LOCAL, 0)
    async with (
        running(tmp_path) as house,
        serving(house.app, listener),
        bad_line(listener.getsockname()[1], seed=53) as (port, line),
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=WITHIN_SECONDS)) as session,
    ):

        async def deliver(body: bytes) -> None:
            """Deliver until it is taken, as Zoom does, though sooner."""
            headers = {key.decode(): value.decode() for key, value in signed(body)}
            status = 0
            while status != 200:
                with suppress(aiohttp.ClientError, TimeoutError):
                    url = f"http://{LOCAL}:{port}/events"
                    async with session.post(url, data=body, headers=headers) as answer:
                        status = answer.status

        async with asyncio.timeout(60):
            await asyncio.gather(*map(deliver, bodies))
        await house.parts.dispatcher.settled()
        assert line.cut > 2
        assert sorted(house.heard) == sorted(f"note {number}" for number in range(120))
        assert {row.state for row in await house.rows()} == {EventState.DONE}
