import threading
from collections.abc import AsyncIterator, Iterator
from contextvars import ContextVar
from typing import Any

import pytest

from innkeeper import App, BotRefused, CardRefused, Command, Happened, Installed, Router
from innkeeper.bot.matching import Commands
from innkeeper.wire.messages import card_of
from tests.bot.bots import Tried, answers, event

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("help", "help"),
        ("help me", "help"),
        ("help  me now", "help me"),
        ("helpless", ""),
        ("hel", ""),
        ("", ""),
        ("HELP", "help"),
        ("\u200fhelp\u200e", "help"),
        ("me help", ""),
    ],
)
def test_matches_whole_words_the_most_first(text: str, found: str) -> None:
    commands = Commands[str]()
    for words in ("help", "help me now", ""):
        commands.put(words, words, typed=False)
    target = commands.find(text)
    assert target is not None
    assert target.target == {"help me": "help me now"}.get(found, found)


def test_finds_nothing_where_nothing_fits() -> None:
    commands = Commands[str]()
    commands.put("help", "help", typed=False)
    assert commands.find("other") is None


async def test_runs_every_kind_of_function() -> None:
    app = App()

    @app.command("async")
    async def one(_ctx: Command) -> str:
        return "one"

    @app.command("sync")
    def two(_ctx: Command) -> str:
        return "two"

    @app.command("stream")
    async def three(_ctx: Command) -> AsyncIterator[str]:
        yield "three"
        yield "four"

    @app.command("generator")
    def five(_ctx: Command) -> Iterator[str]:
        yield "five"
        yield "six"

    @app.command("nothing")
    async def seven(_ctx: Command) -> None:
        return None

    assert await answers(app, "async") == ["one"]
    assert await answers(app, "sync") == ["two"]
    assert await answers(app, "stream") == ["three", "four"]
    assert await answers(app, "generator") == ["five", "six"]
    assert await answers(app, "nothing") == []
    assert await answers(app, "unknown") == []


async def test_runs_sync_handlers_in_a_thread_that_sees_the_context() -> None:
    number: ContextVar[int] = ContextVar("number")
    number.set(7)
    app = App()

    @app.command("where")
    def where(_ctx: Command) -> str:
        return f"{threading.current_thread() is threading.main_thread()} {number.get()}"

    assert await answers(app, "where") == ["False 7"]


async def test_refuses_an_answer_that_is_neither_text_nor_card() -> None:
    app = App()

    @app.command("wrong")
    async def wrong(_ctx: Command) -> Any:
        return 42

    with pytest.raises(BotRefused, match="int"):
        await answers(app, "wrong")


def test_refuses_two_handlers_for_one_command_and_names_both() -> None:
    app = App()

    @app.command("help")
    def first(_ctx: Command) -> None: ...

    def second(_ctx: Command) -> None: ...

    app.command("help")(second)
    with pytest.raises(BotRefused) as refused:
        app.routes()
    assert "first" in str(refused.value)
    assert "second" in str(refused.value)
    assert __file__ in str(refused.value)


@pytest.mark.parametrize("wrong", [lambda: None, lambda _a, _b: None])
def test_refuses_what_can_be_no_handler(wrong: Any) -> None:
    app = App()
    app.action("x")(wrong)
    app.event("x")(wrong)
    with pytest.raises(BotRefused):
        app.routes()


@pytest.mark.parametrize("wrong", ["text", None])
def test_refuses_what_is_no_function(wrong: Any) -> None:
    with pytest.raises(BotRefused):
        App().command("x")(wrong)


def test_refuses_a_second_welcome() -> None:
    app = App()

    @app.on_install
    def hello(_ctx: Installed) -> str:
        return "hello"

    app.on_install(hello)
    with pytest.raises(BotRefused, match="registered twice"):
        app.routes()


@pytest.mark.parametrize(
    "name", ["", " ", "\u200b\u202e", "x" * 101, "x" * 70_000], ids=lambda name: str(len(name))
)
def test_refuses_a_purge_step_whose_name_no_receipt_can_show(name: str) -> None:
    app = App()
    app.purge(name)(lambda _: 0)
    with pytest.raises(BotRefused, match="no name that can be seen") as refused:
        app.routes()
    assert len(str(refused.value)) < 400


