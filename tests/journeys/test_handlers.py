"""What a handler does wrong harms nobody else, and nothing is lost."""

import asyncio
import json
import os
import sys
import threading
from contextlib import AsyncExitStack
from contextvars import ContextVar
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog

from innkeeper import (
    App,
    Card,
    Command,
    Deauthorized,
    Fenced,
    HandlerOverdue,
    Happened,
    MessageUnconfirmed,
    Router,
)
from innkeeper.errors import BotRefused, StoreUnavailable
from innkeeper.flows import crew
from innkeeper.ids import EventId
from innkeeper.store.records import EventState, InboxEvent
from innkeeper.testing import Zoom
from tests.journeys.house import House, notification, running, signed

pytestmark = pytest.mark.anyio

AGAIN = (5, 30, 120, 600, 1800)
"""After how many seconds an event is tried again."""


async def delivered(house: House, body: bytes) -> int:
    """Deliver an event and do not wait for its handler."""
    status, _, _ = await house.request("POST", "/events", signed(body), body)
    return status


async def states(house: House) -> list[tuple[EventState, str]]:
    return [(row.state, row.reason) for row in await house.rows()]


async def turn(house: House, seconds: float) -> None:
    """Let time pass, and what is due be taken up."""
    house.clock.advance(seconds)
    await house.app.worker.take_up()


# failures


def sentenced() -> App:
    """Make a bot whose handlers do what handlers should not."""
    app = App("The test's bot")

    @app.command("raises")
    async def raises(_ctx: Command) -> None:
        raise ZeroDivisionError

    @app.command("exits")
    async def exits(_ctx: Command) -> None:
        sys.exit(0)

    @app.command("exits-in-thread")
    def exits_in_thread(_ctx: Command) -> None:
        sys.exit(0)

    @app.command("cancels")
    async def cancels(_ctx: Command) -> None:
        raise asyncio.CancelledError

    @app.command("answers-wrong")
    async def answers_wrong(_ctx: Command) -> Any:
        return 42

    @app.command("answers-nothing")
    async def answers_nothing(_ctx: Command) -> str:
        return "  "

    return app


WRONG = {
    "raises": "ZeroDivisionError",
    "exits": "HandlerExited",
    "exits-in-thread": "HandlerExited",
    "cancels": "HandlerExited",
}
HOPELESS = {"answers-wrong": "BotRefused", "answers-nothing": "CardRefused"}


@pytest.mark.parametrize("cmd", WRONG)
async def test_a_handler_that_fails_is_tried_six_times_and_others_are_heard(
    cmd: str, tmp_path: Path
) -> None:
    async with running(tmp_path, app=sentenced()) as house:
        assert (await house.deliver(notification(cmd=cmd)))[0] == 200
        assert (await house.deliver(notification(cmd="other")))[0] == 200
        assert house.heard == ["other"]
        for seconds in AGAIN:
            assert (await states(house))[-1] == (EventState.READY, WRONG[cmd])
            await turn(house, seconds)
            await house.parts.dispatcher.settled()
        assert (await states(house))[-1] == (EventState.DEAD, WRONG[cmd])
        await turn(house, 100_000)
        assert (await house.rows())[-1].attempts == 6


@pytest.mark.parametrize("cmd", HOPELESS)
async def test_what_fails_each_time_is_dead_at_once_and_can_be_revived(
    cmd: str, tmp_path: Path
) -> None:
    async with running(tmp_path, app=sentenced()) as house:
        assert (await house.deliver(notification(cmd=cmd)))[0] == 200
        assert (await house.deliver(notification(cmd="other")))[0] == 200
        assert house.heard == ["other"]
        row = (await house.rows())[-1]
        assert (row.state, row.reason, row.attempts) == (EventState.DEAD, HOPELESS[cmd], 1)
        assert await house.parts.store.revive(row.id, now=house.clock.now())


