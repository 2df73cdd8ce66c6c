"""What does a person's browser do? Follows links and redirects, keeps cookies, fills forms.

It has no script engine: every page of ours works without one. It serves the harness
in process and the demo over sockets.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlencode, urljoin, urlsplit

from innkeeper.errors import InnkeeperError
from innkeeper.net.outbound import Request, Response, Transport

_MOST_REDIRECTS = 20
_PAGE_LIMIT_BYTES = 4_194_304
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class PageSurprise(InnkeeperError):
    """A page lacks what a person would have looked for."""

    code = "page_surprise"
    fix = "Look at the page's text: it says what happened."


@dataclass(frozen=True, slots=True)
class Button:
    """A button that submits its form."""

    text: str
    name: str = ""
    value: str = ""


@dataclass(slots=True)
class Form:
    """A form as it stands in the page, filled with its own values."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict[str, str])
    buttons: list[Button] = field(default_factory=list[Button])


@dataclass(slots=True)
class Page:
    """What a browser shows."""

    url: str
    status: int
    html: str
    text: str
    links: dict[str, str]
    forms: list[Form]
    visited: list[str] = field(default_factory=list[str])
    """Every address on the way here, redirects included."""

    def form_with(self, button: str) -> tuple[Form, Button]:
        """Find the form with a button of these words.

        Raises:
            PageSurprise: If no form has one.
        """
        for form in self.forms:
            for candidate in form.buttons:
                if button in {candidate.text, candidate.value}:
                    return form, candidate
        raise PageSurprise(
            f"no button {button!r}", f"on {self.url} ({self.status}): {self.text[:300]}"
        )

    def filled(self, button: str, values: Mapping[str, str]) -> tuple[Form, dict[str, str]]:
        """Fill the form with this button: its own values, then these, then the button's.

        Raises:
            PageSurprise: If no form has one.
        """
        form, pressed = self.form_with(button)
        chosen = {pressed.name: pressed.value} if pressed.name else {}
        return form, {**form.fields, **values, **chosen}


