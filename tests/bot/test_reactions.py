"""Middleware stands around handlers, error handlers answer what they raise."""

import sys
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from functools import wraps
from typing import Annotated, Any, Literal

import pytest

from innkeeper import (
    Action,
    App,
    BotRefused,
    CallNext,
    Card,
    Command,
    Context,
    HandlerExited,
    Router,
)
from tests.bot.bots import Tried, answers, pressed, typed

pytestmark = pytest.mark.anyio


def bot(log: list[str]) -> tuple[App, Router]:
    app, router = App(), Router()
    app.include(router)

    @router.command("help")
    async def help_(_ctx: Command) -> str:
        log.append("handler")
        return "answer"

    return app, router


def layer(log: list[str], name: str) -> Callable[[Context, CallNext], Awaitable[None]]:
    async def around(_ctx: Context, call_next: CallNext) -> None:
        log.append(f"{name} in")
        await call_next()
        log.append(f"{name} out")

    return around


# middleware


async def test_the_apps_middleware_is_outside_in_the_order_of_registration() -> None:
    log: list[str] = []
    app, router = bot(log)
    router.middleware(layer(log, "router"))
    app.middleware(layer(log, "first"))
    app.middleware(layer(log, "second"))
    app.command("other")(lambda _ctx: log.append("other"))
    assert await answers(app, "help") == ["answer"]
    assert log == [
        *("first in", "second in", "router in"),
        "handler",
        *("router out", "second out", "first out"),
    ]
    log.clear()
    await answers(app, "other")
    assert log == ["first in", "second in", "other", "second out", "first out"]


async def test_middleware_that_does_not_go_on_keeps_the_handler_from_it_and_may_answer() -> None:
    log: list[str] = []
    app, _ = bot(log)

    @app.middleware
    async def closed(_ctx: Context, _call_next: CallNext) -> str:
        return "We are closed."

    assert await answers(app, "help") == ["We are closed."]
    assert not log


async def test_middleware_of_a_narrower_context_is_passed_over_elsewhere() -> None:
    log: list[str] = []
    app, _ = bot(log)

    @app.middleware
    async def of_commands(ctx: Command, call_next: CallNext) -> None:
        log.append(f"around {ctx.text}")
        await call_next()

    @app.action("x")
    async def action(_ctx: Action) -> None:
        log.append("action")

    tried = Tried(app)
    await tried.hears(pressed("x"))
    await tried.hears(typed("help"))
    assert log == ["action", "around help", "handler"]


async def test_what_the_handler_raises_comes_out_of_call_next() -> None:
    app = App()

    @app.middleware
    async def forgiving(_ctx: Context, call_next: CallNext) -> str | None:
        try:
            await call_next()
        except ZeroDivisionError:
            return "forgiven"
        return None

    @app.command("x")
    async def handler(_ctx: Command) -> None:
        raise ZeroDivisionError

    assert await answers(app, "x") == ["forgiven"]


async def test_stands_around_how_a_command_is_used_too() -> None:
    app = App()

    @app.command("x")
    async def handler(_ctx: Command, number: int) -> None: ...

    @app.middleware
    async def closed(_ctx: Context, _call_next: CallNext) -> str:
        return "closed"

    assert await answers(app, "x seven") == ["closed"]


async def test_goes_on_once() -> None:
    app, _ = bot([])

    @app.middleware
    async def twice(_ctx: Context, call_next: CallNext) -> None:
        await call_next()
        await call_next()

    with pytest.raises(BotRefused, match="called call_next twice"):
        await answers(app, "help")


def test_middleware_that_cannot_wait_or_has_no_place_for_call_next_is_refused() -> None:
    wrong: list[Any] = [lambda _ctx, _call_next: None]

    async def alone(_ctx: Context) -> None: ...

    for function in (*wrong, alone):
        app, _ = bot([])
        app.middleware(function)
        with pytest.raises(BotRefused) as refused:
            app.routes()
        assert __file__ in str(refused.value)


# errors


class Full(Exception):
    """The house is full."""


class Flooded(Full):
    """And under water."""


async def raised_by(app: App, error: Exception) -> list[str]:
    @app.command("raise")
    async def handler(_ctx: Command) -> None:
        raise error

    return await answers(app, "raise")


async def test_an_error_handler_that_answers_ends_the_event() -> None:
    app = App()

    @app.error
    async def full(ctx: Context, error: Full) -> str:
        return f"{ctx.user.name}, we are {type(error).__name__}"

    assert await raised_by(app, Flooded()) == ["Ana, we are Flooded"]
    with pytest.raises(ZeroDivisionError):
        await raised_by(App(), ZeroDivisionError())


