"""Which handler takes which event? Registered by decorators, checked at the start.

A command is matched by its whole first words: `help` takes `help` and `help me`, never
`hel` or `helpless`. The longest match wins; `@app.command()` takes what is left.
"""

import asyncio
import contextvars
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from innkeeper.bot.contexts import (
    Action,
    Command,
    Context,
    Deauthorized,
    Happened,
    Installed,
    Selected,
    Services,
    card_of,
)
from innkeeper.errors import BotRefused
from innkeeper.flows.deauthorize import PurgeStep, Scope
from innkeeper.flows.dispatch import Happening, Run, Say
from innkeeper.wire.events import Event
from innkeeper.wire.messages import Card
from innkeeper.wire.payloads import (
    AppDeauthorized,
    BotInstalled,
    BotNotification,
    InteractiveMessageActions,
    InteractiveMessageSelect,
    Payload,
)

Answer = str | Card | None
Handled = Answer | Awaitable[Answer] | AsyncIterator[str | Card] | Iterator[str | Card]
C = TypeVar("C", bound=Context[Any])
Handler = Callable[[C], Handled]
AnyHandler = Callable[[Any], Any]
_F = TypeVar("_F", bound=AnyHandler)
T = TypeVar("T")
Forget = Callable[[Scope], Awaitable[int] | int]

_CONTEXTS: Mapping[type[Payload], type[Context[Any]]] = {
    BotInstalled: Installed,
    BotNotification: Command,
    InteractiveMessageActions: Action,
    InteractiveMessageSelect: Selected,
    AppDeauthorized: Deauthorized,
}


@dataclass(frozen=True, slots=True)
class Reaction:
    """A registered handler, and what kind of function it is."""

    handler: AnyHandler
    is_async: bool
    streams: bool
    words: int
    """How many words of a command it was registered for."""

    @classmethod
    def of(cls, handler: AnyHandler, *, key: str) -> "Reaction":
        """Look at a handler, once.

        Raises:
            BotRefused: If it can be no handler.
        """
        check_handler(handler)
        is_async = inspect.iscoroutinefunction(handler)
        streams = inspect.isasyncgenfunction(handler)
        return cls(handler, is_async, streams, len(key.split()))

    async def run(self, context: Context[Any], say: Say) -> None:
        """Run the handler; what it returns or yields goes through `say`."""
        if self.is_async:
            answer = await self.handler(context)
        elif self.streams:
            answer = self.handler(context)
        else:
            answer = await _in_thread(self.handler, context)
        if answer is not None:
            await _speak(answer, say)


@dataclass(slots=True)
class Routes:
    """The handlers of a bot, by what they wait for."""

    installed: dict[str, Reaction] = field(default_factory=dict[str, Reaction])
    deauthorized: dict[str, Reaction] = field(default_factory=dict[str, Reaction])
    commands: dict[str, Reaction] = field(default_factory=dict[str, Reaction])
    actions: dict[str, Reaction] = field(default_factory=dict[str, Reaction])
    selects: dict[str, Reaction] = field(default_factory=dict[str, Reaction])
    events: dict[str, Reaction] = field(default_factory=dict[str, Reaction])
    purges: list[PurgeStep] = field(default_factory=list[PurgeStep])

    def put(self, table: dict[str, Reaction], key: str, handler: _F, decorator: str) -> _F:
        """Register a handler under a key that must be free.

        Raises:
            BotRefused: If another handler stands there, or this can be none.
        """
        reaction = Reaction.of(handler, key=key)
        if key in table:
            what = f"@app.{decorator}" + (f"({key!r})" if key else "")
            both = f"{_where(table[key].handler)} and {_where(handler)}"
            raise BotRefused(what, f"is registered twice: {both}")
        table[key] = reaction
        return handler

    def add_purge(self, name: str, delete: Forget, verify: Callable[[Scope], Any] | None) -> None:
        """Register a step of the bot's own deletion.

        Raises:
            BotRefused: If the name is taken.
        """
        if any(step.name == name for step in self.purges):
            raise BotRefused(f"@app.purge({name!r})", "is registered twice")

        async def run(scope: Scope) -> int:
            return int(await _call(delete, scope) or 0)

        async def is_gone(scope: Scope) -> bool:
            return verify is None or bool(await _call(verify, scope))

        self.purges.append(PurgeStep(name, run, is_gone if verify else None))

    def find(self, event: Event[Payload]) -> Reaction | None:
        """Find the one handler for an event, or None."""
        payload = event.payload
        found: Reaction | None = None
        if isinstance(payload, BotNotification):
            found = longest_match(self.commands, payload.cmd)
        elif isinstance(payload, InteractiveMessageActions):
            found = self.actions.get(payload.action_item.value) or self.actions.get("")
        elif isinstance(payload, BotInstalled):
            found = self.installed.get("")
        elif isinstance(payload, InteractiveMessageSelect):
            found = self.selects.get("")
        elif isinstance(payload, AppDeauthorized):
            found = self.deauthorized.get("")
        return found or self.events.get(event.name)


