"""What in a card is filled in? Pickers, radio buttons, checkboxes, switches and texts.

Sources: the pages about each below https://developers.zoom.us/docs/chat/customizing-messages/
"""

import re
from collections.abc import Sequence
from datetime import date, time
from typing import Final, Literal

from innkeeper.wire.blocks.controls import Option, check_option
from innkeeper.wire.blocks.part import (
    Block,
    Part,
    check_length,
    check_one_of,
    check_some,
    check_words,
    refuse,
)

TOGGLE: Final = "toggle_switch"
LONGEST_TEXT: Final = 65_536
_DATE: Final = re.compile(r"(\d{4})/(\d{2})/(\d{2})", re.ASCII)
_TIME: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)

CheckboxStyle = Literal["toggle_switch"]


def date_text(day: date) -> str:
    """Write a day as Zoom writes it.

    Example:
        >>> date_text(date(2026, 3, 2))
        '2026/03/02'
    """
    return f"{day:%Y/%m/%d}" if day.year > 999 else f"{day.year:04}/{day:%m/%d}"


def read_date(text: str) -> date | None:
    """Read a day as Zoom, or a browser, writes it; None if it is none."""
    try:
        return date.fromisoformat(text.replace("/", "-"))
    except ValueError:
        return None


def time_text(moment: time) -> str:
    """Write a time of day as Zoom writes it.

    Example:
        >>> time_text(time(9, 30))
        '09:30'
    """
    return f"{moment:%H:%M}"


def read_time(text: str) -> time | None:
    """Read a time of day; None if it is none."""
    found = _TIME.match(text)
    return time(int(found[1]), int(found[2])) if found else None


class DatePicker(Block, tag_field="type", tag="datepicker", frozen=True, kw_only=True):
    """A day to choose; `initial_date` as `2026/03/02`."""

    action_id: str
    initial_date: str | None = None

    def check(self, pointer: str) -> None:
        """Refuse an input without an id, and a date that is none."""
        check_words(self.action_id, f"{pointer}/action_id")
        given = self.initial_date
        if given is not None and (_DATE.fullmatch(given) is None or read_date(given) is None):
            raise refuse(f"{pointer}/initial_date", "a date as 2026/03/02", given)


class TimePicker(Block, tag_field="type", tag="timepicker", frozen=True, kw_only=True):
    """A time of day to choose; `initial_time` as `09:30`."""

    action_id: str
    initial_time: str | None = None

    def check(self, pointer: str) -> None:
        """Refuse an input without an id, and a time that is none."""
        check_words(self.action_id, f"{pointer}/action_id")
        given = self.initial_time
        if given is not None and _TIME.fullmatch(given) is None:
            raise refuse(f"{pointer}/initial_time", "a time as 09:30", given)


class RadioButtons(Block, tag_field="type", tag="radio_buttons", frozen=True, kw_only=True):
    """Options of which one is chosen."""

    action_id: str
    options: tuple[Option, ...]
    initial_option: Option | None = None

    def check(self, pointer: str) -> None:
        """Refuse an input without an id or options, and a choice that is none of them."""
        check_words(self.action_id, f"{pointer}/action_id")
        _check_options(self.options, pointer)
        if self.initial_option is not None:
            known = {option.value for option in self.options}
            check_option(self.initial_option.value, known, f"{pointer}/initial_option/value")


class Checkbox(Part, frozen=True, kw_only=True):
    """A box to tick, or a switch."""

    value: str
    text: str | None = None
    initial_selected: bool | None = None


class Checkboxes(Block, tag_field="type", tag="checkboxes", frozen=True, kw_only=True):
    """Boxes to tick; switches, if `style` is `toggle_switch`."""

    action_id: str
    options: tuple[Checkbox, ...]
    style: str | None = None

    def check(self, pointer: str) -> None:
        """Refuse an input without an id or options, and a style that Zoom does not know."""
        check_words(self.action_id, f"{pointer}/action_id")
        _check_options(self.options, pointer)
        check_one_of(self.style, {TOGGLE}, f"{pointer}/style")


class PlainTextInput(Block, tag_field="type", tag="plain_text_input", frozen=True, kw_only=True):
    """A text to write; only a card that is a form sends it."""

    action_id: str
    text: str | None = None
    value: str | None = None
    placeholder: str | None = None
    multiline: bool | None = None
    min_length: int | None = None
    max_length: int | None = None

    def check(self, pointer: str) -> None:
        """Refuse an input without an id, and lengths that cannot be kept."""
        check_words(self.action_id, f"{pointer}/action_id")
        check_length(self.max_length, LONGEST_TEXT, f"{pointer}/max_length")
        most = LONGEST_TEXT if self.max_length is None else self.max_length
        check_length(self.min_length, most, f"{pointer}/min_length")
        if self.value is not None and len(self.value) > most:
            limit = f"at most {most} characters long, not {len(self.value)}"
            raise refuse(f"{pointer}/value", limit, self.value, typed=True)


def _check_options(options: Sequence[Option | Checkbox], pointer: str) -> None:
    check_some(options, f"{pointer}/options")
    for index, option in enumerate(options):
        check_words(option.text or "", f"{pointer}/options/{index}/text")
        check_words(option.value, f"{pointer}/options/{index}/value")
