"""Can this function be called when something happens, and with what? Asked at the start."""

import inspect
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Coroutine,
    Generator,
    Iterable,
    Iterator,
    Sequence,
)
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

from innkeeper.bot.contexts import Context
from innkeeper.bot.functions import (
    MISSING,
    UNKNOWN,
    Function,
    Nature,
    Origin,
    Parameter,
    nature_of,
    origin_of,
    parameters_of,
    returns_of,
)
from innkeeper.bot.inject import Dependency, Injector, contexts_of, depends_of, unfilled
from innkeeper.bot.reactions import Call, Fixed, Source
from innkeeper.bot.words import Word, check_order, reader_of, word_of
from innkeeper.errors import BotRefused
from innkeeper.wire.messages import Card

_POSITIONAL: Final = {
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
    inspect.Parameter.VAR_POSITIONAL,
}
_KEYWORD: Final = {inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD}
_GIVING: Final = {
    *(Iterator, Iterable, Generator),
    *(AsyncIterator, AsyncIterable, AsyncGenerator),
}
"""What yields answers."""
_UNTOLD: Final = {Any, object, Awaitable, Coroutine}
"""What does not tell."""
_REST: Final = inspect.Parameter.VAR_POSITIONAL


class Calls:
    """Makes functions ready to be called."""

    def __init__(self) -> None:
        self._injector = Injector()

    def handler(
        self, function: Function, given: type[Context[Any]], *, route: str, typed: bool
    ) -> Call:
        """Make a handler ready.

        Args:
            given: The context that it is given.
            typed: Whether its other parameters are typed by somebody.

        Raises:
            BotRefused: If it cannot be called with what there is.
        """
        origin = origin_of(function)
        first, *others = self._split(function, origin, 1)
        accepted = _contexts(first, origin)
        if accepted and not issubclass(given, accepted):
            why = f"takes {_names(accepted)}, but {route} gives {given.__name__}"
            raise BotRefused(str(origin), why, f"Write `{first.name}: {given.__name__}`.")
        wrong = _no_answer_in(returns_of(function))
        if wrong is not None:
            why = f"says that it returns {wrong.__name__}, which is no answer"
            raise BotRefused(str(origin), why, "Return a text, a Card or None, or yield them.")
        return self._call(function, origin, others, given, typed=typed)

    def layer(self, function: Function, given: type[Context[Any]]) -> Call | None:
        """Make middleware ready; None if it does not take this context.

        Raises:
            BotRefused: If it cannot be called with what there is.
        """
        origin = origin_of(function)
        if nature_of(function) is not Nature.ASYNC:
            raise BotRefused(
                str(origin), "is no `async def`", "Middleware has to wait: make it one."
            )
        first, _, *others = self._split(function, origin, 2)
        accepted = _contexts(first, origin)
        if accepted and not issubclass(given, accepted):
            return None
        return self._call(function, origin, others, given, typed=False)

    def guard(
        self, function: Function, given: type[Context[Any]]
    ) -> tuple[Call, tuple[type[Exception], ...]] | None:
        """Make an error handler ready, and tell what it takes; None if not in this context.

        Raises:
            BotRefused: If it cannot be called with what there is.
        """
        origin = origin_of(function)
        first, second, *others = self._split(function, origin, 2)
        accepted = _contexts(first, origin)
        kinds = tuple(_exceptions(second.annotation, origin))
        if accepted and not issubclass(given, accepted):
            return None
        return self._call(function, origin, others, given, typed=False), kinds

    def _split(self, function: Function, origin: Origin, leading: int) -> Sequence[Parameter]:
        """List the parameters; the leading ones are there and take a place."""
        found = parameters_of(function)
        places = [each for each in found if each.kind in _POSITIONAL]
        if places and places[0].kind is _REST:  # a wrapper that passes everything on
            return [places[0]] * leading
        if len(places) < leading or any(each.kind is _REST for each in places[:leading]):
            count = {1: "one parameter, the context", 2: "two parameters"}[leading]
            why = f"takes {len(places)} parameters; it is given at least {count}"
            raise BotRefused(str(origin), why)
        return found

    def _call(
        self,
        function: Function,
        origin: Origin,
        others: Sequence[Parameter],
        given: type[Context[Any]],
        *,
        typed: bool,
    ) -> Call:
        sources: list[Source] = []
        keywords: list[tuple[str, Dependency]] = []
        for each in others:
            depends = depends_of(each.annotation)
            if depends is not None and each.kind in _KEYWORD:
                keywords.append((each.name, self._injector.ready(depends.provider, given)))
            elif depends is not None:
                sources.append(self._injector.ready(depends.provider, given))
            else:
                sources += _source(each, origin, typed=typed)
        words = tuple(source for source in sources if isinstance(source, Word))
        check_order(words, origin)
        nature = nature_of(function)
        return Call(function, nature, origin, tuple(sources), tuple(keywords), words)


def _source(parameter: Parameter, origin: Origin, *, typed: bool) -> Iterable[Source]:
    if parameter.kind in _KEYWORD:
        if parameter.optional:
            return ()
        raise unfilled(parameter, origin)
    if typed and parameter.annotation is not UNKNOWN:
        if reader_of(parameter.annotation) is not None or parameter.default is MISSING:
            return (word_of(parameter, origin),)
        return (Fixed(parameter.default),)
    if parameter.kind is _REST and not typed:
        return ()
    if parameter.default is MISSING:
        raise unfilled(parameter, origin)
    return (Fixed(parameter.default),)


def _contexts(parameter: Parameter, origin: Origin) -> tuple[type[Context[Any]], ...]:
    found = contexts_of(parameter.annotation)
    named = parameter.annotation
    if isinstance(named, type) and named.__module__ == "builtins" and named is not object:
        why = f"takes a {named.__name__} first, but it is given the context first"
        raise BotRefused(str(origin), why, "Put the context first.")
    return found


def _no_answer_in(annotation: Any) -> type | None:
    """Find in what a handler says it returns what would be no answer; None if all is well."""
    origin: Any = get_origin(annotation)
    if origin in {Union, UnionType, Annotated}:
        parts = get_args(annotation)[: 1 if origin is Annotated else None]
        return next((wrong for part in parts if (wrong := _no_answer_in(part))), None)
    kind: Any = origin or annotation
    if kind in _GIVING:
        parts = get_args(annotation)[:1]
        return _no_answer_in(parts[0]) if parts else None
    if not isinstance(kind, type) or kind in _UNTOLD:
        return None
    found: type[Any] = kind
    return None if issubclass(found, (str, Card, NoneType)) else found


def _exceptions(annotation: Any, origin: Origin) -> Iterable[type[Exception]]:
    if annotation is MISSING or annotation is UNKNOWN:
        yield Exception
    elif get_origin(annotation) in {Union, UnionType}:
        for part in get_args(annotation):
            yield from _exceptions(part, origin)
    elif isinstance(annotation, type) and issubclass(annotation, Exception):
        yield annotation
    else:
        raise BotRefused(
            str(origin), "takes no exception second", "Write `error: ValueError` or the like."
        )


def _names(kinds: Iterable[type]) -> str:
    return " or ".join(kind.__name__ for kind in kinds)
