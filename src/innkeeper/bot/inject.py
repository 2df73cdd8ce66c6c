"""What else does a handler need? `Annotated[T, Depends(f)]` says how to make it.

A dependency is made once for each event, whoever asks for it, and, if it is a generator,
closed when the handler has ended: also when that raised or was cut off. What it needs is
found when the bot starts, so a parameter that nobody can fill stops the start.
"""

import inspect
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from types import TracebackType, UnionType
from typing import Annotated, Any, TypeGuard, Union, cast, get_args, get_origin

from innkeeper.bot.contexts import Context
from innkeeper.bot.functions import (
    UNKNOWN,
    Function,
    Nature,
    Origin,
    Parameter,
    nature_of,
    origin_of,
    parameters_of,
)
from innkeeper.bot.threads import Lane, Threads
from innkeeper.errors import BotRefused

_POSITIONAL_ONLY = inspect.Parameter.POSITIONAL_ONLY


@dataclass(frozen=True, slots=True)
class Depends:
    """Says in a parameter's annotation how its value is made.

    Example:
        >>> def database() -> str:
        ...     return "a connection"
        >>> Database = Annotated[str, Depends(database)]
    """

    provider: Callable[..., Any]
    """A function, async function, generator or async generator. It may need the context,
    which it names by its type, and other dependencies."""


@dataclass(frozen=True, slots=True, eq=False)
class Dependency:
    """A dependency, ready to be made."""

    function: Function
    nature: Nature
    needs: "tuple[tuple[str, Dependency | None], ...]"
    """Its parameters, by name; None stands for the context."""


Overrides = Mapping[Function, Dependency]


def depends_of(annotation: Any) -> Depends | None:
    """Find `Depends` in an annotation."""
    if get_origin(annotation) is not Annotated:
        return None
    return next((each for each in get_args(annotation)[1:] if isinstance(each, Depends)), None)


def contexts_of(annotation: Any) -> tuple[type[Context[Any]], ...]:
    """List the contexts that an annotation takes; none if it is no context's."""
    if get_origin(annotation) in {Union, UnionType}:
        return tuple(kind for part in get_args(annotation) for kind in contexts_of(part))
    kind: Any = get_origin(annotation) or annotation
    return (kind,) if _is_context(kind) else ()


def _is_context(kind: Any) -> TypeGuard[type[Context[Any]]]:
    return isinstance(kind, type) and issubclass(kind, Context)


class Injector:
    """Makes dependencies ready: each once, whoever needs it."""

    def __init__(self) -> None:
        self._ready: dict[tuple[Function, type[Context[Any]] | None], Dependency] = {}

    def ready(self, provider: Any, given: type[Context[Any]] | None) -> Dependency:
        """Make a provider ready, and all that it needs.

        Args:
            given: The context that there will be; None if that cannot be told.

        Raises:
            BotRefused: If it, or something it needs, cannot be made.
        """
        return self._made_ready(provider, given, ())

    def _made_ready(
        self, provider: Any, given: type[Context[Any]] | None, path: tuple[Function, ...]
    ) -> Dependency:
        if not callable(provider):
            raise BotRefused(
                f"Depends({provider!r})", "is given no function", "Write Depends(function)."
            )
        origin = origin_of(provider)
        if provider in path:
            raise BotRefused(str(origin), "depends on itself", "Break the circle of Depends.")
        if (provider, given) not in self._ready:
            needs = tuple(
                (each.name, self._need(each, origin, given, (*path, provider)))
                for each in parameters_of(provider)
                if not _left_out(each)
            )
            self._ready[provider, given] = Dependency(provider, nature_of(provider), needs)
        return self._ready[provider, given]

    def _need(
        self,
        parameter: Parameter,
        origin: Origin,
        given: type[Context[Any]] | None,
        path: tuple[Function, ...],
    ) -> Dependency | None:
        depends = depends_of(parameter.annotation)
        if depends is not None and parameter.kind is not _POSITIONAL_ONLY:
            return self._made_ready(depends.provider, given, path)
        contexts = contexts_of(parameter.annotation)
        if contexts and parameter.kind is not _POSITIONAL_ONLY:
            if given is not None and not issubclass(given, contexts):
                why = f"needs {contexts[0].__name__}, but is used where {given.__name__} is given"
                fix = "Take a Context there, or use it in other handlers only."
                raise BotRefused(str(origin), why, fix)
            return None
        raise unfilled(parameter, origin)


