"""How does a view become a page? One template per view, and the static files they use.

Pages keep to `PAGE_HEADERS` of `net/inbound.py`: no script and no style in them, no
`style=`, nothing from elsewhere. They work without JavaScript: the emulator's pages load
modules that make chat and traffic live and times the reader's own; an app's pages load none.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from markupsafe import Markup, escape

from innkeeper.ui import views
from innkeeper.ui.colors import color_sheet
from innkeeper.ui.markdown import clean, web_address
from innkeeper.ui.texts import Texts

if TYPE_CHECKING:
    from jinja2 import Environment

View = views.View

TEMPLATES: Final[Mapping[type, str]] = {
    views.CancelledView: "cancelled.html",
    views.IndexView: "index.html",
    views.LaunchAppView: "launch_app.html",
    views.ProblemView: "problem.html",
    views.ReceiptView: "receipt.html",
    views.WorkingView: "working.html",
    views.AppPageView: "app.html",
    views.AppsView: "apps.html",
    views.ChatView: "chat.html",
    views.ConsentView: "consent.html",
    views.ClockView: "clock.html",
    views.DeliveryView: "delivery.html",
    views.DeviceView: "device.html",
    views.HomeView: "home.html",
    views.LaunchStepView: "launch.html",
    views.LocalTestView: "local_test.html",
    views.MessageView: "message.html",
    views.NotEmulatedView: "not_emulated.html",
    views.OAuthErrorView: "oauth_error.html",
    views.RulesView: "rules.html",
    views.SignInView: "signin.html",
    views.TrafficView: "traffic.html",
}

_STATIC: Final = Path(__file__).parent / "static"
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_TINTS: Final = 6
_ENGLISH: Final = Texts()


def render(view: View, *, frame: views.Frame | None = None, texts: Texts | None = None) -> str:
    """Draw a page, or for a `MessageView` its fragment, by the template of the view's type.

    An app's own pages speak the language of `texts`; the emulator's are in English.

    The text can always be encoded: half a surrogate pair, which JSON lets a bot send,
    becomes a question mark.
    """
    template = _environment().get_template(TEMPLATES[type(view)])
    frame = frame or views.Frame()
    html = template.render(
        view=view,
        frame=frame,
        at=frame.prefix,
        t=texts or _ENGLISH,
        static=partial(_address, frame.prefix),
    )
    return html.encode("utf-8", "replace").decode()


def static_file(name: str) -> tuple[bytes, str] | None:
    """Find a static file by its name below /static/: its bytes and content type.

    With a `v` in its query the file may be cached for ever, for `v` is a hash of it; and
    so may the colours.
    """
    sheet = color_sheet(name)
    if sheet is not None:
        return sheet, _TYPES[".css"]
    return _files().get(name)


def static_url(name: str) -> str:
    """Give the address of a static file, with a hash so that a new version is fetched."""
    digest = hashlib.sha256(_files()[name][0]).hexdigest()
    return f"/static/{name}?v={digest[:10]}"


def _address(prefix: str, name: str) -> str:
    return prefix + static_url(name)


@cache
def _files() -> Mapping[str, tuple[bytes, str]]:
    """Read them all, once: a name that was not found here opens no path."""
    return {
        path.name: (path.read_bytes(), _TYPES[path.suffix])
        for path in sorted(_STATIC.iterdir())
        if path.suffix in _TYPES
    }


@cache
def _environment() -> "Environment":
    from jinja2 import (  # noqa: PLC0415  # who draws no page waits for no compiler
        Environment,
        PackageLoader,
        StrictUndefined,
    )

    environment = Environment(
        loader=PackageLoader("innkeeper.ui"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters |= {
        "ahead": ahead,
        "breakable": _breakable,
        "clean": clean,
        "coded": coded,
        "day": day,
        "href": _href,
        "initials": initials,
        "moment": _moment,
        "tint": _tint,
        "urlencode": _quoted,
    }
    return environment


def initials(name: str) -> str:
    """Make two letters of a name at most, or a dot of an empty one.

    Example:
        >>> initials("Ana María Ito")
        'AI'
    """
    words = [word for word in clean(name).split() if word[0].isalnum()]
    letters = [word[0] for word in words[:1] + words[1:][-1:]]
    return "".join(letters).upper() or "·"


def ahead(seconds: float) -> str:
    """Say how far a clock is ahead, in its two largest units.

    Example:
        >>> ahead(93_780)
        '1 d 2 h'
    """
    left, said = int(seconds), list[str]()
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        count, left = divmod(left, size)
        if count:
            said.append(f"{count} {unit}")
    return " ".join(said[:2]) or "0 s"


def coded(text: str) -> Markup:
    """Draw what stands between backticks as code; everything is escaped.

    Example:
        >>> coded("Whether `code` is < sent.")
        Markup('Whether <code>code</code> is &lt; sent.')
    """
    parts = text.split("`")
    if len(parts) % 2 == 0:  # one stands alone, so none of them is a pair's
        return escape(text)
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if at % 2 else escape(part)
        for at, part in enumerate(parts)
    )


def _breakable(path: str) -> Markup:
    """Let an address break after a slash, rather than within a word."""
    return Markup("/<wbr>").join(path.split("/"))


def day(when: datetime) -> str:
    """Name a day, in UTC until the page's script knows the reader's own midnight.

    Example:
        >>> day(datetime(2026, 3, 4, 12, tzinfo=UTC))
        'Wednesday 4 March 2026'
    """
    utc = when.astimezone(UTC)
    return f"{utc:%A} {utc.day} {utc:%B %Y}"


def _moment(when: datetime, shape: str = "time") -> Markup:
    """Draw a time, in UTC until the page's script shows it in the reader's own zone."""
    utc = when.astimezone(UTC)
    words = utc.strftime("%H:%M" if shape == "time" else "%Y-%m-%d %H:%M:%S UTC")
    mark = Markup(" data-full") if shape != "time" else ""
    return Markup('<time datetime="{}"{}>{}</time>').format(
        utc.isoformat(timespec="milliseconds"), mark, words
    )


def _href(address: str) -> str:
    """Let an address into `href` only if it stays with us or is on the web."""
    ours = address.startswith("/") and not address.startswith(("//", "/\\"))
    return address if ours or web_address(address) else "#"


def _quoted(text: str) -> str:
    """Quote a part of an address; Jinja's own filter stumbles over half a surrogate pair."""
    return quote(text, safe="", errors="replace")


def _tint(name: str) -> str:
    """Choose one of the avatars' colours by a name, always the same."""
    return f"tint-{sum(name.encode('utf-8', 'replace')) % _TINTS}"
