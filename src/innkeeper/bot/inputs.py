"""What can be asked for in a form? Each input knows how it is shown and how it is read.

In a class the functions below stand for a field's value: they give an `Input`, and a type
checker is told what the value will be.

Sources: the pages about inputs below
https://developers.zoom.us/docs/chat/customizing-messages/
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from enum import Enum
from typing import Any, Final, Literal, TypeVar, cast, overload

from innkeeper.ids import Jid
from innkeeper.wire.blocks import (
    Block,
    Checkbox,
    Checkboxes,
    DatePicker,
    Message,
    Option,
    PlainTextInput,
    RadioButtons,
    Select,
    TimePicker,
)
from innkeeper.wire.blocks.inputs import (
    LONGEST_TEXT,
    TOGGLE,
    date_text,
    read_date,
    read_time,
    time_text,
)

MISSING: Final = object()
"""No value: none was given, or none was filled in."""

T = TypeVar("T", bound=str | int | Enum)
Choices = Mapping[T, str]
"""The values, and for each the words shown."""


class Odd(Exception):  # never leaves the form
    """What was filled in is not what was asked for; the text says so to whoever did."""


@dataclass(frozen=True, kw_only=True)
class Input(ABC):
    """One field of a form."""

    label: str = ""
    """What stands beside it; made of the field's name if empty."""
    required: bool = True
    default: Any = MISSING
    """What is filled in already."""

    def words(self, name: str) -> str:
        """Give the label."""
        return self.label or name.replace("_", " ").capitalize()

    def blocks(self, name: str, value: Any) -> list[Block]:
        """Draw it, filled in with a value unless that is `MISSING`."""
        return [Message(text=self.words(name)), self.block(name, value)]

    @abstractmethod
    def block(self, name: str, value: Any) -> Block:
        """Make its own element."""

    @abstractmethod
    def read(self, given: Sequence[str]) -> Any:
        """Read what was filled in.

        Raises:
            Odd: If it is not what was asked for.
        """

    def sent(self, value: Any) -> list[str]:
        """Write a value as a person's browser sends it; nothing where it is empty."""
        if isinstance(value, tuple):
            return [_sent(each) for each in cast("tuple[object, ...]", value)]
        return [] if value is None or value == "" else [_sent(value)]

    def named(self, name: str) -> str:
        """Tell by what its element is known in a card: the field's name, or the label."""
        return name

    def empty(self) -> Any:
        """Tell what nothing at all means.

        Raises:
            Odd: If something has to be there.
        """
        if self.required:
            raise Odd(self.asks())
        return None

    def asks(self) -> str:
        """Ask for it, where it is missing."""
        return "please choose one"


@dataclass(frozen=True, kw_only=True)
class _Text(Input):
    placeholder: str | None = None
    multiline: bool | None = None
    min_length: int | None = None
    max_length: int | None = None

    def blocks(self, name: str, value: Any) -> list[Block]:
        return [self.block(name, value)]  # it has a label of its own

    def block(self, name: str, value: Any) -> Block:
        return PlainTextInput(
            action_id=name,
            text=self.words(name),
            value=None if value is MISSING or value is None else str(value),
            placeholder=self.placeholder,
            multiline=self.multiline,
            min_length=self.min_length,
            max_length=self.max_length,
        )

    def read(self, given: Sequence[str]) -> Any:
        text = given[0]
        most = self.max_length or LONGEST_TEXT
        if len(text) > most:
            raise Odd(f"please write at most {most} characters")
        if len(text) < (self.min_length or 0):
            raise Odd(f"please write at least {self.min_length} characters")
        return text

    def empty(self) -> Any:
        if self.required or self.min_length:
            raise Odd(self.asks())
        return ""

    def asks(self) -> str:
        return "please write something"


@dataclass(frozen=True, kw_only=True)
class _Number(_Text):
    minimum: int | None = None
    maximum: int | None = None

    def read(self, given: Sequence[str]) -> Any:
        text = given[0].strip()
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 18):
            raise Odd(self.asks())
        number = int(text)
        low, high = self.minimum, self.maximum
        if (low is not None and number < low) or (high is not None and number > high):
            raise Odd(self.asks())
        return number

    def empty(self) -> Any:
        if self.required:
            raise Odd(self.asks())
        return None

    def asks(self) -> str:
        if self.minimum is not None and self.maximum is not None:
            return f"please write a whole number from {self.minimum} to {self.maximum}"
        if self.minimum is not None:
            return f"please write a whole number, {self.minimum} or more"
        if self.maximum is not None:
            return f"please write a whole number, {self.maximum} or less"
        return "please write a whole number"


