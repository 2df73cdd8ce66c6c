import dataclasses
from datetime import date, time
from enum import Enum
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from innkeeper import (
    BotRefused,
    Form,
    FormRefused,
    Jid,
    channel_picker,
    checkboxes,
    date_picker,
    dropdown,
    member_picker,
    number_input,
    radio,
    switch,
    text_input,
    time_picker,
)


class Size(Enum):
    SMALL = "s"
    LARGE = "l"


class Stay(Form):
    """All that can be asked for."""

    rating: int = radio({1: "Bad", 2: "Good"}, "How was it?")
    size: Size = dropdown({Size.SMALL: "Small", Size.LARGE: "Large"}, "Which room?")
    likes: tuple[str, ...] = checkboxes({"bed": "The bed", "view": "The view"}, at_most=1)
    guests: int = number_input(minimum=1, maximum=4)
    came: date = date_picker("When did you come?")
    woke: time | None = time_picker(required=False)
    note: str = text_input("Anything else?", required=False, max_length=9)
    again: bool = switch("Again?")
    friend: Jid | None = member_picker("With whom?", required=False)
    room: Jid | None = channel_picker("Where?", required=False)


FULL = Stay(
    rating=2,
    size=Size.LARGE,
    likes=("view",),
    guests=3,
    came=date(2026, 3, 2),
    woke=time(9, 30),
    note="fine",
    again=True,
    friend=Jid("ana@xmpp.zoom.us"),
    room=Jid("hall@conference.xmpp.zoom.us"),
)
ITEMS: list[dict[str, Any]] = [
    {"radio_buttons": {"action_id": "rating", "option": {"text": "Good", "value": "2"}}},
    {"select": {"text": "Which room?", "selectedItems": [{"value": "l"}]}},
    {"checkboxes": {"action_id": "likes", "options": [{"text": "The view", "value": "view"}]}},
    {"plain_text_input": {"action_id": "guests", "text": "Guests", "value": " 3 "}},
    {"datepicker": {"action_id": "came", "date": "2026/03/02"}},
    {"timepicker": {"action_id": "woke", "time": "09:30"}},
    {"plain_text_input": {"action_id": "note", "text": "Anything else?", "value": "fine"}},
    {"checkboxes": {"action_id": "again", "options": [{"text": "Again?", "value": "on"}]}},
    {"select": {"text": "With whom?", "selectedItems": [{"value": "ana@xmpp.zoom.us"}]}},
    {"select": {"text": "Where?", "selectedItems": [{"value": "hall@conference.xmpp.zoom.us"}]}},
    {"actionItem": {"text": "Send", "value": "Stay"}},
]


def but(name: str, **body: Any) -> list[dict[str, Any]]:
    """Fill one field in otherwise."""
    others = [item for item in ITEMS if next(iter(item.values())).get("action_id") != name]
    return [*others, {"novel": {"action_id": name, **body}}]


def faults(items: list[dict[str, Any]]) -> dict[str, str]:
    with pytest.raises(FormRefused) as caught:
        Stay.read(items)
    return caught.value.faults


def test_every_field_comes_back_as_its_type():
    assert Stay.read(ITEMS) == FULL


def test_what_need_not_be_filled_in_is_empty():
    needed = ("rating", "guests", "came")
    least = [
        item
        for item in ITEMS
        if next(iter(item.values())).get("action_id") in needed or "actionItem" in item
    ]
    form = Stay.read([*least, ITEMS[1]])

    assert (form.likes, form.woke, form.note, form.again) == ((), None, "", False)
    assert (form.friend, form.room) == (None, None)


def test_every_field_that_is_missing_is_named_at_once():
    assert faults([]) == {
        "How was it?": "please choose one",
        "Which room?": "please choose one",
        "Guests": "please write a whole number from 1 to 4",
        "When did you come?": "please choose a day",
    }


