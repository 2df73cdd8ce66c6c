"""How does Zoom's own markdown read? Bold, italic, strike, mono and links; nothing else.

Its page at Zoom shows `*bold*` in its example and `**bold**` in its table, so both are read.
Source: https://developers.zoom.us/docs/chat/customizing-messages/markdown/
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from markupsafe import Markup, escape

Bold = Literal["both", "one", "two"]

# Possessive quantifiers, and no part that can start inside itself: each character is
# looked at a bounded number of times, whatever a bot sends.
_TOKEN: Final = re.compile(
    r"(?P<code>`[^`\n]++`)"
    r"|<(?P<link>https?://[^\s<>|]++)(?:\|(?P<words>[^<>|\n]++))?>"
    r"|<(?P<mention>![a-z]{2,20}|@?[A-Za-z0-9._-]{1,128}@[a-z.]*xmpp(?:dev)?\.zoom\.us)"
    r"(?:\|(?P<who>[^<>|\n]++))?>"
    r"|(?P<url>https?://[^\s<>|`]++)"
    r"|(?P<mark>\*\*|[*_~])"
    r"|(?P<line>\n)",
    re.IGNORECASE,
)
_PLAIN: Final = re.compile(r"(?P<url>https?://[^\s<>]++)|(?P<line>\n)", re.IGNORECASE)
_UNFIT: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_TURNING: Final = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
_TAGS: Final = {"*": "strong", "**": "strong", "_": "em", "~": "s"}
_UNREAD: Final[Mapping[Bold, str]] = {"one": "**", "two": "*"}
_SCHEME: Final = re.compile(r"https?://", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Opened:
    """A mark that may open something: where it stands in the pieces, and where it ends."""

    mark: str
    place: int
    end: int


def clean(text: str) -> str:
    """Replace what no page or terminal should be given: control characters, half surrogates."""
    return _UNFIT.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n"))


def steady(text: str) -> str:
    """Replace what would turn round the text after it, for a terminal: a page isolates it."""
    return _TURNING.sub("\N{REPLACEMENT CHARACTER}", text)


def to_html(text: str, *, bold: Bold = "both") -> Markup:
    """Draw a text in Zoom's markdown; all that is no markdown stays as it was typed.

    Args:
        bold: How bold is written: with one star, with two, or either.

    Example:
        >>> to_html("*Due* & _late_")
        Markup('<strong>Due</strong> &amp; <em>late</em>')
    """
    text = clean(text)
    out: list[Markup] = []
    opened: list[_Opened] = []
    at = 0
    while token := _TOKEN.search(text, at):
        out.append(escape(text[at : token.start()]))
        at = token.end()
        if token["mark"] and token["mark"] == _UNREAD.get(bold):
            out.append(escape(token["mark"]))
        elif token["mark"]:
            _mark(out, opened, token)
        elif token["line"]:
            opened.clear()
            out.append(Markup("<br>"))
        elif token["code"]:
            out.append(Markup("<code>{}</code>").format(token["code"][1:-1]))
        elif token["mention"]:
            out.append(_mention(token["mention"], token["who"]))
        elif token["link"]:
            out.append(anchor(token["link"], token["words"] or token["link"]))
        else:
            at = _bare(out, token)
    out.append(escape(text[at:]))
    return Markup("").join(out)


def _mention(who: str, words: str | None) -> Markup:
    """Draw a mention: of everybody (`<!all>`), or of a person by JID."""
    named = words or who.removeprefix("!").removeprefix("@").partition("@")[0]
    return Markup('<span class="mention">@{}</span>').format(named)


def plain(text: str) -> Markup:
    """Draw a text that is no markdown: line breaks and bare web addresses only."""
    text = clean(text)
    out: list[Markup] = []
    at = 0
    while token := _PLAIN.search(text, at):
        out.append(escape(text[at : token.start()]))
        at = token.end()
        if token["line"]:
            out.append(Markup("<br>"))
        else:
            at = _bare(out, token)
    out.append(escape(text[at:]))
    return Markup("").join(out)


def anchor(url: str, words: str | Markup) -> Markup:
    """Link some words to a web address; without a link if it is none."""
    if web_address(url) is None:
        return escape(words)
    return Markup('<a href="{}" rel="noopener noreferrer" target="_blank">{}</a>').format(
        url, words
    )


def web_address(url: object) -> str | None:
    """Give back an http or https address, and None for everything else."""
    if isinstance(url, str) and re.fullmatch(r"https?://[^\s<>\"\\]+", url, re.IGNORECASE):
        return None if _UNFIT.search(url) else url
    return None


def _bare(out: list[Markup], token: re.Match[str]) -> int:
    """Link a bare address, without the punctuation after it; tell where the text goes on."""
    url = token["url"].rstrip(".,;:!?*_~'\"")
    if "(" not in url:
        url = url.rstrip(").,;:!?*_~'\"")
    if not _SCHEME.sub("", url, count=1):
        url = token["url"][: token["url"].index("/") + 2]
        out.append(escape(url))
    else:
        out.append(anchor(url, url))
    return token.start() + len(url)


def _mark(out: list[Markup], opened: list[_Opened], token: re.Match[str]) -> None:
    """Close what this mark closes, or remember where it may have opened.

    A mark is open once at most, so the list stays short however many there are.
    """
    mark, text = token["mark"], token.string
    before = text[token.start() - 1] if token.start() else " "
    after = text[token.end()] if token.end() < len(text) else " "
    mate = next((one for one in opened if one.mark == mark), None)
    if mate and mate.end < token.start() and not before.isspace() and not after.isalnum():
        del opened[opened.index(mate) :]
        out[mate.place] = Markup(f"<{_TAGS[mark]}>")  # noqa: S704  # a tag of our own
        out.append(Markup(f"</{_TAGS[mark]}>"))  # noqa: S704  # the same
        return
    if not after.isspace() and not before.isalnum():
        if mate:
            opened.remove(mate)
        opened.append(_Opened(mark, len(out), token.end()))
    out.append(escape(mark))
