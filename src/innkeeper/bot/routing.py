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
from innkeeper.flows.dispatch import Happening, Say
from innkeeper.wire.events import (
    AppDeauthorized,
    BotInstalled,
    BotNotification,
    Event,
    InteractiveMessageActions,
    InteractiveMessageSelect,
    Payload,
)
from innkeeper.wire.messages import Card

Answer = str | Card | None
Handled = Answer | Awaitable[Answer] | AsyncIterator[str | Card] | Iterator[str | Card]
C = TypeVar("C", bound=Context[Any])
Handler = Callable[[C], Handled]
AnyHandler = Callable[[Any], Any]
_F = TypeVar("_F", bound=AnyHandler)
Forget = Callable[[Scope], Awaitable[int] | int]

_CONTEXTS: Mapping[type[Payload], type[Context[Any]]] = {
    BotInstalled: Installed,
    BotNotification: Command,
    InteractiveMessageActions: Action,
    InteractiveMessageSelect: Selected,
    AppDeauthorized: Deauthorized,
}


@dataclass(slots=True)
class Routes:
    """The handlers of a bot, by what they wait for."""

    installed: AnyHandler | None = None
    deauthorized: AnyHandler | None = None
    commands: dict[str, AnyHandler] = field(default_factory=dict[str, AnyHandler])
    actions: dict[str, AnyHandler] = field(default_factory=dict[str, AnyHandler])
    selects: AnyHandler | None = None
    events: dict[str, AnyHandler] = field(default_factory=dict[str, AnyHandler])
    purges: list[PurgeStep] = field(default_factory=list[PurgeStep])

    def put(self, table: dict[str, AnyHandler], key: str, handler: _F, kind: str) -> _F:
        """Register a handler under a key that must be free.

        Raises:
            BotRefused: If another handler stands there.
        """
        check_handler(handler)
        if key in table:
            raise _twice(f"@app.{kind}({key!r})", table[key], handler)
        table[key] = handler
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

    def find(self, event: Event[Payload]) -> AnyHandler | None:
        """Find the one handler for an event, or None."""
        payload = event.payload
        found: AnyHandler | None = None
        if isinstance(payload, BotInstalled):
            found = self.installed
        elif isinstance(payload, BotNotification):
            found = longest_match(self.commands, payload.cmd)
        elif isinstance(payload, InteractiveMessageActions):
            found = self.actions.get(payload.action_item.value) or self.actions.get("")
        elif isinstance(payload, InteractiveMessageSelect):
            found = self.selects
        elif isinstance(payload, AppDeauthorized):
            found = self.deauthorized
        return found or self.events.get(event.name)


def longest_match(commands: Mapping[str, AnyHandler], text: str) -> AnyHandler | None:
    """Find the handler whose words the text begins with, the most words first."""
    words = text.split()
    for count in range(len(words), -1, -1):
        found = commands.get(" ".join(words[:count]))
        if found is not None:
            return found
    return None


class RoutedBot:
    """Runs handlers, whatever kind of function they are."""

    def __init__(self, routes: Routes, services: Services) -> None:
        self._routes = routes
        self._services = services

    def listens(self, event: Event[Payload]) -> bool:
        """Tell whether a handler waits for this event."""
        return self._routes.find(event) is not None

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

    async def handle(self, happening: Happening, say: Say) -> None:
        """Run the handler; what it returns or yields goes through `say`."""
        handler = self._routes.find(happening.event)
        if handler is None:
            return
        context = _CONTEXTS.get(type(happening.event.payload), Happened)(happening, self._services)
        if inspect.iscoroutinefunction(handler):
            answer = await handler(context)
        elif inspect.isasyncgenfunction(handler):
            answer = handler(context)
        else:
            answer = await _in_thread(handler, context)
        if answer is not None:
            await _speak(answer, say)


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


def _twice(what: str, first: AnyHandler, second: AnyHandler) -> BotRefused:
    return BotRefused(what, f"is registered twice: {_where(first)} and {_where(second)}")


def _where(handler: AnyHandler) -> str:
    code = getattr(handler, "__code__", None)
    name = getattr(handler, "__name__", repr(handler))
    return f"{name} ({code.co_filename}:{code.co_firstlineno})" if code else name
