"""How is each element of a card drawn that is pressed or chosen from? As a plain form."""

from collections.abc import Mapping, Sequence
from typing import Final

from markupsafe import Markup

from innkeeper.ui.inputs import control_id, control_name, submits
from innkeeper.ui.markdown import clean, web_address
from innkeeper.ui.sketch import Piece, Sketch, as_list, as_map

Raw = Mapping[str, object]

_LOOKS: Final = {"primary": "primary", "danger": "danger"}
_THUMBS: Final = {
    "thumbsup": ("👍", ""),
    "thumbsdown": ("👎", ""),
    "thumbsuped": ("👍", "pressed"),
    "thumbsdowned": ("👎", "pressed"),
}


def actions(sketch: Sketch, raw: Raw, pointer: str) -> Piece:
    """Draw a row of buttons; those beyond the limit go into a menu."""
    items = [as_map(item) for item in as_list(raw.get("items"))]
    if not items:
        sketch.warn(f"{pointer}/items", "is missing or empty")
        return Piece(Markup(), "")
    drawn = [_button(sketch, item, f"{pointer}/items/{at}") for at, item in enumerate(items)]
    limit = raw.get("limit")
    shown = limit if isinstance(limit, int) and 0 < limit < len(drawn) else len(drawn)
    row = Markup("").join(piece.html for piece in drawn[:shown])
    if rest := drawn[shown:]:
        words = as_map(raw.get("overflow")).get("text")
        row += Markup(
            '<details class="overflow"><summary class="button">{}</summary>'
            '<div class="menu">{}</div></details>'
        ).format(clean(str(words or "More")), Markup("").join(piece.html for piece in rest))
    if sketch.form:
        return Piece(
            Markup('<div class="card-actions">{}</div>').format(row),
            " ".join(piece.text for piece in drawn),
        )
    if submits(items):
        sketch.warn(pointer, "has a button with submit, but the card is no form (settings.form)")
    html = Markup(
        '<form class="card-actions" method="post" action="/chat/click" data-live>'
        '<input type="hidden" name="message" value="{}">{}</form>'
    ).format(sketch.message_id, row)
    return Piece(html, " ".join(piece.text for piece in drawn))


def _button(sketch: Sketch, item: Raw, pointer: str) -> Piece:
    text = sketch.words(item, "text", pointer)
    value = item.get("value")
    dialog = web_address(as_map(item.get("dialog")).get("link"))
    if not isinstance(value, str) and dialog is None:
        sketch.warn(f"{pointer}/value", "is missing or is not a text")
    look = str(item.get("style", "")).lower()
    thumb, pressed = _THUMBS.get(look, ("", ""))
    names = " ".join(part for part in ("button", _LOOKS.get(look, ""), pressed) if part)
    words = Markup('<span aria-hidden="true">{}</span> {}').format(thumb, text) if thumb else text
    if dialog is not None:
        html = Markup(
            '<a class="{}" href="{}" rel="noopener noreferrer" target="_blank">{} ↗</a>'
        ).format(names, dialog, words)
    else:
        off = look == "disabled" or not sketch.interactive
        html = Markup('<button class="{}" name="value" value="{}"{}{}>{}</button>').format(
            names,
            value if isinstance(value, str) else "",
            _elsewhere(sketch, item),
            Markup(" disabled") if off else "",
            words,
        )
    return Piece(html, f"[{text}]")


def _elsewhere(sketch: Sketch, item: Raw) -> Markup:
    """Let a button that does not submit its card's form leave the form's inputs alone."""
    if not sketch.form or item.get("submit") is True:
        return Markup()
    return Markup(' formaction="/chat/click" formnovalidate')


def select(sketch: Sketch, raw: Raw, pointer: str) -> Piece:
    """Draw a dropdown of its own options, or of the members or channels."""
    text = sketch.words(raw, "text", pointer)
    choices = _choices(sketch, raw, pointer)
    chosen = as_map(raw.get("selected_item")).get("value")
    options = Markup("").join(
        Markup('<option value="{}"{}>{}</option>').format(
            value, Markup(" selected") if value == chosen else "", words
        )
        for value, words in choices
    )
    none = Markup("") if any(value == chosen for value, _ in choices) else _NONE_YET
    said = f"{text}: " + " | ".join(words for _, words in choices)
    if sketch.form:
        inside = Markup(
            '<div class="card-select"><label for="{id}" dir="auto">{text}</label> '
            '<select id="{id}" name="{name}"{off}>{none}{options}</select></div>'
        ).format(
            id=control_id(sketch, pointer),
            text=text,
            name=control_name(sketch, pointer),
            off=sketch.off,
            none=none,
            options=options,
        )
        return Piece(inside, said)
    html = Markup(
        '<form class="card-select" method="post" action="/chat/select" data-live>'
        '<input type="hidden" name="message" value="{message}">'
        '<input type="hidden" name="block" value="{block}">'
        '<label for="{id}" dir="auto">{text}</label> '
        '<select id="{id}" name="value" required{off}>{none}{options}</select> '
        '<button class="button" data-plain{off}>Choose</button></form>'
    ).format(
        message=sketch.message_id,
        block=pointer,
        id=f"select-{sketch.message_id}{pointer.replace('/', '-')}",
        text=text,
        off="" if sketch.interactive else Markup(" disabled"),
        none=none,
        options=options,
    )
    return Piece(html, said)


_NONE_YET: Final = Markup('<option value="" selected disabled>Choose…</option>')


def _choices(sketch: Sketch, raw: Raw, pointer: str) -> Sequence[tuple[str, str]]:
    """List the options, values and words, and warn unless there is exactly one source."""
    items, source = raw.get("select_items"), raw.get("static_source")
    if (items is None) == (source is None):
        sketch.warn(pointer, "needs either select_items or static_source, not both")
    if items is None:
        if source is not None and source not in ("members", "channels"):
            sketch.warn(f"{pointer}/static_source", "is neither members nor channels")
        return sketch.channels if source == "channels" else sketch.members if source else ()
    choices: list[tuple[str, str]] = []
    for at, item in enumerate(as_map(option) for option in as_list(items)):
        value = sketch.words(item, "value", f"{pointer}/select_items/{at}")
        choices.append((value, clean(str(item.get("text") or value))))
    return choices
