"""Elements that take a value: alone, in a form, and edited in place."""

from html.parser import HTMLParser
from typing import Any

import pytest

from innkeeper.ui.cards import Drawn, draw


class Controls(HTMLParser):
    """Reads the forms of a card: where each posts, and with which controls."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[tuple[str, list[dict[str, str | None]]]] = []
        self.loose: list[dict[str, str | None]] = []
        self.depth = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.depth += 1
            assert self.depth == 1, "a form within a form"
            self.forms.append((given["action"] or "", []))
        elif tag in {"input", "select", "textarea", "button"}:
            controls = self.forms[-1][1] if self.depth else self.loose
            controls.append({"tag": tag, **given})

    def handle_endtag(self, tag: str) -> None:
        self.depth -= tag == "form"

    def named(self, name: str) -> list[dict[str, str | None]]:
        return [each for _, form in self.forms for each in form if each.get("name") == name]


def one(kind: str, **parts: Any) -> dict[str, Any]:
    return {"body": [{"type": kind, **parts}]}


def a_form(*body: dict[str, Any]) -> Drawn:
    card = {"settings": {"form": True, "form_id": "f1"}, "body": list(body)}
    return draw(card, message_id="m1")


BOXES = {
    "action_id": "tasks",
    "options": [
        {"text": "Beds", "value": "beds", "initial_selected": True},
        {"text": "Towels", "value": "towels"},
    ],
}
RADIO = {
    "action_id": "size",
    "options": [{"text": "Small", "value": "s"}, {"text": "Large", "value": "l"}],
    "initial_option": {"text": "Large", "value": "l"},
}


@pytest.mark.parametrize(
    ("card", "text"),
    [
        (one("checkboxes", **BOXES), "[x] Beds\n[ ] Towels"),
        (one("checkboxes", style="toggle_switch", **BOXES), "[x] Beds\n[ ] Towels"),
        (one("radio_buttons", **RADIO), "( ) Small\n(x) Large"),
        (one("datepicker", action_id="d", initial_date="2026/03/02"), "[date: 2026-03-02]"),
        (one("timepicker", action_id="t", initial_time="09:30"), "[time: 09:30]"),
    ],
)
def test_a_loose_input_posts_by_itself(card: dict[str, Any], text: str):
    drawn = draw(card, message_id="m1")
    ((action, controls),) = Controls(drawn.html).forms

    hidden = {each["name"]: each["value"] for each in controls if each.get("type") == "hidden"}
    assert (action, hidden) == ("/chat/pick", {"message": "m1", "block": "/body/0"})
    assert drawn.text == text
    assert drawn.warnings == ()


def test_what_was_chosen_before_is_chosen():
    boxes = Controls(draw(one("checkboxes", **BOXES)).html).named("value")
    radio = Controls(draw(one("radio_buttons", **RADIO)).html).named("value")
    (day,) = Controls(draw(one("datepicker", action_id="d", initial_date="2026/03/02")).html).named(
        "value"
    )

    assert [(each["value"], "checked" in each) for each in boxes] == [
        ("beds", True),
        ("towels", False),
    ]
    assert [(each["value"], "checked" in each) for each in radio] == [("s", False), ("l", True)]
    assert (day["type"], day["value"]) == ("date", "2026-03-02")


def test_switches_look_like_switches():
    assert 'class="switch"' in draw(one("checkboxes", style="toggle_switch", **BOXES)).html
    assert 'class="tick"' in draw(one("checkboxes", **BOXES)).html


def test_a_form_is_one_form_with_every_input_under_its_pointer():
    drawn = a_form(
        {"type": "plain_text_input", "action_id": "n", "text": "Name", "min_length": 1},
        {"type": "checkboxes", **BOXES},
        {"type": "section", "sections": [{"type": "datepicker", "action_id": "d"}]},
        {"type": "select", "text": "Room", "select_items": [{"text": "7", "value": "7"}]},
        {
            "type": "actions",
            "items": [
                {"text": "Send", "value": "send", "submit": True},
                {"text": "Later", "value": "later"},
            ],
        },
    )
    read = Controls(drawn.html)
    ((action, controls),) = read.forms

    assert action == "/chat/submit"
    assert read.loose == []
    names = [each["name"] for each in controls if each.get("type") != "hidden"]
    assert names == [
        "input:/body/0",
        "input:/body/1",
        "input:/body/1",
        "input:/body/2/sections/0",
        "input:/body/3",
        "value",
        "value",
    ]
    submit, later = read.named("value")
    assert "formaction" not in submit
    assert (later["formaction"], "formnovalidate" in later) == ("/chat/click", True)
    assert drawn.warnings == ()


@pytest.mark.parametrize(("lines", "tag"), [(False, "input"), (True, "textarea")])
def test_a_text_input_keeps_its_limits(lines: bool, tag: str):
    field = {
        "type": "plain_text_input",
        "action_id": "note",
        "text": "Note",
        "value": "<b>",
        "placeholder": "Say it",
        "multiline": lines,
        "min_length": 2,
        "max_length": 9,
    }
    drawn = a_form(field)
    (control,) = Controls(drawn.html).named("input:/body/0")

    assert control["tag"] == tag
    assert (control["minlength"], control["maxlength"]) == ("2", "9")
    assert control["placeholder"] == "Say it"
    assert "<b>" not in drawn.html
    assert drawn.text == "Note: [<b>]"


@pytest.mark.parametrize(
    ("card", "place"),
    [
        (one("plain_text_input", action_id="a", text="Name"), "/body/0 is an input outside a form"),
        (one("datepicker", action_id="d", initial_date="2.3.2026"), "/body/0/initial_date"),
        (one("timepicker", action_id="t", initial_time="25:00"), "/body/0/initial_time"),
        (one("timepicker"), "/body/0/action_id"),
        (one("checkboxes", action_id="c", options=[]), "/body/0/options"),
        (
            one("radio_buttons", **(RADIO | {"initial_option": {"value": "xl"}})),
            "/body/0/initial_option",
        ),
        (
            one("actions", items=[{"text": "Go", "value": "go", "submit": True}]),
            "/body/0 has a button with submit",
        ),
        (one("alert", text="Hm", level="LOUD"), "/body/0/level"),
        (
            one("video", title={"text": "T"}, video_url="x:y", thumbnail_url="https://a.b"),
            "/body/0",
        ),
        (one("page", cur_page=1, pages=[]), "/body/0/pages"),
    ],
)
def test_what_zoom_would_not_take_is_named_with_its_place(card: dict[str, Any], place: str):
    (warning, *_) = draw(card).warnings
    assert warning.startswith(place)


def test_impossible_lengths_are_warned_about():
    drawn = a_form(
        {
            "type": "plain_text_input",
            "action_id": "a",
            "text": "A",
            "min_length": 9,
            "max_length": 2,
        },
        {"type": "plain_text_input", "action_id": "b", "text": "B", "max_length": -1},
    )

    assert [warning.partition(" ")[0] for warning in drawn.warnings] == [
        "/body/0/min_length",
        "/body/1/max_length",
    ]


def test_an_editable_text_is_edited_in_place():
    drawn = draw(one("message", text="Due Friday", editable=True), message_id="m1")
    ((action, controls),) = Controls(drawn.html).forms

    sent = {each["name"]: each["value"] for each in controls if each.get("type") == "hidden"}
    assert action == "/chat/edit"
    assert sent == {"message": "m1", "block": "/body/0"}
    assert ">\nDue Friday</textarea>" in drawn.html


def test_an_editable_field_is_edited_by_its_key():
    items = [{"key": "Due", "value": "Friday", "editable": True}, {"key": "Who", "value": "Ana"}]
    ((action, controls),) = Controls(draw(one("fields", items=items)).html).forms

    sent = {each["name"]: each["value"] for each in controls if each.get("type") == "hidden"}
    assert action == "/chat/edit"
    assert (sent["block"], sent["key"]) == ("/body/0", "Due")


def test_nothing_can_be_used_where_the_app_is_gone():
    body = [
        {"type": "checkboxes", **BOXES},
        {"type": "radio_buttons", **RADIO},
        {"type": "timepicker", "action_id": "t"},
        {"type": "message", "text": "Due", "editable": True},
    ]
    read = Controls(draw({"body": body}, interactive=False).html)

    used = [each for _, form in read.forms for each in form if each.get("type") != "hidden"]
    assert used
    assert all("disabled" in each for each in used)


def test_the_current_page_is_open():
    pages = [
        {"pageNo": number, "body": [{"type": "message", "text": f"Text {number}"}]}
        for number in (1, 2)
    ]
    drawn = draw(one("page", cur_page=2, pages=pages))

    assert drawn.html.count("<details open>") == 1
    assert "Text 2" in drawn.text
    assert "Text 1" not in drawn.text
    assert "Text 1" in drawn.html


@pytest.mark.parametrize(
    ("bold", "one_star", "two_stars"),
    [("both", True, True), ("one", True, False), ("two", False, True)],
)
def test_bold_is_written_as_the_rule_has_it(bold: Any, one_star: bool, two_stars: bool):
    def drawn(text: str) -> str:
        return draw(one("message", text=text), markdown=True, bold=bold).html

    assert ("<strong>due</strong>" in drawn("*due*")) is one_star
    assert ("<strong>due</strong>" in drawn("**due**")) is two_stars


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<!all> due", "@all"),
        ("<@uana1@xmpp.zoom.us>", "@uana1"),
        ("<uana1@xmpp.zoom.us|Ana>", "@Ana"),
    ],
)
def test_mentions_stand_out(text: str, shown: str):
    html = draw(one("message", text=text), markdown=True).html

    assert f'<span class="mention">{shown}</span>' in html


@pytest.mark.parametrize(("warned", "count"), [(True, 1), (False, 0)])
def test_long_texts_are_warned_about_where_told_so(warned: bool, count: int):
    assert len(draw(one("message", text="x" * 4001), long_texts=warned).warnings) == count
