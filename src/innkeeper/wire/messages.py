"""What does a chatbot show? The message object ("card"), typed, and back to its JSON.

Source: https://developers.zoom.us/docs/chat/customizing-messages/ and its pages.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
    block = _convert({key: kept[key] for key in kept if key != "raw"}, known, pointer)
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


@dataclass(frozen=True, slots=True, init=False, eq=False)
class Card:
    """A chat message with a head and a body; frozen, so each step gives a new card.

    Two cards are equal if Zoom would be sent the same, however they were made.

    Args:
        head: The title, as text or as a `Head`.
        blocks: The elements of the body.
        sub_head: The second line, under the title.
        markdown: Read Zoom's markdown in the whole card (`is_markdown_support`).

    Raises:
        CardRefused: As soon as a piece is added that Zoom would not take.

    Example:
        >>> card = Card("Deploy?").text("Version 7").button("Approve", "approve")
        >>> card.content()["body"][1]["items"]
        [{'text': 'Approve', 'value': 'approve'}]
    """

    head: Head | None
    body: tuple[Block, ...]
    settings: Raw | None
    markdown: bool
    raw: Raw

    def __init__(
        self,
        head: str | Head | None = None,
        *blocks: Block,
        sub_head: str | None = None,
        markdown: bool = False,
        settings: Raw | None = None,
    ) -> None:
        if isinstance(head, str):
            head = Head(text=head, sub_head=SubHead(text=sub_head) if sub_head else None)
        kept = None if settings is None else cast("Raw", msgspec.to_builtins(dict(settings)))
        self._fill(head, blocks, kept, markdown=markdown, raw={})
        if head is not None or blocks:
            self.check()

    def _fill(
        self,
        head: Head | None,
        body: Sequence[Block],
        settings: Raw | None,
        *,
        markdown: bool,
        raw: Raw,
    ) -> None:
        for name, value in (
            ("head", head),
            ("body", tuple(body)),
            ("settings", settings),
            ("markdown", markdown),
            ("raw", raw),
        ):
            object.__setattr__(self, name, value)

    @classmethod
    def parse(cls, content: Any, *, markdown: bool = False) -> "Card":
        """Read a card's `content`, keeping every key that this version does not know.

        Raises:
            CardRefused: If a known part lacks what it must have.
        """
        if not isinstance(content, dict):
            raise CardRefused("", "is not an object")
        try:
            raw = cast("dict[str, Any]", msgspec.to_builtins(content))  # a copy of our own
        except (TypeError, RecursionError):
            raise CardRefused("", "is not JSON, or nested too deep") from None
        body = raw.get("body", [])
        if not isinstance(body, list):
            raise CardRefused("/body", "is not a list")
        blocks = [
            parse_block(item, f"/body/{index}")
            for index, item in enumerate(cast("list[object]", body))
        ]
        if "body" in raw:
            raw["body"] = []  # what it held is the blocks' to keep
        head = raw.get("head")
        settings = raw.get("settings")
        card = cls.__new__(cls)
        card._fill(
            _convert(head, Head, "/head") if head is not None else None,
            blocks,
            cast("Raw", settings) if isinstance(settings, dict) else None,
            markdown=markdown,
            raw=raw,
        )
        return card

    def content(self) -> dict[str, Any]:
        """Write the card's `content`, as the Chatbot API takes it."""
        content = dict(self.raw)
        if self.settings is not None:
            content["settings"] = dict(self.settings)
        if self.head is not None:
            content["head"] = lossless.written(self.head, self.raw.get("head"))
        if self.body:
            content["body"] = [block_json(block) for block in self.body]
        return cast("dict[str, Any]", msgspec.to_builtins(content))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Card):
            return NotImplemented
        return self.markdown is other.markdown and self.content() == other.content()

    __hash__ = None  # type: ignore[assignment]  # its JSON is not hashable either

    def check(self) -> None:
        """Refuse a card that Zoom would not take.

        Raises:
            CardRefused: Naming the place as a JSON pointer, the limit and the value.
        """
        if self.head is None and not self.body:
            raise CardRefused("", "has neither a head nor a body")
        if self.head is not None:
            self.head.check("/head")
        for index, block in enumerate(self.body):
            block.check(f"/body/{index}")

    def add(self, *blocks: Block) -> "Card":
        """Add elements at the end of the body."""
        return self._with((*self.body, *blocks))

    def text(
        self,
        text: str,
        *,
        link: str | None = None,
        bold: bool | None = None,
        italic: bool | None = None,
        color: str | None = None,
        editable: bool | None = None,
    ) -> "Card":
        """Add a paragraph."""
        style = Style(color=color, bold=bold, italic=italic) if color or bold or italic else None
        return self.add(Message(text=text, link=link, style=style, editable=editable))

    def field(
        self, key: str, value: str, *, short: bool | None = None, editable: bool | None = None
    ) -> "Card":
        """Add a key and its value, to the fields just before if there are any."""
        item = Field(key=key, value=value or " ", short=short, editable=editable)
        last = self.body[-1] if self.body else None
        if isinstance(last, Fields):
            grown = msgspec.structs.replace(last, items=(*last.items, item))
            return self._with((*self.body[:-1], grown))
        return self.add(Fields(items=(item,)))

    def button(self, text: str, value: str, *, style: ButtonStyle | None = None) -> "Card":
        """Add a button, to the row just before if there is one."""
        item = Button(text=text, value=value, style=style)
        last = self.body[-1] if self.body else None
        if isinstance(last, Actions):
            grown = msgspec.structs.replace(last, items=(*last.items, item))
            return self._with((*self.body[:-1], grown))
        return self.add(Actions(items=(item,)))

    def select(self, text: str, options: Mapping[str, str]) -> "Card":
        """Add a dropdown; `options` maps the values sent to the words shown."""
        items = tuple(Option(value=value, text=shown) for value, shown in options.items())
        return self.add(Select(text=text, select_items=items))

    def attachment(
        self, title: str, description: str, *, resource_url: str, img_url: str
    ) -> "Card":
        """Add a file shown by a picture."""
        information = Information(title=SubHead(text=title), description=SubHead(text=description))
        return self.add(
            Attachments(resource_url=resource_url, img_url=img_url, information=information)
        )

    def section(
        self, *blocks: Block, color: str | None = None, footer: str | None = None
    ) -> "Card":
        """Add a group of elements with a coloured bar."""
        return self.add(Section(sections=blocks, sidebar_color=color, footer=footer))

    def _with(self, body: tuple[Block, ...]) -> "Card":
        card = Card.__new__(Card)
        card._fill(self.head, body, self.settings, markdown=self.markdown, raw=self.raw)
        card.check()
        return card


def _convert(raw: Any, kind: type[_P], pointer: str) -> _P:
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
