"""How does a view look with something in every field? Made from its types, so none is missed."""

import itertools
import types
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from markupsafe import Markup, escape

from innkeeper.ui import pages
from innkeeper.ui.views import Frame, PersonView

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
VIEWS = tuple(pages.TEMPLATES)


def filled(kind: Any, text: str, **given: object) -> Any:
    """Fill every field: texts with `text`, and each list with one such value."""
    origin, args = get_origin(kind), get_args(kind)
    if origin in {Union, types.UnionType}:
        return filled(next(arg for arg in args if arg is not type(None)), text)
    if origin is tuple:
        return (filled(args[0], text),)
    if origin is Literal:
        return args[0]
    if origin is not None and issubclass(origin, Mapping):
        return {"field": text}
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        made = {one.name: filled(hints[one.name], text) for one in fields(kind)}
        return kind(**{**made, **given})  # type: ignore[operator]  # a class, as VIEWS holds
    simple: dict[Any, object] = {
        str: text,
        Markup: escape(text),
        int: 3,
        float: 2.5,
        bool: True,
        datetime: NOON,
    }
    return simple[kind]


def every(text: str) -> Iterator[Any]:
    """Fill every view, once for each combination of what it chooses between."""
    for kind in VIEWS:
        hints = get_type_hints(kind)
        chosen = {
            name: get_args(hint) if get_origin(hint) is Literal else (True, False)
            for name, hint in hints.items()
            if get_origin(hint) is Literal or hint is bool
        }
        for values in itertools.product(*chosen.values()):
            yield filled(kind, text, **dict(zip(chosen, values, strict=True)))


def frame(text: str) -> Frame:
    """A frame with something in every field, and somebody else to switch to."""
    made: Frame = filled(Frame, text, prefix="/zoom", clock_ahead_seconds=7200)
    other = PersonView("other", text, text, text)
    return Frame(
        prefix=made.prefix,
        viewer=made.viewer,
        people=(*made.people, other),
        here=made.here,
        clock_ahead_seconds=made.clock_ahead_seconds,
        notice=made.notice,
    )


def bare(kind: type) -> Any:
    """Give a view only what it must have, with empty texts and lists."""
    hints = get_type_hints(kind)
    required = {
        one.name: filled(hints[one.name], "")
        for one in fields(kind)
        if one.default is one.default_factory
    }
    return kind(**{name: () if isinstance(v, tuple) else v for name, v in required.items()})


def block(kind: str, **keys: Any) -> dict[str, Any]:
    """A card of one element."""
    return {"body": [{"type": kind, **keys}]}