@dataclass(frozen=True, kw_only=True)
class _Choice(Input):
    options: Mapping[Any, str]
    dropdown: bool = False

    def blocks(self, name: str, value: Any) -> list[Block]:
        return [self.block(name, value)] if self.dropdown else super().blocks(name, value)

    def block(self, name: str, value: Any) -> Block:
        items = tuple(Option(value=_sent(key), text=shown) for key, shown in self.options.items())
        filled = value is not MISSING and value is not None
        chosen = Option(value=_sent(value), text=self.options.get(value)) if filled else None
        if self.dropdown:
            return Select(text=self.words(name), select_items=items, selected_item=chosen)
        return RadioButtons(action_id=name, options=items, initial_option=chosen)

    def named(self, name: str) -> str:
        return self.words(name) if self.dropdown else name

    def read(self, given: Sequence[str]) -> Any:
        return _option(self.options, given[0])


@dataclass(frozen=True, kw_only=True)
class _Several(Input):
    options: Mapping[Any, str]
    at_most: int | None = None

    def block(self, name: str, value: Any) -> Block:
        chosen: Sequence[Any] = () if value is MISSING else value
        boxes = tuple(
            Checkbox(value=_sent(key), text=shown, initial_selected=True if key in chosen else None)
            for key, shown in self.options.items()
        )
        return Checkboxes(action_id=name, options=boxes)

    def read(self, given: Sequence[str]) -> Any:
        if self.at_most is not None and len(given) > self.at_most:
            raise Odd(f"please choose at most {self.at_most}")
        return tuple(_option(self.options, each) for each in given)

    def empty(self) -> Any:
        if self.required:
            raise Odd("please choose at least one")
        return ()


@dataclass(frozen=True, kw_only=True)
class _Switch(Input):
    def blocks(self, name: str, value: Any) -> list[Block]:
        return [self.block(name, value)]

    def block(self, name: str, value: Any) -> Block:
        on = True if value is True else None
        box = Checkbox(value="on", text=self.words(name), initial_selected=on)
        return Checkboxes(action_id=name, options=(box,), style=TOGGLE)

    def read(self, given: Sequence[str]) -> Any:
        return _option({"on": ""}, given[0]) == "on"

    def sent(self, value: Any) -> list[str]:
        return ["on"] if value else []

    def empty(self) -> Any:
        return False


@dataclass(frozen=True, kw_only=True)
class _Moment(Input):
    """A day or a time of day."""

    parse: Callable[[str], Any]
    make: Callable[[str, Any], Block]
    ask: str

    def block(self, name: str, value: Any) -> Block:
        return self.make(name, None if value is MISSING else value)

    def read(self, given: Sequence[str]) -> Any:
        moment = self.parse(given[0])
        if moment is None:
            raise Odd(self.ask)
        return moment

    def asks(self) -> str:
        return self.ask


@dataclass(frozen=True, kw_only=True)
class _Source(Input):
    """A person or a channel, from Zoom's own list."""

    source: Literal["members", "channels"]

    def blocks(self, name: str, value: Any) -> list[Block]:
        return [self.block(name, value)]

    def block(self, name: str, value: Any) -> Block:
        filled = value is not MISSING and value is not None
        chosen = Option(value=str(value)) if filled else None
        return Select(text=self.words(name), static_source=self.source, selected_item=chosen)

    def named(self, name: str) -> str:
        return self.words(name)

    def read(self, given: Sequence[str]) -> Any:
        return Jid(given[0])


def text_input(
    label: str = "",
    *,
    placeholder: str | None = None,
    multiline: bool | None = None,
    min_length: int | None = None,
    max_length: int | None = None,
    required: bool = True,
    default: str = cast("str", MISSING),
) -> str:
    """Ask for a text; left empty where it is not `required`, it is the empty text."""
    return cast(
        "str",
        _Text(
            label=label,
            placeholder=placeholder,
            multiline=multiline,
            min_length=min_length,
            max_length=max_length,
            required=required,
            default=default,
        ),
    )


@overload
def number_input(
    label: str = "",
    *,
    minimum: int | None = None,
    maximum: int | None = None,
    placeholder: str | None = None,
    required: Literal[True] = True,
    default: int = ...,
) -> int: ...
@overload
def number_input(
    label: str = "",
    *,
    minimum: int | None = None,
    maximum: int | None = None,
    placeholder: str | None = None,
    required: Literal[False],
    default: int | None = ...,
) -> int | None: ...
def number_input(
    label: str = "",
    *,
    minimum: int | None = None,
    maximum: int | None = None,
    placeholder: str | None = None,
    required: bool = True,
    default: Any = MISSING,
) -> Any:
    """Ask for a whole number; None where it is not `required` and left empty."""
    return _Number(
        label=label,
        minimum=minimum,
        maximum=maximum,
        placeholder=placeholder,
        required=required,
        default=default,
    )