def longest_match(commands: Mapping[str, T], text: str) -> T | None:
    """Find what is registered for the words a text begins with, the most words first."""
    most = max((key.count(" ") + 1 for key in commands if key), default=0)
    words = text.split(None, most)[:most]
    for count in range(len(words), -1, -1):
        found = commands.get(" ".join(words[:count]))
        if found is not None:
            return found
    return None


class RoutedBot:
    """Gives each event its context, and to the handler that waits for it."""

    def __init__(self, routes: Routes, services: Services) -> None:
        self._routes = routes
        self._services = services

    def find(self, event: Event[Payload]) -> Run | None:
        """Find what is to be done with an event; None if no handler waits for it."""
        reaction = self._routes.find(event)
        if reaction is None:
            return None
        kind = _CONTEXTS.get(type(event.payload), Happened)

        def run(happening: Happening, say: Say) -> Awaitable[None]:
            context = kind(happening, self._services, words=reaction.words)
            return reaction.run(context, say)

        return run

    def hint(self, event: Event[Payload]) -> str:
        """Write the handler that would have taken this event, to paste."""
        payload = event.payload
        if isinstance(payload, BotInstalled):
            return "@app.on_install\nasync def hello(ctx: Installed) -> Card: ..."
        if isinstance(payload, BotNotification):
            return "@app.command()\nasync def anything(ctx: Command) -> str: ..."
        if isinstance(payload, InteractiveMessageActions):
            return "@app.action()\nasync def pressed(ctx: Action) -> None: ..."
        return f"@app.event({event.name!r})\nasync def happened(ctx: Happened) -> None: ..."


async def _speak(answer: Any, say: Say) -> None:
    if inspect.isasyncgen(answer):
        async for part in cast("AsyncIterator[str | Card]", answer):
            await say(card_of(part))
    elif isinstance(answer, list):
        for part in cast("list[str | Card]", answer):
            await say(card_of(part))
    elif isinstance(answer, str | Card):
        await say(card_of(answer))
    elif answer is not None:
        raise BotRefused("a handler's answer", f"is a {type(answer).__name__}, not text or Card")


async def _in_thread(handler: AnyHandler, context: Context[Any]) -> Any:
    copied = contextvars.copy_context()
    return await asyncio.to_thread(copied.run, _exhaust, handler, context)


def _exhaust(handler: AnyHandler, context: Context[Any]) -> Any:
    answer = handler(context)
    return list(answer) if inspect.isgenerator(answer) else answer


async def _call(function: Callable[[Scope], Any], scope: Scope) -> Any:
    if inspect.iscoroutinefunction(function):
        return await function(scope)
    return await asyncio.to_thread(function, scope)


def check_handler(handler: AnyHandler) -> None:
    """Refuse what can be no handler, at the start and not at the first event.

    Raises:
        BotRefused: Naming the file and the line.
    """
    if not callable(handler):
        raise BotRefused("a handler", f"is a {type(handler).__name__}, not a function")
    parameters = inspect.signature(handler).parameters.values()
    needed = [
        p
        for p in parameters
        if p.default is p.empty and p.kind not in {p.VAR_POSITIONAL, p.VAR_KEYWORD}
    ]
    if len(needed) != 1:
        why = f"takes {len(needed)} parameters; it is given one, the context"
        raise BotRefused(_where(handler), why)


def _where(handler: AnyHandler) -> str:
    code = getattr(handler, "__code__", None)
    name = getattr(handler, "__name__", repr(handler))
    return f"{name} ({code.co_filename}:{code.co_firstlineno})" if code else name
