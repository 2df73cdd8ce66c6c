"""Does the chat live in a real browser, and work in one without a script?"""

import contextlib
import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from innkeeper.net.inbound import PAGE_HEADERS
from innkeeper.ui import pages
from innkeeper.ui.cards import draw
from innkeeper.ui.views import (
    ChatView,
    CommandView,
    ConversationView,
    Frame,
    MessageView,
    PersonView,
)
from tests.chromium import launching
from tests.ui import samples

pytestmark = [pytest.mark.browser, pytest.mark.slow]

Stream = queue.Queue[str | None]

ANA = PersonView("u-ana", "Ana Ito", "admin", "Harbour Works")
BOT = ConversationView("bot@x", "Deploy Bot", "bot", active=True)


def card(title: str, *, name: str = "m1", version: int = 1) -> MessageView:
    content = {
        "head": {"text": title, "style": {"color": "#0E72ED"}},
        "body": [
            {
                "type": "select",
                "text": "When",
                "select_items": [{"value": "now"}, {"value": "eve"}],
            },
            {"type": "actions", "items": [{"text": "Approve", "value": "yes", "style": "Primary"}]},
        ],
    }
    html = draw(content, message_id=name).html
    return MessageView(name, "Deploy Bot", samples.NOON, html, version=version, is_bot=True)


@dataclass
class Site:
    """A chat page, its event stream, and what was posted to it."""

    posted: list[tuple[str, str]] = field(default_factory=list)
    streams: list[Stream] = field(default_factory=list)
    history: int = 1
    refuses: bool = False
    url: str = ""

    def page(self, path: str) -> str:
        if path != "/chat":
            view = next(v for v in samples.every("Some text") if path == f"/{type(v).__name__}")
            return pages.render(view, frame=samples.frame("Some text"))
        old = [card(f"Old {n}", name=f"old{n}") for n in range(self.history - 1)]
        messages = (*old, card("Release?"))
        commands = (CommandView("/deploy", "release"), CommandView("/status", "what runs"))
        view = ChatView(ANA, (BOT,), BOT, messages, commands, "/chat/events?with=bot%40x")
        return pages.render(view, frame=Frame(viewer=ANA, people=(ANA,)))

    def say(self, message: MessageView) -> None:
        for stream in self.streams:
            stream.put(pages.render(message))


