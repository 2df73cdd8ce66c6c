"""Is each element of a card drawn, warned about, and harmless?"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from innkeeper import Card
from innkeeper.ui.cards import draw
from tests.ui.hostile import VECTORS, skeleton
from tests.ui.samples import block


def whole(text: str, url: str) -> dict[str, Any]:
    """A card with every element, `text` in every text and `url` in every address."""
    styled = {"text": text, "style": {"color": "#0E72ED", "bold": True}}
    flat: list[dict[str, Any]] = [
        {"type": "message", **styled},
        {"type": "message", "text": text, "link": url},
        {"type": "message", "text": text, "is_markdown_support": True},
        {"type": "fields", "items": [{"key": text, "value": text, "editable": True}]},
        {
            "type": "actions",
            "limit": 1,
            "overflow": {"text": text},
            "items": [{"text": text, "value": text, "style": text}, {"text": text, "value": text}],
        },
        {"type": "select", "text": text, "select_items": [{"value": text, "text": text}]},
        {"type": "select", "text": text, "static_source": "members"},
        {
            "type": "attachments",
            "resource_url": url,
            "img_url": url,
            "ext": text,
            "size": 7,
            "information": {"title": styled, "description": styled},
        },
        {"type": "file", "title": {"text": text, "file_url": url}, "description": {"text": text}},
        {"type": "image", "images": [{"image_url": url, "alt_text": text}]},
        {"type": "alert", "text": text, "level": text},
        {"type": "progress_bar", "value": 50},
        {"type": "divider"},
        {"type": f"x{text}"},
    ]
    footer = {"footer": text, "footer_icon": url, "ts": 1_772_615_520_000}
    section = {"type": "section", "sections": flat, "sidebar_color": text, **footer}
    return {"head": {**styled, "sub_head": styled}, "body": [*flat, section]}


def test_draws_the_head_and_its_second_line() -> None:
    drawn = draw({"head": {"text": "Release?", "sub_head": {"text": "by Ana"}}})

    assert '<p class="card-title " dir="auto">Release?</p>' in drawn.html
    assert '<p class="card-subtitle " dir="auto">by Ana</p>' in drawn.html
    assert drawn.text == "Release?\nby Ana"
    assert drawn.warnings == ()


def test_reads_markdown_only_where_it_is_asked_for() -> None:
    assert "<strong>" not in draw(block("message", text="*a*")).html
    assert "<strong>" in draw(block("message", text="*a*", is_markdown_support=True)).html
    assert "<strong>" in draw(block("message", text="*a*"), markdown=True).html
    assert "<strong>" in draw({"head": {"text": "*a*"}}, markdown=True).html


def test_a_section_has_a_bar_in_its_colour_and_a_footer_with_its_time() -> None:
    card = block(
        "section",
        sidebar_color="#F56416",
        footer="see <https://ci.example|the log>",
        ts=1_772_615_520_000,
        sections=[{"type": "message", "text": "inside"}],
    )
    drawn = draw(card, markdown=True)

    assert '<span class="bar bar-f56416"></span>' in drawn.html
    assert 'href="/static/colors/f56416.css"' in drawn.html
    assert '<time datetime="2026-03-04T09:12:00+00:00" data-full>' in drawn.html
    assert ">the log</a>" in drawn.html
    assert drawn.text.splitlines()[0] == "| inside"


def test_a_section_without_a_colour_takes_the_cards_own() -> None:
    card = {
        "settings": {"default_sidebar_color": "#0E71EB"},
        "body": [{"type": "section", "sections": [{"type": "divider"}]}],
    }

    assert 'class="bar bar-0e71eb"' in draw(card).html


def test_what_zoom_does_not_know_is_drawn_with_a_visible_warning() -> None:
    drawn = draw(block("styled_text", text="x"))

    assert "<code>styled_text</code> Zoom would reject or hide this." in drawn.html
    assert drawn.warnings == ("/body/0/type is no element that Zoom knows: styled_text",)


@pytest.mark.parametrize(
    ("content", "warning"),
    [
        ({}, "/ has neither a head nor a body"),
        ("text", "/ has neither a head nor a body"),
        ({"head": "text"}, "/head is not an object with a text"),
        ({"head": {"text": ""}}, "/head/text is missing or empty"),
        ({"head": {"text": 7}}, "/head/text is not a text"),
        ({"body": "text"}, "/body is not a list"),
        ({"body": ["text"]}, "/body/0/type is missing"),
        (block("message"), "/body/0/text is missing or empty"),
        (block("message", text="x", link="ftp://a.b"), "/body/0/link is not an http or https"),
        (
            block("message", text="x", link="https://a.b", is_markdown_support=True),
            "/body/0/is_markdown_support excludes link and editable",
        ),
        (
            block("message", text="x", editable=True, is_markdown_support=True),
            "/body/0/is_markdown_support excludes link and editable",
        ),
        (block("message", text="x", style={"color": "red"}), "/body/0/style/color is not a colour"),
        (block("fields", items=[]), "/body/0/items is missing or empty"),
        (block("fields", items=[{"key": "k", "value": ""}]), "/body/0/items/0/value is missing"),
        (block("actions"), "/body/0/items is missing or empty"),
        (block("actions", items=[{"text": "x"}]), "/body/0/items/0/value is missing"),
        (block("actions", items=[{"value": "x"}]), "/body/0/items/0/text is missing"),
        (block("select", text="x"), "/body/0 needs either select_items or static_source"),
        (
            block("select", text="x", select_items=[{"value": "a"}], static_source="members"),
            "/body/0 needs either select_items or static_source",
        ),
        (block("select", text="x", static_source="cats"), "/body/0/static_source is neither"),
        (block("select", text="x", select_items=[{}]), "/body/0/select_items/0/value is missing"),
        (block("attachments"), "/body/0/resource_url is not an http or https address"),
        (block("image"), "/body/0/images is missing or empty"),
        (block("progress_bar", value=101), "/body/0/value is not a number from 0 to 100"),
        (block("section"), "/body/0/sections is missing or empty"),
        (
            block("section", sections=[{"type": "section"}]),
            "/body/0/sections/0 is a section within a section",
        ),
        (block("section", sections=[{"type": "header"}]), "/body/0/sections/0/type is no element"),
    ],
)
def test_says_what_zoom_would_reject_or_hide(content: Any, warning: str) -> None:
    assert any(found.startswith(warning) for found in draw(content).warnings)


@pytest.mark.parametrize("vector", VECTORS)
@pytest.mark.parametrize("markdown", [False, True])
def test_hostile_text_stays_text_in_every_element(vector: str, markdown: bool) -> None:
    kinds = {"message_id": vector, "members": [(vector, vector)], "channels": [(vector, vector)]}
    calm = {"message_id": "m", "members": [("v", "w")], "channels": [("v", "w")]}
    drawn = draw(whole(vector, vector), markdown=markdown, **kinds)  # type: ignore[arg-type]
    found = skeleton(drawn.html)

    assert found.faults == []
    if not markdown and "http" not in vector and not set(vector) & set("*_~`"):
        expected = skeleton(draw(whole("calm", "javascript:x"), **calm).html)  # type: ignore[arg-type]
        assert found.tags == expected.tags


@pytest.mark.parametrize("vector", VECTORS)
def test_a_terminal_is_given_no_control_character(vector: str) -> None:
    drawn = draw(whole(vector, vector))
    said = "".join([drawn.text, *drawn.warnings])

    assert not [c for c in said if ord(c) < 32 and c not in "\n\t"]
    assert said.encode()


@pytest.mark.parametrize("mark", ["\u202e", "\u202a", "\u2066", "\u2069"])
def test_a_terminal_is_given_nothing_that_turns_the_text_round(mark: str) -> None:
    card = Card(f"a{mark}b").text(f"c{mark}")
    assert str(card).split("\n") == ["a\ufffdb", "c\ufffd"]
    drawn = draw(card.content())
    assert mark in drawn.html
    assert mark in drawn.text


def test_a_colour_reaches_the_page_as_six_digits_or_not_at_all() -> None:
    style = {"color": '#0E72ED"><script>'}
    drawn = draw(block("message", text="x", style=style))

    assert "ink-" not in drawn.html
    assert "colors/" not in drawn.html


def test_each_colour_is_linked_once() -> None:
    styled = {"type": "message", "text": "x", "style": {"color": "#0E72ED"}}

    assert draw({"body": [styled, styled]}).html.count("<link") == 1


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["text", "value", "style", "items"]), inner, max_size=3)
    ),
    max_leaves=8,
)


def blocks() -> Iterator[st.SearchStrategy[dict[str, Any]]]:
    """Each element of the whole card, with any of its keys replaced by anything."""
    for one in whole("a", "https://a.b")["body"]:
        yield st.dictionaries(st.sampled_from(sorted(one)), anything).map(
            lambda changed, one=one: {**one, **changed, "type": one["type"]}
        )


@pytest.mark.slow
@settings(max_examples=200)
@given(st.lists(st.one_of(*blocks()), max_size=4), anything)
def test_draws_whatever_a_bot_sends(body: list[dict[str, Any]], head: object) -> None:
    drawn = draw({"head": head, "body": body, "settings": head})

    assert skeleton(drawn.html).faults == []
    assert drawn.text.encode().decode() == drawn.text


@given(anything)
def test_draws_even_what_is_no_card(content: object) -> None:
    assert skeleton(draw(content).html).faults == []


def test_draws_a_card_as_it_came_from_json() -> None:
    content = json.loads('{"head": {"text": "half \\ud83d"}}')

    assert draw(content).text == "half \ufffd"
