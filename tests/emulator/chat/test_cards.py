from copy import deepcopy
from typing import Any

import pytest

from innkeeper.emulator.chat.cards import LIMIT_BYTES, buttons, element, elements, examine
from innkeeper.errors import CardRefused

SELECT = {"type": "select", "text": "Day", "select_items": [{"value": "fri", "text": "Friday"}]}
ACTIONS = {"type": "actions", "items": [{"text": "Yes", "value": "yes"}]}
MARKED = {"type": "message", "text": "x", "is_markdown_support": True}
INNER = {"type": "section", "sections": []}
CARD: dict[str, Any] = {
    "head": {"text": "Due"},
    "body": [
        {"type": "message", "text": "Friday"},
        {"type": "section", "sections": [SELECT, ACTIONS], "sidebar_color": "#123456"},
    ],
}


@pytest.mark.parametrize(
    "content",
    [
        {"head": {"text": "Hi"}},
        {"body": [{"type": "message", "text": "Hi"}]},
        CARD,
        {"head": {"text": "x" * (LIMIT_BYTES - 100)}},
        {"body": [{"type": "divider"}, {"type": "progress_bar", "value": 50}], "settings": {}},
        {"body": [{"type": "message", "text": "*b*", "is_markdown_support": True}]},
    ],
)
def test_accepts_what_zoom_takes(content: Any) -> None:
    assert examine(content) == []


@pytest.mark.parametrize(
    ("content", "pointer"),
    [
        ({}, ""),
        ({"head": "Hi"}, "/head"),
        ({"head": {"style": {}}}, "/head"),
        ({"head": {"text": 7}}, "/head/text"),
        ({"body": {"type": "message"}}, "/body"),
        ({"body": ["text"]}, "/body/0"),
        ({"body": [{"text": "no type"}]}, "/body/0/type"),
        ({"body": [{"type": "message"}]}, "/body/0"),
        ({"body": [{"type": "fields", "items": [{"key": "k"}]}]}, "/body/0/items/0"),
        ({"body": [{"type": "actions"}]}, "/body/0"),
        ({"body": [{**SELECT, "static_source": "members"}]}, "/body/0"),
        ({"body": [{"type": "section", "sections": [{"type": "message"}]}]}, "/body/0/sections/0"),
        (
            {"body": [{"type": "section", "sections": [{**SELECT, "static_source": "members"}]}]},
            "/body/0/sections/0",
        ),
        (
            {"body": [{**MARKED, "link": "https://a.test"}]},
            "/body/0",
        ),
        (
            {
                "body": [
                    {"type": "message", "text": "x", "is_markdown_support": True, "editable": True}
                ]
            },
            "/body/0",
        ),
        ({"head": {"text": "x" * LIMIT_BYTES}}, ""),
        ({"body": [{"type": "never_heard_of", "x": "y" * LIMIT_BYTES}]}, ""),
    ],
)
def test_refuses_what_zoom_refuses(content: Any, pointer: str) -> None:
    with pytest.raises(CardRefused) as refused:
        examine(content)
    assert refused.value.pointer == pointer


@pytest.mark.parametrize(
    "block",
    [
        {"type": "message", "text": "x", "link": "https://a.test"},
        {"type": "message", "text": "x", "editable": True},
        {"type": "fields", "items": [{"key": "k", "value": "v", "editable": True}]},
    ],
)
def test_markdown_for_the_whole_card_excludes_links_and_editing_too(block: Any) -> None:
    assert examine({"body": [block]}) == []
    with pytest.raises(CardRefused, match="markdown"):
        examine({"body": [block]}, markdown=True)


@pytest.mark.parametrize(
    ("content", "warning"),
    [
        ({"body": [{"type": "never_heard_of"}]}, "/body/0: Zoom knows no element of the type"),
        ({"head": {"text": "x", "style": {"color": "red"}}}, "/head/style/color"),
        ({"body": [{"type": "fields", "items": [{"key": "k", "value": ""}]}]}, "is empty"),
        ({"body": [{"type": "actions", "items": []}]}, "/body/0/items"),
        ({"body": [{"type": "select", "text": "x"}]}, "needs either"),
        (
            {"body": [{"type": "section", "sections": [{"type": "section", "sections": []}]}]},
            "a section",
        ),
    ],
)
def test_keeps_what_is_odd_with_a_warning(content: Any, warning: str) -> None:
    (said,) = examine(content)
    assert warning in said


def test_finds_elements_and_buttons_in_sections_too() -> None:
    assert [pointer for pointer, _ in elements(CARD)] == [
        "/body/0",
        "/body/1",
        "/body/1/sections/0",
        "/body/1/sections/1",
    ]
    assert element(CARD, "/body/1/sections/0") == SELECT
    assert element(CARD, "/body/7") is None
    assert [item["value"] for item in buttons(CARD)] == ["yes"]


@pytest.mark.parametrize(
    "content", [{}, {"body": None}, {"body": [1, {"type": "actions", "items": 3}]}]
)
def test_finds_nothing_where_nothing_is(content: Any) -> None:
    assert list(buttons(content)) == []


def test_an_unknown_element_is_refused_where_the_rule_says_so() -> None:
    content = {"body": [{"type": "hologram"}]}

    assert examine(content) == ["/body/0: Zoom knows no element of the type 'hologram'"]
    with pytest.raises(CardRefused, match="/body/0"):
        examine(content, unknown="refuse")
    examine({"body": [{"type": "datepicker", "action_id": "d"}]}, unknown="refuse")


PAGED: dict[str, Any] = {
    "body": [
        {
            "type": "page",
            "cur_page": 1,
            "pages": [
                {"pageNo": 1, "body": [{"type": "section", "sections": [SELECT]}]},
                {"pageNo": 2, "body": [{"type": "section", "sections": [ACTIONS]}, MARKED]},
            ],
        }
    ]
}


def test_what_stands_on_a_page_can_be_used_and_is_examined() -> None:
    at = "/body/0/pages/1/body"
    assert element(PAGED, f"{at}/0/sections/0") == ACTIONS
    assert [each["value"] for each in buttons(PAGED)] == ["yes"]
    assert [place for place, _ in elements(PAGED)][:2] == ["/body/0", "/body/0/pages/0/body/0"]
    assert examine(PAGED) == []
    bad = deepcopy(PAGED)
    bad["body"][0]["pages"][1]["body"][1]["link"] = "https://a.test"
    with pytest.raises(CardRefused) as refused:
        examine(bad)
    assert refused.value.pointer == f"{at}/1"
