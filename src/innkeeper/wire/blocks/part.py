"""What do all pieces of a card share? Frozen, typed, checked where they are put together."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec
from msgspec import field

from innkeeper.errors import CardRefused

_COLOR: Final = re.compile(r"#[0-9A-Fa-f]{6}")
_URL: Final = re.compile(r"https?://[^\s]+")
_SHOWN: Final = 60

Raw = Mapping[str, Any]
_P = TypeVar("_P", bound="Part")


class Part(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A piece of a card."""

    def check(self, pointer: str) -> None:
        """Refuse what Zoom would not take; `pointer` is where this piece stands.

        Raises:
            CardRefused: Naming the place, the limit and the value.
        """


class Style(Part, frozen=True, kw_only=True):
    """How a text looks: a colour as `#RRGGBB`, bold, italic."""

    color: str | None = None
    bold: bool | None = None
    italic: bool | None = None

    def check(self, pointer: str) -> None:
        """Refuse a colour that is none."""
        check_color(self.color, f"{pointer}/color")


class Block(Part, frozen=True, kw_only=True):
    """One element of a card's body. `raw` is the JSON it was read from, if it was."""

    raw: dict[str, Any] = field(default_factory=dict[str, Any])


class UnknownBlock(Block, frozen=True, kw_only=True):
    """An element that this version does not know; it is kept and sent as it came."""

    type: str


def convert(raw: Any, kind: type[_P], pointer: str) -> _P:
    """Read one piece of a card.

    Raises:
        CardRefused: Naming the place below `pointer`, and what is wrong there.
    """
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `$")
        steps = place.rstrip("`").replace("]", "").replace("[", ".")
        raise CardRefused(pointer + steps.replace(".", "/"), message) from None


def check_types(part: Part, pointer: str) -> None:
    """Refuse a field that holds something else than it says: nobody else would notice.

    Raises:
        CardRefused: Naming the place, and what is there.
    """
    try:
        said = plain(part)
    except (TypeError, AttributeError, RecursionError):
        raise CardRefused(pointer, "holds something that is not JSON") from None
    convert(said, type(part), pointer)


def plain(value: Any) -> Any:
    """Write a value as JSON has it; a text of a special kind, such as markdown, as a text.

    Raises:
        TypeError: If it holds something that is not JSON.
    """
    return msgspec.to_builtins(value, enc_hook=str.__str__)


def refuse(pointer: str, limit: str, value: object, *, typed: bool = False) -> CardRefused:
    """Say what must stand at a place, and what does.

    Args:
        typed: A person may have typed the value, so the text of the error is without it.
    """
    shown = repr(value)
    shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
    but = "" if typed else f", not {shown}"
    return CardRefused(pointer, f"must be {limit}{but}", value)


def check_style(style: Part | None, pointer: str) -> None:
    """Refuse an ill-formed style below a place."""
    if style is not None:
        style.check(f"{pointer}/style")


def check_color(color: str | None, pointer: str) -> None:
    """Refuse a colour that is none."""
    if color is not None and _COLOR.fullmatch(color) is None:
        raise refuse(pointer, "#RRGGBB", color)


def check_url(url: str | None, pointer: str) -> None:
    """Refuse an address that is none, or that no client should open."""
    if url is not None and _URL.fullmatch(url) is None:
        raise refuse(pointer, "an http or https address", url, typed=True)


def check_some(items: Sequence[object], pointer: str) -> None:
    """Refuse an empty list."""
    if not items:
        raise CardRefused(pointer, "is empty")


def check_one_of(value: str | None, known: Collection[str], pointer: str) -> None:
    """Refuse a value that is none of those Zoom knows."""
    if value is not None and value not in known:
        raise refuse(pointer, f"one of {', '.join(sorted(known))}", value)


def check_words(text: str, pointer: str) -> None:
    """Refuse a text that must be seen and is empty."""
    if not text:
        raise CardRefused(pointer, "is empty")


def check_length(value: int | None, most: int, pointer: str) -> None:
    """Refuse a number below 0 or above a limit."""
    if value is not None and not 0 <= value <= most:
        raise refuse(pointer, f"from 0 to {most}", value)
