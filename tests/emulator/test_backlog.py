"""What is still to be done after an answer went out."""

import asyncio

import pytest

from innkeeper.emulator.backlog import Backlog

pytestmark = pytest.mark.anyio


async def test_does_every_job_also_those_that_jobs_add() -> None:
    backlog, done = Backlog(), list[str]()

    async def second() -> None:
        done.append("second")

    async def first() -> None:
        done.append("first")
        backlog.add(second)

    backlog.add(first)
    assert not backlog.empty
    await backlog.drain()
    assert done == ["first", "second"]
    assert backlog.empty


async def test_waits_for_what_the_loop_began() -> None:
    backlog, done = Backlog(), list[str]()
    began, gate = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        began.set()
        await gate.wait()
        done.append("slow")

    loop = asyncio.create_task(backlog.run())
    backlog.add(slow)
    await began.wait()
    draining = asyncio.create_task(backlog.drain())
    await asyncio.sleep(0)
    assert not draining.done()
    gate.set()
    await draining
    assert done == ["slow"]
    loop.cancel()


async def test_a_slow_job_holds_up_no_other() -> None:
    backlog, done = Backlog(), asyncio.Event()

    async def stuck() -> None:
        await asyncio.Event().wait()

    async def quick() -> None:
        done.set()

    loop = asyncio.create_task(backlog.run())
    backlog.add(stuck)
    backlog.add(quick)
    async with asyncio.timeout(5):
        await done.wait()
    loop.cancel()
    await backlog.aclose()
    assert backlog.empty


async def test_tells_whoever_drains_that_a_job_failed() -> None:
    backlog = Backlog()

    async def broken() -> None:
        raise LookupError

    backlog.add(broken)
    with pytest.raises(LookupError):
        await backlog.drain()
