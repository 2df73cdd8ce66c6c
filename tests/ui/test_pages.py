"""Does every view have a page that holds, whatever stands in it?"""

import re
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from innkeeper.ui import pages
from innkeeper.ui.views import (
    ChatView,
    ConsentView,
    Frame,
    LaunchAppView,
    LocalTestView,
    MessageView,
    PersonView,
    ProblemView,
    ScopeView,
)
from tests.ui import samples
from tests.ui.hostile import VECTORS, Skeleton, skeleton

ANA = PersonView("u-ana", "Ana Ito", "admin", "Harbour Works")
NAMES = [kind.__name__ for kind in samples.VIEWS]


def whole_pages() -> list[object]:
    return [view for view in samples.every("Some text") if not isinstance(view, MessageView)]


@pytest.mark.parametrize("kind", samples.VIEWS, ids=NAMES)
def test_draws_a_view_that_has_only_what_it_must_have(kind: type) -> None:
    assert skeleton(pages.render(samples.bare(kind))).faults == []


def test_draws_every_view_with_every_choice_it_offers() -> None:
    for view in samples.every("Some text"):
        html = pages.render(view, frame=samples.frame("Some text"))

        assert skeleton(html).faults == [], type(view).__name__


def test_every_page_has_a_title_a_language_one_heading_and_a_way_past_the_header() -> None:
    for view in whole_pages():
        html = pages.render(view, frame=samples.frame("Some text"))

        name = type(view).__name__
        assert html.lstrip().startswith("<!doctype html>"), name
        assert '<html lang="en">' in html, name
        assert re.search(r"<title>[^<]+</title>", html), name
        assert html.count("<h1") == 1, name
        assert html.count("<main ") == 1, name
        assert 'href="#main"' in html, name


def test_every_button_has_words_and_every_field_a_label() -> None:
    for view in whole_pages():
        html = pages.render(view, frame=samples.frame("Some text"))
        for button in re.findall(r"<button[^>]*>(.*?)</button>", html, re.DOTALL):
            assert re.sub(r"<[^>]*>|\s", "", button), type(view).__name__
        for control in re.findall(r"<(?:input|textarea|select)[^>]*>", html):
            if 'type="hidden"' in control:
                continue
            labelled = re.search(r'id="([^"]+)"', control)
            wrapped = re.search(rf"<label(?:(?!</label>).)*{re.escape(control)}", html, re.DOTALL)
            assert wrapped or (labelled and f'for="{labelled[1]}"' in html), control


BARE = {"wbr", "code", "/code"}
"""Tags that a text may bring about, by a slash or by backticks; they say nothing themselves."""


def structure(found: Skeleton) -> list[str]:
    return [tag for tag in found.tags if tag not in BARE]


@cache
def calm() -> list[list[str]]:
    """Give the structure of every page that nobody attacks: drawn once, for every vector."""
    frame = samples.frame("x y")
    views = samples.every("Some text")
    return [structure(skeleton(pages.render(view, frame=frame))) for view in views]


@pytest.mark.parametrize("vector", VECTORS)
def test_hostile_text_stays_text_in_every_field_of_every_page(vector: str) -> None:
    for view, undisturbed in zip(samples.every(vector), calm(), strict=True):
        drawn = skeleton(pages.render(view, frame=samples.frame(vector)))

        name = type(view).__name__
        assert drawn.faults == [], name
        assert structure(drawn) == undisturbed, name


def test_an_address_that_leads_nowhere_good_is_not_linked() -> None:
    for address in ("javascript:alert(1)", "//evil.example", "/\\evil.example", "data:,x"):
        html = pages.render(ProblemView("t", "w", "y", "f", "c", address))

        assert f'href="{address}"' not in html
        assert 'href="#"' in html


def test_text_that_cannot_be_encoded_does_not_break_a_page() -> None:
    html = pages.render(ProblemView("half \ud83d", "w", "y", "f", "c", "/install"))

    assert "half ?" in html
    assert html.encode()


def test_a_page_below_a_prefix_asks_for_its_files_there() -> None:
    html = pages.render(ProblemView("t", "w", "y", "f", "c", "/x"), frame=Frame(prefix="/zoom"))

    assert f'href="/zoom{pages.static_url("app.css")}"' in html
    assert 'href="/static' not in html


def test_an_apps_own_pages_need_no_script() -> None:
    html = pages.render(LaunchAppView("Deploy Bot", "https://zoom.us/launch/chat?jid=robot_v1"))

    assert "<script" not in html
    assert 'href="https://zoom.us/launch/chat?jid=robot_v1"' in html


def test_the_refresh_of_the_launch_page_leads_to_its_deep_link() -> None:
    view = LaunchAppView("Deploy Bot", "https://zoom.us/x", refresh_seconds=3)

    assert view.refresh == "3; url=https://zoom.us/x"


