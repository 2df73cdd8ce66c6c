"""What in a card is only read? The head, paragraphs, fields, alerts, bars and dividers.

Source: https://developers.zoom.us/docs/chat/customizing-messages/ and its pages.
"""

from typing import Final, Literal, get_args

from innkeeper.errors import CardRefused
from innkeeper.wire.blocks.part import (
    Block,
    Part,
    Style,
    check_color,
    check_one_of,
    check_some,
    check_style,
    check_url,
    check_words,
    refuse,
)

AlertLevel = Literal["INFO", "SUCCESS", "WARNING", "ERROR"]
"""Zoom's page shows `ERROR`; the other names are assumed from it."""
_LEVELS: Final = frozenset(get_args(AlertLevel))


class SubHead(Part, frozen=True, kw_only=True):
    """The second line of a card's head, or another text with a style."""

    text: str
    style: Style | None = None

    def check(self, pointer: str) -> None:
        """Refuse an ill-formed style."""
        check_style(self.style, pointer)


class Head(Part, frozen=True, kw_only=True):
    """A card's head: its text, and a second line."""

    text: str
    style: Style | None = None
    sub_head: SubHead | None = None

    def check(self, pointer: str) -> None:
        """Refuse an ill-formed style."""
        check_style(self.style, pointer)
        if self.sub_head is not None:
            self.sub_head.check(f"{pointer}/sub_head")


class Message(Block, tag_field="type", tag="message", frozen=True, kw_only=True):
    """A paragraph. A link excludes markdown; an editable text excludes both."""

    text: str
    style: Style | None = None
    link: str | None = None
    editable: bool | None = None
    is_markdown_support: bool | None = None

    def check(self, pointer: str) -> None:
        """Refuse a bad link or style, and markdown beside a link or an editable text."""
        check_style(self.style, pointer)
        check_url(self.link, f"{pointer}/link")
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
    """A list of keys and values. An empty value is refused; `Card.field` sends one space for it."""

    items: tuple[Field, ...]

    def check(self, pointer: str) -> None:
        """Refuse an empty list, an empty value, and ill-formed styles."""
        check_some(self.items, f"{pointer}/items")
        for index, item in enumerate(self.items):
            check_style(item.style, f"{pointer}/items/{index}")
            if item.value == "":
                raise CardRefused(f"{pointer}/items/{index}/value", "is empty; send one space")


class Alert(Block, tag_field="type", tag="alert", frozen=True, kw_only=True):
    """A sentence in a box. Zoom's page writes `closeable`, its own client's types `closable`."""

    text: str
    level: str | None = None
    closeable: bool | None = None
    closable: bool | None = None

    def check(self, pointer: str) -> None:
        """Refuse an alert without words, and a level that is none."""
        check_words(self.text, f"{pointer}/text")
        check_one_of(self.level, _LEVELS, f"{pointer}/level")


class ProgressBar(Block, tag_field="type", tag="progress_bar", frozen=True, kw_only=True):
    """How far something is, from 0 to 100."""

    value: int | float

    def check(self, pointer: str) -> None:
        """Refuse what is below 0 or above 100."""
        if not 0 <= self.value <= 100:
            raise refuse(f"{pointer}/value", "from 0 to 100", self.value)


class DividerStyle(Part, frozen=True, kw_only=True):
    """How a divider looks."""

    bold: bool | None = None
    dotted: bool | None = None
    color: str | None = None

    def check(self, pointer: str) -> None:
        """Refuse a colour that is none."""
        check_color(self.color, f"{pointer}/color")


class Divider(Block, tag_field="type", tag="divider", frozen=True, kw_only=True):
    """A line between what is above and what is below."""

    style: DividerStyle | None = None

    def check(self, pointer: str) -> None:
        """Refuse a colour that is none."""
        check_style(self.style, pointer)


class Description(Part, frozen=True, kw_only=True):
    """A line about a file."""

    text: str
