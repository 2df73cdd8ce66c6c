import pytest

from innkeeper.errors import CardRefused
from innkeeper.wire.blocks import Actions, Alert, Fields, Message, ProgressBar
from innkeeper.wire.messages import Card
from tests.wire.samples import CARD, NEW

CONTENT = {
    **CARD,
    "body": [
        {"type": "message", "text": "For the north tower", "event_id": "m0"},
        {
            "type": "section",
            "novelty": NEW,
            "sections": [
                {"type": "fields", "items": [{"key": "Status", "value": "open", "version": 1}]},
                {"type": "progress_bar", "value": 10, "event_id": "p0"},
                {"type": "hologram", "what": NEW},
            ],
        },
        {
            "type": "actions",
            "items": [
                {"text": "Good", "value": "up", "style": "Thumbsup", "version": 1},
                {"text": "Bad", "value": "down", "style": "Thumbsdown"},
                {"text": "Odd", "value": "odd", "style": "Enabled"},
            ],
        },
    ],
}


@pytest.fixture
def card() -> Card:
    return Card.parse(CONTENT, stored=True)


def changed(card: Card, *path, value):
    """Compare with the content in which one value alone is another."""
    expected = Card.parse(CONTENT).content()
    place = expected
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return card.content() == expected


def test_finds_elements_wherever_they_stand(card):
    assert [type(block) for block in card.find(Fields)] == [Fields]
    assert card.find(ProgressBar)[0].value == 10
    assert card.find(Alert) == []


def test_changes_a_field_and_nothing_else(card):
    path = ("body", 1, "sections", 0, "items", 0, "value")
    assert changed(card.with_field("Status", "done"), *path, value="done")
    assert changed(card.with_field("Status", ""), *path, value=" ")
    assert card.with_field("Status", "open") == card


def test_changes_a_paragraph_and_nothing_else(card):
    new = card.with_text("For the north tower", "For the south tower")

    assert changed(new, "body", 0, "text", value="For the south tower")


def test_moves_a_progress_bar_and_nothing_else(card):
    assert changed(card.with_progress(55), "body", 1, "sections", 1, "value", value=55)
    assert card.with_progress(10) == card


def test_shows_which_thumb_was_pressed_and_takes_it_back():
    card = Card("Was it good?").feedback("up", "down")

    def looks(card):
        return [button.style for button in card.find(Actions)[0].items]

    up = Card.parse(card.with_feedback("up").content(), stored=True)
    assert looks(up) == ["Thumbsuped", "Thumbsdown"]
    assert looks(up.with_feedback("down")) == ["Thumbsup", "Thumbsdowned"]
    assert looks(up.with_feedback("up")) == ["Thumbsuped", "Thumbsdown"]


def test_changes_a_button(card):
    new = (
        Card("x")
        .button("Go", "go")
        .button("Stop", "stop")
        .with_button("go", text="Gone", style="Disabled")
    )

    assert new == Card("x").button("Gone", "go", style="Disabled").button("Stop", "stop")
    with pytest.raises(CardRefused, match="Enabled"):
        card.with_button("up", text="Great")


def test_leaves_kinds_of_elements_out(card):
    bare = card.without(Actions, Fields, ProgressBar)

    assert bare.content()["body"] == [
        CONTENT["body"][0],
        {**CONTENT["body"][1], "sections": [{"type": "hologram", "what": NEW}]},
    ]


def test_puts_others_in_the_place_of_one(card):
    [fields] = card.find(Fields)
    new = card.replace(fields, Message(text="a"), Message(text="b"))

    assert [each["type"] for each in new.content()["body"][1]["sections"]] == [
        "message",
        "message",
        "progress_bar",
        "hologram",
    ]
    assert card.replace(fields).find(Fields) == []
    assert card.replace(card.body[0]).body == card.body[1:]
    with pytest.raises(CardRefused, match="does not hold"):
        card.replace(Message(text="For the north tower"))


def test_puts_another_head_and_other_settings(card):
    assert card.with_head("Done", "today").content()["head"] == {
        **CONTENT["head"],
        "text": "Done",
        "sub_head": {"text": "today", "novelty": NEW},
    }
    assert "head" not in card.with_head(None).content()
    assert card.with_settings(form=False).content()["settings"] == {
        **CARD["settings"],
        "form": False,
    }


def test_a_stored_card_does_not_say_that_it_was_in_markdown():
    card = Card.parse(Card("*x*", markdown=True).content())

    assert not card.markdown
    assert card.with_markdown().markdown


@pytest.mark.parametrize(
    "change",
    [
        lambda card: card.with_field("Nothing", "x"),
        lambda card: card.with_text("Nothing", "x"),
        lambda card: card.with_button("nothing", text="x"),
        lambda card: card.with_feedback("nothing"),
        lambda card: card.without(ProgressBar).with_progress(5),
    ],
)
def test_refuses_to_change_what_is_not_there(card, change):
    with pytest.raises(CardRefused, match="has no"):
        change(card)


def test_refuses_a_change_that_zoom_would_not_take(card):
    with pytest.raises(CardRefused) as caught:
        card.with_progress(101)
    assert caught.value.pointer == "/body/1/sections/1/value"
