"""How is a text written in Zoom's markdown, so that what a person typed stays what it is?

Zoom's page names no way to escape. So each mark in a text that is not ours is written as a
character that looks like it and marks nothing, whoever reads it.

Source: https://developers.zoom.us/docs/chat/customizing-messages/markdown/
"""

import re
from typing import Final

from innkeeper.ids import Jid

_LOOK_ALIKES: Final = str.maketrans(
    {
        "*": "\N{ASTERISK OPERATOR}",
        "_": "\N{MODIFIER LETTER LOW MACRON}",
        "~": "\N{TILDE OPERATOR}",
        "`": "\N{MODIFIER LETTER GRAVE ACCENT}",
        "<": "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}",
        ">": "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}",
        "|": "\N{BROKEN BAR}",
    }
)
_URL: Final = re.compile(r"https?://[^\s<>|\"\\^`{}]+", re.IGNORECASE)
_LINES: Final = re.compile(r"\s*[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+\s*")


class Markdown(str):
    """A text that is in Zoom's markdown already: the helpers take it as it is."""

    __slots__ = ()


def escape(text: str) -> Markdown:
    """Write a text so that nothing in it can become markup.

    A bare web address still becomes a link at Zoom: it shows where it leads.

    Example:
        >>> "*" in escape("*not bold*")
        False
    """
    return text if isinstance(text, Markdown) else Markdown(text.translate(_LOOK_ALIKES))


def bold(text: str) -> Markdown:
    """Write a text in bold: with one star, as Zoom's example does.

    Example:
        >>> bold("Due today")
        '*Due today*'
    """
    return _marked(text, "*")


def italic(text: str) -> Markdown:
    """Write a text in italics."""
    return _marked(text, "_")


def strike(text: str) -> Markdown:
    """Write a text struck through."""
    return _marked(text, "~")


def code(text: str) -> Markdown:
    """Write a text in a fixed width."""
    return _marked(text, "`")


def link(url: str, words: str = "") -> Markdown:
    """Write words that lead to an http or https address.

    Raises:
        ValueError: If it is no such address.

    Example:
        >>> link("https://example.com/log", "the log")
        '<https://example.com/log|the log>'
    """
    if _URL.fullmatch(url) is None:
        message = "a link needs an http or https address"
        raise ValueError(message)
    shown = _one_line(words)
    return Markdown(f"<{url}|{shown}>" if shown else f"<{url}>")


def mention(jid: Jid, name: str = "") -> Markdown:
    """Call a person by JID; `name` is what is shown.

    Zoom's page does not give the form readably: this one is assumed.

    Raises:
        ValueError: If it is no JID.
    """
    if re.fullmatch(r"[A-Za-z0-9._-]{1,128}@[a-z.]*xmpp(?:dev)?\.zoom\.us", jid) is None:
        message = "a mention needs a user's JID, such as abc@xmpp.zoom.us"
        raise ValueError(message)
    shown = _one_line(name)
    return Markdown(f"<@{jid}|{shown}>" if shown else f"<@{jid}>")


def mention_all() -> Markdown:
    """Call everybody in the channel. The form is assumed, as that of `mention`."""
    return Markdown("<!all>")


def _marked(text: str, mark: str) -> Markdown:
    """Put marks around each line: at Zoom none reaches over the end of a line."""
    if isinstance(text, Markdown):
        return Markdown(f"{mark}{text}{mark}")
    lines = [line.strip() for line in _LINES.split(text)]
    return Markdown("\n".join(f"{mark}{escape(line)}{mark}" for line in lines if line))


def _one_line(text: str) -> str:
    return _LINES.sub(" ", escape(text)).strip()
