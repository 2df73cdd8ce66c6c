"""What stands in a card? Its head and its elements, typed, and back to their JSON.

Source: https://developers.zoom.us/docs/chat/customizing-messages/ and its pages.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, TypeVar, cast

import msgspec
from msgspec import field

from innkeeper.errors import CardRefused
from innkeeper.wire import lossless

_COLOR = re.compile(r"#[0-9A-Fa-f]{6}")
_URL = re.compile(r"https?://[^\s]+")
_NESTING_LIMIT = 8

ButtonStyle = Literal["Primary", "Default", "Danger", "Disabled"]
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
        _check_color(self.color, f"{pointer}/color")


class SubHead(Part, frozen=True, kw_only=True):
    """The second line of a card's head."""

    text: str
    style: Style | None = None


class Head(Part, frozen=True, kw_only=True):
    """A card's head: its text, and a second line."""

    text: str
    style: Style | None = None
    sub_head: SubHead | None = None

    def check(self, pointer: str) -> None:
        """Refuse an ill-formed style."""
        _check_style(self.style, pointer)
        if self.sub_head is not None:
            _check_style(self.sub_head.style, f"{pointer}/sub_head")


class Block(Part, frozen=True, kw_only=True):
    """One element of a card's body. `raw` is the JSON it was read from, if it was."""

    raw: dict[str, Any] = field(default_factory=dict[str, Any])


class Message(Block, tag_field="type", tag="message", frozen=True, kw_only=True):
    """A paragraph. A link excludes markdown; an editable text excludes both."""

    text: str
    style: Style | None = None
    link: str | None = None
    editable: bool | None = None
    is_markdown_support: bool | None = None

    def check(self, pointer: str) -> None:
        """Refuse a bad link or style, and markdown beside a link or an editable text."""
        _check_style(self.style, pointer)
        _check_url(self.link, f"{pointer}/link")
        if self.is_markdown_support and (self.link or self.editable):
            raise CardRefused(f"{pointer}/is_markdown_support", "excludes link and editable")


class Field(Part, frozen=True, kw_only=True):
    """A key and its value; two short ones in a row stand side by side."""

    key: str
    value: str
    editable: bool | None = None
    short: bool | None = None
    style: Style | None = None


class Fields(Block, tag_field="type", tag="fields", frozen=True, kw_only=True):
    """A list of keys and values. An empty value is sent as one space, as Zoom asks."""

    items: tuple[Field, ...]

    def check(self, pointer: str) -> None:
        """Refuse an empty list and ill-formed styles."""
        _check_some(self.items, f"{pointer}/items")
        for index, item in enumerate(self.items):
            _check_style(item.style, f"{pointer}/items/{index}")
            if item.value == "":
                raise CardRefused(f"{pointer}/items/{index}/value", "is empty; send one space")


class DialogTitle(Part, frozen=True, kw_only=True):
    """The title of a web view."""

    text: str


class Dialog(Part, frozen=True, kw_only=True):
    """A web view that a button opens."""

    link: str
    size: str | None = None
    title: DialogTitle | None = None


class Button(Part, frozen=True, kw_only=True):
    """A button: its words, the value it sends, and how it looks."""

    text: str
    value: str
    style: str | None = None
    submit: bool | None = None
    action: str | None = None
    dialog: Dialog | None = None


class Overflow(Part, frozen=True, kw_only=True):
    """The words on the menu that takes the buttons beyond the limit."""

    text: str


class Actions(Block, tag_field="type", tag="actions", frozen=True, kw_only=True):
    """A row of buttons; those beyond `limit` go into an overflow menu."""

    items: tuple[Button, ...]
    limit: int | None = None
    overflow: Overflow | None = None

    def check(self, pointer: str) -> None:
        """Refuse an empty row and a button without words."""
        _check_some(self.items, f"{pointer}/items")
        for index, item in enumerate(self.items):
            if not item.text:
                raise CardRefused(f"{pointer}/items/{index}/text", "is empty")


class Option(Part, frozen=True, kw_only=True):
    """An option of a dropdown: the value sent, and the words shown."""

    value: str
    text: str | None = None