@pytest.mark.parametrize(
    ("items", "label", "why"),
    [
        (but("rating", value="3"), "How was it?", "please choose one of what is there"),
        (but("rating", option=None), "How was it?", "please choose one"),
        (but("guests", value="0"), "Guests", "please write a whole number from 1 to 4"),
        (but("guests", value="5"), "Guests", "please write a whole number from 1 to 4"),
        (but("guests", value="three"), "Guests", "please write a whole number from 1 to 4"),
        (but("guests", value="\u0663"), "Guests", "please write a whole number from 1 to 4"),
        (but("guests", value="9" * 5000), "Guests", "please write a whole number from 1 to 4"),
        (but("came", date="yesterday"), "When did you come?", "please choose a day"),
        (but("came", date="2026/02/30"), "When did you come?", "please choose a day"),
        (but("woke", time="25:00"), "Woke", "please choose a time"),
        (but("note", value="x" * 10), "Anything else?", "please write at most 9 characters"),
        (but("likes", options=[{"value": "x"}]), "Likes", "please choose one of what is there"),
        (
            but("likes", options=[{"value": "bed"}, {"value": "view"}]),
            "Likes",
            "please choose at most 1",
        ),
        (but("again", value="off"), "Again?", "please choose one of what is there"),
    ],
)
def test_what_is_odd_is_named(items: list[dict[str, Any]], label: str, why: str):
    assert faults(items) == {label: why}


