"""A thread for each event, no more than there may be, and none that holds up the others."""

import asyncio
import threading

import pytest

from innkeeper.bot.threads import Threads

pytestmark = pytest.mark.anyio


async def waiting(threads: Threads) -> asyncio.Task[None]:
    """Have somebody wait for a thread."""
    asked = asyncio.Event()

    async def ask() -> None:
        asked.set()
        (await threads.lend()).leave()

    task = asyncio.create_task(ask())
    await asked.wait()
    return task


async def test_waits_until_a_thread_is_given_back() -> None:
    threads = Threads(1)
    lane = await threads.lend()
    first, second = await waiting(threads), await waiting(threads)
    assert not first.done()
    lane.leave()
    await asyncio.gather(first, second)
    threads.close()


async def test_whoever_gives_up_waiting_passes_the_turn_on() -> None:
    threads = Threads(1)
    lane = await threads.lend()
    first, second, third = [await waiting(threads) for _ in range(3)]
    second.cancel()  # before its turn
    lane.leave()
    first.cancel()  # when its turn has just come
    await asyncio.wait({first, second, third}, timeout=10)
    assert [task.cancelled() for task in (first, second, third)] == [True, True, False]
    threads.close()


async def test_uses_a_thread_again_and_runs_one_function_after_the_other() -> None:
    threads = Threads(2)
    lane = await threads.lend()
    first = await lane.run(threading.get_ident)
    lane.leave()
    lane = await threads.lend()
    assert await lane.run(threading.get_ident) == first
    assert not lane.busy
    lane.leave()
    threads.close()


async def test_a_thread_at_work_is_left_to_itself_up_to_a_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("innkeeper.bot.threads._MOST_LEFT", 1)
    threads, go = Threads(1), threading.Event()
    for _ in range(2):
        lane = await threads.lend()
        stuck = asyncio.ensure_future(lane.run(go.wait, 10))
        await asyncio.sleep(0)
        assert lane.busy
        stuck.cancel()
        lane.leave()
    late = await waiting(threads)  # the second one counts: there is no thread any more
    assert not late.done()
    late.cancel()
    go.set()
    threads.close()


async def test_what_a_function_raises_when_nobody_waits_is_let_be() -> None:
    threads, go = Threads(1), threading.Event()
    lane = await threads.lend()
    stuck = asyncio.ensure_future(lane.run(go.wait, 10))
    await asyncio.sleep(0)
    stuck.cancel()
    lane.run_after(lambda: 1 / 0)
    go.set()
    with pytest.raises(ZeroDivisionError):
        await lane.run(lambda: 1 / 0)  # after both others
    assert not lane.busy
    lane.leave()
    threads.close()


async def test_a_keyboard_interrupt_in_a_thread_does_not_end_the_loop() -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    threads = Threads(1)
    lane = await threads.lend()
    with pytest.raises(Exception, match=r"it raised KeyboardInterrupt\(\)"):
        await lane.run(interrupted)
    lane.leave()
    threads.close()