class Select(Block, tag_field="type", tag="select", frozen=True, kw_only=True):
    """A dropdown: of its own options, or of the members or channels, never both."""

    text: str
    select_items: tuple[Option, ...] | None = None
    static_source: str | None = None
    selected_item: Option | None = None

    def check(self, pointer: str) -> None:
        """Refuse both sources, and neither."""
        if (self.select_items is None) == (self.static_source is None):
            raise CardRefused(pointer, "needs either select_items or static_source")
        if self.static_source not in {None, "members", "channels"}:
            raise CardRefused(f"{pointer}/static_source", "is neither members nor channels")


class Information(Part, frozen=True, kw_only=True):
    """The title and the description of an attachment."""

    title: SubHead
    description: SubHead


class Attachments(Block, tag_field="type", tag="attachments", frozen=True, kw_only=True):
    """A file shown by a picture; a click opens `resource_url`. `size` is in bytes."""

    resource_url: str
    img_url: str
    information: Information
    ext: str | None = None
    size: int | None = None

    def check(self, pointer: str) -> None:
        """Refuse addresses that are none."""
        _check_url(self.resource_url, f"{pointer}/resource_url")
        _check_url(self.img_url, f"{pointer}/img_url")


class UnknownBlock(Block, frozen=True, kw_only=True):
    """An element that this version does not know; it is kept and sent as it came."""

    type: str


class Section(Block, tag_field="type", tag="section", frozen=True, kw_only=True):
    """A group of elements with a coloured bar and a footer. `ts` is in ms."""

    sections: tuple[Any, ...]  # of Block; each is read by `parse_block`
    sidebar_color: str | None = None
    footer: str | None = None
    footer_icon: str | None = None
    ts: int | None = None
    layout: str | None = None

    def check(self, pointer: str) -> None:
        """Refuse a bad colour, a bad element, and a section within the section."""
        _check_color(self.sidebar_color, f"{pointer}/sidebar_color")
        for index, block in enumerate(self.sections):
            place = f"{pointer}/sections/{index}"
            if isinstance(block, Section):
                raise CardRefused(place, "is a section within a section")
            if not isinstance(block, Block):
                raise CardRefused(place, "is not an element")
            block.check(place)


BLOCKS: Final[Mapping[str, type[Block]]] = {
    "message": Message,
    "fields": Fields,
    "actions": Actions,
    "select": Select,
    "attachments": Attachments,
    "section": Section,
}
"""The elements with a type of their own, by the name Zoom gives them."""


def parse_block(raw: Any, pointer: str = "") -> Block:
    """Read one element of a body; an unknown type is kept as `UnknownBlock`.

    Raises:
        CardRefused: If a known element lacks what it must have.
    """
    if not isinstance(raw, dict):
        raise CardRefused(pointer, "is not an object")
    if pointer.count("/sections/") > _NESTING_LIMIT:
        raise CardRefused(pointer, "is nested too deep")
    kept = cast("dict[str, Any]", raw)
    name = kept.get("type")
    if not isinstance(name, str):
        raise CardRefused(f"{pointer}/type", "is missing")
    known = BLOCKS.get(name)
    if known is None:
        return UnknownBlock(type=name, raw=kept)
    block = convert({key: kept[key] for key in kept if key != "raw"}, known, pointer)
    if isinstance(block, Section):
        nested = (
            parse_block(item, f"{pointer}/sections/{index}")
            for index, item in enumerate(block.sections)
        )
        block = msgspec.structs.replace(block, sections=tuple(nested))
    return msgspec.structs.replace(block, raw=kept)


def block_json(block: Block) -> dict[str, Any]:
    """Write one element, laid over the JSON it was read from."""
    element = cast("dict[str, Any]", lossless.written(block, block.raw))
    if isinstance(block, Section):  # each element within knows its own JSON best
        element["sections"] = [block_json(cast("Block", item)) for item in block.sections]
    return element


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


def _check_style(style: Style | None, pointer: str) -> None:
    if style is not None:
        style.check(f"{pointer}/style")


def _check_color(color: str | None, pointer: str) -> None:
    if color is not None and _COLOR.fullmatch(color) is None:
        raise CardRefused(pointer, f"must be #RRGGBB, not {color!r}")


def _check_url(url: str | None, pointer: str) -> None:
    if url is not None and _URL.fullmatch(url) is None:
        raise CardRefused(pointer, "must be an http or https address")


def _check_some(items: Sequence[object], pointer: str) -> None:
    if not items:
        raise CardRefused(pointer, "is empty")
