"""What do the words after a command mean? Values, as the handler's signature types them.

`when: date, *what: str` reads `friday ship it` as a day and two words. What does not fit
is told to whoever typed it, with how the command is used.
"""

import inspect
import math
import re
import types
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from itertools import pairwise
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from innkeeper.bot.functions import MISSING, Origin, Parameter
from innkeeper.errors import BotRefused

_REST = inspect.Parameter.VAR_POSITIONAL
_UNSEEN: Final = dict.fromkeys(
    map(
        ord,
        "\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff\u061c",
    )
)
"""What steers the direction of a text, or takes no room: nobody sees that they typed it."""
_QUOTES: Final = {'"': '"', "“": "”", "„": "“", "«": "»"}
_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_YES: Final = frozenset({"yes", "y", "true", "on", "1"})
_NO: Final = frozenset({"no", "n", "false", "off", "0"})
_LONGEST_NUMBER: Final = 40
_SHOWN: Final = 40

TYPES: Final = "str, int, float, bool, date, an Enum or a Literal"


class WordsRefused(Exception):  # never leaves the bot's floor
    """What was typed does not fit. The text says why, for whoever typed it."""


def plain(word: str) -> str:
    """Write a word as it is compared: without case, and without what cannot be seen."""
    return word.lower() if word.isascii() else word.translate(_UNSEEN).casefold()


Read = Callable[[str, date], Any]
"""Reads a word, or raises ValueError. The day is today's."""


@dataclass(frozen=True, slots=True)
class Word:
    """One typed parameter of a command."""

    name: str
    read: Read
    what: str
    """What it takes, for whoever types it."""
    default: Any
    rest: bool

    @property
    def needed(self) -> bool:
        """Whether it has to be typed."""
        return self.default is MISSING and not self.rest

    @property
    def usage(self) -> str:
        """How it stands in the usage."""
        name = self.name.upper() + ("…" if self.rest else "")
        return name if self.needed else f"[{name}]"


def word_of(parameter: Parameter, origin: Origin) -> Word:
    """Read a parameter of a handler as a typed word.

    Raises:
        BotRefused: If no word can be read as what it wants.
    """
    rest = parameter.kind is _REST
    reader = reader_of(parameter.annotation)
    if reader is None or parameter.kind in {
        inspect.Parameter.KEYWORD_ONLY,
        inspect.Parameter.VAR_KEYWORD,
    }:
        raise BotRefused(
            str(origin),
            f"has a parameter `{parameter.name}` that no typed word fills",
            f"Type it as {TYPES}, or write Annotated[…, Depends(function)].",
        )
    read, what = reader
    return Word(parameter.name, read, what, parameter.default, rest)


def check_order(words: Sequence[Word], origin: Origin) -> None:
    """Refuse a word that must be typed after one that need not be.

    Raises:
        BotRefused: Naming both.
    """
    for before, after in pairwise(words):
        if after.needed and not before.needed:
            why = f"needs `{after.name}`, but `{before.name}` before it may be left out"
            raise BotRefused(str(origin), why, "Put what must be typed first.")


def read_words(words: Sequence[Word], text: str, today: date) -> list[Any]:
    """Read what was typed, in the order of the parameters.

    Raises:
        WordsRefused: Saying what does not fit.
    """
    values: list[Any] = []
    left = text.strip()
    for word in words:
        if word.rest:
            return [*values, *(_value(word, each, today) for each in _each(left))]
        typed, left = _next(left)
        if typed is not None:
            values.append(_value(word, typed, today))
        elif word.default is MISSING:
            raise WordsRefused(f"{word.name.upper()} is missing: {word.what}.")
        else:
            values.append(word.default)
    if left.translate(_UNSEEN).strip():
        raise WordsRefused(f"“{_short(left)}” is too much.")
    return values


def _each(text: str) -> Iterator[str]:
    """Cut all that is left into words."""
    typed, left = _next(text)
    while typed is not None:
        yield typed
        typed, left = _next(left)


def _next(text: str) -> tuple[str | None, str]:
    """Cut off the next word, or what stands between quotation marks."""
    if not text:
        return None, ""
    closing = _QUOTES.get(text[0])
    if closing is not None:
        end = text.find(closing, 1)
        if end > 0 and (end + 1 == len(text) or text[end + 1].isspace()):
            return text[1:end], text[end + 1 :].lstrip()
    word, *left = text.split(None, 1)
    return word, left[0] if left else ""


def _value(word: Word, typed: str, today: date) -> Any:
    try:
        return word.read(typed, today)
    except (ValueError, OverflowError):
        raise WordsRefused(
            f"“{_short(typed)}” does not fit {word.name.upper()}: {word.what}."
        ) from None


def _short(text: str) -> str:
    seen = " ".join(text.translate(_UNSEEN).split())
    return seen if len(seen) <= _SHOWN else seen[: _SHOWN - 1] + "…"


# readers


def reader_of(annotation: Any) -> tuple[Read, str] | None:
    """Find how a word is read as a type, and what that is called; None if it cannot be."""
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) in {Union, types.UnionType}:
        kinds = [kind for kind in get_args(annotation) if kind is not type(None)]
        return reader_of(kinds[0]) if len(kinds) == 1 else None
    if get_origin(annotation) is Literal:
        return _choice({plain(str(value)): value for value in get_args(annotation)})
    annotation = getattr(annotation, "__supertype__", annotation)
    if annotation is MISSING:
        return _PLAIN[str]
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return _choice_of_enum(annotation)
    return _PLAIN.get(annotation) if isinstance(annotation, type) else None


def _choice(choices: dict[str, Any]) -> tuple[Read, str]:
    def read(typed: str, _today: date) -> Any:
        try:
            return choices[plain(typed)]
        except KeyError:
            raise ValueError from None

    return read, "one of " + ", ".join(choices)


def _choice_of_enum(kind: type[Enum]) -> tuple[Read, str]:
    by_value = {plain(str(member.value)): member for member in kind}
    by_name = {plain(member.name): member for member in kind}
    read, _ = _choice(by_name | by_value)
    texts = all(isinstance(member.value, str) for member in kind)
    return read, "one of " + ", ".join(by_value if texts else by_name)


def _text(typed: str, _today: date) -> str:
    return typed


def _whole(typed: str, _today: date) -> int:
    return int(_number(typed))


def _decimal(typed: str, _today: date) -> float:
    value = float(_number(typed))
    if not math.isfinite(value):
        raise ValueError
    return value


def _number(typed: str) -> str:
    text = typed.translate(_UNSEEN)
    if len(text) > _LONGEST_NUMBER or "_" in text:
        raise ValueError
    return text


def _truth(typed: str, _today: date) -> bool:
    text = plain(typed)
    if text not in _YES | _NO:
        raise ValueError
    return text in _YES


def _day(typed: str, today: date) -> date:
    text = plain(typed).rstrip(",.")
    if text in {"today", "tomorrow"}:
        return today + timedelta(days=text == "tomorrow")
    for number, name in enumerate(_DAYS):
        if text in {name, name[:3]}:
            return today + timedelta(days=(number - today.weekday() - 1) % 7 + 1)
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        raise ValueError
    return date.fromisoformat(text)


_PLAIN: Final[dict[type, tuple[Read, str]]] = {
    str: (_text, "any word, or several between quotation marks"),
    int: (_whole, "a whole number"),
    float: (_decimal, "a number"),
    bool: (_truth, "yes or no"),
    date: (_day, "a day, such as 2030-01-31, tomorrow or friday"),
}
