"""Does a card's painter take anything for what it is?"""

import pytest

from innkeeper.ui.sketch import Sketch, as_list, as_map


@pytest.fixture
def sketch() -> Sketch:
    return Sketch(message_id="m", markdown=False, interactive=True, members=(), channels=())


def test_takes_json_as_it_is_and_all_else_as_empty() -> None:
    assert as_map({"a": 1}) == {"a": 1}
    assert as_map([1]) == as_map("a") == as_map(None) == {}
    assert as_list([1]) == [1]
    assert as_list({"a": 1}) == as_list("a") == as_list(None) == []


def test_a_text_that_is_none_is_shown_and_warned_about(sketch: Sketch) -> None:
    assert sketch.words({"text": 7}, "text", "/head") == "7"
    assert sketch.warnings == ["/head/text is not a text"]


def test_a_style_is_named_by_its_classes(sketch: Sketch) -> None:
    style = {"color": "#0E72ED", "bold": True, "italic": "yes"}

    assert sketch.style(style, "/head/style") == "ink-0e72ed bold"
    assert list(sketch.colors) == ["0e72ed"]
    assert sketch.warnings == []


def test_warnings_hold_no_control_character(sketch: Sketch) -> None:
    sketch.warn("", "is \x1b[31mred")

    assert sketch.warnings == ["/ is \ufffd[31mred"]
