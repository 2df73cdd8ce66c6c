"""How does a bot's author say who handles what? With the decorators of a router.

A router only writes down what is registered. What that amounts to is worked out when the
app starts (`table`), over all routers that were included, so the order of files and
imports does not matter.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, cast, overload

from innkeeper.bot.contexts import (
    Action,
    Authorized,
    Command,
    Context,
    Deauthorized,
    Edited,
    Happened,
    Installed,
    Linked,
    Mentioned,
    ReauthNeeded,
    Selected,
    Submitted,
)
from innkeeper.bot.forms import Filled, Form
from innkeeper.bot.functions import Origin, origin_of
from innkeeper.bot.matching import ANY
from innkeeper.bot.purging import Forget, Verify, purge_step
from innkeeper.bot.reactions import CallNext
from innkeeper.bot.tables import PurgedTable
from innkeeper.errors import BotRefused
from innkeeper.flows.steps import PurgeStep
from innkeeper.store.owned import Database, OwnedDatabase, OwnedTable, ParamStyle
from innkeeper.wire.messages import Card

Answer = str | Card | None
Handled = Answer | Awaitable[Answer] | AsyncIterator[str | Card] | Iterator[str | Card]
AnyHandler = Callable[..., Any]

_Installed = TypeVar("_Installed", bound=Callable[Concatenate[Installed, ...], Handled])
_Authorized = TypeVar("_Authorized", bound=Callable[Concatenate[Authorized, ...], Handled])
_Command = TypeVar("_Command", bound=Callable[Concatenate[Command, ...], Handled])
_Action = TypeVar("_Action", bound=Callable[Concatenate[Action, ...], Handled])
_Selected = TypeVar("_Selected", bound=Callable[Concatenate[Selected, ...], Handled])
_Submitted = TypeVar("_Submitted", bound=Callable[Concatenate[Submitted, ...], Handled])
_Edited = TypeVar("_Edited", bound=Callable[Concatenate[Edited, ...], Handled])
_Mentioned = TypeVar("_Mentioned", bound=Callable[Concatenate[Mentioned, ...], Handled])
_Linked = TypeVar("_Linked", bound=Callable[Concatenate[Linked, ...], Handled])
_Happened = TypeVar("_Happened", bound=Callable[Concatenate[Happened, ...], Handled])
_Reauth = TypeVar("_Reauth", bound=Callable[Concatenate[ReauthNeeded, ...], Handled])
_Deauthorized = TypeVar(
    "_Deauthorized", bound=Callable[Concatenate[Deauthorized, ...], Awaitable[None] | None]
)
_Function = TypeVar("_Function", bound=AnyHandler)
_Form = TypeVar("_Form", bound=Form)
_P = ParamSpec("_P")
_R = TypeVar("_R", bound=Handled)
_C = TypeVar("_C", bound=Context[Any])
_E = TypeVar("_E", bound=Exception)


@dataclass(frozen=True, slots=True)
class Registration:
    """A handler as it was registered."""

    kind: str
    """The decorator's name."""
    key: str
    """What the decorator was given; empty where it takes whatever no other takes."""
    handler: AnyHandler
    origin: Origin
    form: type[Form] | None = None
    """What reads a form that was submitted."""

    def __str__(self) -> str:
        return f"@app.{self.kind}" + (f"({self.key!r})" if self.key else "")


@dataclass(slots=True)
class Notes:
    """What was registered with one router, in this order."""

    handlers: list[Registration] = field(default_factory=list[Registration])
    middleware: list[Registration] = field(default_factory=list[Registration])
    guards: list[Registration] = field(default_factory=list[Registration])
    """Error handlers."""
    purges: list[PurgeStep] = field(default_factory=list[PurgeStep])
    tables: list[PurgedTable] = field(default_factory=list[PurgedTable])
    """Those of the bot's own that a purge deletes from."""
    databases: list[OwnedDatabase] = field(default_factory=list[OwnedDatabase])
    """Those of the bot's own that `innkeeper check` looks into."""
    closed: bool = False
    """Whether the app has started, so that nothing more is heard."""


def _without_parentheses(decorator: _Function) -> _Function:
    """Say what is wrong where a decorator that is given nothing is called."""

    @wraps(decorator)
    def checked(router: "Router", *given: AnyHandler) -> Any:
        if not given:
            name = f"@app.{decorator.__name__}"
            raise BotRefused(f"{name}()", "takes nothing", f"Write {name} without parentheses.")
        return decorator(router, *given)

    return cast("_Function", checked)


