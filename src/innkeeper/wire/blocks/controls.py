"""What in a card is pressed or chosen from? Buttons and dropdowns.

Sources: https://developers.zoom.us/docs/chat/customizing-messages/buttons/ and the pages
beside it about dropdowns, the overflow menu and feedback buttons.
"""

from collections.abc import Collection
from typing import Final, Literal, get_args

from innkeeper.errors import CardRefused
from innkeeper.wire.blocks.part import (
    Block,
    Part,
    check_one_of,
    check_some,
    check_url,
    check_words,
    refuse,
)

ButtonStyle = Literal[
    "Primary",
    "Default",
    "Danger",
    "Disabled",
    "Thumbsup",
    "Thumbsdown",
    "Thumbsuped",
    "Thumbsdowned",
]
_STYLES: Final = frozenset(get_args(ButtonStyle))
_SIZES: Final = frozenset({"S", "M", "L"})
_SOURCES: Final = frozenset({"members", "channels"})


class DialogTitle(Part, frozen=True, kw_only=True):
    """The title of a web view."""

    text: str


class Dialog(Part, frozen=True, kw_only=True):
    """A web view that a button opens; its domain must be on the app's allow list."""

    link: str
    size: str | None = None
    title: DialogTitle | None = None

    def check(self, pointer: str) -> None:
        """Refuse an address that is none, and a size other than `S`, `M` or `L`."""
        check_url(self.link, f"{pointer}/link")
        check_one_of(self.size, _SIZES, f"{pointer}/size")


class Button(Part, frozen=True, kw_only=True):
    """A button: its words, the value it sends, and how it looks.

    With `submit` it sends the card's form; with a `dialog` it opens a web view.
    """

    text: str
    value: str
    style: str | None = None
    submit: bool | None = None
    action: str | None = None
    dialog: Dialog | None = None

    def check(self, pointer: str) -> None:
        """Refuse a button without words, and a look or an action that Zoom does not know."""
        check_words(self.text, f"{pointer}/text")
        check_one_of(self.style, _STYLES, f"{pointer}/style")
        check_one_of(self.action, {"dialog"}, f"{pointer}/action")
        if self.dialog is not None:
            self.dialog.check(f"{pointer}/dialog")


class Overflow(Part, frozen=True, kw_only=True):
    """The words on the menu that takes the buttons beyond the limit."""

    text: str


class Actions(Block, tag_field="type", tag="actions", frozen=True, kw_only=True):
    """A row of buttons; those beyond `limit` go into an overflow menu."""

    items: tuple[Button, ...]
    limit: int | None = None
    overflow: Overflow | None = None

    def check(self, pointer: str) -> None:
        """Refuse an empty row, a bad button, and a limit that would show none."""
        check_some(self.items, f"{pointer}/items")
        for index, item in enumerate(self.items):
            item.check(f"{pointer}/items/{index}")
        if self.limit is not None and self.limit < 1:
            raise refuse(f"{pointer}/limit", "1 or more", self.limit)


class Option(Part, frozen=True, kw_only=True):
    """An option to choose: the value sent, and the words shown."""

    value: str
    text: str | None = None


class Select(Block, tag_field="type", tag="select", frozen=True, kw_only=True):
    """A dropdown: of its own options, or of the members or channels, never both."""

    text: str
    select_items: tuple[Option, ...] | None = None
    static_source: str | None = None
    selected_item: Option | None = None

    def check(self, pointer: str) -> None:
        """Refuse both sources, and neither, and a choice that is none of the options."""
        if (self.select_items is None) == (self.static_source is None):
            raise CardRefused(pointer, "needs either select_items or static_source")
        check_one_of(self.static_source, _SOURCES, f"{pointer}/static_source")
        if self.select_items is not None and self.selected_item is not None:
            known = {item.value for item in self.select_items}
            check_option(self.selected_item.value, known, f"{pointer}/selected_item/value")


def check_option(value: str, known: Collection[str], pointer: str) -> None:
    """Refuse a choice that is none of the options; whose words they are, nobody knows."""
    if value not in known:
        raise refuse(pointer, "the value of an option", value, typed=True)