@pytest.mark.parametrize(
    "body",
    [
        {"value": "2"},
        {"option": {"value": "2"}},
        {"selected_option": {"text": "Good", "value": "2"}},
        {"options": [{"value": "1", "selected": False}, {"value": "2", "selected": True}]},
        {"selectedItems": [{"value": "2"}]},
        {"selected_item": "2"},
        {"values": ["2"]},
    ],
)
def test_a_choice_is_read_in_whatever_shape_it_comes(body: dict[str, Any]):
    assert Stay.read(but("rating", **body)).rating == 2
    flat = [item for item in but("rating", **body) if "novel" not in item]
    assert Stay.read([*flat, {"action_id": "rating", **body}]).rating == 2


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["rating", "2", "came", "on", ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["action_id", "value", "option", "options", "text", "selected"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@given(st.lists(st.dictionaries(st.sampled_from(["x", "action_id", "value"]), JSON, max_size=2)))
def test_whatever_comes_is_read_or_refused(items: list[dict[str, Any]]):
    labels = {asked.words(name) for name, asked in Stay.inputs.items()}
    try:
        read: Stay | set[str] = Stay.read(items)
    except FormRefused as refused:
        read = set(refused.faults)
    assert isinstance(read, Stay) or read <= labels


def test_the_card_asks_for_every_field():
    card = Stay.card("Your stay", "Tell us.", submit="Tell", value="stay 7")

    assert card.content()["settings"] == {"form": True, "form_id": "Stay"}
    assert str(card).splitlines() == [
        "Your stay",
        "Tell us.",
        "How was it?",
        "( ) Bad",
        "( ) Good",
        "Which room?: Small | Large",
        "Likes",
        "[ ] The bed",
        "[ ] The view",
        "Guests: [ ]",
        "When did you come?",
        "[date: none]",
        "Woke",
        "[time: none]",
        "Anything else?: [ ]",
        "[ ] Again?",
        "With whom?: ",
        "Where?: ",
        "[Tell]",
    ]
    assert card.content()["body"][-1]["items"] == [
        {"text": "Tell", "value": "stay 7", "style": "Primary", "submit": True}
    ]


def test_the_card_may_be_filled_in_already():
    drawn = str(Stay.card("Your stay", values=FULL))

    for line in ("(x) Good", "[x] The view", "Guests: [3]", "[date: 2026-03-02]", "[time: 09:30]"):
        assert line in drawn
    assert "[x] Again?" in drawn
    content = Stay.card("Your stay", values=FULL).content()["body"]
    chosen = [block["selected_item"]["value"] for block in content if "selected_item" in block]
    assert chosen == ["l", "ana@xmpp.zoom.us", "hall@conference.xmpp.zoom.us"]


def test_what_a_field_holds_by_default_is_filled_in():
    class Order(Form, form_id="order"):
        how_many: int = number_input(default=2)
        colour: str = radio({"r": "Red", "b": "Blue"}, default="b")
        extras: tuple[str, ...] = checkboxes({"x": "X", "y": "Y"}, default=["y"], required=True)
        soon: bool = switch(default=True)
        day: date = date_picker(default=date(2026, 3, 2))

    assert Order() == Order(how_many=2, colour="b", extras=("y",), soon=True, day=date(2026, 3, 2))
    assert Order.form_id == "order"
    assert str(Order.card("Order")).splitlines()[1:9] == [
        "How many: [2]",
        "Colour",
        "( ) Red",
        "(x) Blue",
        "Extras",
        "[ ] X",
        "[x] Y",
        "[x] Soon",
    ]
    with pytest.raises(FormRefused) as caught:
        Order.read([])
    assert caught.value.faults["Extras"] == "please choose at least one"


def test_what_does_not_fit_together_is_told_by_its_label():
    class Trip(Form):
        start: date = date_picker("From")
        end: date = date_picker("Until")

        def check(self) -> dict[str, str]:
            return {"end": "is before the start"} if self.end < self.start else {}

    items = [
        {"datepicker": {"action_id": "start", "date": "2026/03/02"}},
        {"datepicker": {"action_id": "end", "date": "2026/03/01"}},
    ]
    with pytest.raises(FormRefused) as caught:
        Trip.read(items)
    assert caught.value.faults == {"Until": "is before the start"}
    assert Trip.read([items[0], {"datepicker": {"action_id": "end", "date": "2026/03/02"}}])


def test_a_form_may_build_on_another():
    class Named(Form):
        name: str = text_input()

    class Aged(Named):
        kind: ClassVar[str] = "aged"
        age: int = number_input(minimum=0)

    assert list(Aged.inputs) == ["name", "age"]
    assert Aged(name="Ana", age=7).name == "Ana"
    assert list(Named.inputs) == ["name"]


def test_a_form_does_not_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        FULL.rating = 1  # type: ignore[misc]
    with pytest.raises(TypeError):
        Stay(rating=1)  # type: ignore[call-arg]


def test_a_field_without_an_input_or_a_type_stops_the_start():
    with pytest.raises(BotRefused, match="has no input"):
        type("Odd", (Form,), {"__annotations__": {"note": str}})
    with pytest.raises(BotRefused, match="without a type"):
        type("Odd", (Form,), {"note": text_input()})


def test_a_field_that_need_not_be_filled_in_is_none():
    class Maybe(Form):
        count: int | None = number_input(required=False)
        name: str = text_input(required=False, min_length=3)

    with pytest.raises(FormRefused) as caught:
        Maybe.read([{"plain_text_input": {"action_id": "name", "value": "Jo"}}])
    assert caught.value.faults == {"Name": "please write at least 3 characters"}
    read = Maybe.read([{"plain_text_input": {"action_id": "name", "value": "Ana"}}])
    assert read == Maybe(count=None, name="Ana")


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (number_input(), "please write a whole number"),
        (number_input(minimum=1), "please write a whole number, 1 or more"),
        (number_input(maximum=9), "please write a whole number, 9 or less"),
        (text_input(), "please write something"),
        (text_input(required=False, min_length=2), "please write something"),
    ],
)
def test_an_empty_field_asks(asked: Any, words: str):
    form = type("Odd", (Form,), {"__annotations__": {"it": Any}, "it": asked})

    with pytest.raises(FormRefused) as caught:
        form.read([])  # type: ignore[attr-defined]
    assert caught.value.faults == {"It": words}
    assert "It" in str(caught.value)
