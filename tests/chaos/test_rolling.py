"""Is anybody kept waiting while processes on PostgreSQL are replaced, or one stands still?"""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest

from tests.chaos.fleet import Fleet
from tests.chaos.monkey import place, settle
from tests.chaos.oracle import Tale, judge
from tests.deliveries import delivery
from tests.postgres import Server, begun

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

ENDS_WITHIN_SECONDS = 10.0
ANSWERS_WITHIN_SECONDS = 3.0
"""Zoom waits no longer."""


@pytest.fixture
def fleet(postgres: Server, tmp_path: Path) -> Iterator[Fleet]:
    if postgres.programs is None:
        pytest.skip("its tables would be left in the named server")
    own = begun()
    one = Fleet(tmp_path, own)
    yield one
    one.kill_all()
    own.stop()


async def _send(
    fleet: Fleet, session: aiohttp.ClientSession, tale: Tale, number: int, *ports: int
) -> None:
    """Send an event until one of the web processes has taken it."""
    content, headers = delivery(number)
    tale.sent[number] = place(content)
    while number not in tale.acked:
        for port in ports or fleet.ports:
            with suppress(aiohttp.ClientError, TimeoutError):
                url = f"http://127.0.0.1:{port}/events"
                async with session.post(url, data=content, headers=headers) as answer:
                    if answer.status == 200:
                        tale.acked.add(number)
                        return
        await asyncio.sleep(0.02)


async def test_f65_processes_are_replaced_under_traffic(fleet: Fleet) -> None:
    await fleet.rise()
    tale, over = Tale(), asyncio.Event()
    timeout = aiohttp.ClientTimeout(total=ANSWERS_WITHIN_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout) as session:

        async def traffic() -> None:
            while not over.is_set():
                await _send(fleet, session, tale, len(tale.sent))
                await asyncio.sleep(0.05)

        sending = asyncio.create_task(traffic())
        for web, worker in ((0, 2), (1, 3)):
            for number in (web, worker):
                fleet.signal(number, signal.SIGTERM)
            ended = [
                await asyncio.to_thread(fleet.wait, number, ENDS_WITHIN_SECONDS)
                for number in (web, worker)
            ]
            assert ended[0] == 0
            assert ended[1] in {0, 128 + signal.SIGTERM}  # a worker that was not up yet says so
            await fleet.restart([web, worker])
        over.set()
        await sending
    await settle(fleet, tale)
    assert judge(tale) == []
    assert len(tale.had) == len(tale.sent) > fleet.size
    assert set(tale.rows.values()) == {("done", "")}


async def test_f66_one_that_stands_still_keeps_no_other_from_answering(fleet: Fleet) -> None:
    await fleet.rise()
    tale, (still, other) = Tale(), fleet.ports
    timeout = aiohttp.ClientTimeout(total=ANSWERS_WITHIN_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        for number in (0, fleet.size - 1):  # a web process and a worker
            fleet.signal(number, signal.SIGSTOP)
        for number in range(20):
            async with asyncio.timeout(ANSWERS_WITHIN_SECONDS):
                await _send(fleet, session, tale, number, other)
        for number in (0, fleet.size - 1):
            fleet.signal(number, signal.SIGCONT)
        await _send(fleet, session, tale, 20, still)
    await settle(fleet, tale)
    assert judge(tale) == []
    assert len(tale.had) == 21