@contextmanager
def overridden(
    overrides: dict[Function, Dependency], provider: Function, by: Function
) -> Generator[None]:
    """Have one provider stand for another, for a while.

    Raises:
        BotRefused: If it cannot be made.
    """
    before = overrides.get(provider)
    overrides[provider] = Injector().ready(by, None)
    try:
        yield
    finally:
        if before is None:
            del overrides[provider]
        else:
            overrides[provider] = before


def unfilled(parameter: Parameter, origin: Origin) -> BotRefused:
    """Say that nobody can fill a parameter, and how that is mended."""
    if parameter.annotation is UNKNOWN:
        why = f"has a parameter `{parameter.name}` whose type is not there at run time"
        return BotRefused(str(origin), why, "Import the type outside `if TYPE_CHECKING:`.")
    why = f"has a parameter `{parameter.name}` that nothing fills"
    fix = f"Write `{parameter.name}: Annotated[…, Depends(function)]`, or give it a default."
    return BotRefused(str(origin), why, fix)


def _left_out(parameter: Parameter) -> bool:
    wanted = depends_of(parameter.annotation) or contexts_of(parameter.annotation)
    return parameter.optional and not wanted


@dataclass(slots=True)
class Scope:
    """What the functions of one event are given. Leaving it closes what was opened."""

    context: Context[Any]
    threads: Threads
    overrides: Overrides
    _made: dict[Dependency, Any] = field(default_factory=dict[Dependency, Any])
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _lane: Lane | None = None

    async def __aenter__(self) -> "Scope":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # What a dependency does about an error cannot make it unhappen: the event is
        # tried again all the same.
        try:
            await self._stack.__aexit__(kind, error, trace)
        finally:
            if self._lane is not None:
                self._lane.leave()

    async def value(self, dependency: Dependency) -> Any:
        """Give a dependency's value, made now unless it was before."""
        if self.overrides:
            dependency = self.overrides.get(dependency.function, dependency)
        if dependency not in self._made:
            needed = {
                name: self.context if need is None else await self.value(need)
                for name, need in dependency.needs
            }
            self._made[dependency] = await self._make(dependency, needed)
        return self._made[dependency]

    async def in_thread(self, function: Function, *args: Any, **kwargs: Any) -> Any:
        """Run a sync function in the event's thread."""
        if self._lane is None:
            self._lane = await self.threads.lend()
        return await self._lane.run(function, *args, **kwargs)

    async def _make(self, dependency: Dependency, needed: dict[str, Any]) -> Any:
        function = dependency.function
        match dependency.nature:
            case Nature.ASYNC:
                return await function(**needed)
            case Nature.SYNC:
                made = await self.in_thread(function, **needed)
                return await made if inspect.isawaitable(made) else made
            case Nature.ASYNC_GENERATOR:
                return await self._open(function, needed)
            case Nature.GENERATOR:
                return await self._open_in_thread(function, needed)

    async def _open(self, function: Function, needed: dict[str, Any]) -> Any:
        opened = asynccontextmanager(cast("Callable[..., AsyncGenerator[Any]]", function))(**needed)

        async def close(*error: Any) -> None:
            await opened.__aexit__(*error)

        made = await opened.__aenter__()
        self._stack.push_async_exit(close)
        return made

    async def _open_in_thread(self, function: Function, needed: dict[str, Any]) -> Any:
        opened = contextmanager(cast("Callable[..., Generator[Any]]", function))(**needed)

        async def close(*error: Any) -> None:
            if self._lane is not None and not self._lane.busy:
                await self._lane.run(opened.__exit__, *error)
            elif self._lane is not None:  # a function that was cut off still uses it
                self._lane.run_after(opened.__exit__, *error)

        made = await self.in_thread(opened.__enter__)
        self._stack.push_async_exit(close)
        return made
