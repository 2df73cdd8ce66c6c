"""How is a card put together? Each step adds an element and gives a new card."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any, Self

import msgspec

from innkeeper.errors import CardRefused
from innkeeper.wire.blocks import (
    Actions,
    Alert,
    AlertLevel,
    Attachments,
    Block,
    Button,
    ButtonStyle,
    Checkbox,
    Checkboxes,
    DatePicker,
    Description,
    Dialog,
    DialogTitle,
    Divider,
    DividerStyle,
    Field,
    Fields,
    File,
    FileTitle,
    Image,
    Images,
    Information,
    Message,
    Option,
    Overflow,
    Page,
    PageItem,
    Picture,
    PlainTextInput,
    ProgressBar,
    RadioButtons,
    Section,
    Select,
    Style,
    SubHead,
    TimePicker,
    Video,
    VideoTitle,
)
from innkeeper.wire.blocks.inputs import TOGGLE, date_text, time_text
from innkeeper.wire.markdown import Markdown

Words = Mapping[str, str]
"""The values sent, and for each the words shown."""


class Building:
    """The steps by which a card grows."""

    __slots__ = ()

    if TYPE_CHECKING:
        body: tuple[Block, ...]
        markdown: bool

        def with_body(self, blocks: Sequence[Block]) -> Self:
            """Put other elements in the place of all."""
            ...

    def add(self, *blocks: Block) -> Self:
        """Add elements at the end of the body."""
        return self.with_body((*self.body, *blocks))

    # what is read

    def text(
        self,
        text: str,
        *,
        link: str | None = None,
        bold: bool | None = None,
        italic: bool | None = None,
        color: str | None = None,
        editable: bool | None = None,
        markdown: bool | None = None,
    ) -> Self:
        """Add a paragraph; in markdown if it is `Markdown`, or if `markdown` says so."""
        styled = color is not None or bold or italic
        style = Style(color=color, bold=bold, italic=italic) if styled else None
        marked = isinstance(text, Markdown) if markdown is None else markdown
        return self.add(
            Message(
                text=text,
                link=link,
                style=style,
                editable=editable,
                is_markdown_support=marked or None,
            )
        )

    def field(
        self, key: str, value: str, *, short: bool | None = None, editable: bool | None = None
    ) -> Self:
        """Add a key and its value, to the fields just before if there are any."""
        check_marked_where_read(value, f"/body/{len(self.body)}/value", markdown=self.markdown)
        item = Field(key=key, value=value or " ", short=short, editable=editable)
        last = self.body[-1] if self.body else None
        if isinstance(last, Fields):
            return self._grown(msgspec.structs.replace(last, items=(*last.items, item)))
        return self.add(Fields(items=(item,)))

    def alert(
        self, text: str, level: AlertLevel | None = None, *, closeable: bool | None = None
    ) -> Self:
        """Add a sentence in a box. Of the levels, Zoom's page shows `ERROR` alone."""
        return self.add(Alert(text=text, level=level, closeable=closeable))

    def progress(self, value: float) -> Self:
        """Add a bar that says how far something is, from 0 to 100."""
        return self.add(ProgressBar(value=value))

    def divider(
        self, *, bold: bool | None = None, dotted: bool | None = None, color: str | None = None
    ) -> Self:
        """Add a line."""
        styled = color is not None or bold is not None or dotted is not None
        style = DividerStyle(bold=bold, dotted=dotted, color=color) if styled else None
        return self.add(Divider(style=style))

    # what is pressed or chosen from

    def button(
        self,
        text: str,
        value: str,
        *,
        style: ButtonStyle | None = None,
        submit: bool | None = None,
    ) -> Self:
        """Add a button, to the row just before if there is one."""
        return self._button(Button(text=text, value=value, style=style, submit=submit))

    def dialog(
        self,
        text: str,
        link: str,
        *,
        title: str | None = None,
        size: str = "M",
        value: str = "",
        style: ButtonStyle | None = None,
    ) -> Self:
        """Add a button that opens a web view; its domain must be on the app's allow list."""
        words = DialogTitle(text=title) if title is not None else None
        dialog = Dialog(link=link, size=size, title=words)
        return self._button(
            Button(text=text, value=value or text, style=style, action="dialog", dialog=dialog)
        )

    def feedback(
        self,
        up: str = "thumbs_up",
        down: str = "thumbs_down",
        *,
        words: tuple[str, str] = ("Good", "Bad"),
    ) -> Self:
        """Add a thumb up and a thumb down; `with_feedback` shows which was pressed."""
        return self._button(Button(text=words[0], value=up, style="Thumbsup"))._button(
            Button(text=words[1], value=down, style="Thumbsdown")
        )

    def overflow(self, limit: int, text: str = "More") -> Self:
        """Put the buttons beyond `limit` of the row just before into a menu.

        Raises:
            CardRefused: If the last element is no row of buttons.
        """
        last = self.body[-1] if self.body else None
        if not isinstance(last, Actions):
            raise CardRefused(f"/body/{len(self.body)}", "has no row of buttons before it")
        return self._grown(msgspec.structs.replace(last, limit=limit, overflow=Overflow(text=text)))

    def select(self, text: str, options: Words, *, selected: str | None = None) -> Self:
        """Add a dropdown; `options` maps the values sent to the words shown."""
        items = tuple(Option(value=value, text=shown) for value, shown in options.items())
        return self.add(
            Select(text=text, select_items=items, selected_item=_chosen(options, selected))
        )

    def select_member(self, text: str) -> Self:
        """Add a dropdown of the members: a JID is sent."""
        return self.add(Select(text=text, static_source="members"))

    def select_channel(self, text: str) -> Self:
        """Add a dropdown of the channels: a JID is sent."""
        return self.add(Select(text=text, static_source="channels"))

    # what is filled in

    def text_input(
        self,
        action_id: str,
        text: str,
        *,
        value: str | None = None,
        placeholder: str | None = None,
        multiline: bool | None = None,
        min_length: int | None = None,
        max_length: int | None = None,
    ) -> Self:
        """Add a text to write, below the label `text`; only a form sends it."""
        return self.add(
            PlainTextInput(
                action_id=action_id,
                text=text,
                value=value,
                placeholder=placeholder,
                multiline=multiline,
                min_length=min_length,
                max_length=max_length,
            )
        )

    def date_picker(self, action_id: str, initial: date | None = None) -> Self:
        """Add a day to choose."""
        return self.add(
            DatePicker(action_id=action_id, initial_date=date_text(initial) if initial else None)
        )

    def time_picker(self, action_id: str, initial: time | None = None) -> Self:
        """Add a time of day to choose."""
        given = time_text(initial) if initial is not None else None
        return self.add(TimePicker(action_id=action_id, initial_time=given))

    def radio(self, action_id: str, options: Words, *, chosen: str | None = None) -> Self:
        """Add options of which one is chosen."""
        items = tuple(Option(value=value, text=shown) for value, shown in options.items())
        first = _chosen(options, chosen)
        return self.add(RadioButtons(action_id=action_id, options=items, initial_option=first))

    def checkboxes(self, action_id: str, options: Words, *, chosen: Sequence[str] = ()) -> Self:
        """Add boxes to tick."""
        return self.add(Checkboxes(action_id=action_id, options=_boxes(options, chosen)))

    def switches(self, action_id: str, options: Words, *, on: Sequence[str] = ()) -> Self:
        """Add switches."""
        boxes = _boxes(options, on)
        return self.add(Checkboxes(action_id=action_id, options=boxes, style=TOGGLE))

    # what leads to a file

    def attachment(
        self,
        title: str,
        description: str,
        *,
        resource_url: str,
        img_url: str,
        ext: str | None = None,
        size: int | None = None,
    ) -> Self:
        """Add a file shown by a picture."""
        information = Information(title=SubHead(text=title), description=SubHead(text=description))
        return self.add(
            Attachments(
                resource_url=resource_url,
                img_url=img_url,
                information=information,
                ext=ext,
                size=size,
            )
        )

    def file(
        self,
        name: str,
        file_url: str,
        *,
        description: str | None = None,
        icon_url: str | None = None,
    ) -> Self:
        """Add a file with an icon."""
        about = Description(text=description) if description is not None else None
        title = FileTitle(text=name, file_url=file_url)
        return self.add(File(title=title, description=about, icon_url=icon_url))

    def image(self, image_url: str, alt_text: str) -> Self:
        """Add an image, to those just before if there are any."""
        last = self.body[-1] if self.body else None
        held = last.images if isinstance(last, Image) else ()
        picture = Picture(image_url=image_url, alt_text=alt_text, image_index=len(held))
        if isinstance(last, Image):
            return self._grown(msgspec.structs.replace(last, images=(*held, picture)))
        return self.add(Image(images=(picture,)))

    def carousel(self, images: Words, *, current: int = 0) -> Self:
        """Add images to leaf through; `images` maps addresses to what each shows."""
        pictures = tuple(
            Picture(image_url=url, alt_text=words, image_index=index)
            for index, (url, words) in enumerate(images.items())
        )
        return self.add(Images(images=pictures, cur_index=current))

    def video(
        self,
        title: str,
        video_url: str,
        *,
        title_url: str | None = None,
        thumbnail_url: str | None = None,
        author_name: str | None = None,
        provider_name: str | None = None,
    ) -> Self:
        """Add a video."""
        return self.add(
            Video(
                title=VideoTitle(text=title),
                video_url=video_url,
                title_url=title_url,
                thumbnail_url=thumbnail_url,
                author_name=author_name,
                provider_name=provider_name,
            )
        )

    # what holds others

    def section(
        self,
        *blocks: "Block | Building",
        color: str | None = None,
        footer: str | None = None,
        footer_icon: str | None = None,
        at: datetime | None = None,
        horizontal: bool = False,
    ) -> Self:
        """Add a group of elements with a coloured bar; of a card, the elements of its body.

        Args:
            at: The time that its footer shows; with its zone.
        """
        return self.add(
            Section(
                sections=_flat(blocks),
                sidebar_color=color,
                footer=footer,
                footer_icon=footer_icon,
                ts=round(at.timestamp() * 1000) if at is not None else None,
                layout="horizontal" if horizontal else None,
            )
        )

    def pages(self, *pages: "Building | Sequence[Block]", current: int = 1) -> Self:
        """Add pages to turn, numbered from 1; Zoom's page asks for sections in each."""
        items = tuple(
            PageItem(page_no=number, body=_flat([page] if isinstance(page, Building) else page))
            for number, page in enumerate(pages, 1)
        )
        return self.add(Page(pages=items, cur_page=current))

    def _button(self, button: Button) -> Self:
        last = self.body[-1] if self.body else None
        if isinstance(last, Actions):
            return self._grown(msgspec.structs.replace(last, items=(*last.items, button)))
        return self.add(Actions(items=(button,)))

    def _grown(self, last: Block) -> Self:
        return self.with_body((*self.body[:-1], last))


def check_marked_where_read(text: str | None, pointer: str, *, markdown: bool) -> None:
    """Refuse a text in markdown where Zoom would show its marks: in a card that is not.

    Raises:
        CardRefused: Naming the place.
    """
    if isinstance(text, Markdown) and not markdown:
        raise CardRefused(pointer, "is in markdown, and the card is not: say markdown=True")


def _flat(blocks: "Sequence[Block | Building]") -> tuple[Any, ...]:
    flat: list[Any] = []
    for block in blocks:
        flat += block.body if isinstance(block, Building) else (block,)
    return tuple(flat)


def _chosen(options: Words, value: str | None) -> Option | None:
    return None if value is None else Option(value=value, text=options.get(value))


def _boxes(options: Words, chosen: Sequence[str]) -> tuple[Checkbox, ...]:
    unknown = [value for value in chosen if value not in options]
    if unknown:
        raise CardRefused("/options", "has no such option to choose", unknown[0])
    return tuple(
        Checkbox(value=value, text=words, initial_selected=True if value in chosen else None)
        for value, words in options.items()
    )