async def test_the_nearest_router_and_the_most_exact_class_come_first() -> None:
    app, router = App(), Router()
    app.include(router)

    @app.error
    def flooded(_ctx: Context, _error: Flooded) -> str:
        return "app: flooded"

    @app.error
    async def anything(_ctx: Context, _error: Exception) -> str:
        return "app: anything"

    @router.error
    async def full(_ctx: Context, _error: Full | KeyError) -> str:
        return "router: full"

    @router.command("router")
    async def of_router(ctx: Command) -> None:
        raise {"full": Full, "flooded": Flooded, "key": KeyError}.get(ctx.args[0], ValueError)

    @app.command("app")
    async def of_app(_ctx: Command) -> None:
        raise Flooded

    assert await answers(app, "router flooded") == ["router: full"]
    assert await answers(app, "router key") == ["router: full"]
    assert await answers(app, "router other") == ["app: anything"]
    assert await answers(app, "app") == ["app: flooded"]


async def test_one_that_answers_nothing_leaves_the_event_to_be_tried_again() -> None:
    reported: list[Exception] = []
    app = App()

    @app.error
    async def report(_ctx: Context, error: Exception) -> None:
        reported.append(error)

    with pytest.raises(Full):
        await raised_by(app, Full())
    assert [type(error) for error in reported] == [Full]


async def test_one_that_raises_itself_leaves_the_event_to_be_tried_again() -> None:
    app = App()

    @app.error
    async def broken(_ctx: Context, _error: Exception) -> str:
        raise LookupError

    with pytest.raises(LookupError) as raised:
        await raised_by(app, Full())
    assert isinstance(raised.value.__context__, Full)


async def test_one_of_a_narrower_context_is_for_that_alone() -> None:
    app = App()

    @app.error
    async def of_actions(_ctx: Action, _error: Full) -> str:
        return "an action"

    @app.error
    async def of_commands(_ctx: Command, _error: Full) -> str:
        return "a command"

    assert await raised_by(app, Full()) == ["a command"]


def test_refuses_an_error_handler_that_takes_no_exception() -> None:
    app, _ = bot([])
    wrong: Any = lambda _ctx, _error: None  # noqa: E731
    wrong.__annotations__["_error"] = str
    app.error(wrong)
    with pytest.raises(BotRefused, match=r"takes no exception second") as refused:
        app.routes()
    assert __file__ in str(refused.value)


def test_refuses_two_error_handlers_for_one_class() -> None:
    app, _ = bot([])
    for _ in range(2):

        @app.error
        async def full(_ctx: Context, _error: Full) -> None: ...

    with pytest.raises(BotRefused, match="for Full: is registered twice"):
        app.routes()


def test_refuses_them_also_where_no_handler_stands_yet() -> None:
    app, inner = App(), Router()
    for _ in range(2):

        @inner.error
        async def full(_ctx: Context, _error: Full) -> None: ...

    app.include(inner)
    with pytest.raises(BotRefused, match="for Full: is registered twice"):
        app.routes()


def test_takes_two_for_one_class_in_contexts_that_never_meet() -> None:
    app, _ = bot([])

    @app.error
    async def of_commands(_ctx: Command, _error: Full) -> None: ...

    @app.error
    async def of_clicks(_ctx: Action, _error: Full) -> None: ...

    assert app.routes()


def returning(annotation: Any) -> App:
    app = App()

    async def handler(_ctx: Command) -> Any: ...

    handler.__annotations__["return"] = annotation
    app.command("x")(handler)
    return app


@pytest.mark.parametrize(
    "annotation",
    [int, bool, bytes, dict[str, Any], list[Card], str | int, AsyncIterator[int], "float"],
    ids=str,
)
def test_refuses_a_handler_that_says_it_answers_what_is_no_answer(annotation: Any) -> None:
    with pytest.raises(BotRefused, match=r"handler .*says that it returns .*Return a text"):
        returning(annotation).routes()


@pytest.mark.parametrize(
    "annotation",
    [
        *(str, Card, None, str | Card | None, Any, object, "Unheard", Annotated[str, 1]),
        *(AsyncIterator[str | Card], AsyncGenerator[Card, None], Iterator[str], Literal["a"]),
    ],
    ids=str,
)
def test_takes_a_handler_that_says_what_it_answers(annotation: Any) -> None:
    assert returning(annotation).routes()


@pytest.mark.parametrize(
    ("kind", "key", "why"),
    [
        ("event", "", "without a name"),
        ("event", " ", "without a name"),
        ("event", "bot_instaled", "Did you mean `bot_installed`"),
        ("event", "bot_notifications", "Did you mean `bot_notification`"),
        ("command", "\u200b\u2060", "nothing that can be seen"),
        ("command", "/due", "Leave the slash away"),
        ("link", "http://x.com/a", "domain alone"),
        ("action", " ", "blank action"),
        pytest.param(
            "command", "x" * 70_000, "70,000 characters.* at most 4,000", id="command-70KB"
        ),
        pytest.param("command", "due " + "\u202e" * 4000, "4,004 characters", id="command-marks"),
        pytest.param("action", "x" * 65_536, "65,536 characters", id="action-64KB"),
        pytest.param("event", "x" * 65_536, "65,536 characters", id="event-64KB"),
    ],
)
def test_refuses_what_can_never_match(kind: str, key: str, why: str) -> None:
    app = App()

    @getattr(app, kind)(key)
    async def handler(_ctx: Any) -> None: ...

    with pytest.raises(BotRefused, match=why) as refused:
        app.routes()
    assert "test_reactions.py" in str(refused.value)
    assert len(str(refused.value)) < 500  # it names the place, not all of the key


