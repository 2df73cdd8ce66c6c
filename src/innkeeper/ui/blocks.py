"""How is each element of a card drawn that is only looked at?"""

from collections.abc import Mapping
from typing import Final

from markupsafe import Markup

from innkeeper.ui.inputs import editor
from innkeeper.ui.markdown import anchor, clean, web_address
from innkeeper.ui.sketch import Piece, Sketch, as_list, as_map

Raw = Mapping[str, object]


def unknown(kind: str) -> Piece:
    """Draw a frame in place of what Zoom does not know."""
    html = Markup(
        '<p class="card-unknown"><code>{}</code> Zoom would reject or hide this.</p>'
    ).format(clean(kind[:60]))
    return Piece(html, f"({clean(kind[:60])}: Zoom would reject or hide this)")


def message(sketch: Sketch, raw: Raw, pointer: str) -> Piece:
    """Draw a paragraph: plain, styled, linked or in markdown."""
    text = sketch.words(raw, "text", pointer)
    marked = raw.get("is_markdown_support") is True
    link = raw.get("link")
    if marked and (link or raw.get("editable") is True):
        sketch.warn(f"{pointer}/is_markdown_support", "excludes link and editable")
    names = "" if marked else sketch.style(raw.get("style"), f"{pointer}/style")
    if link is None:
        inner = sketch.rich(text, markdown=marked)
    else:
        if web_address(link) is None:
            sketch.warn(f"{pointer}/link", "is not an http or https address")
        inner = anchor(str(link), text)
    html = Markup('<p class="card-text {}" dir="auto">{}</p>').format(names, inner)
    if raw.get("editable") is True:
        html += editor(sketch, pointer, words="this text", text=text)
    return Piece(html, f"{text} <{clean(str(link))}>" if link else text)


def fields(sketch: Sketch, raw: Raw, pointer: str) -> Piece:
    """Draw keys and values; short ones in a row stand side by side."""
    items = [as_map(item) for item in as_list(raw.get("items"))]
    if not items:
        sketch.warn(f"{pointer}/items", "is missing or empty")
    drawn = [_field(sketch, item, f"{pointer}/items/{at}") for at, item in enumerate(items)]
    html = Markup('<dl class="card-fields">{}</dl>').format(
        Markup("").join(piece.html for piece in drawn)
    )
    return Piece(html if drawn else Markup(), "\n".join(piece.text for piece in drawn))


def _field(sketch: Sketch, item: Raw, pointer: str) -> Piece:
    key = sketch.words(item, "key", pointer)
    value = sketch.words(item, "value", pointer)
    names = "" if sketch.markdown else sketch.style(item.get("style"), f"{pointer}/style")
    html = Markup(
        '<div class="{}"><dt dir="auto">{}</dt><dd class="{}" dir="auto">{}{}</dd></div>'
    ).format(
        "short" if item.get("short") is True else "long",
        key,
        names,
        sketch.rich(value),
        editor(sketch, pointer.rpartition("/items/")[0], words=key, text=value, key=key)
        if item.get("editable") is True
        else "",
    )
    return Piece(html, f"{key}: {value}")


def attachments(sketch: Sketch, raw: Raw, pointer: str) -> Piece:
    """Draw a file as a frame with its name and link; its picture is not fetched."""
    information = as_map(raw.get("information"))
    title = sketch.words(as_map(information.get("title")), "text", f"{pointer}/information/title")
    about = as_map(information.get("description"))
    description = sketch.words(about, "text", f"{pointer}/information/description")
    for key in ("resource_url", "img_url"):
        if web_address(raw.get(key)) is None:
            sketch.warn(f"{pointer}/{key}", "is not an http or https address")
    facts = [str(raw["ext"]).upper()[:12]] if raw.get("ext") else []
    size = raw.get("size")
    facts += [_size(size)] if isinstance(size, int) else []
    return _frame(title, str(raw.get("resource_url")), [description, *facts])


def file(sketch: Sketch, raw: Raw, pointer: str) -> Piece:
    """Draw a file of the newer kind."""
    title = as_map(raw.get("title"))
    name = sketch.words(title, "text", f"{pointer}/title")
    description = as_map(raw.get("description")).get("text")
    return _frame(name, str(title.get("file_url")), [str(description)] if description else [])


