"""What is to happen once happens once: presses that count once, and effects that are had once."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import pytest

from innkeeper import (
    Action,
    ActionConsumed,
    App,
    Card,
    Command,
    Context,
    Depends,
    EffectUnconfirmed,
    Filled,
    Form,
    MessageUnconfirmed,
    SentMessage,
    Submitted,
    number_input,
)
from innkeeper.errors import BotRefused, StoreUnavailable
from innkeeper.store.records import EventState
from innkeeper.store.seal import KeyRing
from innkeeper.testing import Visitor, Zoom
from tests.journeys.house import House, notification, running, signed
from tests.journeys.killed import bot, pressed

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]


async def ends(zoom: Zoom, name: str) -> list[tuple[EventState, str]]:
    """Tell how the events of a name ended, oldest first."""
    await zoom.parts.store.expire_pending(before=zoom.parts.clock.now())  # ends are written late
    rows = reversed(await zoom.parts.store.inbox_rows())
    return [(row.state, row.reason) for row in rows if row.name == name]


PRESSED = "interactive_message_actions"
CHARGE = notification(cmd="charge")
DONE, LATE = (EventState.DONE, ""), (EventState.IGNORED, "action_consumed")
UNKNOWN = (EventState.DEAD, "effect_unconfirmed")


# what counts once


def desk(heard: list[str]) -> App:
    """Make a bot with an order that is decided once, and tasks that are each done once."""
    app = App("Desk")

    @app.command("order")
    async def order(_ctx: Command) -> Card:
        return Card("Order 7").button("Approve", "approve").button("Reject", "reject")

    @app.command("tasks")
    async def tasks(_ctx: Command) -> Card:
        return Card("Tasks").button("Sweep", "done sweep").button("Mop", "done mop")

    @app.action("approve")
    async def approve(ctx: Action) -> None:
        await ctx.consume()
        heard.append(f"{ctx.user.name} approves")

    async def first(ctx: Action) -> None:
        await ctx.consume()

    @app.action("reject")
    def reject(ctx: Action, _: Annotated[None, Depends(first)]) -> None:
        heard.append(f"{ctx.user.name} rejects")

    @app.action("done")
    async def done(ctx: Action, task: str) -> None:
        await ctx.consume(f"{ctx.message_id} {task}")
        heard.append(f"{task} is done")

    return app


@pytest.mark.parametrize(
    "workers", [pytest.param(1, id="W119-one-worker"), pytest.param(2, id="W119-two-workers")]
)
async def test_a_message_is_used_up_by_one_press(workers: int) -> None:
    heard: list[str] = []
    async with Zoom(desk(heard), workers=workers) as zoom:
        ana = zoom.person("Ana")
        await ana.adds_app()
        await ana.says("/bot order")
        for words in ("Approve", "Approve", "Reject", "Approve"):
            await ana.clicks(words)
        assert heard == ["Ana Keller approves"]
        assert await ends(zoom, PRESSED) == [DONE, LATE, LATE, LATE]
        await ana.says("/bot order")  # another message is another thing
        await ana.clicks("Reject")
        assert heard[1:] == ["Ana Keller rejects"]


async def presses_at_once(zoom: Zoom, ana: Visitor, count: int) -> Sequence[int]:
    """Press a button so many times at the same moment, each an event of its own."""
    message, _ = ana.chat.with_button("Approve")
    sent = [
        zoom.signed(
            PRESSED,
            {
                "payload.messageId": message.id,
                "payload.actionItem.value": "approve",
                "payload.actionItem.text": f"press {number}",
            },
            by=ana,
        )
        for number in range(count)
    ]
    answers = await asyncio.gather(*(zoom.posts(each) for each in sent))
    return [answer.status for answer in answers]


@pytest.mark.parametrize("workers", [pytest.param(1, id="W119-at-once"), 2])
async def test_of_twenty_presses_at_once_one_counts(workers: int) -> None:
    heard: list[str] = []
    async with Zoom(desk(heard), workers=workers) as zoom:
        ana = zoom.person("Ana")
        await ana.adds_app()
        await ana.says("/bot order")
        assert await presses_at_once(zoom, ana, 20) == [200] * 20
        assert heard == ["Ana Keller approves"]
        assert sorted(await ends(zoom, PRESSED)) == sorted([DONE, *[LATE] * 19])


async def test_a_repeated_delivery_of_the_press_that_counted_changes_nothing() -> None:
    heard: list[str] = []
    async with Zoom(desk(heard)) as zoom:
        ana = zoom.person("Ana")
        await ana.adds_app()
        await ana.says("/bot order")
        press = zoom.signed(PRESSED, {"payload.actionItem.value": "approve"}, by=ana)
        for _ in range(3):
            assert (await zoom.posts(press)).status == 200
        assert heard == ["Ana Keller approves"]
        assert await ends(zoom, PRESSED) == [DONE]


async def test_what_is_used_up_can_be_named() -> None:
    heard: list[str] = []
    async with Zoom(desk(heard)) as zoom:
        ana = zoom.person("Ana")
        await ana.adds_app()
        await ana.says("/bot tasks")
        for words in ("Sweep", "Mop", "Sweep", "Mop"):
            await ana.clicks(words)
        assert heard == ["sweep is done", "mop is done"]


async def test_a_press_whose_handler_failed_may_go_on_and_no_other() -> None:
    app, tried = App("Desk"), list[str]()

    @app.command("order")
    async def order(_ctx: Command) -> Card:
        return Card("Order 7").button("Approve", "approve")

    @app.action("approve")
    async def approve(ctx: Action) -> str:
        await ctx.consume()
        tried.append(ctx.request_id)
        if len(tried) == 1:
            raise ZeroDivisionError
        return "Approved"

    async with Zoom(app) as zoom:
        ana = zoom.person("Ana")
        await ana.adds_app()
        await ana.says("/bot order")
        await ana.clicks("Approve")
        await ana.clicks("Approve")
        assert len(tried) == 1
        assert await ends(zoom, PRESSED) == [(EventState.READY, "ZeroDivisionError"), LATE]
        await zoom.clock.advance(seconds=6)
        assert tried == [tried[0]] * 2
        assert ana.chat.last.text == "Approved"
        assert await ends(zoom, PRESSED) == [DONE, LATE]


async def test_whoever_comes_too_late_can_be_told() -> None:
    app = desk([])

    @app.error
    async def late(ctx: Context, _error: ActionConsumed) -> str:
        return f"Sorry, {ctx.user.name}, somebody was faster."

    async with Zoom(app) as zoom:
        ana = zoom.person("Ana")
        await ana.adds_app()
        await ana.says("/bot order")
        await ana.clicks("Approve")
        await ana.clicks("Reject")
        assert ana.chat.last.text == "Sorry, Ana Keller, somebody was faster."
        assert await ends(zoom, PRESSED) == [DONE, DONE]


async def test_what_somebody_used_up_is_forgotten_with_them_and_not_before() -> None:
    heard: list[str] = []
    async with Zoom(desk(heard)) as zoom:
        ana = zoom.person("Ana")
        await ana.adds_app()
        await ana.says("/bot order")
        await ana.clicks("Approve")
        await zoom.clock.advance(hours=200)
        await ana.clicks("Approve")
        assert heard == ["Ana Keller approves"]
        await ana.removes_app()
        assert zoom.receipts.one().complete
        assert not await zoom.leftovers(ana)


async def test_where_nothing_is_named_nothing_is_used_up(tmp_path: Path) -> None:
    app, raised = App("Desk"), list[str]()

    @app.form
    async def submitted(ctx: Submitted) -> None:
        try:
            await ctx.consume()
        except LookupError as error:
            raised.append(str(error))

    async with Zoom(app, directory=tmp_path) as zoom:
        ana = zoom.person("Ana")
        await ana.adds_app()
        await zoom.trigger("chat_message.submit", {"payload.object.message_id": ""}, by=ana)
        assert raised == ["this event does not say which message it is about"]


class Leave(Form):
    """What somebody asks for."""

    days: int = number_input("How many days?")


async def test_a_form_that_is_sent_twice_counts_once() -> None:
    app, taken = App("Desk"), list[int]()

    @app.command("leave")
    async def leave(_ctx: Command) -> Card:
        return Leave.card("Leave")

    @app.form(Leave)
    async def took(ctx: Filled[Leave]) -> None:
        await ctx.consume()
        taken.append(ctx.values.days)

    async with Zoom(app) as zoom:
        ana = zoom.person("Ana")
        await ana.adds_app()
        await ana.says("/bot leave")
        await ana.submits("Send", days="3")
        await ana.submits("Send", days="4")
        assert taken == [3]
        assert await ends(zoom, "chat_message.submit") == [DONE, LATE]


# what is done once


async def again(house: House, seconds: float) -> None:
    """Let time pass, and what is due be taken up."""
    house.clock.advance(seconds)
    await house.app.worker.take_up()
    await house.parts.dispatcher.settled()


def till(kept: list[object], fails: list[BaseException], effect: list[object]) -> App:
    """Make a bot that has an effect once, and then fails as often as it is told to."""
    app = App("Till")

    async def have() -> object:
        given = effect.pop(0)
        if isinstance(given, BaseException):
            raise given
        return given

    @app.command("charge")
    async def once(ctx: Command) -> None:
        kept.append(await ctx.once("charge", have))  # type: ignore[type-var]  # whatever it is
        if fails:
            raise fails.pop(0)

    return app


@pytest.mark.parametrize("given", ["receipt 7", 7, 7.5, float("inf"), True, None, "", "\0🧾"])
async def test_an_effect_gives_at_each_attempt_what_it_gave_at_the_first(
    tmp_path: Path, given: object
) -> None:
    kept: list[object] = []
    app = till(kept, [ZeroDivisionError(), ZeroDivisionError()], [given])
    async with running(tmp_path, app=app) as house:
        await house.deliver(CHARGE)
        await again(house, 5)
        await again(house, 30)
        assert kept == [given] * 3
        assert [type(each) for each in kept] == [type(given)] * 3
        assert [row.state for row in await house.rows()] == [EventState.DONE]


async def test_every_event_has_its_own(tmp_path: Path) -> None:
    kept: list[object] = []
    async with running(tmp_path, app=till(kept, [], [1, 2])) as house:
        await house.deliver(notification(cmd="charge 1"))
        await house.deliver(notification(cmd="charge 2"))
        assert kept == [1, 2]


async def test_an_effect_that_raised_is_tried_again(tmp_path: Path) -> None:
    kept: list[object] = []
    async with running(tmp_path, app=till(kept, [], [ZeroDivisionError(), 7])) as house:
        await house.deliver(CHARGE)
        assert kept == []
        await again(house, 5)
        assert kept == [7]


async def test_an_effect_that_may_have_been_had_is_not_had_again_by_itself(
    tmp_path: Path,
) -> None:
    kept: list[object] = []
    app = till(kept, [], [MessageUnconfirmed("no answer"), 7])
    async with running(tmp_path, app=app) as house:
        await house.deliver(CHARGE)
        [row] = await house.rows()
        assert (row.state, row.reason) == (EventState.DEAD, "message_unconfirmed")
        assert await house.parts.store.revive(row.id, now=house.clock.now())
        await again(house, 0)  # somebody has looked, and delivers it once more
        assert kept == [7]


async def test_an_effect_that_was_cut_off_is_set_aside(tmp_path: Path) -> None:
    begun, effects = asyncio.Event(), list[str]()
    app = App("Till")

    async def have() -> None:
        effects.append("begun")
        begun.set()
        await asyncio.Event().wait()

    @app.command("charge")
    async def once(ctx: Command) -> None:
        await ctx.once("charge", have)

    async with running(tmp_path, app=app) as house:
        await house.request("POST", "/events", signed(CHARGE), CHARGE)
        await asyncio.wait_for(begun.wait(), 10)
        await again(house, 301)
        [row] = await house.rows()
        assert (row.state, row.reason) == (EventState.READY, "HandlerOverdue")
        await again(house, 5)
        [row] = await house.rows()
        assert (row.state, row.reason) == (EventState.DEAD, "effect_unconfirmed")
        assert effects == ["begun"]


async def test_an_effect_whose_end_could_not_be_written_is_kept_by_the_next_attempt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[object] = []
    async with running(tmp_path, app=till(kept, [], [7, 8])) as house:

        async def end_effect(*_: object, **__: object) -> None:
            raise StoreUnavailable("the disk is full")

        with monkeypatch.context() as patch:
            patch.setattr(house.parts.store, "end_effect", end_effect)
            await house.deliver(CHARGE)
            await again(house, 0)
        await again(house, 0)
        [row] = await house.rows()
        assert (row.state, row.reason) == DONE
        assert kept == [7]


async def test_an_effect_whose_handler_was_ended_while_it_was_written_is_kept_by_the_next_attempt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[object] = []
    async with running(tmp_path, app=till(kept, [], [7, 8])) as house:
        writing = asyncio.Event()

        async def end_effect(*_: object, **__: object) -> None:
            writing.set()
            await asyncio.Event().wait()

        with monkeypatch.context() as patch:
            patch.setattr(house.parts.store, "end_effect", end_effect)
            await house.request("POST", "/events", signed(CHARGE), CHARGE)
            for backoff in (5, 30):  # an attempt that is ended as well loses it no more
                await asyncio.wait_for(writing.wait(), 10)
                writing.clear()
                await again(house, 301)
                [row] = await house.rows()
                assert (row.state, row.reason) == (EventState.READY, "HandlerOverdue")
                house.clock.advance(backoff)
                await house.app.worker.take_up()
            await asyncio.wait_for(writing.wait(), 10)
        await again(house, 301)
        await again(house, 300)
        [row] = await house.rows()
        assert (row.state, row.reason) == DONE
        assert kept == [7]


async def test_an_effect_whose_end_died_with_the_process_is_not_had_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[object] = []
    ring = KeyRing.generate()
    async with running(tmp_path, app=till(kept, [], [7]), ring=ring) as house:

        async def end_effect(*_: object, **__: object) -> None:
            raise StoreUnavailable("the disk is full")

        monkeypatch.setattr(house.parts.store, "end_effect", end_effect)
        await house.deliver(CHARGE)
    async with running(tmp_path, app=till(kept, [], [8]), ring=ring) as house:
        await again(house, 0)
        [row] = await house.rows()
        assert (row.state, row.reason) == UNKNOWN
        assert kept == []


@pytest.mark.parametrize("given", [object(), [1], {"a": 1}, b"x", 1 << 70, "\ud800"])
async def test_what_cannot_be_kept_is_told_and_not_had_again(tmp_path: Path, given: object) -> None:
    kept: list[object] = []
    async with running(tmp_path, app=till(kept, [], [given, 8])) as house:
        await house.deliver(CHARGE)
        [row] = await house.rows()
        assert (row.state, row.reason) == (EventState.DEAD, BotRefused.__name__)
        await again(house, 0)
        [row] = await house.rows()
        assert (row.state, row.reason) == (EventState.DEAD, BotRefused.__name__)
        assert kept == []


async def test_a_handler_can_answer_for_what_is_not_known(tmp_path: Path) -> None:
    told: list[str] = []
    app = till([], [], [MessageUnconfirmed("no answer")])

    @app.error
    async def unsure(_ctx: Context, error: EffectUnconfirmed) -> None:
        told.append(error.key)
        assert error.key not in str(error)

    @app.error
    async def unposted(_ctx: Context, error: MessageUnconfirmed) -> None:
        raise ZeroDivisionError from error  # so that it is tried again

    async with running(tmp_path, app=app) as house:
        await house.deliver(CHARGE)
        await again(house, 5)
        assert told == ["charge"]


async def test_a_message_is_posted_once_by_a_handler_that_fails_after_it() -> None:
    app, sent = App("Till"), list[SentMessage]()

    @app.command("ask")
    async def ask(ctx: Command) -> None:
        posted = await ctx.once("ask", lambda: ctx.reply("Room 7?"), shape=SentMessage)
        sent.append(posted)
        if len(sent) < 3:
            raise ZeroDivisionError
        await ctx.update("Room 7.", posted.message_id)

    async with Zoom(app) as zoom:
        ana = zoom.person("Ana")
        await ana.adds_app()
        await ana.says("/bot ask")
        for _ in range(2):
            await zoom.clock.advance(minutes=1)
        assert len(sent) == 3
        assert sent == [sent[0]] * 3
        assert [each.text for each in ana.chat.messages if each.by_bot] == ["Room 7."]


async def test_an_event_of_nobody_has_no_effects() -> None:
    app, raised = App("Till"), list[str]()

    async def have() -> None:
        raise AssertionError

    @app.form
    async def submitted(ctx: Submitted) -> None:
        try:
            await ctx.once("charge", have)
        except LookupError as error:
            raised.append(str(error))

    async with Zoom(app) as zoom:
        ana = zoom.person("Ana")
        await ana.adds_app()
        zoom.emulator.world.rules.form_people = "absent"
        await zoom.trigger("chat_message.submit", by=ana)
        assert raised == ["this event belongs to no installation"]


# the process ends


KILLS = {
    "W119-F06-killed-after-the-claim": ("after the claim", DONE, "", "paid\nreceipt 7\n"),
    "F07-killed-within-the-effect": ("within the effect", UNKNOWN, "paid\n", "paid\n"),
    "F07-killed-after-the-effect": ("after the effect", DONE, "paid\n", "paid\nreceipt 7\n"),
}


@pytest.mark.slow
@pytest.mark.sqlite  # another program keeps it in files
@pytest.mark.parametrize("kill", KILLS)
async def test_a_kill_leaves_nothing_to_be_done_twice(tmp_path: Path, kill: str) -> None:
    dies, end, left, written = KILLS[kill]
    ring, book = KeyRing.generate(), tmp_path / "book"
    command = [sys.executable, "-m", "tests.journeys.killed", str(tmp_path), ring, dies]
    ended = await asyncio.to_thread(subprocess.run, command, cwd=ROOT, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert (book.read_text() if book.exists() else "") == left
    async with running(tmp_path, app=bot(book), ring=ring) as house:
        await again(house, 0)
        await house.deliver(pressed("pay", seconds=1))
        late, first = await house.rows()
        assert (first.state, first.reason) == end
        assert (late.state, late.reason) == LATE
        assert book.read_text() == written
