"""What does a chatbot show? The message object ("card"), built, checked and read back.

Source: https://developers.zoom.us/docs/chat/customizing-messages/ and its pages.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import msgspec

from innkeeper.errors import CardRefused
from innkeeper.wire import lossless
from innkeeper.wire.blocks import (
    Actions,
    Attachments,
    Block,
    Button,
    ButtonStyle,
    Field,
    Fields,
    Head,
    Information,
    Message,
    Option,
    Raw,
    Section,
    Select,
    Style,
    SubHead,
    block_json,
    convert,
    parse_block,
)


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
            convert(head, Head, "/head") if head is not None else None,
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
