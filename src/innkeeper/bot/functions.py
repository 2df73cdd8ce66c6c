"""What can be a handler, or what a handler needs? A function, looked at once."""

import functools
import inspect
import typing
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from types import SimpleNamespace
from typing import Any, Final

from innkeeper.errors import BotRefused

Function = Callable[..., Any]


class Nature(Enum):
    """How a function is called, and how it gives what it gives."""

    ASYNC = auto()
    SYNC = auto()
    ASYNC_GENERATOR = auto()
    GENERATOR = auto()


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a function stands."""

    name: str
    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.name} ({self.file}:{self.line})" if self.file else self.name


class _Marker(Enum):
    MISSING = auto()
    UNKNOWN = auto()


MISSING: Final = _Marker.MISSING
"""No default, or no annotation."""
UNKNOWN: Final = _Marker.UNKNOWN
"""An annotation whose names are not there when the bot runs."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a function, its annotation resolved."""

    name: str
    kind: Any
    annotation: Any
    default: Any

    @property
    def optional(self) -> bool:
        """Whether the function can be called without it."""
        return self.default is not MISSING or self.kind in {
            inspect.Parameter.VAR_POSITIONAL,
            inspect.Parameter.VAR_KEYWORD,
        }


def origin_of(function: Any) -> Origin:
    """Find where a function was written, behind partials and decorators."""
    inner = _innermost(function)
    code = getattr(inner, "__code__", None)
    name = getattr(inner, "__qualname__", None) or type(inner).__name__
    name = name.rpartition("<locals>.")[2]
    return Origin(name, code.co_filename, code.co_firstlineno) if code else Origin(name, "", 0)


def nature_of(function: Function) -> Nature:
    """Tell how to call a function, a partial, or an object that can be called."""
    called: Any = function.func if isinstance(function, functools.partial) else function
    if not inspect.isroutine(called) and not inspect.isclass(called):
        called = type(called).__call__
    if inspect.iscoroutinefunction(called):
        return Nature.ASYNC
    if inspect.isasyncgenfunction(called):
        return Nature.ASYNC_GENERATOR
    return Nature.GENERATOR if inspect.isgeneratorfunction(called) else Nature.SYNC


def parameters_of(function: Function) -> tuple[Parameter, ...]:
    """List a function's parameters.

    Raises:
        BotRefused: If it has no signature that Python can tell.
    """
    return tuple(
        Parameter(
            each.name,
            each.kind,
            MISSING if each.annotation is each.empty else _resolved(each.annotation, function),
            MISSING if each.default is each.empty else each.default,
        )
        for each in _signature(function).parameters.values()
    )


def returns_of(function: Function) -> Any:
    """Find what a function says it returns, resolved; MISSING if it says nothing.

    Raises:
        BotRefused: If it has no signature that Python can tell.
    """
    annotation = _signature(function).return_annotation
    return MISSING if annotation is inspect.Signature.empty else _resolved(annotation, function)


def _signature(function: Function) -> inspect.Signature:
    try:
        return inspect.signature(function)
    except (ValueError, TypeError) as error:
        raise BotRefused(str(origin_of(function)), f"cannot be looked into: {error}") from None


def _resolved(annotation: Any, function: Function) -> Any:
    """Resolve an annotation's names where the function was written."""
    inner = _innermost(function)
    holder = SimpleNamespace(__annotations__={"it": annotation})
    names: dict[str, Any] = {}
    if inspect.isfunction(inner):
        names = dict(inspect.getclosurevars(inner).nonlocals)
    try:
        hints = typing.get_type_hints(
            holder, getattr(inner, "__globals__", {}), names, include_extras=True
        )
    except Exception:  # a name that is imported for type checkers only, or anything else
        return UNKNOWN
    return hints["it"]


def _innermost(function: Any) -> Any:
    while isinstance(function, functools.partial):
        function = function.func  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    inner = inspect.unwrap(function) if callable(function) else function
    if inspect.ismethod(inner):
        return inner.__func__
    if callable(inner) and not inspect.isroutine(inner) and not inspect.isclass(inner):
        return type(inner).__call__
    return inner