async def test_a_failure_is_told_by_the_bots_own_lines_and_what_our_error_says(
    tmp_path: Path,
) -> None:
    app = App("The test's bot")

    @app.command("card")
    async def card(_ctx: Command) -> Card:
        return Card("Towels").button("", "done")

    with structlog.testing.capture_logs() as logs:
        async with running(tmp_path, app=app) as house:
            await house.deliver(notification(cmd="card"))
            await house.parts.dispatcher.settled()
    [told] = [each for each in logs if each["event"] == "dispatch.handler_failed"]
    assert told["error"] == "CardRefused"
    assert told["why"].startswith("card refused at /body/0/items/0/text: ")
    assert [line.rpartition(":")[0] for line in told["where"]] == [__file__]


async def test_a_handler_that_answers_too_much_is_refused_here_or_by_zoom_and_nothing_is_lost(
    tmp_path: Path,
) -> None:
    app = App("The test's bot")

    @app.command("much")
    async def much(_ctx: Command) -> str:
        return "x" * 10_000_000

    async with running(tmp_path, app=app) as house:
        assert (await house.deliver(notification(cmd="much")))[0] == 200
        assert (await house.deliver(notification(cmd="other")))[0] == 200
        assert house.heard == ["other"]
        assert (await states(house))[-1] == (EventState.DEAD, "CardRefused")


async def test_what_the_store_cannot_take_now_is_taken_up_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def down(*_args: object, **_more: object) -> None:
        raise StoreUnavailable("no", "space left")

    async with running(tmp_path) as house:
        with monkeypatch.context() as patch:
            patch.setattr(house.parts.store, "open_installation", down)
            patch.setattr(house.parts.store, "finish", down)
            await house.deliver(notification(cmd="first"))
            await house.deliver(notification(robotJid="v1other@xmpp.zoom.us"))
        assert await states(house) == [(EventState.CLAIMED, ""), (EventState.CLAIMED, "")]
        assert not house.heard
        await turn(house, 1)
        await house.parts.dispatcher.settled()
        assert house.heard == ["first"]
        assert await states(house) == [
            (EventState.QUARANTINED, "wrong_robot"),
            (EventState.DONE, ""),
        ]


@pytest.mark.parametrize(
    ("error", "state", "reason"),
    [
        (Fenced("gone"), EventState.DROPPED, "removed"),
        (MessageUnconfirmed("a message"), EventState.DEAD, "message_unconfirmed"),
    ],
    ids=["fenced", "unconfirmed"],
)
async def test_what_cannot_be_mended_by_trying_is_not_tried_again(
    error: Exception, state: EventState, reason: str, tmp_path: Path
) -> None:
    app = App("The test's bot")

    @app.command("fails")
    async def fails(_ctx: Command) -> None:
        raise error

    async with running(tmp_path, app=app) as house:
        await house.deliver(notification(cmd="fails"))
        assert await states(house) == [(state, reason)]


async def test_a_removal_of_another_app_is_kept_aside(tmp_path: Path) -> None:
    payload = {"account_id": "Account-1", "user_id": "User-1", "client_id": "another"}
    body = json.dumps({"event": "app_deauthorized", "payload": payload}).encode()
    async with running(tmp_path) as house:
        await house.deliver(body)
        assert await states(house) == [(EventState.QUARANTINED, "wrong_client")]


async def test_a_notice_that_is_none_is_kept_aside(tmp_path: Path) -> None:
    body = json.dumps({"event": "innkeeper.reauth_needed", "payload": {}}).encode()
    async with running(tmp_path) as house:
        await house.deliver(body)
        assert await states(house) == [(EventState.QUARANTINED, "not_a_notice")]


@pytest.mark.parametrize("fails", [False, True])
async def test_a_removal_is_told_and_waits_for_nobodys_repair(fails: bool) -> None:
    app, told = App("The test's bot"), list[str]()

    @app.on_deauthorize
    async def goodbye(ctx: Deauthorized) -> None:
        told.append(ctx.user.id)
        if fails:
            raise ZeroDivisionError

    async with Zoom(app) as zoom:
        ana = await zoom.user("Ana")
        await ana.adds_app()
        await ana.removes_app()
        assert told == [ana.user.id]
        assert zoom.receipts.one().complete