def image(sketch: Sketch, raw: Raw, pointer: str) -> Piece:
    """Draw pictures as frames with their description and link; none is fetched."""
    pictures = [as_map(item) for item in as_list(raw.get("images"))]
    if not pictures:
        sketch.warn(f"{pointer}/images", "is missing or empty")
    current = raw.get("cur_index")
    drawn = [
        _frame(
            str(one.get("alt_text") or "Picture"),
            str(one.get("image_url")),
            ["picture shown first" if at == current and len(pictures) > 1 else "picture"],
        )
        for at, one in enumerate(pictures)
    ]
    for at, one in enumerate(pictures):
        if web_address(one.get("image_url")) is None:
            sketch.warn(f"{pointer}/images/{at}/image_url", "is not an http or https address")
    html = Markup("").join(piece.html for piece in drawn)
    return Piece(html, "\n".join(piece.text for piece in drawn))


def _frame(name: str, url: str, facts: list[str]) -> Piece:
    shown = [clean(fact) for fact in facts if fact]
    html = Markup(
        '<div class="card-file"><span class="sheet" aria-hidden="true"></span>'
        '<p dir="auto"><strong>{}</strong><br><span class="quiet">{}</span></p></div>'
    ).format(anchor(url, clean(name) or url), " · ".join(shown))
    return Piece(html, " · ".join(part for part in (clean(name), *shown, clean(url)) if part))


def _size(size: int) -> str:
    for unit in ("bytes", "KB", "MB"):
        if size < 1000:
            return f"{size} {unit}"
        size //= 1000
    return f"{min(size, 999_999)} GB"


def video(sketch: Sketch, raw: Raw, pointer: str) -> Piece:
    """Draw a video as a frame with its title and link; nothing is fetched or played."""
    title = sketch.words(as_map(raw.get("title")), "text", f"{pointer}/title")
    for key in ("video_url", "thumbnail_url"):
        if web_address(raw.get(key)) is None:
            sketch.warn(f"{pointer}/{key}", "is not an http or https address")
    url = raw.get("title_url") or raw.get("video_url")
    facts = ["video", *(str(raw.get(key) or "") for key in ("author_name", "provider_name"))]
    return _frame(title, str(url), facts)


def divider(sketch: Sketch, raw: Raw, pointer: str) -> Piece:
    """Draw a line: bold, dotted or coloured where its style says so."""
    style = as_map(raw.get("style"))
    color = sketch.color(style.get("color"), f"{pointer}/style/color")
    names = [name for name in ("bold", "dotted") if style.get(name) is True]
    names += [f"ink-{color}"] if color else []
    html = Markup('<hr class="{}">').format(" ".join(["card-divider", *names]))
    return Piece(html, "===" if "bold" in names else "---")


def alert(sketch: Sketch, raw: Raw, pointer: str) -> Piece:
    """Draw a sentence in a box."""
    text = sketch.words(raw, "text", pointer)
    level = str(raw.get("level", "")).lower()
    if raw.get("level") is not None and level not in _LEVELS:
        sketch.warn(f"{pointer}/level", f"is none of {', '.join(_LEVELS).upper()}")
    html = Markup('<p class="notice {}" dir="auto">{}</p>').format(
        _LEVELS.get(level, "info"), sketch.rich(text)
    )
    # One page at Zoom writes closeable, its own client's types closable.
    if raw.get("closeable") is True or raw.get("closable") is True:
        html = Markup(
            '<details class="card-alert" open><summary>Alert, can be closed</summary>{}</details>'
        ).format(html)
    return Piece(html, f"! {text}")


_LEVELS: Final[Mapping[str, str]] = {
    "info": "info",
    "success": "good",
    "warning": "warn",
    "error": "bad",
}
"""The looks of an alert. Zoom shows only `ERROR`; the others are what its names suggest."""


def progress_bar(sketch: Sketch, raw: Raw, pointer: str) -> Piece:
    """Draw how far something is, from 0 to 100."""
    value = raw.get("value")
    if not isinstance(value, int | float) or not 0 <= value <= 100:
        sketch.warn(f"{pointer}/value", "is not a number from 0 to 100")
        value = 0
    html = Markup(
        '<progress class="card-progress" max="100" value="{0}" aria-label="Progress">{0} %'
        "</progress>"
    ).format(value)
    return Piece(html, f"{value}%")
