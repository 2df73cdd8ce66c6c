"""Is every element of a card safe, calm and without a barrier in a real browser?"""

from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from playwright.async_api import Dialog, Page, Request, Route

from innkeeper.net.inbound import PAGE_HEADERS
from innkeeper.ui import pages
from innkeeper.ui.cards import draw
from innkeeper.ui.views import ChatView, ConversationView, Frame, MessageView, PersonView
from tests.browser.town import shoot
from tests.ui import samples
from tests.ui.hostile import VECTORS

pytestmark = [pytest.mark.anyio, pytest.mark.browser, pytest.mark.slow]

ANA = PersonView("u-ana", "Ana Ito", "admin", "Harbour Works")
BOT = ConversationView("bot@x", "Deploy Bot", "bot", active=True)
WEB = "https://files.example/a"
OPTIONS = [
    {"text": "Towels", "value": "t", "initial_selected": True},
    {"text": "Soap", "value": "s"},
]
ELEMENTS: dict[str, dict[str, Any]] = {
    "message": {"text": "Room 7 asks for towels.", "editable": True},
    "fields": {"items": [{"key": "Floor", "value": "2", "short": True, "editable": True}]},
    "actions": {
        "limit": 3,
        "overflow": {"text": "More"},
        "items": [
            {"text": look, "value": look, "style": look}
            for look in ("Primary", "Danger", "Thumbsuped", "Disabled", "Default")
        ],
    },
    "select": {"text": "Day", "select_items": [{"text": "Friday", "value": "fri"}]},
    "attachments": {
        "resource_url": WEB,
        "img_url": WEB,
        "information": {"title": {"text": "Plan"}, "description": {"text": "Floor 2"}},
        "ext": "pdf",
        "size": 90_000,
    },
    "checkboxes": {"action_id": "linen", "options": OPTIONS},
    "radio_buttons": {"action_id": "which", "options": OPTIONS, "initial_option": OPTIONS[0]},
    "datepicker": {"action_id": "day", "initial_date": "2026/03/04"},
    "timepicker": {"action_id": "hour", "initial_time": "09:30"},
    "plain_text_input": {"action_id": "note", "text": "Note", "multiline": True, "max_length": 20},
    "progress_bar": {"value": 50},
    "image": {"images": [{"image_url": WEB, "alt_text": "The lobby", "image_index": 0}]},
    "images": {"cur_index": 0, "images": [{"image_url": WEB, "alt_text": "The bar"}]},
    "file": {"icon_url": WEB, "title": {"text": "Bill", "file_url": WEB}},
    "divider": {"style": {"bold": True, "color": "#0E72ED"}},
    "alert": {"text": "No towels are left.", "level": "ERROR", "closable": True},
    "video": {"title": {"text": "The house"}, "video_url": WEB, "thumbnail_url": WEB},
    "page": {"cur_page": 1, "pages": [{"pageNo": 1, "body": []}, {"pageNo": 2, "body": []}]},
    "hologram": {"text": "no element of Zoom's"},
}
SITE = "http://127.0.0.1:9"
GALLERY: list[dict[str, Any]] = [{"type": kind, **raw} for kind, raw in ELEMENTS.items()]
SWITCHES = {
    "type": "checkboxes", "style": "toggle_switch", "action_id": "wake", "options": OPTIONS,
}  # fmt: skip
SECTION = {
    "type": "section",
    "sidebar_color": "#0E72ED",
    "footer": "<https://a.example|Rules>",
    "ts": 1_772_600_000_000,
    "sections": [SWITCHES],
}


async def show(page: Page, contents: list[Any]) -> None:
    """Open a conversation of cards, below the headers of every page."""
    drawn = [draw(content, message_id=f"m{at}") for at, content in enumerate(contents)]
    messages = tuple(
        MessageView(
            f"m{at}", "Deploy Bot", samples.NOON, one.html, is_bot=True, warnings=one.warnings
        )
        for at, one in enumerate(drawn)
    )
    view = ChatView(ANA, (BOT,), BOT, messages, (), "")
    html = pages.render(view, frame=Frame(viewer=ANA, people=(ANA,)))

    async def answer(route: Route) -> None:
        file = route.request.url.partition("?")[0].partition("/static/")[2]
        if not file:
            head = {**PAGE_HEADERS, "content-type": "text/html; charset=utf-8"}
            await route.fulfill(body=html, headers=head)
            return
        body, kind = pages.static_file(file) or (b"", "text/plain")
        await route.fulfill(body=body, headers={"content-type": kind})

    await page.route("**/*", answer)
    await page.goto(f"{SITE}/chat")


@pytest.mark.parametrize(
    ("name", "scheme", "width"),
    [("light", "light", 1180), ("dark", "dark", 1180), ("narrow", "light", 390)],
)
async def test_every_element_stands_in_a_page_without_a_barrier(
    page: Page, name: str, scheme: Any, width: int
) -> None:
    await page.emulate_media(color_scheme=scheme)
    await page.set_viewport_size({"width": width, "height": 3400})
    head = {"text": "The house", "sub_head": {"text": "each element once"}}
    form = {"settings": {"form": True}, "head": head, "body": GALLERY}
    await show(page, [{"head": head, "body": [*GALLERY, SECTION]}, form])

    found = (await Axe().run(page)).response["violations"]
    assert [one["id"] for one in found] == []
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for at in range(2):
        card = page.locator("article .card").nth(at)
        assert await card.evaluate("card => card.scrollWidth <= card.clientWidth")
    await shoot(page, f"cards-{name}")


