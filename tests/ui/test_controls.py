"""Is what can be pressed or chosen from a plain form that says what it should?"""

from innkeeper.ui.cards import draw
from tests.ui.samples import block


def test_a_button_is_a_button_that_posts_its_value_and_its_message() -> None:
    items = [
        {"text": "Approve", "value": "approve", "style": "Primary"},
        {"text": "Reject", "value": "reject", "style": "Danger"},
        {"text": "Gone", "value": "gone", "style": "Disabled"},
        {"text": "Odd", "value": "odd", "style": "Enabled"},
    ]
    drawn = draw(block("actions", items=items), message_id="m-1")

    assert '<form class="card-actions" method="post" action="/chat/click"' in drawn.html
    assert '<input type="hidden" name="message" value="m-1">' in drawn.html
    assert '<button class="button primary" name="value" value="approve">' in drawn.html
    assert '<button class="button danger" name="value" value="reject">' in drawn.html
    assert '<button class="button" name="value" value="gone" disabled>' in drawn.html
    assert '<button class="button" name="value" value="odd">' in drawn.html
    assert drawn.text == "[Approve] [Reject] [Gone] [Odd]"
    assert drawn.warnings == ()


def test_buttons_beyond_the_limit_go_into_a_menu() -> None:
    items = [{"text": name, "value": name} for name in ("one", "two", "three")]
    html = draw(block("actions", items=items, limit=2, overflow={"text": "Rest"})).html

    menu = html[html.index("<details") :]
    assert '<summary class="button">Rest</summary>' in menu
    assert 'value="three"' in menu
    assert 'value="two"' not in menu


def test_a_dialog_button_opens_its_address() -> None:
    dialog = {"link": "https://bot.example/form", "size": "S"}
    drawn = draw(block("actions", items=[{"text": "Open", "action": "dialog", "dialog": dialog}]))

    assert '<a class="button" href="https://bot.example/form"' in drawn.html
    assert drawn.warnings == ()


def test_a_feedback_button_shows_its_thumb() -> None:
    items = [{"text": "Good", "value": "g", "style": "Thumbsuped"}]
    html = draw(block("actions", items=items)).html

    assert 'class="button pressed"' in html
    assert '<span aria-hidden="true">👍</span> Good' in html


def test_a_dropdown_posts_its_message_its_place_and_its_value() -> None:
    items = [{"value": "hi", "text": "High"}, {"value": "lo"}]
    drawn = draw(
        block("select", text="Priority", select_items=items, selected_item={"value": "lo"}),
        message_id="m1",
    )

    assert '<form class="card-select" method="post" action="/chat/select"' in drawn.html
    assert '<input type="hidden" name="block" value="/body/0">' in drawn.html
    assert '<label for="select-m1-body-0" dir="auto">Priority</label>' in drawn.html
    assert '<option value="hi">High</option><option value="lo" selected>lo</option>' in drawn.html
    assert drawn.text == "Priority: High | lo"
    assert drawn.warnings == ()


def test_a_dropdown_without_a_choice_made_chooses_none() -> None:
    html = draw(block("select", text="Who", static_source="members"), members=[("u1", "Ana")]).html

    assert '<option value="" selected disabled>Choose…</option>' in html
    assert '<option value="u1">Ana</option>' in html


def test_a_dropdown_of_channels_offers_the_channels() -> None:
    select = block("select", text="Where", static_source="channels")

    assert draw(select, members=[("u1", "Ana")], channels=[("c1", "general")]).text == (
        "Where: general"
    )


def test_a_card_that_is_only_looked_at_has_no_control_that_works() -> None:
    card = {
        "body": [
            {"type": "actions", "items": [{"text": "Go", "value": "go"}]},
            {"type": "select", "text": "S", "select_items": [{"value": "a"}]},
        ]
    }
    html = draw(card, interactive=False).html

    assert html.count(" disabled>Go") == 1
    assert '<select id="select--body-1" name="value" required disabled>' in html