class Server(ThreadingHTTPServer):
    """Serves one site; waits for no stream at its end."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, site: Site) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.site = site
        site.url = f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    """Answers as the emulator does, with the same headers."""

    server: Server

    def do_GET(self) -> None:
        path = self.path.partition("?")[0].removeprefix("/zoom")
        if path == "/chat/events":
            self.stream()
        elif path.startswith("/static/"):
            body, kind = pages.static_file(path.removeprefix("/static/")) or (b"", "")
            self.answer(200, {"content-type": kind}, body)
        else:
            head = {**PAGE_HEADERS, "content-type": "text/html; charset=utf-8"}
            self.answer(200, head, self.server.site.page(path).encode())

    def do_POST(self) -> None:
        site = self.server.site
        length = int(self.headers["content-length"])
        site.posted.append((self.path, self.rfile.read(length).decode()))
        refused = site.refuses and len(site.posted) == 1
        self.answer(500 if refused else 303, {} if refused else {"location": "/chat"}, b"")

    def stream(self) -> None:
        news: Stream = queue.Queue()
        self.server.site.streams.append(news)
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        with contextlib.suppress(OSError):
            while (html := news.get()) is not None:
                lines = "".join(f"data: {line}\n" for line in html.splitlines())
                self.wfile.write(f"event: message\n{lines}\n".encode())

    def answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    with Server(site) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield site
        for stream in site.streams:
            stream.put(None)
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**launching())
        yield browser
        browser.close()


def context(browser: Browser, **options: Any) -> BrowserContext:
    return browser.new_context(locale="en-GB", timezone_id="Asia/Tokyo", **options)


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    opened = context(browser, permissions=["clipboard-read", "clipboard-write"])
    page = opened.new_page()
    faults: list[str] = []
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(f"{site.url}/chat")
    expect(page.locator(".talk[data-live]")).to_have_count(1)
    yield page
    opened.close()
    assert faults == [] or site.refuses


def test_enter_sends_and_the_page_stays(page: Page, site: Site) -> None:
    text = page.get_by_label("Message to Deploy Bot")
    text.fill("two\nlines")
    with page.expect_response("**/chat/say"):
        text.press("Enter")

    expect(text).to_have_value("")
    assert site.posted == [("/chat/say", "with=bot%40x&text=two%0Alines")]
    expect(text).to_be_focused()


def test_shift_and_enter_begin_a_line_and_blank_text_is_not_sent(page: Page, site: Site) -> None:
    text = page.get_by_label("Message to Deploy Bot")
    text.fill(" ")
    text.press("Enter")
    text.press("Shift+Enter")

    expect(text).to_have_value(" \n")
    assert site.posted == []


def test_a_slash_offers_the_commands_that_fit(page: Page) -> None:
    text = page.get_by_label("Message to Deploy Bot")
    text.press_sequentially("/")
    expect(page.locator("[data-command]:visible")).to_have_count(2)
    text.press_sequentially("st")
    expect(page.locator("[data-command]:visible")).to_have_text(["/status what runs"])

    page.get_by_role("link", name="/status").click()

    expect(text).to_have_value("/status ")
    expect(text).to_be_focused()
    expect(page.locator("[data-command]:visible")).to_have_count(0)


def test_a_press_is_sent_and_the_edited_card_keeps_the_focus(page: Page, site: Site) -> None:
    with page.expect_response("**/chat/click"):
        page.get_by_role("button", name="Approve").press("Enter")
    expect(page.get_by_role("button", name="Approve")).to_be_focused()
    site.say(card("Approved", version=2))

    expect(page.get_by_text("Approved")).to_be_visible()
    expect(page.locator("article")).to_have_count(1)
    expect(page.get_by_role("button", name="Approve")).to_be_focused()
    assert site.posted == [("/chat/click", "message=m1&value=yes")]


def test_an_older_version_that_comes_late_changes_nothing(page: Page, site: Site) -> None:
    site.say(card("Third", version=3))
    expect(page.get_by_text("Third")).to_be_visible()
    site.say(card("Second", version=2))
    site.say(card("Other", name="m2"))

    expect(page.get_by_text("Other")).to_be_visible()
    expect(page.get_by_text("Third")).to_be_visible()


def test_choosing_from_a_dropdown_sends_the_choice(page: Page, site: Site) -> None:
    expect(page.get_by_role("button", name="Choose")).to_be_hidden()
    with page.expect_response("**/chat/select"):
        page.get_by_label("When").select_option("eve")

    assert site.posted == [("/chat/select", "message=m1&block=%2Fbody%2F0&value=eve")]


def below(log: Locator) -> int:
    """Tell how much of the log lies below what is seen of it."""
    script = """log => {
        const end = log.querySelector('.log-inner').getBoundingClientRect().bottom;
        return Math.round(end - log.getBoundingClientRect().bottom);
    }"""
    return int(log.evaluate(script))


def test_news_does_not_pull_a_reader_away_from_what_he_reads(page: Page, site: Site) -> None:
    site.history = 12
    page.reload()
    expect(page.locator(".talk[data-live]")).to_have_count(1)
    log = page.get_by_role("log")
    assert below(log) == 0, "begins at the end"
    log.evaluate("log => { log.scrollTop = -log.scrollHeight }")
    top = page.locator("article").first
    before = top.evaluate("top => top.getBoundingClientRect().top")
    hidden = below(log)
    site.say(card("News", name="m2"))
    newer = page.get_by_role("button", name="New messages")

    expect(newer).to_be_visible()
    assert abs(top.evaluate("top => top.getBoundingClientRect().top") - before) < 1
    assert below(log) > hidden > 0
    newer.click()
    expect(newer).to_be_hidden()
    assert below(log) == 0
    site.say(card("More news", name="m3"))
    expect(page.get_by_text("More news")).to_be_in_viewport()


def test_a_long_conversation_begins_at_its_end_without_a_script(
    browser: Browser, site: Site
) -> None:
    site.history = 12
    plain = context(browser, java_script_enabled=False)
    page = plain.new_page()
    page.goto(f"{site.url}/chat")

    expect(page.get_by_text("Release?")).to_be_in_viewport()
    expect(page.get_by_text("Old 0")).not_to_be_in_viewport()
    plain.close()


def test_a_day_begins_at_the_readers_own_midnight(page: Page, site: Site) -> None:
    headings = page.locator(".day")
    expect(headings).to_have_text(["Wednesday, 4 March 2026"])
    late = replace(card("Late", name="m2"), time=samples.NOON.replace(hour=14, minute=59))
    site.say(late)
    site.say(replace(card("Tomorrow", name="m3"), time=samples.NOON.replace(hour=15)))

    expect(headings).to_have_text(["Wednesday, 4 March 2026", "Thursday, 5 March 2026"])
    expect(page.locator(".day + article")).to_have_count(2)


def test_a_colour_and_a_time_arrive_with_a_message(page: Page, site: Site) -> None:
    site.say(card("News", name="m2"))
    title = page.locator("#message-m2 .card-title")

    expect(title).to_have_css("color", "rgb(14, 114, 237)")
    expect(page.locator("#message-m2 time")).to_have_text("21:00")


def test_what_the_script_cannot_send_the_browser_sends(page: Page, site: Site) -> None:
    site.refuses = True
    with page.expect_navigation():
        page.get_by_role("button", name="Approve").click()

    assert site.posted == [("/chat/click", "message=m1&value=yes")] * 2


def test_escape_closes_an_open_menu_and_returns_to_its_button(page: Page) -> None:
    summary = page.locator(".who summary")
    summary.press("Enter")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    page.get_by_role("button", name="Sign out").focus()
    page.keyboard.press("Escape")

    expect(page.get_by_role("button", name="Sign out")).to_be_hidden()
    expect(summary).to_be_focused()


def test_a_copy_button_copies(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/LocalTestView")
    page.get_by_role("button", name="Copy the authorization URL").click()

    expect(page.get_by_role("button", name="Copy the authorization URL")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == "Some text"


def test_everything_works_without_a_script(browser: Browser, site: Site) -> None:
    plain = context(browser, java_script_enabled=False)
    page = plain.new_page()
    page.goto(f"{site.url}/chat")
    page.get_by_label("When").select_option("now")
    with page.expect_navigation():
        page.get_by_role("button", name="Choose").click()
    with page.expect_navigation():
        page.get_by_role("button", name="Approve").click()
    page.get_by_label("Message to Deploy Bot").fill("hi")
    with page.expect_navigation():
        page.get_by_role("button", name="Send").click()
    plain.close()

    assert site.posted == [
        ("/chat/select", "message=m1&block=%2Fbody%2F0&value=now"),
        ("/chat/click", "message=m1&value=yes"),
        ("/chat/say", "with=bot%40x&text=hi"),
    ]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1200), ("dark", 390)])
def test_no_page_has_a_barrier_or_is_wider_than_its_window(
    browser: Browser, site: Site, scheme: Any, width: int
) -> None:
    opened = context(browser, color_scheme=scheme, viewport={"width": width, "height": 800})
    page = opened.new_page()
    for kind in samples.VIEWS:
        if kind is MessageView:
            continue
        page.goto(f"{site.url}/{kind.__name__}")
        found = Axe().run(page).response["violations"]

        assert [one["id"] for one in found] == [], kind.__name__
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), kind.__name__
    opened.close()
