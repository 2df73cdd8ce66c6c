"""Which elements hold others, and how is each read and written with all that it holds?"""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, cast

import msgspec
from msgspec import field

from innkeeper.errors import CardRefused
from innkeeper.wire import lossless
from innkeeper.wire.blocks.controls import Actions, Select
from innkeeper.wire.blocks.inputs import (
    Checkboxes,
    DatePicker,
    PlainTextInput,
    RadioButtons,
    TimePicker,
)
from innkeeper.wire.blocks.media import Attachments, File, Image, Images, Video
from innkeeper.wire.blocks.part import (
    Block,
    Part,
    UnknownBlock,
    check_color,
    check_one_of,
    check_some,
    check_types,
    check_url,
    convert,
    refuse,
)
from innkeeper.wire.blocks.text import Alert, Divider, Fields, Message, ProgressBar

_NESTING_LIMIT = 8
_LAST_MS: Final = 253_402_300_800_000

Change = Callable[[Block], Sequence[Block]]
"""What stands in an element's place: itself, others, or nothing."""


class Section(Block, tag_field="type", tag="section", frozen=True, kw_only=True):
    """A group of elements with a coloured bar and a footer. `ts` is in ms."""

    sections: tuple[Any, ...]  # of Block; each is read by `parse_block`
    sidebar_color: str | None = None
    footer: str | None = None
    footer_icon: str | None = None
    ts: int | None = None
    layout: str | None = None

    def check(self, pointer: str) -> None:
        """Refuse a bad colour, icon, time or layout, and a section within the section."""
        check_color(self.sidebar_color, f"{pointer}/sidebar_color")
        check_url(self.footer_icon, f"{pointer}/footer_icon")
        check_one_of(self.layout, {"horizontal"}, f"{pointer}/layout")
        if self.ts is not None and not 0 <= self.ts < _LAST_MS:
            raise refuse(f"{pointer}/ts", "a time in ms before the year 10000", self.ts)
        for index, block in enumerate(self.sections):
            if isinstance(block, Section):
                raise CardRefused(f"{pointer}/sections/{index}", "is a section within a section")


class PageItem(Part, frozen=True, kw_only=True):
    """One page of several: its number, and its sections."""

    page_no: int = field(name="pageNo")
    body: tuple[Any, ...] = ()  # of Block; each is read by `parse_block`


class Page(Block, tag_field="type", tag="page", frozen=True, kw_only=True):
    """Pages to turn; `cur_page` is the number of the one that is open."""

    pages: tuple[PageItem, ...]
    cur_page: int | None = None

    def check(self, pointer: str) -> None:
        """Refuse none at all, and an open page that is none of them."""
        check_some(self.pages, f"{pointer}/pages")
        known = sorted(page.page_no for page in self.pages)
        if self.cur_page is not None and self.cur_page not in known:
            limit = f"one of {', '.join(map(str, known))}"
            raise refuse(f"{pointer}/cur_page", limit, self.cur_page)


BLOCKS: Final[Mapping[str, type[Block]]] = {
    "message": Message,
    "fields": Fields,
    "actions": Actions,
    "select": Select,
    "attachments": Attachments,
    "section": Section,
    "datepicker": DatePicker,
    "timepicker": TimePicker,
    "radio_buttons": RadioButtons,
    "checkboxes": Checkboxes,
    "plain_text_input": PlainTextInput,
    "progress_bar": ProgressBar,
    "image": Image,
    "images": Images,
    "file": File,
    "divider": Divider,
    "alert": Alert,
    "video": Video,
    "page": Page,
}
"""The elements with a type of their own, by the name Zoom gives them."""


def within(block: Block, pointer: str = "") -> Iterator[tuple[str, Any]]:
    """List what an element holds itself, with its place; not what that holds in turn."""
    if isinstance(block, Section):
        for index, inner in enumerate(block.sections):
            yield f"{pointer}/sections/{index}", inner
    elif isinstance(block, Page):
        for number, page in enumerate(block.pages):
            for index, inner in enumerate(page.body):
                yield f"{pointer}/pages/{number}/body/{index}", inner


