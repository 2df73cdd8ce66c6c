"""How does a page show a colour that a bot chose, when no style may stand in the page?

The Content-Security-Policy takes styles from this origin's files alone. So each colour is a
tiny file, `/static/colors/0e72ed.css`, linked where a card uses it: six hexadecimal digits
are all that a bot decides. It is exact on light paper; on dark, a text too dim to read is
lifted towards white, and the coloured bars stay exact.
"""

import re
from typing import Final

_COLOR: Final = re.compile(r"#([0-9A-Fa-f]{6})")
_FILE: Final = re.compile(r"colors/([0-9a-f]{6})\.css")
_DARK_PAPER: Final = "1f232b"
_READABLE: Final = 4.5


def color_name(value: object) -> str | None:
    """Name a colour written as `#RRGGBB` by its six lower-case digits; None for all else."""
    found = _COLOR.fullmatch(value) if isinstance(value, str) else None
    return found[1].lower() if found else None


def color_sheet(file: str) -> bytes | None:
    """Write the style sheet of one colour, by its file name; None if it names none.

    Example:
        >>> color_sheet("colors/0e72ed.css").split()[0]
        b'.ink-0e72ed{color:#0e72ed}'
    """
    found = _FILE.fullmatch(file)
    if found is None:
        return None
    name = found[1]
    dark = f"@media(prefers-color-scheme:dark){{.ink-{name}{{color:#{_lifted(name)}}}}}"
    light = f".ink-{name}{{color:#{name}}} .bar-{name}{{background-color:#{name}}}"
    return f"{light} {dark}\n".encode()


def _lifted(name: str) -> str:
    """Mix a colour with white until it can be read on dark paper."""
    channels = [float(int(name[place : place + 2], 16)) for place in (0, 2, 4)]
    lifted = name
    while _contrast(lifted, _DARK_PAPER) < _READABLE:
        channels = [value + (255 - value) / 20 for value in channels]
        lifted = "".join(f"{round(value):02x}" for value in channels)
    return lifted


def _contrast(one: str, other: str) -> float:
    """Tell the contrast of two colours, from 1 to 21 (WCAG 2.2)."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(name: str) -> float:
    values = (int(name[place : place + 2], 16) / 255 for place in (0, 2, 4))
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in values
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
