import threading
from collections.abc import AsyncIterator, Iterator
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

import pytest

from innkeeper.app import App
from innkeeper.bot.contexts import Command, Installed
from innkeeper.bot.dispatching import RoutedBot
from innkeeper.bot.matching import Commands
from innkeeper.bot.table import Table
from innkeeper.bot.threads import Threads
from innkeeper.errors import BotRefused, CardRefused
from innkeeper.flows.dispatch import Happening
from innkeeper.ids import EventId
from innkeeper.store.records import InboxEvent
from innkeeper.wire.events import interpret
from innkeeper.wire.messages import Card, card_of

pytestmark = pytest.mark.anyio


def typed(cmd: str) -> Happening:
    payload = {
        "accountId": "a",
        "robotJid": "r@x",
        "toJid": "t@x",
        "userId": "U",
        "userJid": "u@x",
        "userName": "Ana",
        "cmd": cmd,
    }
    event = interpret({"event": "bot_notification", "payload": payload})
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return Happening(event, None, InboxEvent(EventId("1"), event.name, b"", at, 1), at)


async def answers(app: App, cmd: str) -> list[str]:
    said: list[str] = []

    async def say(card: Card) -> None:
        said.append(str(card.content()["body"][0]["text"]))

    services: Any = None
    happening = typed(cmd)
    bot = RoutedBot(Table(app), services, threads=Threads(), overrides={})
    run = bot.find(happening.event)
    if run is not None:
        await run(happening, say)
    return said


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
