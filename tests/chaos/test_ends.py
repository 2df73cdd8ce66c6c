"""How does one process on SQLite fare: cut off, told to end, out of files, or unheard?"""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, suppress
from pathlib import Path

import aiohttp
import pytest

from tests.chaos.fleet import Fleet
from tests.chaos.monkey import place, settle
from tests.chaos.oracle import Tale, judge
from tests.cli.commands import half_a_request
from tests.deliveries import delivery

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

IN_FLIGHT = 500
BURST, SENDERS = 2_500, 64
"""As many as come in a second and a half of F58's minute of 100,000."""
GROWTH = 1.1
"""What a second burst may leave, of what the first did: memory and descriptors are given back."""
ENDS_WITHIN_SECONDS = 10.0
ANSWERS_WITHIN_SECONDS = 3.0
"""Zoom waits no longer."""


@pytest.fixture
async def fleet(tmp_path: Path) -> AsyncIterator[Fleet]:
    one = Fleet(tmp_path, None)
    yield one
    one.kill_all()


async def _send(fleet: Fleet, session: aiohttp.ClientSession, tale: Tale, number: int) -> int:
    """Send an event once; give the status, or 0 if no answer came."""
    content, headers = delivery(number)
    tale.sent[number] = place(content)
    url = f"http://127.0.0.1:{fleet.ports[0]}/events"
    with suppress(aiohttp.ClientError, TimeoutError):
        async with session.post(url, data=content, headers=headers) as answer:
            if answer.status == 200:
                tale.acked.add(number)
            return answer.status
    return 0


async def _still_takes(fleet: Fleet, tale: Tale, number: int) -> None:
    """See that an event is taken in time, and that all is well in the end."""
    timeout = aiohttp.ClientTimeout(total=ANSWERS_WITHIN_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        assert await _send(fleet, session, tale, number) == 200
    await settle(fleet, tale)
    assert judge(tale) == []
    assert number in tale.had


async def test_f01_a_kill_before_the_body_is_there_leaves_nothing(fleet: Fleet) -> None:
    await fleet.rise()
    with ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(half_a_request(fleet.ports[0]))
        fleet.kill(0)
    await fleet.restart([0])
    assert await fleet.rows() == {}
    await _still_takes(fleet, Tale(), 1)


async def test_f10_an_end_that_is_asked_for_twice_loses_nothing(fleet: Fleet) -> None:
    await fleet.rise()
    tale = Tale()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
        sent = [
            asyncio.create_task(_send(fleet, session, tale, number)) for number in range(IN_FLIGHT)
        ]
        await asyncio.wait(sent, return_when=asyncio.FIRST_COMPLETED)
        fleet.signal(0, signal.SIGTERM)
        began = time.monotonic()
        await asyncio.sleep(0.1)
        fleet.signal(0, signal.SIGTERM)
        await asyncio.to_thread(fleet.wait, 0, ENDS_WITHIN_SECONDS)
        assert time.monotonic() - began < ENDS_WITHIN_SECONDS
        answers = await asyncio.gather(*sent)
    assert set(answers) <= {0, 200, 503}
    assert 200 in answers
    await fleet.restart([0])
    await _still_takes(fleet, tale, IN_FLIGHT)


async def test_f60_whoever_holds_every_connection_keeps_nobody_out(fleet: Fleet) -> None:
    fleet.descriptors = 128
    await fleet.rise()
    with ExitStack() as stack:
        for _ in range(200):
            stack.enter_context(half_a_request(fleet.ports[0]))
        await _still_takes(fleet, Tale(), 1)


async def test_f63_a_log_that_takes_nothing_more_stops_no_delivery(fleet: Fleet) -> None:
    fleet.said = Path("/dev/full")
    await fleet.rise()
    await _still_takes(fleet, Tale(), 1)


async def _burst(fleet: Fleet, tale: Tale, numbers: range) -> set[int]:
    """Send events as fast as they are taken, and see to all of them; give the statuses."""
    left = iter(numbers)
    timeout = aiohttp.ClientTimeout(total=ANSWERS_WITHIN_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout) as session:

        async def send() -> set[int]:
            return {await _send(fleet, session, tale, number) for number in left}

        answers = await asyncio.gather(*(send() for _ in range(SENDERS)))
    await settle(fleet, tale)
    return set[int]().union(*answers)


async def test_f58_a_burst_leaves_nothing_undone_and_nothing_behind(fleet: Fleet) -> None:
    await fleet.rise()
    tale, held = Tale(), list[tuple[int, int]]()
    for begin in (0, BURST):
        answers = await _burst(fleet, tale, range(begin, begin + BURST))
        assert answers <= {200, 503}
        held.append(fleet.holds(0))
    assert judge(tale) == []
    assert len(tale.had) == len(tale.acked) >= BURST
    (memory, files), (memory_then, files_then) = held
    assert memory_then < memory * GROWTH
    assert files_then <= files * GROWTH