@overload
def radio(
    options: Choices[T], label: str = "", *, required: Literal[True] = True, default: T = ...
) -> T: ...
@overload
def radio(
    options: Choices[T], label: str = "", *, required: Literal[False], default: T | None = ...
) -> T | None: ...
def radio(
    options: Choices[Any], label: str = "", *, required: bool = True, default: Any = MISSING
) -> Any:
    """Ask for one of a few, all seen at once; `options` maps values to words."""
    return _Choice(options=dict(options), label=label, required=required, default=default)


@overload
def dropdown(
    options: Choices[T], label: str = "", *, required: Literal[True] = True, default: T = ...
) -> T: ...
@overload
def dropdown(
    options: Choices[T], label: str = "", *, required: Literal[False], default: T | None = ...
) -> T | None: ...
def dropdown(
    options: Choices[Any], label: str = "", *, required: bool = True, default: Any = MISSING
) -> Any:
    """Ask for one of many; `options` maps values to words."""
    return _Choice(
        options=dict(options), label=label, required=required, default=default, dropdown=True
    )


def checkboxes(
    options: Choices[T],
    label: str = "",
    *,
    required: bool = False,
    at_most: int | None = None,
    default: Sequence[T] = (),
) -> tuple[T, ...]:
    """Ask for any number of some; at least one where it is `required`."""
    made = _Several(
        options=dict(options),
        label=label,
        required=required,
        at_most=at_most,
        default=tuple(default),
    )
    return cast("tuple[T, ...]", made)


def switch(label: str = "", *, default: bool = False) -> bool:
    """Ask for yes or no."""
    return cast("bool", _Switch(label=label, default=default))


@overload
def date_picker(
    label: str = "", *, required: Literal[True] = True, default: date = ...
) -> date: ...
@overload
def date_picker(
    label: str = "", *, required: Literal[False], default: date | None = ...
) -> date | None: ...
def date_picker(label: str = "", *, required: bool = True, default: Any = MISSING) -> Any:
    """Ask for a day."""
    return _Moment(
        label=label,
        required=required,
        default=default,
        parse=read_date,
        make=lambda name, day: DatePicker(
            action_id=name, initial_date=date_text(day) if day is not None else None
        ),
        ask="please choose a day",
    )


@overload
def time_picker(
    label: str = "", *, required: Literal[True] = True, default: time = ...
) -> time: ...
@overload
def time_picker(
    label: str = "", *, required: Literal[False], default: time | None = ...
) -> time | None: ...
def time_picker(label: str = "", *, required: bool = True, default: Any = MISSING) -> Any:
    """Ask for a time of day."""
    return _Moment(
        label=label,
        required=required,
        default=default,
        parse=read_time,
        make=lambda name, moment: TimePicker(
            action_id=name, initial_time=time_text(moment) if moment is not None else None
        ),
        ask="please choose a time",
    )


@overload
def member_picker(
    label: str = "", *, required: Literal[True] = True, default: Jid = ...
) -> Jid: ...
@overload
def member_picker(
    label: str = "", *, required: Literal[False], default: Jid | None = ...
) -> Jid | None: ...
def member_picker(label: str = "", *, required: bool = True, default: Any = MISSING) -> Any:
    """Ask for a person, from Zoom's own list."""
    return _Source(label=label, required=required, default=default, source="members")


@overload
def channel_picker(
    label: str = "", *, required: Literal[True] = True, default: Jid = ...
) -> Jid: ...
@overload
def channel_picker(
    label: str = "", *, required: Literal[False], default: Jid | None = ...
) -> Jid | None: ...
def channel_picker(label: str = "", *, required: bool = True, default: Any = MISSING) -> Any:
    """Ask for a channel, from Zoom's own list."""
    return _Source(label=label, required=required, default=default, source="channels")


def _sent(value: Any) -> str:
    if isinstance(value, time):
        return time_text(value)
    return str(value.value) if isinstance(value, Enum) else str(value)


def _option(options: Mapping[Any, str], given: str) -> Any:
    for key in options:
        if _sent(key) == given:
            return key
    raise Odd("please choose one of what is there")
