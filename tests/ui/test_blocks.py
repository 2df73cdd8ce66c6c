"""Is each element that is only looked at drawn as Zoom shows it?"""

import pytest

from innkeeper.ui.cards import draw
from tests.ui.samples import block


def test_draws_a_message_in_its_style() -> None:
    style = {"color": "#0E72ED", "bold": True, "italic": True}
    drawn = draw(block("message", text="hi", style=style))

    assert '<p class="card-text ink-0e72ed bold italic" dir="auto">hi</p>' in drawn.html
    assert '<link rel="stylesheet" href="/static/colors/0e72ed.css">' in drawn.html
    assert drawn.warnings == ()


def test_draws_a_linked_message() -> None:
    drawn = draw(block("message", text="the log", link="https://ci.example/7"))

    assert (
        '<a href="https://ci.example/7" rel="noopener noreferrer" target="_blank">the log</a>'
        in drawn.html
    )
    assert drawn.text == "the log <https://ci.example/7>"


def test_puts_short_fields_side_by_side() -> None:
    items = [{"key": "Version", "value": "7", "short": True}, {"key": "By", "value": "Ana"}]
    drawn = draw(block("fields", items=items))

    assert '<div class="short"><dt dir="auto">Version</dt>' in drawn.html
    assert '<div class="long"><dt dir="auto">By</dt>' in drawn.html
    assert drawn.text == "Version: 7\nBy: Ana"


def test_an_attachment_is_a_frame_and_fetches_nothing() -> None:
    drawn = draw(
        block(
            "attachments",
            resource_url="https://ci.example/report.pdf",
            img_url="https://ci.example/page.png",
            ext="pdf",
            size=482_133,
            information={"title": {"text": "report.pdf"}, "description": {"text": "The tests"}},
        )
    )

    assert "<img" not in drawn.html
    assert 'href="https://ci.example/report.pdf"' in drawn.html
    assert "The tests · PDF · 482 KB" in drawn.html
    assert drawn.warnings == ()


def test_the_newer_elements_are_drawn_too() -> None:
    card = {
        "body": [
            {"type": "alert", "text": "Disk full", "level": "ERROR"},
            {"type": "progress_bar", "value": 75},
            {"type": "divider"},
            {"type": "file", "title": {"text": "a.txt", "file_url": "https://a.b/a.txt"}},
            {"type": "image", "images": [{"image_url": "https://a.b/x.png", "alt_text": "A cat"}]},
        ]
    }
    drawn = draw(card)

    assert '<p class="notice bad" dir="auto">Disk full</p>' in drawn.html
    assert 'max="100" value="75"' in drawn.html
    assert '<hr class="card-divider">' in drawn.html
    assert "A cat" in drawn.text
    assert drawn.warnings == ()


def test_a_blank_field_is_sent_as_a_space_and_that_is_fine() -> None:
    assert draw(block("fields", items=[{"key": "Note", "value": " "}])).warnings == ()


@pytest.mark.parametrize(
    ("size", "said"),
    [(7, "7 bytes"), (482_133, "482 KB"), (9_000_000, "9 MB"), (10**30, "999999 GB")],
)
def test_a_size_is_said_in_the_unit_that_fits(size: int, said: str) -> None:
    assert said in draw(block("attachments", size=size)).text


@pytest.mark.parametrize("word", ["closeable", "closable"])
def test_an_alert_can_be_closed_where_it_says_so(word: str) -> None:
    alert = {"type": "alert", "text": "No towels.", "level": "ERROR"}

    assert '<details class="card-alert" open>' in draw({"body": [{**alert, word: True}]}).html
    assert "<details" not in draw({"body": [{**alert, word: False}]}).html