@pytest.mark.parametrize(
    "words",
    ["x" * 4000, "🦊", "👩\u200d👩\u200d👧 here", "\u202eeud", "עזרה", "e" + "\u0301" * 1000],
    ids=["longest", "emoji", "family", "right-to-left", "hebrew", "marks"],
)
def test_takes_every_command_that_can_be_typed(words: str) -> None:
    app = App()

    @app.command(words)
    async def handler(_ctx: Command) -> None: ...

    assert [route.key for route in app.routes()] == [words]


@pytest.mark.parametrize(
    "name",
    ["on_install", "on_authorized", "on_deauthorize", "on_reauth_needed", "middleware", "error"],
)
def test_says_what_stands_without_parentheses(name: str) -> None:
    with pytest.raises(BotRefused, match=rf"@app\.{name}\(\): takes nothing.*Write @app\.{name} "):
        getattr(App(), name)()


@pytest.mark.parametrize("name", ["meeting.started", "bot_installed_again", "bot_installed"])
def test_takes_an_event_that_nobody_knows_yet(name: str) -> None:
    app = App()

    @app.event(name)
    async def handler(_ctx: Any) -> None: ...

    assert app.routes()


# what a handler can do wrong


def _kind(value: object) -> str:
    return type(value).__name__


@pytest.mark.parametrize("wrong", [42, b"bytes", ["a list"], {"a": "dict"}, object()], ids=_kind)
@pytest.mark.parametrize("kind", ["async", "sync", "stream", "generator"])
async def test_refuses_an_answer_that_cannot_be_said(wrong: Any, kind: str) -> None:
    app = App()

    async def slow(_ctx: Command) -> Any:
        return wrong

    def sync(_ctx: Command) -> Any:
        return wrong

    async def stream(_ctx: Command) -> AsyncIterator[Any]:
        yield wrong

    def generator(_ctx: Command) -> Iterator[Any]:
        yield wrong

    handlers = {"async": slow, "sync": sync, "stream": stream, "generator": generator}
    app.command("x")(handlers[kind])
    with pytest.raises(BotRefused, match=f"answered with {type(wrong).__name__}") as refused:
        await answers(app, "x")
    assert __file__ in str(refused.value)


@pytest.mark.parametrize("kind", ["async", "sync"])
async def test_a_handler_ends_itself_and_not_the_process(kind: str) -> None:
    app = App()

    async def slow(_ctx: Command) -> None:
        sys.exit(3)

    def sync(_ctx: Command) -> None:
        sys.exit(3)

    app.command("x")({"async": slow, "sync": sync}[kind])
    with pytest.raises(HandlerExited, match=r"SystemExit\(3\)"):
        await answers(app, "x")


async def test_a_sync_generator_is_heard_as_it_speaks() -> None:
    app, log = App(), list[str]()

    @app.command("x")
    def handler(_ctx: Command) -> Iterator[str | Card | None]:
        yield "one"
        log.append("between")
        yield None
        yield Card().text("two")

    assert await answers(app, "x") == ["one", "two"]
    assert log == ["between"]


@pytest.mark.parametrize("kind", ["stream", "generator"])
async def test_a_stream_that_is_broken_off_is_closed(kind: str) -> None:
    app, log = App(), list[str]()

    async def stream(_ctx: Command) -> AsyncIterator[Any]:
        try:
            yield "one"
            yield 42
        finally:
            log.append("closed")

    kept: list[Any] = []  # or it would be closed when it is collected

    def generator(_ctx: Command) -> Any:
        def inner() -> Iterator[Any]:
            try:
                yield "one"
                yield 42
            finally:
                log.append("closed")

        kept.append(inner())
        return kept[0]

    app.command("x")({"stream": stream, "generator": generator}[kind])
    with pytest.raises(BotRefused):
        await answers(app, "x")
    assert log == ["closed"]


async def test_a_plain_function_around_an_async_one_is_awaited() -> None:
    def logged(function: Any) -> Any:
        @wraps(function)
        def wrapper(*args: Any) -> Any:
            return function(*args)

        return wrapper

    app = App()

    @app.command("x")
    @logged
    async def handler(_ctx: Command, number: int) -> str:
        return f"awaited {number}"

    assert await answers(app, "x 7") == ["awaited 7"]


async def test_a_stop_iteration_is_a_failure_like_any_other() -> None:
    app = App()

    @app.command("x")
    def handler(_ctx: Command) -> str:
        return str(next(iter([])))

    with pytest.raises(RuntimeError, match="StopIteration"):
        await answers(app, "x")


async def test_a_method_and_a_callable_object_are_handlers() -> None:
    class Porter:
        def carries(self, _ctx: Command) -> str:
            return "carried"

        async def __call__(self, _ctx: Command, what: str) -> str:
            return what

    app = App()
    app.command("method")(Porter().carries)
    app.command("object")(Porter())
    assert await answers(app, "method") == ["carried"]
    assert await answers(app, "object it") == ["it"]
    assert {route.file for route in app.routes()} == {__file__}