@pytest.mark.parametrize("name", ["notes", "🦊", "עזרה", "main.notes", "x" * 100])
def test_takes_any_name_of_a_purge_step_that_can_be_shown(name: str) -> None:
    app = App()
    app.purge(name)(lambda _: 0)
    assert app.routes() == []


def test_refuses_two_purge_steps_of_one_name() -> None:
    app = App()
    app.purge("notes")(lambda _scope: 0)
    app.purge("notes")(lambda _scope: 0)
    with pytest.raises(BotRefused, match="notes"):
        app.routes()


def test_refuses_to_say_nothing() -> None:
    with pytest.raises(CardRefused):
        card_of("  ")
    assert card_of("hi").content() == {"body": [{"type": "message", "text": "hi"}]}


# routers


async def test_includes_what_routers_have_however_deep_and_whenever_they_get_it() -> None:
    app, outer, inner = App(), Router(), Router()
    app.include(outer)
    outer.include(inner)

    @inner.command("late")
    async def late(_ctx: Command) -> str:
        return "from a router's router"

    @inner.purge("notes")
    async def forget(_scope: object) -> int:
        return 0

    assert await answers(app, "late") == ["from a router's router"]
    [route] = app.routes()
    assert (route.decorator, route.usage) == ("command", "late")


def test_names_both_places_where_two_routers_take_the_same() -> None:
    app, one, two = App(), Router(), Router()
    for router in (one, two):
        app.include(router)
        router.command("help")(lambda _ctx: "")
    with pytest.raises(BotRefused, match=r"registered twice: <lambda> .* and <lambda>"):
        app.routes()


def test_refuses_a_router_that_is_included_twice_or_within_itself() -> None:
    app, outer, inner = App(), Router(), Router()
    app.include(outer)
    outer.include(inner)
    for parent, child in ((app, outer), (inner, outer), (inner, inner)):
        with pytest.raises(BotRefused, match="same router again"):
            parent.include(child)


async def test_says_all_that_is_wrong_at_once_with_file_line_and_remedy() -> None:
    app = App()

    @app.command("one")
    async def one(_ctx: Command, what: bytes) -> None: ...

    @app.event("two")
    async def two(_ctx: Happened, what: int) -> None: ...

    with pytest.raises(BotRefused) as refused:
        app.routes()
    told = str(refused.value)
    assert told.startswith("2 things in the bot are wrong")
    for handler, remedy in ((one, "Type it as str, int"), (two, "Annotated[…, Depends(function)]")):
        [line] = [line for line in told.splitlines() if line.startswith(handler.__name__)]
        assert f"{__file__}:{handler.__code__.co_firstlineno}" in line
        assert remedy in line


# events


async def test_all_handlers_of_an_event_run_and_what_one_raises_is_raised_at_the_end() -> None:
    app, heard = App(), list[str]()

    @app.event("team_chat.starred")
    async def first(_ctx: Happened) -> None:
        heard.append("first")
        raise ValueError("first")

    @app.event("team_chat.starred")
    def second(_ctx: Happened) -> None:
        heard.append("second")

    with pytest.raises(ValueError, match="first"):
        await Tried(app).hears(event("team_chat.starred"))
    assert heard == ["first", "second"]


async def test_an_event_by_name_is_for_what_no_special_handler_takes() -> None:
    app = App()
    heard: list[str] = []
    app.event("bot_notification")(lambda _ctx: heard.append("any event"))
    app.command("help")(lambda _ctx: heard.append("the command"))
    tried = Tried(app)
    for cmd in ("help", "other"):
        assert await tried.hears(event("bot_notification", cmd=cmd))
    assert heard == ["the command", "any event"]
    assert not await tried.hears(event("meeting.started"))


@pytest.mark.parametrize("kind", ["command", "action"])
def test_a_decorator_without_its_parentheses_is_refused_where_it_stands(kind: str) -> None:
    bare: Any = getattr(App(), kind)

    async def foo(_ctx: Command) -> None: ...

    with pytest.raises(BotRefused, match=rf"test_routing.py:\d+.*bare @app.{kind}"):
        bare(foo)
