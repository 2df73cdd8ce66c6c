"""What a handler needs is made once for each event, and closed when it has ended."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import pytest

from innkeeper import (
    Action,
    App,
    BotRefused,
    CallNext,
    Command,
    Context,
    Depends,
    HandlerExited,
)
from tests.bot.bots import Tried, answers, pressed, typed

if TYPE_CHECKING:
    from decimal import Decimal

pytestmark = pytest.mark.anyio


class Log(list[str]):
    """What happened, in its order."""


@pytest.fixture
def log() -> Log:
    return Log()


# what can be one


async def test_makes_a_value_with_any_kind_of_function() -> None:
    class Called:
        async def __call__(self) -> str:
            return "object"

    def sync() -> str:
        return "sync"

    async def slow() -> str:
        return "async"

    def generator() -> Iterator[str]:
        yield "generator"

    async def stream() -> AsyncIterator[str]:
        yield "stream"

    app = App()

    @app.command("x")
    async def handler(
        _ctx: Command,
        a: Annotated[str, Depends(sync)],
        b: Annotated[str, Depends(slow)],
        c: Annotated[str, Depends(generator)],
        d: Annotated[str, Depends(stream)],
        *,
        e: Annotated[str, Depends(Called())],
        f: Annotated[str, Depends(partial(sync))],
        g: Annotated[list[int], Depends(list)],
    ) -> str:
        return f"{a} {b} {c} {d} {e} {f} {g}"

    assert await answers(app, "x") == ["sync async generator stream object sync []"]


async def test_gives_a_dependency_the_context_and_what_it_depends_on_itself() -> None:
    async def name(ctx: Context) -> str:
        return ctx.user.name

    async def greeting(name: Annotated[str, Depends(name)], word: str = "Hi") -> str:
        return f"{word} {name}"

    app = App()

    @app.command("x")
    async def handler(ctx: Command, hi: Annotated[str, Depends(greeting)], number: int) -> str:
        return f"{hi} {number} {ctx.args}"

    assert await answers(app, "x 7") == ["Hi Ana 7 ['7']"]


async def test_makes_each_once_for_an_event_and_anew_for_the_next(log: Log) -> None:
    def number() -> int:
        log.append("made")
        return len(log)

    def twice(one: Annotated[int, Depends(number)]) -> int:
        return 2 * one

    Number = Annotated[int, Depends(number)]  # noqa: N806  # a type
    app = App()

    @app.middleware
    async def around(_ctx: Context, call_next: CallNext, one: Number) -> None:
        log.append(f"around {one}")
        await call_next()

    @app.command("x")
    async def handler(_ctx: Command, one: Number, two: Annotated[int, Depends(twice)]) -> str:
        return f"{one} {two}"

    tried = Tried(app)
    await tried.hears(typed("x"))
    await tried.hears(typed("x"))
    assert tried.said == ["1 2", "3 6"]
    assert log == ["made", "around 1", "made", "around 3"]


# closing


def noting(log: Log, name: str) -> tuple[Any, Any]:
    """Make a generator of each kind that notes what it goes through."""

    async def stream() -> AsyncIterator[str]:
        log.append(f"{name} opened")
        try:
            yield name
        except BaseException as error:
            log.append(f"{name} {type(error).__name__}")
            raise
        finally:
            log.append(f"{name} closed")

    def generator() -> Iterator[str]:
        log.append(f"{name} opened")
        try:
            yield name
        except BaseException as error:
            log.append(f"{name} {type(error).__name__}")
            raise
        finally:
            log.append(f"{name} closed")

    return stream, generator


@pytest.mark.parametrize("kind", [0, 1], ids=["async", "sync"])
async def test_closes_in_reverse_after_what_was_said(kind: int, log: Log) -> None:
    first, second = noting(log, "first")[kind], noting(log, "second")[kind]
    app = App()

    @app.command("x")
    async def handler(
        _ctx: Command, a: Annotated[str, Depends(first)], b: Annotated[str, Depends(second)]
    ) -> AsyncIterator[str]:
        log.append(f"{a} {b}")
        yield "said"
        log.append("ended")

    assert await answers(app, "x") == ["said"]
    assert log == [
        "first opened",
        "second opened",
        "first second",
        "ended",
        "second closed",
        "first closed",
    ]


@pytest.mark.parametrize("kind", [0, 1], ids=["async", "sync"])
async def test_closes_when_the_handler_raised_and_tells_it(kind: int, log: Log) -> None:
    app = App()

    @app.command("x")
    async def handler(_ctx: Command, _a: Annotated[str, Depends(noting(log, "it")[kind])]) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await answers(app, "x")
    assert log == ["it opened", "it ZeroDivisionError", "it closed"]


@pytest.mark.parametrize("kind", [0, 1], ids=["async", "sync"])
async def test_closes_when_the_handler_was_cut_off(kind: int, log: Log) -> None:
    app, begun = App(), asyncio.Event()

    @app.command("x")
    async def handler(_ctx: Command, _a: Annotated[str, Depends(noting(log, "it")[kind])]) -> None:
        begun.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(answers(app, "x"))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert log == ["it opened", "it CancelledError", "it closed"]


async def test_a_dependency_that_swallows_an_error_does_not_make_it_unhappen() -> None:
    async def stream() -> AsyncIterator[None]:
        try:
            yield
        except ZeroDivisionError:
            return

    def generator() -> Iterator[None]:
        try:
            yield
        except ZeroDivisionError:
            return

    app = App()

    @app.command("x")
    async def handler(
        _ctx: Command, _a: Annotated[None, Depends(stream)], _b: Annotated[None, Depends(generator)]
    ) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await answers(app, "x")


async def test_closes_what_was_opened_when_the_next_cannot_be_made(log: Log) -> None:
    def broken() -> str:
        raise ZeroDivisionError

    app = App()

    @app.command("x")
    async def handler(
        _ctx: Command,
        _a: Annotated[str, Depends(noting(log, "it")[0])],
        _b: Annotated[str, Depends(broken)],
    ) -> None:
        log.append("called")

    with pytest.raises(ZeroDivisionError):
        await answers(app, "x")
    assert log == ["it opened", "it ZeroDivisionError", "it closed"]


# threads


async def test_all_sync_functions_of_an_event_share_a_thread_and_a_context(log: Log) -> None:
    who: ContextVar[str] = ContextVar("who")

    def opened() -> Iterator[int]:
        who.set("set by the dependency")
        yield threading.get_ident()
        log.append(f"closed in {threading.get_ident()}")

    app = App()

    @app.command("x")
    def handler(_ctx: Command, thread: Annotated[int, Depends(opened)]) -> str:
        log.append(f"closed in {thread}")
        return f"{thread == threading.get_ident()} {who.get()}"

    assert await answers(app, "x") == ["True set by the dependency"]
    assert log[0] == log[1]
    assert str(threading.get_ident()) not in log[0]
    assert who.get("untouched") == "untouched"


async def test_a_sync_generator_is_closed_after_the_handler_that_was_cut_off(log: Log) -> None:
    go, begun, closed = threading.Event(), threading.Event(), threading.Event()

    def opened() -> Iterator[None]:
        yield
        log.append("never reached: it was cut off")

    def tidy() -> Iterator[None]:
        try:
            yield
        finally:
            log.append("closed")
            closed.set()

    app = App()

    @app.command("x")
    def handler(
        _ctx: Command, _a: Annotated[None, Depends(tidy)], _b: Annotated[None, Depends(opened)]
    ) -> None:
        begun.set()
        go.wait(10)
        log.append("ended")

    task = asyncio.create_task(answers(app, "x"))
    await asyncio.to_thread(begun.wait, 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not log
    go.set()
    assert await asyncio.to_thread(closed.wait, 10)
    assert log == ["ended", "closed"]


async def test_a_dependency_ends_itself_and_not_the_process() -> None:
    def broken() -> str:
        raise SystemExit(3)

    app = App()

    @app.command("x")
    async def handler(_ctx: Command, _a: Annotated[str, Depends(broken)]) -> None: ...

    with pytest.raises(HandlerExited, match="SystemExit"):
        await answers(app, "x")


# overriding


async def test_overrides_a_dependency_for_a_while(log: Log) -> None:
    def real() -> str:
        raise AssertionError

    def inner() -> str:
        return "inner"

    async def fake(_ctx: Command, inner: Annotated[str, Depends(inner)]) -> AsyncIterator[str]:
        yield f"fake of {inner}"
        log.append("closed")

    def deep(it: Annotated[str, Depends(real)]) -> str:
        return f"deep {it}"

    app = App()

    @app.command("x")
    async def handler(_ctx: Command, it: Annotated[str, Depends(deep)]) -> str:
        return it

    with app.override(real, fake):
        assert await answers(app, "x") == ["deep fake of inner"]
        with app.override(inner, lambda: "another"), app.override(real, fake):
            assert await answers(app, "x") == ["deep fake of another"]
        assert await answers(app, "x") == ["deep fake of inner"]
    assert log == ["closed"] * 3
    with pytest.raises(AssertionError):
        await answers(app, "x")


# what stops the start


def test_refuses_at_the_start_what_cannot_be_made() -> None:
    def unfilled(what: int) -> int:
        return what

    def of_a_button(ctx: Action) -> str:
        return ctx.value

    def circle(it: "Annotated[int, Depends(lambda: 1)]") -> int:
        return it

    circle.__annotations__["it"] = Annotated[int, Depends(circle)]

    for provider, why in (
        (unfilled, "has a parameter `what` that nothing fills"),
        (of_a_button, "needs Action, but is used where Command is given"),
        (circle, "depends on itself"),
    ):
        app = App()

        @app.command("x")
        async def handler(_ctx: Command, it: Annotated[Any, Depends(provider)]) -> None: ...

        with pytest.raises(BotRefused) as refused:
            app.routes()
        assert why in str(refused.value)
        assert f"{__file__}:{provider.__code__.co_firstlineno}" in str(refused.value)


def test_refuses_what_is_no_function() -> None:
    app, wrong = App(), Depends("database")  # type: ignore[arg-type]  # that is the mistake

    @app.command("x")
    async def handler(_ctx: Command, it: Annotated[Any, wrong]) -> None: ...

    with pytest.raises(BotRefused, match=r"Depends\('database'\) is given no function|is given no"):
        app.routes()


def test_says_how_to_mend_a_type_that_is_there_for_checkers_only() -> None:
    app = App()

    @app.command("x")
    async def handler(_ctx: "Command", amount: "Decimal") -> None: ...

    with pytest.raises(BotRefused, match="outside `if TYPE_CHECKING:`"):
        app.routes()


def test_refuses_a_context_that_the_event_does_not_give() -> None:
    app = App()

    @app.action("x")
    async def handler(_ctx: Command) -> None: ...

    app.action("y")(lambda _ctx: None)

    @app.action("z")
    async def either(_ctx: Command | Action) -> None: ...

    @app.action("w")
    async def number(_ctx: int) -> None: ...

    with pytest.raises(BotRefused) as refused:
        app.routes()
    told = str(refused.value)
    assert "takes Command, but @app.action gives Action. Write `_ctx: Action`." in told
    assert "takes a int first, but it is given the context first" in told
    assert "either" not in told


async def test_an_override_that_cannot_be_made_is_refused_where_it_is_made() -> None:
    def real() -> str:
        return "real"

    def fake(what: int) -> str:
        return str(what)

    app = App()
    app.command("x")(lambda _ctx: None)
    with pytest.raises(BotRefused, match="`what`"), app.override(real, fake):
        pass
    assert await Tried(app).hears(pressed("x")) is False
