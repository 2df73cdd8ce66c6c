"""What in a card leads to a file? Attachments, files, images and videos.

Sources: the pages about each below https://developers.zoom.us/docs/chat/customizing-messages/,
and the types of zoom/rivet-javascript for files, carousels and videos.
"""

from innkeeper.wire.blocks.part import Block, Part, check_some, check_url, check_words, refuse
from innkeeper.wire.blocks.text import Description, SubHead


class Information(Part, frozen=True, kw_only=True):
    """The title and the description of an attachment."""

    title: SubHead
    description: SubHead

    def check(self, pointer: str) -> None:
        """Refuse ill-formed styles."""
        self.title.check(f"{pointer}/title")
        self.description.check(f"{pointer}/description")


class Attachments(Block, tag_field="type", tag="attachments", frozen=True, kw_only=True):
    """A file shown by a picture; a click opens `resource_url`. `size` is in bytes."""

    resource_url: str
    img_url: str
    information: Information
    ext: str | None = None
    size: int | None = None

    def check(self, pointer: str) -> None:
        """Refuse addresses that are none, and a size below 0."""
        check_url(self.resource_url, f"{pointer}/resource_url")
        check_url(self.img_url, f"{pointer}/img_url")
        self.information.check(f"{pointer}/information")
        if self.size is not None and self.size < 0:
            raise refuse(f"{pointer}/size", "0 or more", self.size)


class FileTitle(Part, frozen=True, kw_only=True):
    """A file's name, and where it is."""

    text: str
    file_url: str | None = None


class File(Block, tag_field="type", tag="file", frozen=True, kw_only=True):
    """A file with an icon."""

    icon_url: str | None = None
    title: FileTitle | None = None
    description: Description | None = None

    def check(self, pointer: str) -> None:
        """Refuse a file without a name, and addresses that are none."""
        check_url(self.icon_url, f"{pointer}/icon_url")
        title = self.title or FileTitle(text="")
        check_words(title.text, f"{pointer}/title/text")
        check_url(title.file_url, f"{pointer}/title/file_url")


class Picture(Part, frozen=True, kw_only=True):
    """One image, and what it shows, for whoever does not see it."""

    image_url: str
    alt_text: str | None = None
    image_index: int | None = None


class Image(Block, tag_field="type", tag="image", frozen=True, kw_only=True):
    """Images; Zoom's page shows them within a section."""

    images: tuple[Picture, ...]

    def check(self, pointer: str) -> None:
        """Refuse none at all, and addresses that are none."""
        _check_pictures(self.images, pointer)


class Images(Block, tag_field="type", tag="images", frozen=True, kw_only=True):
    """Images to leaf through; `cur_index` is the one shown."""

    images: tuple[Picture, ...]
    cur_index: int | None = None

    def check(self, pointer: str) -> None:
        """Refuse none at all, addresses that are none, and an index beyond the last."""
        _check_pictures(self.images, pointer)
        if self.cur_index is not None and not 0 <= self.cur_index < len(self.images):
            limit = f"from 0 to {len(self.images) - 1}"
            raise refuse(f"{pointer}/cur_index", limit, self.cur_index)


class VideoTitle(Part, frozen=True, kw_only=True):
    """A video's title."""

    text: str
    is_markdown_support: bool | None = None


class Video(Block, tag_field="type", tag="video", frozen=True, kw_only=True):
    """A video, and where it comes from."""

    title: VideoTitle | None = None
    action_id: str | None = None
    title_url: str | None = None
    video_url: str | None = None
    thumbnail_url: str | None = None
    author_name: str | None = None
    provider_name: str | None = None
    provider_icon_url: str | None = None

    def check(self, pointer: str) -> None:
        """Refuse a video without an address, and addresses that are none."""
        check_words(self.video_url or "", f"{pointer}/video_url")
        check_url(self.title_url, f"{pointer}/title_url")
        check_url(self.video_url, f"{pointer}/video_url")
        check_url(self.thumbnail_url, f"{pointer}/thumbnail_url")
        check_url(self.provider_icon_url, f"{pointer}/provider_icon_url")


def _check_pictures(pictures: tuple[Picture, ...], pointer: str) -> None:
    check_some(pictures, f"{pointer}/images")
    for index, picture in enumerate(pictures):
        check_url(picture.image_url, f"{pointer}/images/{index}/image_url")