# time


async def test_a_handler_that_hangs_is_cut_off_at_its_deadline_and_tried_again(  # F61
    tmp_path: Path,
) -> None:
    app, begun, ended = App(patience=timedelta(minutes=1)), asyncio.Event(), list[str]()

    @app.command("hang")
    async def hang(ctx: Command) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append(str(ctx.deadline))
            raise

    async with running(tmp_path, app=app) as house:
        due = house.clock.now() + timedelta(minutes=1)
        assert await delivered(house, notification(cmd="hang")) == 200
        await asyncio.wait_for(begun.wait(), 10)
        await delivered(house, notification(cmd="other"))
        await turn(house, 59)
        assert not ended
        await turn(house, 1)
        await house.parts.dispatcher.settled()
        assert ended == [str(due)]
        assert house.heard == ["other"]
        assert await states(house) == [
            (EventState.DONE, ""),
            (EventState.READY, "HandlerOverdue"),
        ]


async def test_one_that_ends_well_when_it_is_cut_off_is_done(tmp_path: Path) -> None:
    app, begun = App(), asyncio.Event()

    @app.command("hang")
    async def hang(_ctx: Command) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return

    async with running(tmp_path, app=app) as house:
        await delivered(house, notification(cmd="hang"))
        await asyncio.wait_for(begun.wait(), 10)
        await turn(house, 300)
        await house.deliver(notification(cmd="other"))
        assert house.heard == ["other"]
        assert {state for state, _ in await states(house)} == {EventState.DONE}


async def test_one_that_does_not_listen_is_told_each_second(tmp_path: Path) -> None:  # F61
    app, begun, told = App(), asyncio.Event(), list[str]()

    @app.command("deaf")
    async def deaf(_ctx: Command) -> None:
        begun.set()
        for _ in range(2):
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                told.append("cut off")
        await asyncio.sleep(0)  # nothing of it is left to come

    async with running(tmp_path, app=app) as house:
        await delivered(house, notification(cmd="deaf"))
        await asyncio.wait_for(begun.wait(), 10)
        for seconds in (300, 1):
            await turn(house, seconds)
            await asyncio.sleep(0)
        await house.parts.dispatcher.settled()
        assert told == ["cut off"] * 2
        assert await states(house) == [(EventState.DONE, "")]


async def test_a_thread_that_hangs_keeps_no_other_from_its_turn(tmp_path: Path) -> None:  # F61
    app, go = App(threads=1), threading.Event()
    begun = threading.Event()

    @app.command("hang")
    def hang(_ctx: Command) -> None:
        begun.set()
        go.wait()

    @app.command("sync")
    def sync(ctx: Command) -> None:
        heard.append(ctx.text)

    @app.command("behind")
    async def last(_ctx: Command) -> None:
        behind.set()

    heard: list[str] = []
    behind = asyncio.Event()
    async with AsyncExitStack() as stack:
        house = await stack.enter_async_context(running(tmp_path, app=app))
        stack.callback(go.set)  # whatever happens, the thread ends
        await delivered(house, notification(cmd="hang"))
        assert await asyncio.to_thread(begun.wait, 10)
        await delivered(house, notification(cmd="sync 1"))
        await delivered(house, notification(cmd="behind"))
        await asyncio.wait_for(behind.wait(), 10)
        assert not heard  # the only thread is taken
        await turn(house, 300)
        await house.parts.dispatcher.settled()
        await house.deliver(notification(cmd="sync 2"))
        assert "sync 2" in heard  # the thread that hangs is left to itself
        for seconds in AGAIN:
            await turn(house, seconds)
        go.set()
        for seconds in (0, *AGAIN):  # what was cut off just now may be written down only now
            await turn(house, seconds)
            await house.parts.dispatcher.settled()
        # The clock runs on while a thread ends: it may be overdue then, and be heard once more.
        assert set(heard) == {"sync 1", "sync 2"}


async def test_an_overdue_error_says_what_to_do() -> None:
    assert "patience" in str(HandlerOverdue("a handler was cut off"))


