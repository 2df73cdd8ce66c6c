"""What does a chatbot show? The message object ("card"), built, checked and read back.

Source: https://developers.zoom.us/docs/chat/customizing-messages/ and its pages.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self, cast

import msgspec

from innkeeper.errors import CardRefused
from innkeeper.wire import lossless
from innkeeper.wire.blocks import (
    Block,
    Fields,
    Head,
    Message,
    Raw,
    SubHead,
    block_json,
    check_block,
    convert,
    every,
    parse_block,
    within,
)
from innkeeper.wire.blocks.part import check_color, check_types, plain, refuse
from innkeeper.wire.building import Building, check_marked_where_read
from innkeeper.wire.revising import Revising

_encode: Final = msgspec.json.Encoder(enc_hook=str.__str__).encode
"""Writes a text of a special kind, such as markdown, as a text."""
LIMIT_BYTES: Final = 100_000
"""Zoom names no limit; what is larger than this is somebody's mistake."""


@dataclass(frozen=True, slots=True, init=False, eq=False)
class Card(Building, Revising):
    """A chat message with a head and a body; frozen, so each step gives a new card.

    Two cards are equal if Zoom would be sent the same, however they were made. Printed, a
    card is drawn as a terminal can.

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
        >>> print(card)
        Deploy?
        Version 7
        [Approve]
    """

    head: Head | None
    body: tuple[Block, ...]
    settings: Raw | None
    markdown: bool
    raw: Raw = field(repr=False)
    _sound: frozenset[int] = field(repr=False)  # which of its parts need not be judged, by id
    _json: msgspec.Raw | None = field(repr=False)  # what it is written as, once it was checked

    def __init__(
        self,
        head: str | Head | None = None,
        *blocks: Block,
        sub_head: str | None = None,
        markdown: bool = False,
        settings: Raw | None = None,
    ) -> None:
        if isinstance(head, str):
            for text in (head, sub_head):
                check_marked_where_read(text, "/head", markdown=markdown)
            second = SubHead(text=sub_head) if sub_head else None
            head = Head(text=head, sub_head=second)
        kept = None if settings is None else cast("Raw", msgspec.to_builtins(dict(settings)))
        self._fill(head, blocks, kept, markdown=markdown, raw={}, sound=frozenset())
        if head is not None or blocks or settings:
            self._judge()

    def _fill(
        self,
        head: Head | None,
        body: Sequence[Block],
        settings: Raw | None,
        *,
        markdown: bool,
        raw: Raw,
        sound: frozenset[int],
    ) -> None:
        put = object.__setattr__  # the card is frozen
        put(self, "head", head)
        put(self, "body", tuple(body))
        put(self, "settings", settings)
        put(self, "markdown", markdown)
        put(self, "raw", raw)
        put(self, "_sound", sound)
        put(self, "_json", None)

    @classmethod
    def parse(cls, content: Any, *, markdown: bool = False, stored: bool = False) -> "Card":
        """Read a card's `content`, keeping every key that this version does not know.

        Args:
            markdown: The message's own `is_markdown_support`.
            stored: Zoom itself gave this card. So what is left of it as it is, is not
                judged, and an element of another shape than we know is kept as it came.

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
            parse_block(item, f"/body/{index}", lenient=stored)
            for index, item in enumerate(cast("list[object]", body))
        ]
        if "body" in raw:
            raw["body"] = []  # what it held is the blocks' to keep
        said = raw.get("head")
        head = convert(said, Head, "/head") if said is not None else None
        found = raw.get("settings")
        settings = cast("Raw", found) if isinstance(found, dict) else None
        card = cls.__new__(cls)
        card._fill(
            head,
            blocks,
            settings,
            markdown=markdown,
            raw=raw,
            sound=_ids(head, settings, blocks) if stored else frozenset(),
        )
        return card

    def content(self) -> dict[str, Any]:
        """Write the card's `content`, as the Chatbot API takes it."""
        return cast("dict[str, Any]", plain(self._content()))

    def _content(self) -> dict[str, Any]:
        content = dict(self.raw)
        if self.settings is not None:
            content["settings"] = dict(self.settings)
        if self.head is not None:
            content["head"] = lossless.written(self.head, self.raw.get("head"))
        if self.body:
            content["body"] = [block_json(block) for block in self.body]
        return content

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Card):
            return NotImplemented
        return self.markdown is other.markdown and self.content() == other.content()

    __hash__ = None  # type: ignore[assignment]  # its JSON is not hashable either

    def __str__(self) -> str:
        from innkeeper.ui.cards import draw  # noqa: PLC0415  # few print, and all import this
        from innkeeper.ui.markdown import steady  # noqa: PLC0415  # the same

        return steady(draw(self.content(), markdown=self.markdown).text)

    def check(self) -> None:
        """Refuse a card that Zoom would not take, as it stands: call it before it is sent.

        Raises:
            CardRefused: Naming the place as a JSON pointer, the limit and the value.
        """
        self.checked()

    def checked(self) -> msgspec.Raw:
        """Give the card's `content` as JSON, if Zoom would take it; it is written once.

        Raises:
            CardRefused: As `check`.
        """
        if self._json is not None:
            return self._json
        if self.head is None and not self.body:
            raise CardRefused("", "has neither a head nor a body")
        self._judge()
        try:
            written = _encode(self._content())
        except (TypeError, UnicodeEncodeError):
            raise CardRefused("", "holds a text that is half a character") from None
        if len(written) >= LIMIT_BYTES:
            raise refuse("", f"under {LIMIT_BYTES} bytes", len(written))
        said = msgspec.Raw(written)
        object.__setattr__(self, "_json", said)
        return said

    def _judge(self) -> None:
        if self.head is not None and id(self.head) not in self._sound:
            _check_head(self.head)
        if self.settings is not None and id(self.settings) not in self._sound:
            _check_settings(self.settings)
        for index, block in enumerate(self.body):
            if id(block) not in self._sound:
                check_block(block, f"/body/{index}", self._sound)
                if self.markdown:
                    _check_marked(block, f"/body/{index}")

    def with_body(self, blocks: Sequence[Block]) -> Self:
        """Put other elements in the place of all.

        Raises:
            CardRefused: If Zoom would not take one of them.
        """
        return self._with(self.head, blocks, self.settings, markdown=self.markdown)

    def with_head(self, head: str | Head | None, sub_head: str | None = None) -> Self:
        """Put another head in the place of this one.

        Raises:
            CardRefused: If Zoom would not take it.
        """
        if isinstance(head, str):
            for text in (head, sub_head):
                check_marked_where_read(text, "/head", markdown=self.markdown)
            head = Head(text=head, sub_head=SubHead(text=sub_head) if sub_head else None)
        card = self._with(head, self.body, self.settings, markdown=self.markdown)
        if head is None:
            others = {name: value for name, value in card.raw.items() if name != "head"}
            object.__setattr__(card, "raw", others)
        return card

    def with_settings(self, **settings: Any) -> Self:
        """Change some of the settings: `form`, `form_id`, `default_sidebar_color`, ….

        Raises:
            CardRefused: If Zoom would not take one.
        """
        merged = {**(self.settings or {}), **settings}
        return self._with(self.head, self.body, merged, markdown=self.markdown)

    def with_markdown(self) -> Self:
        """Have Zoom read its markdown in the whole card: an event does not say that it did.

        Raises:
            CardRefused: If the card has what markdown excludes.
        """
        card = self._with(self.head, self.body, self.settings, markdown=True)
        for index, block in enumerate(card.body):
            _check_marked(block, f"/body/{index}")
        return card

    def _with(
        self,
        head: Head | None,
        body: Sequence[Block],
        settings: Raw | None,
        *,
        markdown: bool,
    ) -> Self:
        cls = type(self)
        card = cls.__new__(cls)
        card._fill(head, body, settings, markdown=markdown, raw=self.raw, sound=self._sound)
        card._judge()
        object.__setattr__(card, "_sound", _ids(card.head, card.settings, card.body))
        return card