def hostile(raw: Any, vector: str) -> Any:
    """Put a text in the place of every text, but for the type of an element."""
    if isinstance(raw, dict):
        return {
            key: value if key == "type" else hostile(value, vector) for key, value in raw.items()
        }
    if isinstance(raw, list):
        return [hostile(value, vector) for value in raw]
    return vector if isinstance(raw, str) else raw


class Watch:
    """Notes what a page must never do because of what stands in it."""

    def __init__(self, page: Page) -> None:
        self.seen: list[str] = []
        page.on("dialog", self._dismiss)
        page.on("pageerror", lambda error: self.seen.append(f"error: {error}"))
        page.on("console", lambda line: self.seen.append(line.text))
        page.on("request", self._note)

    async def _dismiss(self, dialog: Dialog) -> None:
        self.seen.append(f"dialog: {dialog.message}")
        await dialog.dismiss()

    def _note(self, request: Request) -> None:
        if not request.url.startswith(f"{SITE}/"):
            self.seen.append(f"request: {request.url}")


async def test_nothing_that_a_bot_sends_runs_in_a_page(page: Page) -> None:
    watch = Watch(page)
    section = {"type": "section", "sections": GALLERY, "footer": "f", "footer_icon": "i"}
    cards = [
        {
            "head": {"text": vector, "sub_head": {"text": vector}},
            "settings": {"form": at % 2 == 0},
            "body": hostile([section, *GALLERY], vector),
        }
        for at, vector in enumerate(VECTORS)
    ]
    await show(page, cards)

    assert await page.locator("article").count() == len(VECTORS)
    assert watch.seen == []
    assert page.url == f"{SITE}/chat"


LONG = ("w" * 300, "\u4e2d" * 200, "a/" * 150, "\u0645\u0631\u062d\u0628\u0627" * 60)
BIDI = ("\u202etxet\u202c", "\u2066\u2067\u2068x", "\u200f\u200e\u061cx", "\u202b" * 40 + "x")
TEXTS = st.one_of(
    st.sampled_from((*VECTORS, *LONG, *BIDI)),
    st.builds("{} {}".format, st.sampled_from(BIDI), st.sampled_from(VECTORS)),
    st.text(max_size=20),
)
SCALARS = st.one_of(TEXTS, st.booleans(), st.none(), st.integers(-9, 2**40), st.floats())
DEEPEST = 4


def twist(draw: st.DrawFn, raw: Any) -> Any:
    """Keep an element's shape, but for what is left out, and put something hostile in it."""
    if isinstance(raw, dict):
        kept = [key for key in raw if key == "type" or draw(st.integers(0, 9)) > 0]
        return {key: raw[key] if key == "type" else twist(draw, raw[key]) for key in kept}
    if isinstance(raw, list):
        return [twist(draw, one) for one in raw]
    return draw(st.one_of(TEXTS, st.just(raw), SCALARS))


@st.composite
def elements(draw: st.DrawFn, depth: int = 0) -> Any:
    """An element of a card: any, or one that holds elements, also where none belong."""
    holder = draw(st.sampled_from(("none", "section", "page", "attachments", draw(TEXTS))))
    if holder == "none" or depth == DEEPEST:
        return twist(draw, draw(st.sampled_from(GALLERY)))
    inner = draw(st.lists(elements(depth + 1), max_size=2))
    pages = [{"pageNo": draw(SCALARS), "body": inner}, {"pageNo": 2, "body": inner[:1]}]
    return {
        "type": holder,
        "sections": inner,
        "items": inner,
        "cur_page": draw(SCALARS),
        "pages": pages,
        "information": {"title": {"text": inner}, "description": inner[:1]},
        "sidebar_color": draw(TEXTS),
        "footer": draw(TEXTS),
        "footer_icon": draw(TEXTS),
        "ts": draw(SCALARS),
    }


@st.composite
def hostile_cards(draw: st.DrawFn) -> Any:
    head = {"text": draw(TEXTS), "sub_head": {"text": draw(TEXTS)}}
    settings = {"form": draw(st.booleans()), "default_sidebar_color": draw(TEXTS)}
    body = draw(st.lists(elements(), max_size=4))
    return {"head": head, "settings": settings, "body": body}


FAULTS = """() => {
    for (const details of document.querySelectorAll('details')) details.open = true;
    const links = [...document.links].filter(link => !/^(https?)?:$/.test(link.protocol));
    const faults = links.map(link => link.outerHTML);
    if (document.documentElement.scrollWidth > innerWidth) faults.push('wider than the window');
    return faults;
}"""
"""Finds links that lead elsewhere than the web, or nowhere; a page stretched by its words."""


@settings(
    max_examples=25,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # to shrink takes a browser minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(cards=st.lists(hostile_cards(), min_size=1, max_size=4))
async def test_no_nesting_of_hostile_cards_runs_or_breaks_a_page(
    page: Page, cards: list[Any]
) -> None:
    watch = Watch(page)
    await show(page, cards)

    assert await page.evaluate(FAULTS) == []
    assert watch.seen == []
    assert page.url == f"{SITE}/chat"
    assert await page.locator("article").count() == len(cards)