# the end


async def test_what_is_under_way_at_the_end_is_handled_at_the_next_start(tmp_path: Path) -> None:
    app, begun, cut = App(), asyncio.Event(), list[str]()

    @app.command("slow")
    async def slow(ctx: Command) -> None:
        begun.set()
        if ctx.text == "slow" and not cut:
            try:
                await asyncio.Event().wait()
            finally:
                cut.append("cut off")
        done.append(ctx.text)

    done: list[str] = []
    async with running(tmp_path, app=app) as house:
        await delivered(house, notification(cmd="slow"))
        await asyncio.wait_for(begun.wait(), 10)
        await house.parts.dispatcher.close(grace_seconds=0.01)
        assert cut == ["cut off"]
        assert await states(house) == [(EventState.CLAIMED, "")]
        await app.stop()
        house.parts = await app.start(background=False)
        await house.app.worker.take_up()
        await house.parts.dispatcher.settled()
        assert done == ["slow"]
        assert await states(house) == [(EventState.DONE, "")]


async def test_the_end_waits_for_handlers(tmp_path: Path) -> None:
    app, begun, go = App(), asyncio.Event(), asyncio.Event()
    done: list[str] = []

    @app.command("slow")
    async def slow(_ctx: Command) -> None:
        begun.set()
        await go.wait()
        done.append("done")

    async with running(tmp_path, app=app) as house:
        await delivered(house, notification(cmd="slow"))
        await asyncio.wait_for(begun.wait(), 10)
        stopping = asyncio.create_task(app.stop())
        await asyncio.sleep(0)
        assert await delivered(house, notification(cmd="late")) == 503
        go.set()
        await stopping
        assert done == ["done"]


async def test_a_handler_that_is_deaf_does_not_keep_the_process(  # F61
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("innkeeper.flows.crew._LAST_WORDS_SECONDS", 0.01)
    app, begun, go = App(), asyncio.Event(), asyncio.Event()

    @app.command("deaf")
    async def deaf(_ctx: Command) -> None:
        begun.set()
        while not go.is_set():
            try:
                await go.wait()
            except asyncio.CancelledError:
                continue

    async with running(tmp_path, app=app) as house:
        await delivered(house, notification(cmd="deaf"))
        await asyncio.wait_for(begun.wait(), 10)
        await house.parts.dispatcher.close(grace_seconds=0.01)
        go.set()


async def test_an_event_that_ends_the_process_each_time_is_set_aside(tmp_path: Path) -> None:  # F62
    async with running(tmp_path) as house:
        store, now = house.parts.store, house.clock.now()
        body = notification(cmd="kill")
        accepted = await store.accept(
            key=b"k" * 32, name="bot_notification", body=body, owner=None, now=now
        )
        for _ in range(5):  # with the first time, six processes ended before it did
            await store.reclaim(now=now)
            [claimed] = await store.claim(now=now, limit=1)
            assert claimed.id == accepted.id
        await store.reclaim(now=now)
        await turn(house, 0)
        await house.parts.dispatcher.settled()
        assert await states(house) == [(EventState.DEAD, "never_ended")]
        assert not house.heard


# order


async def test_events_of_a_conversation_are_handled_in_their_order_if_asked_for(
    tmp_path: Path,
) -> None:
    app, go, heard = App(ordering="conversation"), asyncio.Event(), list[str]()
    first, fourth = asyncio.Event(), asyncio.Event()

    @app.command("note")
    async def note(ctx: Command) -> None:
        heard.append(f"{ctx.channel and ctx.channel.id} {ctx.args[0]} begun")
        if ctx.args[0] == "1":
            first.set()
            await go.wait()
        if ctx.args[0] == "2":
            raise ZeroDivisionError
        heard.append(f"{ctx.channel and ctx.channel.id} {ctx.args[0]} ended")
        if ctx.args[0] == "4":
            fourth.set()

    room = "room@conference.xmpp.zoom.us"
    async with running(tmp_path, app=app) as house:
        for number in (1, 2, 3):
            await delivered(house, notification(cmd=f"note {number}", toJid=room))
        await delivered(house, notification(cmd="note 4", toJid="other@conference.xmpp.zoom.us"))
        await asyncio.wait_for(asyncio.gather(first.wait(), fourth.wait()), 10)
        # Of two conversations either may come first; within the room nobody overtakes.
        assert sorted(heard) == ["other 4 begun", "other 4 ended", "room 1 begun"]
        go.set()
        await house.parts.dispatcher.settled()
        assert heard[3:] == ["room 1 ended", "room 2 begun", "room 3 begun", "room 3 ended"]


async def test_the_end_wakes_no_worker_that_it_has_sent_home(tmp_path: Path) -> None:
    app, begun, done = App(ordering="conversation"), asyncio.Event(), asyncio.Event()

    @app.command("note")
    async def note(ctx: Command) -> None:
        if ctx.args[0] == "1":
            begun.set()
            await asyncio.Event().wait()
        done.set()

    room = "room@conference.xmpp.zoom.us"
    async with running(tmp_path, app=app) as house:
        for number in (1, 2):
            await delivered(house, notification(cmd=f"note {number}", toJid=room))
        await delivered(house, notification(cmd="note 3", toJid="other@conference.xmpp.zoom.us"))
        await asyncio.wait_for(asyncio.gather(begun.wait(), done.wait()), 10)
        failures: list[dict[str, Any]] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _loop, context: failures.append(context))
        await house.parts.dispatcher.close(grace_seconds=0)
        for _ in range(5):
            await asyncio.sleep(0)
        loop.set_exception_handler(None)
        assert failures == []
        assert [state for state, _ in await states(house)].count(EventState.DONE) == 1