class Router:
    """Handlers of a part of a bot, to be included in an app or in another router.

    Example:
        >>> from innkeeper import Command
        >>> rooms = Router()
        >>> @rooms.command("room")
        ... def room(ctx: Command, number: int) -> str:
        ...     return f"Room {number} is ready."
    """

    def __init__(self) -> None:
        self.noted = Notes()
        self.included: list[Router] = []

    # what can happen

    @_without_parentheses
    def on_install(self, handler: _Installed) -> _Installed:
        """Answer to being added; what it returns is the welcome message, once."""
        return self._register("on_install", ANY, handler)

    @_without_parentheses
    def on_authorized(self, handler: _Authorized) -> _Authorized:
        """Hear that somebody has authorized the app, each time, and what their link carried.

        `bot_installed`, which `on_install` takes, may come before or after it, or never.
        """
        return self._register("on_authorized", ANY, handler)

    @_without_parentheses
    def on_deauthorize(self, handler: _Deauthorized) -> _Deauthorized:
        """Hear that somebody removed the app; their data is deleted without your help."""
        return self._register("on_deauthorize", ANY, handler)

    @_without_parentheses
    def on_reauth_needed(self, handler: _Reauth) -> _Reauth:
        """Tell somebody whose tokens have died; without it they get a message with the link."""
        return self._register("on_reauth_needed", ANY, handler)

    def command(self, words: str = ANY) -> Callable[[_Command], _Command]:
        """Take a slash command that begins with these words; without words, any other.

        Parameters after the context are typed by whoever uses the command.

        Raises:
            BotRefused: If it stands without parentheses: it would take nothing.
        """
        _check_called("command", words)
        return lambda handler: self._register("command", " ".join(words.split()), handler)

    def action(self, value: str = ANY) -> Callable[[_Action], _Action]:
        """Take the press of the button with this value; without a value, any other.

        With parameters after the context, the value's first words are matched, and the
        others fill them.

        Raises:
            BotRefused: If it stands without parentheses: it would take nothing.
        """
        _check_called("action", value)
        return lambda handler: self._register("action", value, handler)

    @overload
    def select(self, value: _Selected, /) -> _Selected: ...
    @overload
    def select(self, value: str, /) -> Callable[[_Selected], _Selected]: ...
    def select(self, value: Any, /) -> Any:
        """Take a choice in a dropdown: of the option with this value, or any other."""
        return self._keyed("select", value)

    @overload
    def form(self, form: type[_Form], /) -> "TakesForm[_Form]": ...
    @overload
    def form(self, form: _Submitted, /) -> _Submitted: ...
    @overload
    def form(self, form: str, /) -> Callable[[_Submitted], _Submitted]: ...
    def form(self, form: Any, /) -> Any:
        """Take a form that was submitted: of this class, with this id, or any other.

        With a class, the handler is given what was filled in as `ctx.values`, and whoever
        left something out is told so instead.
        """
        if isinstance(form, type) and issubclass(form, Form):
            notes = self.noted.handlers
            return TakesForm[Any](
                lambda handler: self._note(notes, "form", handler, form.form_id, form=form)
            )
        return self._keyed("form", form)

    @overload
    def edited(self, key: _Edited, /) -> _Edited: ...
    @overload
    def edited(self, key: str, /) -> Callable[[_Edited], _Edited]: ...
    def edited(self, key: Any, /) -> Any:
        """Take the change of an editable field with this key, or of any other and of texts."""
        return self._keyed("edited", key)

    def mention(self, handler: _Mentioned) -> _Mentioned:
        """Take a message in a channel that mentions the bot."""
        return self._register("mention", ANY, handler)

    @overload
    def link(self, domain: _Linked, /) -> _Linked: ...
    @overload
    def link(self, domain: str, /) -> Callable[[_Linked], _Linked]: ...
    def link(self, domain: Any, /) -> Any:
        """Take a link that was posted: of this domain or one below it, or any other.

        The first card or text that it answers is shown beside the link.
        """
        return self._keyed("link", domain)

    def event(self, name: str) -> Callable[[_Happened], _Happened]:
        """Take any event by Zoom's name for it, unless a more special handler does.

        Several handlers may take the same event; what one raises does not keep another
        from it.
        """
        return lambda handler: self._register("event", name, handler)

    # what stands around handlers

    @_without_parentheses
    def middleware(
        self, function: Callable[Concatenate[_C, CallNext, ...], Awaitable[Answer]]
    ) -> Callable[Concatenate[_C, CallNext, ...], Awaitable[Answer]]:
        """Run this around every handler of this router and of those it includes.

        It is given the context and `call_next`, and is passed over where the context is
        none of its type. What it returns is said; without `call_next` no handler runs.
        """
        return self._note(self.noted.middleware, "middleware", function)

    @_without_parentheses
    def error(
        self, handler: Callable[Concatenate[_C, _E, ...], Handled]
    ) -> Callable[Concatenate[_C, _E, ...], Handled]:
        """Take what a handler raised, by the type of the second parameter.

        If it answers, the event is done; otherwise it is tried again, as without it.
        """
        return self._note(self.noted.guards, "error", handler)

    def purge(self, name: str, *, verify: Verify | None = None) -> Callable[[Forget], Forget]:
        """Delete the bot's own data of somebody who removed the app.

        The step says how many things it deleted. It may be run again, and is, until it
        succeeds and `verify`, if given, says that everything is gone.
        """

        def register(delete: Forget) -> Forget:
            self._may_register("purge", delete)
            self.noted.purges.append(purge_step(name, delete, verify))
            return delete

        return register

    def purge_table(
        self,
        name: str,
        database: Database,
        *,
        user: str | None = None,
        account: str | None = None,
        paramstyle: ParamStyle = "qmark",
        step: str | None = None,
    ) -> None:
        """Delete somebody's rows from a table of the bot's own when they remove the app.

        A step of the purge like `purge`, tried again until no such row is left.

        Args:
            database: A SQLite file, or a function that opens a DB-API connection. For an
                async one write a step of your own.
            user: The column with Zoom's user ids.
            account: The column with Zoom's account ids; an app that admins install needs it.
            paramstyle: How that connection's module marks places: `?` or `%s`.
            step: What the step is called, where two databases have a table of this name.

        Raises:
            BotRefused: If it names no column.
        """
        self._may_register("purge_table", name)
        table = PurgedTable(OwnedTable(name, database, paramstyle), user, account, step)
        self.noted.tables.append(table)
        self.noted.purges.append(table.step())
        self.noted.databases.append(OwnedDatabase(database))

    def owns(self, database: Database, *, impersonal: Collection[str] = ()) -> None:
        """Have `innkeeper check` look into a database of the bot's own for forgotten tables.

        Args:
            impersonal: Its tables that are about nobody, whatever their columns are called.
        """
        self._may_register("owns", database)
        self.noted.databases.append(OwnedDatabase(database, frozenset(impersonal)))

    def include(self, router: "Router") -> None:
        """Take over all that a router has, or will have by the start.

        Raises:
            BotRefused: If it was included here already, or includes this one.
        """
        self._may_register("include", router)
        if router in self.included or self in router.family():
            raise BotRefused("app.include", "is given the same router again", "Include it once.")
        self.included.append(router)

    def family(self) -> "Iterator[Router]":
        """List this router and all that it includes, however deep."""
        yield self
        for router in self.included:
            yield from router.family()

    def _keyed(self, kind: str, given: Any) -> Any:
        if isinstance(given, str):
            return lambda handler: self._register(kind, given, handler)  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType, reportUnknownVariableType]  # the overloads say
        return self._register(kind, ANY, given)

    def _register(self, kind: str, key: str, handler: _Function) -> _Function:
        return self._note(self.noted.handlers, kind, handler, key)

    def _note(
        self,
        notes: list[Registration],
        kind: str,
        handler: _Function,
        key: str = ANY,
        *,
        form: type[Form] | None = None,
    ) -> _Function:
        self._may_register(kind, handler)
        if not callable(handler):
            raise BotRefused(f"@app.{kind}", f"is given {handler!r}, which is no function")
        notes.append(Registration(kind, key, handler, origin_of(handler), form))
        return handler

    def _may_register(self, kind: str, given: object) -> None:
        if self.noted.closed:
            raise BotRefused(
                f"@app.{kind}: {origin_of(given)}",
                "comes too late: the app has started",
                "Register everything when the bot is imported.",
            )


class TakesForm(Generic[_Form]):
    """`@app.form(Feedback)`: registers a handler for forms of this class."""

    def __init__(self, register: Callable[[Any], Any]) -> None:
        self._register = register

    def __call__(
        self, handler: Callable[Concatenate[Filled[_Form], _P], _R]
    ) -> Callable[Concatenate[Filled[_Form], _P], _R]:
        """Register a handler."""
        self._register(handler)
        return handler


def _check_called(kind: str, key: object) -> None:
    if not isinstance(key, str):
        raise BotRefused(
            str(origin_of(cast("AnyHandler", key))),
            f"stands under a bare @app.{kind}",
            f"Write `@app.{kind}()`, or say in the parentheses what it takes.",
        )
