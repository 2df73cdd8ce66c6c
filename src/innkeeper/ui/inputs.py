"""How is each element of a card drawn that takes a value? Inside a form, or as its own.

In a card that is a form every input is named `input:` and its JSON pointer, and all of them
are posted together by its submit button. Outside, each is a small form of its own that posts
/chat/pick with `message`, `block` and `value`. What a text or a field of a card says is
edited by a form that posts /chat/edit with `message`, `block`, `target`, and a field's `key`.

Source: https://developers.zoom.us/docs/chat/customizing-messages/ and its pages.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final, Literal

from markupsafe import Markup

from innkeeper.ui.markdown import clean
from innkeeper.ui.sketch import Piece, Sketch, as_list, as_map

Raw = Mapping[str, object]

_DATE: Final = re.compile(r"(\d{4})/(\d{2})/(\d{2})")
_TIME: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_LONGEST: Final = 65_536


def control_name(sketch: Sketch, pointer: str) -> str:
    """Name an input: by its place in a card that is a form, `value` in a form of its own."""
    return f"input:{pointer}" if sketch.form else "value"


def control_id(sketch: Sketch, pointer: str, suffix: str = "") -> str:
    """Name an input to its label; unique in the page."""
    return f"input-{sketch.message_id}{pointer.replace('/', '-')}{suffix}"


def checkboxes(sketch: Sketch, raw: Raw, pointer: str) -> Piece:
    """Draw boxes to tick, or switches where the style asks for them."""
    switches = raw.get("style") == "toggle_switch"
    chosen = {
        at
        for at, option in enumerate(as_list(raw.get("options")))
        if as_map(option).get("initial_selected") is True
    }
    return _options(sketch, raw, pointer, kind="checkbox", chosen=chosen, switches=switches)


def radio_buttons(sketch: Sketch, raw: Raw, pointer: str) -> Piece:
    """Draw options of which one is chosen."""
    first = as_map(raw.get("initial_option")).get("value")
    options = [as_map(option) for option in as_list(raw.get("options"))]
    chosen = {at for at, option in enumerate(options) if first and option.get("value") == first}
    if first and not chosen:
        sketch.warn(f"{pointer}/initial_option", "is none of the options")
    return _options(sketch, raw, pointer, kind="radio", chosen=chosen)


def _options(  # one drawing for three elements
    sketch: Sketch,
    raw: Raw,
    pointer: str,
    *,
    kind: Literal["checkbox", "radio"],
    chosen: set[int],
    switches: bool = False,
) -> Piece:
    action = sketch.words(raw, "action_id", pointer)
    options = [as_map(option) for option in as_list(raw.get("options"))]
    if not options:
        sketch.warn(f"{pointer}/options", "is missing or empty")
        return Piece(Markup(), "")
    drawn: list[Markup] = []
    lines: list[str] = []
    for at, option in enumerate(options):
        place = f"{pointer}/options/{at}"
        text = sketch.words(option, "text", place)
        drawn.append(
            Markup(
                '<label class="{look}"><input type="{kind}" name="{name}" value="{value}"{on}{off}>'
                ' <span dir="auto">{text}</span></label>'
            ).format(
                look="switch" if switches else "tick",
                kind=kind,
                name=control_name(sketch, pointer),
                value=sketch.words(option, "value", place),
                on=Markup(" checked") if at in chosen else "",
                off=sketch.off,
                text=text,
            )
        )
        mark = "x" if at in chosen else " "
        lines.append(f"[{mark}] {text}" if kind == "checkbox" else f"({mark}) {text}")
    body = Markup(
        '<fieldset class="options"><legend class="hidden-words">{}</legend>{}</fieldset>'
    ).format(action or kind, Markup("").join(drawn))
    return Piece(_alone(sketch, pointer, body, look="card-options"), "\n".join(lines))


def datepicker(sketch: Sketch, raw: Raw, pointer: str) -> Piece:
    """Draw a day to choose; Zoom writes one as 2026/03/02."""
    given = raw.get("initial_date")
    found = _DATE.fullmatch(given) if isinstance(given, str) else None
    if given is not None and found is None:
        sketch.warn(f"{pointer}/initial_date", "is not a date like 2026/03/02")
    return _picker(
        sketch, raw, pointer, kind="date", value="-".join(found.groups() if found else ())
    )


def timepicker(sketch: Sketch, raw: Raw, pointer: str) -> Piece:
    """Draw a time to choose, by 24 hours."""
    given = raw.get("initial_time")
    found = _TIME.fullmatch(given) if isinstance(given, str) else None
    if given is not None and found is None:
        sketch.warn(f"{pointer}/initial_time", "is not a time like 09:30")
    return _picker(sketch, raw, pointer, kind="time", value=found[0] if found else "")


def _picker(
    sketch: Sketch, raw: Raw, pointer: str, *, kind: Literal["date", "time"], value: str
) -> Piece:
    action = sketch.words(raw, "action_id", pointer)
    body = Markup(
        '<label class="picker" for="{id}"><span>{words}</span></label>'
        '<input id="{id}" type="{kind}" name="{name}" value="{value}"{off}>'
    ).format(
        id=control_id(sketch, pointer),
        words="Date" if kind == "date" else "Time",
        kind=kind,
        name=control_name(sketch, pointer),
        value=value,
        off=sketch.off,
    )
    shown = value or "none"
    return Piece(
        _alone(sketch, pointer, body, look="card-picker"),
        f"[{kind}: {shown}]" if action else f"[{kind}]",
    )


def plain_text_input(sketch: Sketch, raw: Raw, pointer: str) -> Piece:
    """Draw a field to write in; only a card that is a form has a use for it."""
    label = sketch.words(raw, "text", pointer)
    sketch.words(raw, "action_id", pointer)
    if not sketch.form:
        sketch.warn(pointer, "is an input outside a form: nobody gets what is written in it")
    value, hint = raw.get("value"), raw.get("placeholder")
    shortest = _length(sketch, raw, "min_length", pointer)
    longest = _length(sketch, raw, "max_length", pointer) or _LONGEST
    if shortest > longest:
        sketch.warn(f"{pointer}/min_length", "is more than max_length")
        shortest = 0
    text = clean(value) if isinstance(value, str) else ""
    parts = {
        "id": control_id(sketch, pointer),
        "name": control_name(sketch, pointer),
        "label": label,
        "value": text,
        "hint": clean(hint) if isinstance(hint, str) else "",
        "least": shortest,
        "most": longest,
        "needed": Markup(" required") if shortest else "",
        "off": sketch.off if sketch.form else Markup(" disabled"),
    }
    lines = raw.get("multiline") is True
    field = _AREA if lines else _LINE
    html = Markup(
        '<div class="card-input"><label for="{id}" dir="auto">{label}</label>{field}</div>'
    ).format(id=parts["id"], label=label, field=Markup(field).format(**parts))  # noqa: S704  # ours
    return Piece(html, f"{label}: [{text or parts['hint'] or ' '}]")


_LINE: Final = (
    '<input id="{id}" name="{name}" type="text" value="{value}" placeholder="{hint}"'
    ' minlength="{least}" maxlength="{most}" dir="auto" autocomplete="off"{needed}{off}>'
)
_AREA: Final = (
    '<textarea id="{id}" name="{name}" rows="3" placeholder="{hint}" minlength="{least}"'
    ' maxlength="{most}" dir="auto"{needed}{off}>\n{value}</textarea>'
)


def _length(sketch: Sketch, raw: Raw, key: str, pointer: str) -> int:
    value = raw.get(key)
    if value is None:
        return 0
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LONGEST:
        return value
    sketch.warn(f"{pointer}/{key}", f"is not a number from 0 to {_LONGEST}")
    return 0


def editor(sketch: Sketch, pointer: str, *, words: str, text: str, key: str = "") -> Markup:
    """Draw a pen, and behind it the form to edit a text or a field's value.

    Args:
        words: What is edited, for somebody who does not see where the pen stands.
        key: The field's key, for a field.
    """
    if not sketch.interactive or sketch.form:
        return Markup('<span class="pen">editable</span>')
    named = Markup('<input type="hidden" name="key" value="{}">').format(key) if key else Markup()
    return Markup(
        '<details class="card-edit"><summary class="pen">Edit<span class="hidden-words"> {words}'
        '</span></summary><form method="post" action="/chat/edit" data-live>'
        '<input type="hidden" name="message" value="{message}">'
        '<input type="hidden" name="block" value="{block}">{named}'
        '<label class="hidden-words" for="{id}">{words}</label>'
        '<textarea id="{id}" name="target" rows="2" dir="auto" required>\n{text}</textarea>'
        '<button class="button">Save</button></form></details>'
    ).format(
        words=words,
        message=sketch.message_id,
        block=pointer,
        named=named,
        id=control_id(sketch, pointer, f"-{_slug(key)}" if key else ""),
        text=text.strip(),
    )


def form(sketch: Sketch, inner: Markup) -> Markup:
    """Put a card's body into the one form that its submit button sends."""
    return Markup(
        '<form class="card-form" method="post" action="/chat/submit" data-live>'
        '<input type="hidden" name="message" value="{}">{}</form>'
    ).format(sketch.message_id, inner)


def _alone(sketch: Sketch, pointer: str, body: Markup, *, look: str) -> Markup:
    """Put an input into a form of its own, unless the whole card is one."""
    if sketch.form:
        return Markup('<div class="{}">{}</div>').format(look, body)
    return Markup(
        '<form class="{}" method="post" action="/chat/pick" data-live>'
        '<input type="hidden" name="message" value="{}">'
        '<input type="hidden" name="block" value="{}">{}'
        '<button class="button small"{}>Set</button></form>'
    ).format(look, sketch.message_id, pointer, body, sketch.off)


def _slug(key: str) -> str:
    return re.sub(r"[^A-Za-z0-9]", lambda found: f"_{ord(found[0]):x}_", key)


def submits(items: Sequence[object]) -> bool:
    """Tell whether a row of buttons holds one that submits the card's form."""
    return any(as_map(item).get("submit") is True for item in items)