async def test_without_it_all_are_handled_at_once(tmp_path: Path) -> None:
    app, heard = App(), list[str]()
    everybody = asyncio.Barrier(3)

    @app.command("note")
    async def note(ctx: Command) -> None:
        await everybody.wait()
        heard.append(ctx.args[0])

    async with running(tmp_path, app=app) as house:
        for number in (1, 2, 3):
            await delivered(house, notification(cmd=f"note {number}"))
        await house.parts.dispatcher.settled()
        assert sorted(heard) == ["1", "2", "3"]


async def test_what_a_handler_leaves_in_the_context_is_not_there_for_the_next(
    tmp_path: Path,
) -> None:
    guest: ContextVar[str] = ContextVar("guest", default="nobody")
    app, found = App(), list[str]()

    @app.command("enter")
    async def enter(ctx: Command) -> None:
        found.append(guest.get())
        guest.set(ctx.args[0])

    async with running(tmp_path, app=app) as house:
        for name in ("Ana", "Ben", "Chiara"):
            await delivered(house, notification(cmd=f"enter {name}"))
        await house.parts.dispatcher.settled()
        await house.deliver(notification(cmd="enter Dora"))
        assert found == ["nobody"] * 4


async def test_takes_many_at_once_whether_they_wait_or_not(tmp_path: Path) -> None:
    app, heard, go = App(ordering="conversation"), list[str](), asyncio.Event()
    guest: ContextVar[str] = ContextVar("guest", default="nobody")
    waiting = 0
    everybody = asyncio.Event()

    @app.command("quick")
    async def quick(ctx: Command) -> None:
        heard.append(f"{guest.get()} {ctx.args[0]}")
        if ctx.args[0] == "7":
            guest.set("somebody")

    @app.command("slow")
    async def slow(_ctx: Command) -> None:
        nonlocal waiting
        waiting += 1
        if waiting == 40:
            everybody.set()
        await go.wait()

    async with running(tmp_path, app=app) as house:
        now = house.clock.now()

        def take(number: int, cmd: str, room: int | str) -> None:
            body = notification(cmd=cmd, toJid=f"room-{room}@conference.xmpp.zoom.us")
            event = InboxEvent(EventId(str(1000 + number)), "bot_notification", body, now, 1)
            house.parts.dispatcher.take(event)

        for number in range(300):
            take(number, f"quick {number}", "quick")
        await house.parts.dispatcher.settled()
        assert heard == [f"nobody {number}" for number in range(300)]
        for number in range(40):
            take(number, "slow", number)
        await asyncio.wait_for(everybody.wait(), 10)
        go.set()
        await house.parts.dispatcher.settled()


