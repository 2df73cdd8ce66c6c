"""What does a card look like? Its JSON, drawn once, as HTML and as plain text.

Lenient on purpose: a bot may send anything, and whoever writes it wants to see what became
of it. What Zoom would not take is drawn all the same, and named in the warnings.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from markupsafe import Markup

from innkeeper.ui import blocks, controls, inputs
from innkeeper.ui.markdown import Bold, anchor, clean
from innkeeper.ui.sketch import Piece, Sketch, as_list, as_map

Choice = tuple[str, str]
"""The value of an option, and its words."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A card, drawn.

    Args:
        html: For a page; escaped throughout, without a style or a script.
        warnings: What Zoom would reject or hide, each with its JSON pointer.
        text: For a test, or `steady` for a terminal; without control characters.
    """

    html: Markup
    warnings: tuple[str, ...]
    text: str


def draw(
    content: Any,
    *,
    markdown: bool = False,
    message_id: str = "",
    interactive: bool = True,
    members: Sequence[Choice] = (),
    channels: Sequence[Choice] = (),
    bold: Bold = "both",
    long_texts: bool = False,
) -> Drawn:
    """Draw a card from its `content`, whatever it holds.

    Buttons post /chat/click with `message` and `value`; dropdowns post /chat/select with
    `message`, `block` (the JSON pointer of the element in `content`) and `value`. Inputs post
    /chat/pick, /chat/edit and /chat/submit: `inputs` says with which fields.

    Args:
        markdown: The message's own `is_markdown_support`.
        message_id: What the forms send as `message`.
        interactive: Draw controls that can be used; otherwise they are disabled.
        members: The options of a dropdown whose `static_source` is `members`.
        channels: The same for `channels`.
        bold: How bold is written in markdown.
        long_texts: Warn about texts of more than 4,000 characters.
    """
    sketch = Sketch(
        message_id=message_id,
        markdown=markdown,
        interactive=interactive,
        members=tuple(members),
        channels=tuple(channels),
        bold=bold,
        long_texts=long_texts,
    )
    card = as_map(content)
    settings = as_map(card.get("settings"))
    sketch.form = settings.get("form") is True
    if not card.get("head") and not card.get("body"):
        sketch.warn("", "has neither a head nor a body")
    default_bar = settings.get("default_sidebar_color")
    if default_bar is not None:
        sketch.bar = sketch.color(default_bar, "/settings/default_sidebar_color") or ""
    pieces = _head(sketch, card) + _body(sketch, card.get("body"), "/body")
    inner = Markup("").join(piece.html for piece in pieces)
    inner = inputs.form(sketch, inner) if sketch.form else inner
    links = Markup("").join(
        Markup('<link rel="stylesheet" href="/static/colors/{}.css">').format(name)
        for name in sketch.colors
    )
    return Drawn(
        html=Markup('<div class="card">{}{}</div>').format(links, inner),
        warnings=tuple(sketch.warnings),
        text="\n".join(piece.text for piece in pieces if piece.text),
    )


def _head(sketch: Sketch, card: Mapping[str, object]) -> list[Piece]:
    head = as_map(card.get("head"))
    if not head:
        if card.get("head") is not None:
            sketch.warn("/head", "is not an object with a text")
        return []
    pieces = [_head_line(sketch, head, "/head", "card-title")]
    if head.get("sub_head") is not None:
        sub_head = as_map(head["sub_head"])
        pieces.append(_head_line(sketch, sub_head, "/head/sub_head", "card-subtitle"))
    return pieces


def _head_line(sketch: Sketch, raw: Mapping[str, object], pointer: str, kind: str) -> Piece:
    text = sketch.words(raw, "text", pointer)
    names = "" if sketch.markdown else sketch.style(raw.get("style"), f"{pointer}/style")
    html = Markup('<p class="{} {}" dir="auto">{}</p>').format(kind, names, sketch.rich(text))
    return Piece(html, text)


def _body(sketch: Sketch, body: object, pointer: str) -> list[Piece]:
    items = as_list(body)
    if body and not items:
        sketch.warn(pointer, "is not a list")
    return [_block(sketch, as_map(item), f"{pointer}/{index}") for index, item in enumerate(items)]


def _block(sketch: Sketch, raw: Mapping[str, object], pointer: str) -> Piece:
    """Draw one element by its `type`."""
    kind = raw.get("type")
    if not isinstance(kind, str):
        sketch.warn(f"{pointer}/type", "is missing")
        return blocks.unknown("without a type")
    painter = PAINTERS.get(kind)
    if painter is not None:
        return painter(sketch, raw, pointer)
    sketch.warn(f"{pointer}/type", f"is no element that Zoom knows: {kind[:60]}")
    return blocks.unknown(kind)


def _section(sketch: Sketch, raw: Mapping[str, object], pointer: str) -> Piece:
    """Draw a group of elements, with a bar in its colour and a footer."""
    if sketch.in_section:
        sketch.warn(pointer, "is a section within a section")
        return blocks.unknown("section")
    bar = sketch.color(raw.get("sidebar_color"), f"{pointer}/sidebar_color") or sketch.bar
    sketch.in_section = True
    pieces = _body(sketch, raw.get("sections"), f"{pointer}/sections")
    sketch.in_section = False
    if not pieces:
        sketch.warn(f"{pointer}/sections", "is missing or empty")
    pieces += _footer(sketch, raw, pointer)
    html = Markup(
        '<div class="card-section"><span class="bar {}"></span><div class="{}">{}</div></div>'
    ).format(
        f"bar-{bar}" if bar else "",
        "across" if raw.get("layout") == "horizontal" else "down",
        Markup("").join(piece.html for piece in pieces),
    )
    lines = "\n".join(piece.text for piece in pieces if piece.text).splitlines()
    return Piece(html, "\n".join(f"| {line}" for line in lines))


def _page(sketch: Sketch, raw: Mapping[str, object], pointer: str) -> Piece:
    """Draw the current page of several, the others behind their numbers."""
    pages = [as_map(page) for page in as_list(raw.get("pages"))]
    if not pages:
        sketch.warn(f"{pointer}/pages", "is missing or empty")
        return Piece(Markup(), "")
    current = raw.get("cur_page")
    if not any(page.get("pageNo") == current for page in pages):
        sketch.warn(f"{pointer}/cur_page", "is the number of no page")
        current = pages[0].get("pageNo")
    drawn: list[Markup] = []
    lines: list[str] = []
    for at, page in enumerate(pages):
        pieces = _body(sketch, page.get("body"), f"{pointer}/pages/{at}/body")
        number = clean(str(page.get("pageNo", at + 1))[:20])
        drawn.append(
            Markup("<details{}><summary>Page {} of {}</summary>{}</details>").format(
                Markup(" open") if page.get("pageNo") == current else "",
                number,
                len(pages),
                Markup("").join(piece.html for piece in pieces),
            )
        )
        lines.append(f"Page {number} of {len(pages)}")
        if page.get("pageNo") == current:
            lines += [piece.text for piece in pieces if piece.text]
    html = Markup('<div class="card-pages">{}</div>').format(Markup("").join(drawn))
    return Piece(html, "\n".join(lines))


def _footer(sketch: Sketch, raw: Mapping[str, object], pointer: str) -> list[Piece]:
    said = sketch.words(raw, "footer", pointer) if raw.get("footer") is not None else ""
    time = _moment(raw.get("ts"))
    icon = anchor(str(raw.get("footer_icon")), "icon") if raw.get("footer_icon") else Markup()
    if not said and not time:
        return []
    # In a footer Zoom reads links alone, so plain text with links in <…|…> is enough.
    parts = [sketch.rich(said)] if said else []
    parts += [icon] if icon else []
    parts += [time] if time else []
    joined = Markup('<span aria-hidden="true"> · </span>').join(parts)
    html = Markup('<p class="card-footer" dir="auto">{}</p>').format(joined)
    return [Piece(html, said)]


def _moment(ts: object) -> Markup:
    """Draw a footer's time, given in milliseconds; nothing if it is none."""
    if not isinstance(ts, int) or not 0 <= ts < 253_402_300_800_000:
        return Markup()
    when = datetime.fromtimestamp(ts / 1000, UTC)
    return Markup('<time datetime="{}" data-full>{}</time>').format(
        when.isoformat(), when.strftime("%Y-%m-%d %H:%M UTC")
    )


PAINTERS: Final[Mapping[str, Callable[[Sketch, Mapping[str, object], str], Piece]]] = {
    "actions": controls.actions,
    "alert": blocks.alert,
    "attachments": blocks.attachments,
    "checkboxes": inputs.checkboxes,
    "datepicker": inputs.datepicker,
    "divider": blocks.divider,
    "fields": blocks.fields,
    "file": blocks.file,
    "image": blocks.image,
    "images": blocks.image,
    "message": blocks.message,
    "page": _page,
    "plain_text_input": inputs.plain_text_input,
    "progress_bar": blocks.progress_bar,
    "radio_buttons": inputs.radio_buttons,
    "section": _section,
    "select": controls.select,
    "timepicker": inputs.timepicker,
    "video": blocks.video,
}
"""How each type of element is drawn."""
