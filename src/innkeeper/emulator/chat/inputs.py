"""What did a person choose or write in a card? Read against the card, as the app hears it.

Zoom documents what a button, a dropdown and an edit send. What a form sends beyond text
inputs and its button, and what pickers send outside a form, it does not: those shapes are
assumed, each under the element's own type.

Source: https://developers.zoom.us/docs/chat/customizing-messages/ and its pages.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, cast

from innkeeper.emulator.chat.cards import elements
from innkeeper.errors import ChatRefused

Raw = Mapping[str, Any]
Item = dict[str, Any]

PREFIX: Final = "input:"
"""What a form's fields are called: this, and the JSON pointer of their element."""
LOOSE: Final = frozenset({"checkboxes", "radio_buttons", "datepicker", "timepicker"})
_DATE: Final = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_TIME: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d(?::[0-5]\d)?")


def is_form(card: Raw) -> bool:
    """Tell whether a card is a form."""
    settings = card.get("settings")
    return isinstance(settings, dict) and cast("Raw", settings).get("form") is True


def submitted(card: Raw, filled: Mapping[str, Sequence[str]]) -> list[Item]:
    """List what a form holds, in the card's order: every input, also one left empty.

    Args:
        filled: What was filled in, by the JSON pointer of its element.

    Raises:
        ChatRefused: If something was filled in that the card does not have or allow.
    """
    known = {pointer: raw for pointer, raw in elements(card) if raw.get("type") in _READERS}
    unknown = set(filled) - set(known)
    if unknown:
        raise ChatRefused("not sent", f"the form has no input at {min(unknown)[:80]}")
    return [
        {str(raw["type"]): _READERS[raw["type"]](raw, list(filled.get(pointer, ())))}
        for pointer, raw in known.items()
    ]


def picked(raw: Raw, values: Sequence[str]) -> Item:
    """Say what was chosen in an input outside a form, as a button's press would be told.

    Raises:
        ChatRefused: If the input does not offer it.
    """
    if raw.get("type") not in LOOSE:
        raise ChatRefused("not set", "the card has no such input there")
    _READERS[raw["type"]](raw, list(values))
    written = [_zoom_date(value) for value in values]
    return {"text": str(raw.get("action_id", "")), "value": ",".join(written)}


def _text(raw: Raw, values: list[str]) -> Item:
    value = values[0] if values else ""
    least, most = raw.get("min_length"), raw.get("max_length")
    if isinstance(most, int) and len(value) > most:
        raise ChatRefused("not sent", f"a text is longer than {most} characters")
    if isinstance(least, int) and len(value) < least:
        raise ChatRefused("not sent", f"a text is shorter than {least} characters")
    return {**_named(raw), "text": raw.get("text", ""), "value": value}


def _boxes(raw: Raw, values: list[str]) -> Item:
    return {**_named(raw), "options": [_option(raw, value) for value in values]}


def _radio(raw: Raw, values: list[str]) -> Item:
    return {**_named(raw), "option": _option(raw, values[0]) if values else None}


def _date(raw: Raw, values: list[str]) -> Item:
    value = values[0] if values else ""
    if value and not _DATE.fullmatch(value):
        raise ChatRefused("not sent", "a date is none")
    return {**_named(raw), "date": _zoom_date(value)}


def _time(raw: Raw, values: list[str]) -> Item:
    value = values[0] if values else ""
    if value and not _TIME.fullmatch(value):
        raise ChatRefused("not sent", "a time is none")
    return {**_named(raw), "time": value[:5]}


def _choice(raw: Raw, values: list[str]) -> Item:
    return {
        "text": raw.get("text", ""),
        "selectedItems": [{"value": value} for value in values if value],
    }


_READERS: Final[Mapping[str, Callable[[Raw, list[str]], Item]]] = {
    "plain_text_input": _text,
    "checkboxes": _boxes,
    "radio_buttons": _radio,
    "datepicker": _date,
    "timepicker": _time,
    "select": _choice,
}


def _named(raw: Raw) -> Item:
    return {"action_id": raw.get("action_id", "")}


def _option(raw: Raw, value: str) -> Item:
    options = raw.get("options")
    for each in cast("list[object]", options) if isinstance(options, list) else []:
        if isinstance(each, dict) and cast("Raw", each).get("value") == value:
            return {"text": cast("Raw", each).get("text", ""), "value": value}
    raise ChatRefused("not sent", "an option is none of the card's")


def _zoom_date(value: str) -> str:
    """Write a browser's date as Zoom writes dates."""
    return value.replace("-", "/") if _DATE.fullmatch(value) else value