async def test_takes_up_no_more_than_it_has_room_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crew, "MOST_IN_HAND", 4)
    app, go, heard = App(), asyncio.Event(), list[str]()

    @app.command("note")
    async def note(ctx: Command) -> None:
        await go.wait()
        heard.append(ctx.args[0])

    async with running(tmp_path, app=app) as house:
        dispatcher, now = house.parts.dispatcher, house.clock.now()
        for number in range(10):
            key, content = number.to_bytes(32), notification(cmd=f"note {number}")
            await house.parts.store.accept(
                key=key, name="bot_notification", body=content, owner=None, now=now, claimed=False
            )
        assert [await dispatcher.take_due(), await dispatcher.take_due()] == [4, 0]
        taking = asyncio.create_task(dispatcher.take_all_due(at_once=3))
        await asyncio.sleep(0)
        assert not taking.done()
        go.set()
        async with asyncio.timeout(10):
            assert await taking == 6
        await dispatcher.settled()
        assert sorted(heard) == [str(number) for number in range(10)]


@pytest.mark.parametrize("name", ["bot_installed", "app.authorization_request_created"])
async def test_what_belongs_to_no_conversation_waits_for_none(name: str, tmp_path: Path) -> None:
    payload = json.loads(notification())["payload"]
    body = json.dumps({"event": name, "payload": payload}).encode()
    async with running(tmp_path, app=App(ordering="conversation")) as house:
        assert (await house.deliver(body))[0] == 200
        assert {state for state, _ in await states(house)} <= {EventState.DONE, EventState.IGNORED}


async def test_every_log_line_of_a_handler_names_the_event(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    app, ids = App(), list[str]()

    @app.command("log")
    def log(ctx: Command) -> None:
        ids.append(ctx.request_id)
        structlog.get_logger().info("from a thread")
        ctx.log.info("from the context")

    async with running(tmp_path, app=app) as house:
        await house.deliver(notification(cmd="log"))
    lines = capsys.readouterr().out.splitlines()
    for words in ("from a thread", "from the context"):
        [line] = [line for line in lines if words in line]
        assert f"request_id={ids[0]}" in line.replace("'", "")


# what nobody handles


async def test_an_event_that_nobody_handles_is_told_once_with_the_handler_to_paste(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running(tmp_path) as house:
        for number in (1, 2):
            payload = b'{"account_id":"A","operator_id":"U","object":{"id":"%d"}}' % number
            body = b'{"event":"team_chat.starred","payload":' + payload + b"}"
            assert (await house.deliver(body))[0] == 200
        assert [reason for _, reason in await states(house)] == ["unhandled", "unhandled"]
    told = [line for line in capsys.readouterr().out.splitlines() if "dispatch.unhandled" in line]
    assert len(told) == 1
    assert "@app.event('team_chat.starred')" in told[0].replace("\\", "")


# when registering ends


async def test_nothing_is_registered_once_the_app_has_started(tmp_path: Path) -> None:
    app, router = App("The test's bot"), Router()
    app.include(router)
    async with running(tmp_path, app=app):
        for late in (app, router):
            with pytest.raises(BotRefused, match="comes too late") as refused:
                late.command("late")(lambda _ctx: None)
            assert __file__ in str(refused.value)
        with pytest.raises(BotRefused, match="comes too late"):
            app.include(Router())
    app.command("in time")(lambda _ctx: None)


async def test_a_wrong_handler_stops_the_start(tmp_path: Path) -> None:
    app = App("The test's bot")

    @app.event("team_chat.starred")
    async def starred(_ctx: Happened, database: int) -> None: ...

    with pytest.raises(BotRefused, match="`database` that nothing fills"):
        async with running(tmp_path, app=app):
            pass
    assert not os.listdir(tmp_path)  # nothing was opened
