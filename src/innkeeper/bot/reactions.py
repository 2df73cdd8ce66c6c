"""How does a handler run? With what it needs, behind its middleware, watched by its errors.

All that can be known beforehand is: a handler that needs nothing but its context is
called with it, and that is all.
"""

import asyncio
import inspect
from collections.abc import Coroutine, Generator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol, TypeVar, cast

from innkeeper.bot.contexts import Context
from innkeeper.bot.functions import Function, Nature, Origin
from innkeeper.bot.inject import Dependency, Overrides, Scope
from innkeeper.bot.threads import Threads
from innkeeper.bot.words import Word, WordsRefused, read_words
from innkeeper.errors import BotRefused, HandlerExited
from innkeeper.flows.dispatch import Say
from innkeeper.wire.messages import Card, card_of


class CallNext(Protocol):
    """What middleware awaits for the rest to happen: the next middleware, at last the handler."""

    async def __call__(self) -> None:
        """Let it happen, once.

        Raises:
            Exception: What the handler raised.
        """
        ...


T = TypeVar("T")
_END = object()


@dataclass(frozen=True, slots=True)
class Fixed:
    """A parameter that is left at its default."""

    value: Any


Source = Dependency | Word | Fixed


@dataclass(frozen=True, slots=True)
class Call:
    """A function of the bot's, ready to be called."""

    function: Function
    nature: Nature
    origin: Origin
    sources: tuple[Source, ...]
    """Where its parameters after the first ones come from."""
    keywords: tuple[tuple[str, Dependency], ...]
    words: tuple[Word, ...]
    """Those of its sources that are typed."""

    async def run(self, scope: Scope, first: tuple[Any, ...], words: list[Any], say: Say) -> bool:
        """Call it, and say what it answers; tell whether it answered anything."""
        args, typed = list(first), iter(words)
        for source in self.sources:
            if isinstance(source, Dependency):
                args.append(await scope.value(source))
            elif isinstance(source, Fixed):
                args.append(source.value)
            elif source.rest:
                args.extend(typed)
            else:
                args.append(next(typed))
        needed = {name: await scope.value(need) for name, need in self.keywords}
        match self.nature:
            case Nature.ASYNC:
                answer = await self.function(*args, **needed)
            case Nature.SYNC:
                answer = await scope.in_thread(self.function, *args, **needed)
            case _:
                answer = self.function(*args, **needed)
        return answer is not None and await utter(answer, say, scope, self.origin)


async def utter(answer: Any, say: Say, scope: Scope, origin: Origin) -> bool:
    """Say what a function answered; tell whether that was anything.

    Raises:
        BotRefused: If it is nothing that can be said.
    """
    if isinstance(answer, str | Card):
        await say(card_of(answer))
        return True
    if inspect.isasyncgen(answer):
        said = False
        async with aclosing(answer) as parts:
            async for part in parts:
                said |= await utter(part, say, scope, origin)
        return said
    if inspect.isgenerator(answer):
        return await _utter_parts(cast("Generator[Any, Any, Any]", answer), say, scope, origin)
    if inspect.isawaitable(answer):
        return await utter(await answer, say, scope, origin)
    if answer is None:
        return False
    raise no_answer(answer, origin)


async def _utter_parts(
    parts: Generator[Any, Any, Any], say: Say, scope: Scope, origin: Origin
) -> bool:
    """Say what a sync generator yields, each part as it comes."""
    said = False
    try:
        while (part := await scope.in_thread(next, parts, _END)) is not _END:
            said |= await utter(part, say, scope, origin)
    except Exception:
        await scope.in_thread(parts.close)  # it may have something to tidy up
        raise
    return said


def no_answer(answer: Any, origin: Origin) -> BotRefused:
    """Say that something is nothing that can be said."""
    return BotRefused(
        str(origin),
        f"answered with {type(answer).__name__}",
        "Return a text, a Card or None, or yield texts and Cards.",
    )


Guards = tuple[Mapping[type[BaseException], Call], ...]
"""Error handlers by what they take: the nearest router's first."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all handlers of an app share."""

    threads: Threads
    overrides: Overrides

    def scope(self, context: Context[Any]) -> Scope:
        """Begin what one event's functions are given."""
        return Scope(context, self.threads, self.overrides)


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed for a handler, and on which day."""

    text: str
    today: date = date.min


@dataclass(frozen=True, slots=True)
class Reaction:
    """A handler, and all that stands around it."""

    call: Call
    route: str
    """How it was registered, as it stands in the bot."""
    usage: str
    """How its command is used; empty where nothing is typed."""
    about: str
    """The first line of its documentation."""
    layers: tuple[Call, ...]
    guards: Guards
    is_bare: bool
    """Whether it is an async function that needs its context alone, and nothing is around it."""

    async def run(
        self, context: Context[Any], typed: Typed, say: Say, surroundings: Surroundings
    ) -> None:
        """Let the handler react to what happened.

        Raises:
            HandlerExited: If it tried to end the process.
        """
        try:
            await _alive(self._react(context, typed, say, surroundings))
        except Exception as error:
            if not await self._guarded(context, error, say, surroundings):
                raise

    async def _react(
        self, context: Context[Any], typed: Typed, say: Say, surroundings: Surroundings
    ) -> None:
        if self.is_bare:
            answer = await self.call.function(context)
            if answer is None:
                return
            if isinstance(answer, str | Card):
                await say(card_of(answer))
                return
            raise no_answer(answer, self.call.origin)
        async with surroundings.scope(context) as scope:
            await self._through(0, scope, typed, say)

    async def _through(self, place: int, scope: Scope, typed: Typed, say: Say) -> None:
        """Go through the middleware from a place on, then to the handler."""
        if place == len(self.layers):
            await self._handle(scope, typed, say)
            return
        layer, called = self.layers[place], False

        async def call_next() -> None:
            nonlocal called
            if called:
                raise BotRefused(str(layer.origin), "called call_next twice", "Call it once.")
            called = True
            await self._through(place + 1, scope, typed, say)

        await layer.run(scope, (scope.context, call_next), [], say)

    async def _handle(self, scope: Scope, typed: Typed, say: Say) -> None:
        words: list[Any] = []
        if self.call.words:
            try:
                words = read_words(self.call.words, typed.text, typed.today)
            except WordsRefused as refusal:
                await say(self.usage_card(str(refusal)))
                return
        await self.call.run(scope, (scope.context,), words, say)

    async def _guarded(
        self, context: Context[Any], error: Exception, say: Say, surroundings: Surroundings
    ) -> bool:
        """Ask the error handlers; true if one of them answered."""
        for guards in self.guards:
            for kind in type(error).__mro__:
                guard = guards.get(kind)
                if guard is not None:
                    async with surroundings.scope(context) as scope:
                        return await _alive(guard.run(scope, (context, error), [], say))
        return False

    def usage_card(self, why: str) -> Card:
        """Tell how the command is used."""
        card = Card(why).text(f"Usage: {self.usage}")
        for word in self.call.words:
            card = card.field(word.name.upper(), word.what)
        return card.text(self.about) if self.about else card


async def _alive(work: Coroutine[Any, Any, T]) -> T:
    """Wait for a function of the bot's; it can end itself, but not the process.

    Raises:
        HandlerExited: If it tried.
    """
    try:
        return await work
    except (Exception, asyncio.CancelledError, KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:
        raise HandlerExited("a handler ended the process", f"it raised {error!r}") from error