def every(blocks: Iterable[Block]) -> Iterator[Block]:
    """List elements and all that they hold, however deep."""
    for block in blocks:
        yield block
        yield from every(cast("Block", inner) for _, inner in within(block))


def rebuilt(block: Block, change: Change) -> Block:
    """Put something else in the place of each that an element holds itself."""

    def all_of(blocks: tuple[Any, ...]) -> tuple[Any, ...]:
        new = tuple(other for inner in blocks for other in change(inner))
        unchanged = len(new) == len(blocks) and all(map(_same, new, blocks))
        return blocks if unchanged else new

    if isinstance(block, Section):
        inner = all_of(block.sections)
        return block if inner is block.sections else _replace(block, sections=inner)
    if isinstance(block, Page):
        bodies = [all_of(page.body) for page in block.pages]
        if not all(map(_same, bodies, (page.body for page in block.pages))):
            pairs = zip(block.pages, bodies, strict=True)
            pages = tuple(msgspec.structs.replace(page, body=body) for page, body in pairs)
            return _replace(block, pages=pages)
    return block


def _same(one: object, other: object) -> bool:
    return one is other


def _replace(block: Block, **changes: Any) -> Block:
    return msgspec.structs.replace(block, **changes)


def check_block(block: Any, pointer: str, sound: Container[int] = ()) -> None:
    """Refuse an element that Zoom would not take, and what it holds.

    Args:
        sound: The ids, in this process, of elements that need not be judged.

    Raises:
        CardRefused: Naming the place, the limit and the value.
    """
    if not isinstance(block, Block):
        raise CardRefused(pointer, "is not an element")
    if isinstance(block, UnknownBlock):
        raise refuse(f"{pointer}/type", f"one of {', '.join(sorted(BLOCKS))}", block.type)
    if type(block) in BLOCKS.values():
        try:
            hollow = _without_inner(block)
        except (TypeError, AttributeError):
            raise CardRefused(pointer, "does not hold elements") from None
        check_types(hollow, pointer)
        block.check(pointer)
    for place, inner in within(block, pointer):
        if id(inner) not in sound:
            check_block(inner, place, sound)


def parse_block(raw: Any, pointer: str = "", *, lenient: bool = False) -> Block:
    """Read one element of a body; an unknown type is kept as `UnknownBlock`.

    Args:
        lenient: Keep a known type of an unknown shape so too.

    Raises:
        CardRefused: If a known element lacks what it must have.
    """
    if not isinstance(raw, dict):
        raise CardRefused(pointer, "is not an object")
    if pointer.count("/sections/") + pointer.count("/pages/") > _NESTING_LIMIT:
        raise CardRefused(pointer, "is nested too deep")
    kept = cast("dict[str, Any]", raw)
    name = kept.get("type")
    if not isinstance(name, str):
        raise CardRefused(f"{pointer}/type", "is missing")
    known = BLOCKS.get(name)
    if known is None:
        return UnknownBlock(type=name, raw=kept)
    try:
        block = convert({key: kept[key] for key in kept if key != "raw"}, known, pointer)
        places = iter([place for place, _ in within(block, pointer)])
        read = rebuilt(block, lambda inner: (parse_block(inner, next(places), lenient=lenient),))
    except CardRefused:
        if not lenient:
            raise
        return UnknownBlock(type=name, raw=kept)
    return _replace(read, raw=kept)


def block_json(block: Block) -> dict[str, Any]:
    """Write one element, laid over the JSON it was read from."""
    element = cast("dict[str, Any]", lossless.written(_without_inner(block), block.raw))
    # Each element within knows its own JSON best.
    if isinstance(block, Section):
        element["sections"] = [block_json(cast("Block", inner)) for inner in block.sections]
    elif isinstance(block, Page):
        for page, said in zip(block.pages, element["pages"], strict=True):
            if page.body or "body" in said:
                said["body"] = [block_json(cast("Block", inner)) for inner in page.body]
    return element


def _without_inner(block: Block) -> Block:
    return rebuilt(block, lambda _: ()) if isinstance(block, Section | Page) else block