_EMPTY: Final = Card()


def card_of(answer: str | Card) -> Card:
    """Make a card of an answer: a text becomes a message of one paragraph.

    Raises:
        CardRefused: If the text is empty, or Zoom would not take the card.
    """
    if isinstance(answer, str):
        if not answer.strip():
            raise CardRefused("/body/0/text", "is empty")
        answer = _EMPTY.text(answer)
    answer.check()
    return answer


def _ids(head: Head | None, settings: Raw | None, blocks: Sequence[Block]) -> frozenset[int]:
    parts = (head, settings, *every(blocks))
    return frozenset(id(part) for part in parts if part is not None)


def _check_head(head: Head) -> None:
    if not isinstance(head, Head):  # pyright: ignore[reportUnnecessaryIsInstance]  # from outside
        raise CardRefused("/head", "is not a head")
    check_types(head, "/head")
    head.check("/head")


_SETTINGS: Final[dict[str, type]] = {"form": bool, "form_id": str, "is_split_sidebar": bool}


def _check_settings(settings: Raw) -> None:
    for name, kind in _SETTINGS.items():
        if name in settings and not isinstance(settings[name], kind):
            raise refuse(f"/settings/{name}", f"a {kind.__name__}", settings[name])
    color = settings.get("default_sidebar_color")
    if color is not None:
        check_color(str(color), "/settings/default_sidebar_color")


def _check_marked(block: Block, pointer: str) -> None:
    """Refuse beside a card's own markdown what excludes it."""
    if isinstance(block, Message) and (block.link or block.editable):
        raise CardRefused(pointer, "has a link or an editable text, and the card is in markdown")
    if isinstance(block, Fields) and any(item.editable for item in block.items):
        raise CardRefused(pointer, "has an editable field, and the card is in markdown")
    for place, inner in within(block, pointer):
        _check_marked(inner, place)