class Browser:
    """One browser: its own cookies, one page at a time."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.cookies: dict[str, dict[str, str]] = {}

    def tab(self) -> "Browser":
        """Open another tab, which shares this one's cookies."""
        other = Browser(self._transport)
        other.cookies = self.cookies
        return other

    async def open(self, url: str) -> Page:
        """Go to an address and wherever it leads."""
        return await self._go("GET", url)

    async def press(self, page: Page, button: str, /, **values: str) -> Page:
        """Fill a form and press one of its buttons.

        Raises:
            PageSurprise: If the page has no such button.
        """
        form, filled = page.filled(button, values)
        target = urljoin(page.url, form.action) if form.action else page.url
        if form.method == "get":
            return await self._go("GET", f"{target.partition('?')[0]}?{urlencode(filled)}")
        return await self._go("POST", target, filled)

    async def follow(self, page: Page, link: str) -> Page:
        """Follow a link by its words.

        Raises:
            PageSurprise: If the page has no such link.
        """
        if link not in page.links:
            raise PageSurprise(f"no link {link!r}", f"on {page.url}: {page.text[:300]}")
        return await self._go("GET", urljoin(page.url, page.links[link]))

    async def post(self, url: str, values: Mapping[str, str]) -> Page:
        """Send a form that was not read from a page."""
        return await self._go("POST", url, dict(values))

    async def exchange(
        self, method: str, url: str, values: Mapping[str, str] | None = None
    ) -> Response:
        """Send one request with this browser's cookies, and follow nothing."""
        answer = await self._transport.send(
            self._request(method, url, values), limit_bytes=_PAGE_LIMIT_BYTES
        )
        self._keep_cookies(url, answer.headers.get("set-cookie", ""))
        return answer

    async def _go(self, method: str, url: str, values: Mapping[str, str] | None = None) -> Page:
        visited: list[str] = []
        for _ in range(_MOST_REDIRECTS):
            url = url.partition("#")[0]
            visited.append(url)
            answer = await self.exchange(method, url, values)
            location = answer.headers.get("location")
            if answer.status not in _REDIRECTS or location is None:
                return _read(url, answer.status, answer.body.decode(errors="replace"), visited)
            url = urljoin(url, location)
            if answer.status not in {307, 308}:
                method, values = "GET", None
        raise PageSurprise("too many redirects", visited[-1].partition("?")[0])

    def _request(self, method: str, url: str, values: Mapping[str, str] | None) -> Request:
        headers = {"accept": "text/html"}
        cookies = self.cookies.get(urlsplit(url).netloc)
        if cookies:
            headers["cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        if values is None:
            return Request(method, url, headers)
        parts = urlsplit(url)
        headers["content-type"] = "application/x-www-form-urlencoded"
        headers["origin"] = f"{parts.scheme}://{parts.netloc}"
        return Request(method, url, headers, urlencode(values).encode())

    def _keep_cookies(self, url: str, header: str) -> None:
        jar = self.cookies.setdefault(urlsplit(url).netloc, {})
        for line in header.split("\n"):
            try:
                parsed = SimpleCookie(line)
            except CookieError:
                continue
            for name, morsel in parsed.items():
                if morsel["max-age"] == "0" or not morsel.value:
                    jar.pop(name, None)
                else:
                    jar[name] = morsel.value


def _read(url: str, status: int, html: str, visited: list[str]) -> Page:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    text = " ".join("".join(reader.text).split())
    return Page(url, status, html, text, reader.links, reader.forms, visited)


class _Reader(HTMLParser):
    """Reads the forms, the links and the words of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []
        self.links: dict[str, str] = {}
        self.forms: list[Form] = []
        self._form: Form | None = None
        self._words: list[str] | None = None
        self._attributes: dict[str, str] = {}
        self._select = ""
        self._textarea = ""
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = Form(attributes.get("action", ""), attributes.get("method", "get").lower())
            self.forms.append(self._form)
        elif tag in {"a", "button"}:
            self._words, self._attributes = [], attributes
        elif tag in {"script", "style", "title", "template"}:
            self._hidden += 1
        elif tag == "select":
            self._select = attributes.get("name", "")
        elif tag == "textarea":
            self._textarea = attributes.get("name", "")
            self._set(self._textarea, "")
        elif tag == "option":
            self._option(attributes)
        elif tag == "input":
            self._input(attributes)
        self.text.append(" ")

    def _option(self, attributes: dict[str, str]) -> None:
        form = self._form
        first = form is not None and self._select not in form.fields
        if self._select and (first or "selected" in attributes):
            self._set(self._select, attributes.get("value", ""))

    def _input(self, attributes: dict[str, str]) -> None:
        kind = attributes.get("type", "text")
        if kind in {"radio", "checkbox"} and "checked" not in attributes:
            return
        if kind not in {"submit", "button"}:
            self._set(attributes.get("name", ""), attributes.get("value", ""))

    def _set(self, name: str, value: str) -> None:
        if self._form is not None and name:
            self._form.fields[name] = value

    def handle_data(self, data: str) -> None:
        if self._textarea and self._form is not None:
            self._form.fields[self._textarea] += data
        if not self._hidden:
            self.text.append(data)
        if self._words is not None:
            self._words.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag in {"script", "style", "title", "template"}:
            self._hidden -= 1
        elif tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._textarea = ""
        elif tag in {"a", "button"} and self._words is not None:
            words = " ".join("".join(self._words).split())
            if tag == "a":
                self.links[words] = self._attributes.get("href", "")
            elif self._form is not None and "disabled" not in self._attributes:
                named = self._attributes.get("name", ""), self._attributes.get("value", "")
                self._form.buttons.append(Button(words, *named))
            self._words = None
        self.text.append(" ")