def test_the_consent_form_sends_the_request_the_person_and_the_decision() -> None:
    html = pages.render(
        ConsentView(
            app_name="Deploy Bot",
            app_description="Asks before it ships.",
            developer="Harbour Works",
            scopes=(ScopeView("imchat:bot", "Post messages as the bot"),),
            people=(ANA, PersonView("u-ben", "Ben Okafor")),
            selected="u-ben",
            redirect_host="127.0.0.1:8000",
            request={"client_id": "c 1", "state": 'a"b'},
        )
    )

    assert '<form method="post" action="/oauth/authorize">' in html
    assert '<input type="hidden" name="client_id" value="c 1">' in html
    assert '<input type="hidden" name="state" value="a&#34;b">' in html
    assert '<input type="radio" name="user" value="u-ana" required>' in html
    assert '<input type="radio" name="user" value="u-ben" checked required>' in html
    assert 'name="decision" value="allow"' in html
    assert 'name="decision" value="decline"' in html


def test_the_chat_says_where_its_news_comes_from_and_who_is_looking() -> None:
    view = samples.filled(ChatView, "Deploy", event_stream_url="/chat/events?with=a%40b")
    html = pages.render(view, frame=Frame(viewer=ANA, people=(ANA,), clock_ahead_seconds=93_780))

    assert 'data-events="/chat/events?with=a%40b"' in html
    assert 'role="log" aria-live="polite"' in html
    assert "1 d 2 h" in html
    assert '<span class="quiet">Viewing as</span> Ana Ito' in html


def test_the_header_is_silent_about_a_clock_that_is_right() -> None:
    html = pages.render(samples.filled(LocalTestView, "x"), frame=Frame(viewer=ANA))

    assert 'class="clock"' not in html


def test_only_a_message_that_changed_says_so() -> None:
    message = MessageView("m1", "Ana", samples.NOON, samples.escape("hi"))
    edited = MessageView("m1", "Ana", samples.NOON, samples.escape("hi"), edited=True)

    assert "edited" not in pages.render(message)
    assert "edited" in pages.render(edited)
    assert pages.render(message).lstrip().startswith('<article class="message')
    assert 'id="message-m1"' in pages.render(message)


def test_a_deleted_message_no_longer_says_what_it_said() -> None:
    html = pages.render(
        MessageView("m1", "Ana", samples.NOON, samples.escape("a secret"), deleted=True)
    )

    assert "a secret" not in html


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("app.css", "text/css; charset=utf-8"),
        ("app.js", "text/javascript; charset=utf-8"),
        ("key.svg", "image/svg+xml"),
        ("colors/0e72ed.css", "text/css; charset=utf-8"),
    ],
)
def test_a_static_file_is_served_as_what_it_is(name: str, content_type: str) -> None:
    found = pages.static_file(name)

    assert found is not None
    assert found[0]
    assert found[1] == content_type


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "app.txt", "../pages.py", "/etc/passwd", "app.css/", "APP.CSS", "colors/x.css"],
)
def test_nothing_else_is_served(name: str) -> None:
    assert pages.static_file(name) is None


def test_a_static_address_changes_with_its_file() -> None:
    css, js = pages.static_url("app.css"), pages.static_url("app.js")

    assert re.fullmatch(r"/static/app\.css\?v=[0-9a-f]{10}", css)
    assert css.rpartition("=")[2] != js.rpartition("=")[2]


def test_the_script_and_the_sheet_fetch_nothing_from_elsewhere() -> None:
    folder = Path(pages.__file__).parent / "static"
    for path in [*folder.glob("*.js"), *folder.glob("*.css")]:
        text = path.read_text()
        assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
        assert "@import" not in text
        assert "url(" not in text


def test_the_scripts_stay_small() -> None:
    folder = Path(pages.__file__).parent / "static"

    assert max(len(path.read_text().splitlines()) for path in folder.glob("*.js")) <= 120


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Ana Ito", "AI"), ("ana maría ito", "AI"), ("Zoe", "Z"), ("", "·"), ("<b> x", "X")],
)
def test_initials_are_two_letters_at_most(name: str, letters: str) -> None:
    assert pages.initials(name) == letters


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(1, "1 s"), (60, "1 min"), (7200, "2 h"), (93_780, "1 d 2 h"), (0.4, "0 s")],
)
def test_a_lead_is_said_in_its_two_largest_units(seconds: float, said: str) -> None:
    assert pages.ahead(seconds) == said


def test_times_are_marked_up_in_utc_for_the_readers_own_zone() -> None:
    when = datetime(2026, 3, 4, 9, 5, tzinfo=UTC)
    html = pages.render(MessageView("m1", "Ana", when, samples.escape("hi")))

    assert '<time datetime="2026-03-04T09:05:00.000+00:00">09:05</time>' in html
