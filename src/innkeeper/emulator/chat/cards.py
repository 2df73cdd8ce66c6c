"""Would Zoom take this card? And what in it can a person press, choose or edit?

Only what is known to be refused is refused: what a card must have, markdown beside a link or
an editable text, both sources of a dropdown, and too large a card. The rest is kept, with a
warning, for a bot's author wants to see it.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, cast

from innkeeper.emulator.courier.stringify import stringify
from innkeeper.errors import CardRefused
from innkeeper.wire.blocks import Block, Fields, Message, Section, Select, UnknownBlock
from innkeeper.wire.blocks.nesting import within
from innkeeper.wire.messages import Card

LIMIT_BYTES: Final = 100_000
Raw = Mapping[str, Any]


def examine(content: Any, *, markdown: bool = False, unknown: str = "warn") -> list[str]:
    """Refuse a card that Zoom would refuse; list what it might hide or dislike.

    Args:
        markdown: The message's own `is_markdown_support`.
        unknown: What an element that Zoom does not know does: `warn` or `refuse`.

    Raises:
        CardRefused: Naming the place and the rule.
    """
    if len(stringify(content)) >= LIMIT_BYTES:
        raise CardRefused("", f"has {LIMIT_BYTES} bytes or more")
    card = Card.parse(content)
    if card.head is None and not card.body:
        raise CardRefused("", "has neither a head nor a body")
    warnings: list[str] = []
    if card.head is not None:
        warnings += _complaints(card.head.check, "/head")
    for pointer, block in _walk((f"/body/{at}", block) for at, block in enumerate(card.body)):
        _refuse_known(block, pointer, markdown=markdown)
        complaints = _about(block, pointer)
        if complaints and unknown == "refuse" and isinstance(block, UnknownBlock):
            raise CardRefused(pointer, f"Zoom knows no element of the type {block.type[:60]!r}")
        warnings += complaints
    return warnings


def _walk(blocks: Iterable[tuple[str, Block]]) -> Iterator[tuple[str, Block]]:
    for pointer, block in blocks:
        yield pointer, block
        yield from _walk(within(block, pointer))


def _refuse_known(block: Block, pointer: str, *, markdown: bool) -> None:
    if isinstance(block, Message):
        marked = markdown or bool(block.is_markdown_support)
        if marked and (block.link or block.editable):
            raise CardRefused(pointer, "has markdown beside a link or an editable text")
    elif isinstance(block, Fields):
        if markdown and any(item.editable for item in block.items):
            raise CardRefused(pointer, "has markdown beside an editable field")
    elif isinstance(block, Select) and block.select_items is not None and block.static_source:
        raise CardRefused(pointer, "has both select_items and static_source")


def _about(block: Block, pointer: str) -> list[str]:
    if isinstance(block, UnknownBlock):
        return [f"{pointer}: Zoom knows no element of the type {block.type[:60]!r}"]
    if isinstance(block, Section):
        inner = [each for each in block.sections if isinstance(each, Section)]
        return [f"{pointer}: is a section with a section in it"] if inner else []
    return _complaints(block.check, pointer)


def _complaints(check: Any, pointer: str) -> list[str]:
    try:
        check(pointer)
    except CardRefused as error:
        return [f"{error.pointer}: {error.why}"]
    return []


def elements(content: Raw) -> Iterator[tuple[str, Raw]]:
    """List a card's elements with their JSON pointers, those of sections and pages too."""
    yield from _within(content.get("body"), "/body")


def _within(items: Any, pointer: str) -> Iterator[tuple[str, Raw]]:
    for place, raw in _objects(items, pointer):
        yield place, raw
        if raw.get("type") == "section":
            yield from _within(raw.get("sections"), f"{place}/sections")
        elif raw.get("type") == "page":
            for page, each in _objects(raw.get("pages"), f"{place}/pages"):
                yield from _within(each.get("body"), f"{page}/body")


def element(content: Raw, pointer: str) -> Raw | None:
    """Find a card's element by its JSON pointer."""
    return next((raw for place, raw in elements(content) if place == pointer), None)


def buttons(content: Raw) -> Iterator[Raw]:
    """List a card's buttons."""
    for pointer, raw in elements(content):
        if raw.get("type") == "actions":
            for _, item in _objects(raw.get("items"), pointer):
                yield item


def _objects(items: Any, pointer: str) -> Iterator[tuple[str, Raw]]:
    if isinstance(items, list):
        for index, item in enumerate(cast("list[object]", items)):
            if isinstance(item, dict):
                yield f"{pointer}/{index}", cast("Raw", item)
