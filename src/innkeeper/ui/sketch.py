"""What does a card's painter hold in hand? The settings, the colours used, the warnings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, cast

from markupsafe import Markup

from innkeeper.ui.colors import color_name
from innkeeper.ui.markdown import Bold, clean, plain, to_html

LONG: Final = 4_000
"""Above how many characters some say that Zoom cuts a text."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a card, as HTML and as plain text."""

    html: Markup
    text: str


@dataclass(slots=True)
class Sketch:
    """One drawing under way: what was asked for, and what was found."""

    message_id: str
    markdown: bool
    interactive: bool
    members: tuple[tuple[str, str], ...]
    channels: tuple[tuple[str, str], ...]
    bold: Bold = "both"
    form: bool = False
    """Whether the card is a form: its inputs are sent together."""
    long_texts: bool = False
    """Whether a text of more than `LONG` characters is warned about."""
    bar: str = ""
    in_section: bool = False
    warnings: list[str] = field(default_factory=list[str])
    colors: dict[str, None] = field(default_factory=dict[str, None])

    @property
    def off(self) -> Markup:
        """What stands in a control that cannot be used."""
        return Markup() if self.interactive else Markup(" disabled")

    def warn(self, pointer: str, why: str) -> None:
        """Note what Zoom would reject or hide, and where it stands."""
        self.warnings.append(clean(f"{pointer or '/'} {why}"))

    def words(self, raw: Mapping[str, object], key: str, pointer: str) -> str:
        """Read a text that must be there."""
        value = raw.get(key)
        if isinstance(value, str) and value:
            if self.long_texts and len(value) > LONG:
                self.warn(f"{pointer}/{key}", f"has more than {LONG} characters")
            return clean(value)
        if value is None or value == "":
            self.warn(f"{pointer}/{key}", "is missing or empty")
            return ""
        self.warn(f"{pointer}/{key}", "is not a text")
        return clean(str(value)[:2000])

    def rich(self, text: str, *, markdown: bool = False) -> Markup:
        """Draw a text, in markdown where the message or the element says so."""
        return to_html(text, bold=self.bold) if markdown or self.markdown else plain(text)

    def style(self, raw: object, pointer: str) -> str:
        """Name the classes of a text's style."""
        style = as_map(raw)
        color = self.color(style.get("color"), f"{pointer}/color")
        names = [f"ink-{color}"] if color else []
        names += [name for name in ("bold", "italic") if style.get(name) is True]
        return " ".join(names)

    def color(self, value: object, pointer: str) -> str | None:
        """Read a colour, note that it is used, and warn if it is none."""
        if value is None:
            return None
        name = color_name(value)
        if name is None:
            self.warn(pointer, "is not a colour like #0E72ED")
        else:
            self.colors[name] = None
        return name


def as_map(value: object) -> Mapping[str, object]:
    """Take a JSON object as it is, and everything else as an empty one."""
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}


def as_list(value: object) -> Sequence[object]:
    """Take a JSON list as it is, and everything else as an empty one."""
    return cast("list[object]", value) if isinstance(value, list) else []
