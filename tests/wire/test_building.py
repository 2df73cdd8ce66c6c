from datetime import UTC, date, datetime, time
from typing import Any, cast

import msgspec
import pytest

from innkeeper.errors import CardRefused
from innkeeper.wire.blocks import (
    Attachments,
    Block,
    Checkbox,
    Checkboxes,
    DatePicker,
    File,
    Head,
    Image,
    Images,
    Information,
    Message,
    Option,
    Page,
    PageItem,
    Picture,
    PlainTextInput,
    ProgressBar,
    RadioButtons,
    Section,
    Select,
    SubHead,
    TimePicker,
    Video,
)
from innkeeper.wire.blocks.inputs import date_text, read_date, read_time
from innkeeper.wire.markdown import Markdown, bold
from innkeeper.wire.messages import Card, card_of

PICTURE = Picture(image_url="https://a.example/a.png")


def body(card: Card):
    return card.content()["body"]


def test_builds_what_is_filled_in():
    card = (
        Card(settings={"form": True, "form_id": "oil"})
        .text_input("casks", "Casks", value="2", placeholder="how many", max_length=3)
        .date_picker("day", date(2026, 3, 2))
        .date_picker("day2")
        .time_picker("hour", time(0, 0))
        .radio("size", {"s": "Small", "m": "Medium"}, chosen="m")
        .checkboxes("what", {"oil": "Oil", "wick": "Wick"}, chosen=["wick"])
        .switches("how", {"fast": "Fast"}, on=["fast"])
        .button("Send", "send", style="Primary", submit=True)
    )

    assert body(card) == [
        {
            "type": "plain_text_input",
            "action_id": "casks",
            "text": "Casks",
            "value": "2",
            "placeholder": "how many",
            "max_length": 3,
        },
        {"type": "datepicker", "action_id": "day", "initial_date": "2026/03/02"},
        {"type": "datepicker", "action_id": "day2"},
        {"type": "timepicker", "action_id": "hour", "initial_time": "00:00"},
        {
            "type": "radio_buttons",
            "action_id": "size",
            "options": [{"value": "s", "text": "Small"}, {"value": "m", "text": "Medium"}],
            "initial_option": {"value": "m", "text": "Medium"},
        },
        {
            "type": "checkboxes",
            "action_id": "what",
            "options": [
                {"value": "oil", "text": "Oil"},
                {"value": "wick", "text": "Wick", "initial_selected": True},
            ],
        },
        {
            "type": "checkboxes",
            "action_id": "how",
            "options": [{"value": "fast", "text": "Fast", "initial_selected": True}],
            "style": "toggle_switch",
        },
        {
            "type": "actions",
            "items": [{"text": "Send", "value": "send", "style": "Primary", "submit": True}],
        },
    ]
    assert Card.parse(card.content()) == card


def test_builds_what_is_pressed():
    card = (
        Card()
        .button("One", "1")
        .button("Two", "2")
        .dialog("Look", "https://a.example", title="The log", size="S")
        .overflow(2, "More…")
        .text("Was it good?")
        .feedback()
        .select("Tower", {"n": "North", "s": "South"}, selected="s")
        .select_member("Who")
        .select_channel("Where")
    )

    assert body(card) == [
        {
            "type": "actions",
            "items": [
                {"text": "One", "value": "1"},
                {"text": "Two", "value": "2"},
                {
                    "text": "Look",
                    "value": "Look",
                    "action": "dialog",
                    "dialog": {
                        "link": "https://a.example",
                        "size": "S",
                        "title": {"text": "The log"},
                    },
                },
            ],
            "limit": 2,
            "overflow": {"text": "More…"},
        },
        {"type": "message", "text": "Was it good?"},
        {
            "type": "actions",
            "items": [
                {"text": "Good", "value": "thumbs_up", "style": "Thumbsup"},
                {"text": "Bad", "value": "thumbs_down", "style": "Thumbsdown"},
            ],
        },
        {
            "type": "select",
            "text": "Tower",
            "select_items": [{"value": "n", "text": "North"}, {"value": "s", "text": "South"}],
            "selected_item": {"value": "s", "text": "South"},
        },
        {"type": "select", "text": "Who", "static_source": "members"},
        {"type": "select", "text": "Where", "static_source": "channels"},
    ]


def test_builds_what_is_looked_at():
    card = (
        Card()
        .alert("Oil is low", "ERROR", closeable=True)
        .progress(12.5)
        .divider()
        .divider(dotted=True, color="#CCCCCC")
        .image("https://a.example/a.png", "a lamp")
        .image("https://a.example/b.png", "a wick")
        .carousel({"https://a.example/c.png": "c", "https://a.example/d.png": "d"}, current=1)
        .file("log.txt", "https://a.example/log.txt", description="of today")
        .video("The lamp", "https://a.example/v.mp4", author_name="Wren")
    )

    assert body(card) == [
        {"type": "alert", "text": "Oil is low", "level": "ERROR", "closeable": True},
        {"type": "progress_bar", "value": 12.5},
        {"type": "divider"},
        {"type": "divider", "style": {"dotted": True, "color": "#CCCCCC"}},
        {
            "type": "image",
            "images": [
                {"image_url": "https://a.example/a.png", "alt_text": "a lamp", "image_index": 0},
                {"image_url": "https://a.example/b.png", "alt_text": "a wick", "image_index": 1},
            ],
        },
        {
            "type": "images",
            "images": [
                {"image_url": "https://a.example/c.png", "alt_text": "c", "image_index": 0},
                {"image_url": "https://a.example/d.png", "alt_text": "d", "image_index": 1},
            ],
            "cur_index": 1,
        },
        {
            "type": "file",
            "title": {"text": "log.txt", "file_url": "https://a.example/log.txt"},
            "description": {"text": "of today"},
        },
        {
            "type": "video",
            "title": {"text": "The lamp"},
            "video_url": "https://a.example/v.mp4",
            "author_name": "Wren",
        },
    ]


def test_builds_what_holds_others():
    inside = Card().text("inside").field("Tower", "north")
    at = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
    card = (
        Card()
        .section(
            inside, Message(text="more"), color="#112233", footer="Wren", at=at, horizontal=True
        )
        .pages(Card().section(inside), [Message(text="last")], current=2)
    )

    held = [
        {"type": "message", "text": "inside"},
        {"type": "fields", "items": [{"key": "Tower", "value": "north"}]},
    ]
    assert body(card) == [
        {
            "type": "section",
            "sections": [*held, {"type": "message", "text": "more"}],
            "sidebar_color": "#112233",
            "footer": "Wren",
            "ts": 1_772_443_800_000,
            "layout": "horizontal",
        },
        {
            "type": "page",
            "pages": [
                {"pageNo": 1, "body": [{"type": "section", "sections": held}]},
                {"pageNo": 2, "body": [{"type": "message", "text": "last"}]},
            ],
            "cur_page": 2,
        },
    ]
    assert Card.parse(card.content()) == card


def test_a_text_in_markdown_says_so():
    assert body(Card().text(bold("Low"))) == [
        {"type": "message", "text": "*Low*", "is_markdown_support": True}
    ]
    assert body(Card().text("*Low*", markdown=True)) == body(Card().text(bold("Low")))
    assert body(Card().text("*Low*")) == [{"type": "message", "text": "*Low*"}]
    assert body(Card(None, Message(text=bold("Low")))) == [{"type": "message", "text": "*Low*"}]
    marked = Card(bold("x"), sub_head=bold("y"), markdown=True).field("k", bold("v"))
    assert marked.content()["head"] == {"text": "*x*", "sub_head": {"text": "*y*"}}
    assert body(marked)[0]["items"] == [{"key": "k", "value": "*v*"}]


def test_markdown_is_refused_where_its_marks_would_be_seen():
    for build in (
        lambda: Card(bold("x")),
        lambda: Card("x", sub_head=bold("y")),
        lambda: Card("x").field("k", bold("v")),
        lambda: Card("x").with_head(bold("y")),
    ):
        with pytest.raises(CardRefused, match="markdown=True"):
            build()


LONG = "x" * 99


@pytest.mark.parametrize(
    ("build", "pointer", "why"),
    [
        (lambda: Card().progress(100.5), "/body/0/value", "must be from 0 to 100, not 100.5"),
        (lambda: Card().progress(-1), "/body/0/value", "must be from 0 to 100, not -1"),
        (lambda: Card().progress("5"), "/body/0/value", "Expected `int | float`, got `str`"),
        (
            lambda: Card().alert("x", "LOUD"),
            "/body/0/level",
            "must be one of ERROR, INFO, SUCCESS, WARNING, not 'LOUD'",
        ),
        (lambda: Card().alert(""), "/body/0/text", "is empty"),
        (
            lambda: Card().button("A", "a", style="Loud"),
            "/body/0/items/0/style",
            "must be one of Danger, Default, Disabled, Primary, Thumbsdown, Thumbsdowned,"
            " Thumbsup, Thumbsuped, not 'Loud'",
        ),
        (lambda: Card().dialog("A", "x"), "/body/0/items/0/dialog/link", None),
        (
            lambda: Card().dialog("A", "https://a", size="XL"),
            "/body/0/items/0/dialog/size",
            "must be one of L, M, S, not 'XL'",
        ),
        (lambda: Card().button("A", "a").overflow(0), "/body/0/limit", "must be 1 or more, not 0"),
        (lambda: Card("x").overflow(1), "/body/0", "has no row of buttons before it"),
        (
            lambda: Card().select("s", {"n": "North"}, selected="s"),
            "/body/0/selected_item/value",
            "must be the value of an option",
        ),
        (lambda: Card().divider(color="grey"), "/body/0/style/color", None),
        (lambda: Card().date_picker(""), "/body/0/action_id", "is empty"),
        (lambda: Card(None, TimePicker(action_id="")), "/body/0/action_id", "is empty"),
        (
            lambda: Card(None, DatePicker(action_id="d", initial_date="2026/02/30")),
            "/body/0/initial_date",
            "must be a date as 2026/03/02, not '2026/02/30'",
        ),
        (
            lambda: Card(None, DatePicker(action_id="d", initial_date="2026-03-02")),
            "/body/0/initial_date",
            None,
        ),
        (
            lambda: Card(None, TimePicker(action_id="t", initial_time="24:00")),
            "/body/0/initial_time",
            "must be a time as 09:30, not '24:00'",
        ),
        (lambda: Card().radio("r", {}), "/body/0/options", "is empty"),
        (lambda: Card().radio("r", {"": "None"}), "/body/0/options/0/value", "is empty"),
        (lambda: Card().radio("r", {"a": ""}), "/body/0/options/0/text", "is empty"),
        (
            lambda: Card().radio("r", {"a": "A"}, chosen="b"),
            "/body/0/initial_option/value",
            "must be the value of an option",
        ),
        (
            lambda: Card().checkboxes("c", {"a": "A"}, chosen=["b"]),
            "/options",
            "has no such option to choose",
        ),
        (
            lambda: Card(
                None,
                Checkboxes(action_id="c", options=(Checkbox(value="a", text="A"),), style="x"),
            ),
            "/body/0/style",
            "must be one of toggle_switch, not 'x'",
        ),
        (
            lambda: Card().text_input("t", "T", max_length=70_000),
            "/body/0/max_length",
            "must be from 0 to 65536, not 70000",
        ),
        (
            lambda: Card().text_input("t", "T", min_length=3, max_length=2),
            "/body/0/min_length",
            "must be from 0 to 2, not 3",
        ),
        (
            lambda: Card().text_input("t", "T", value=LONG, max_length=9),
            "/body/0/value",
            "must be at most 9 characters long, not 99",
        ),
        (lambda: Card(None, Image(images=())), "/body/0/images", "is empty"),
        (lambda: Card().image("data:,", "x"), "/body/0/images/0/image_url", None),
        (
            lambda: Card(None, Images(images=(PICTURE,), cur_index=1)),
            "/body/0/cur_index",
            "must be from 0 to 0, not 1",
        ),
        (lambda: Card().file("", "https://a"), "/body/0/title/text", "is empty"),
        (lambda: Card(None, File(icon_url="x")), "/body/0/icon_url", None),
        (lambda: Card(None, File()), "/body/0/title/text", "is empty"),
        (lambda: Card().file("a", "x"), "/body/0/title/file_url", None),
        (lambda: Card(None, Video()), "/body/0/video_url", "is empty"),
        (
            lambda: Card().video("a", "https://a", thumbnail_url="x"),
            "/body/0/thumbnail_url",
            None,
        ),
        (lambda: Card().pages(), "/body/0/pages", "is empty"),
        (
            lambda: Card().pages([Message(text="a")], current=2),
            "/body/0/cur_page",
            "must be one of 1, not 2",
        ),
        (
            lambda: Card().pages([Message(text="a"), ProgressBar(value=101)]),
            "/body/0/pages/0/body/1/value",
            "must be from 0 to 100, not 101",
        ),
        (lambda: Card(None, Page(pages=(PageItem(page_no=1, body=("x",)),))), None, None),
        (lambda: Card().section(footer_icon="x"), "/body/0/footer_icon", None),
        (
            lambda: Card().add(Section(sections=(), layout="vertical")),
            "/body/0/layout",
            "must be one of horizontal, not 'vertical'",
        ),
        (lambda: Card().add(Section(sections=(), ts=-1)), "/body/0/ts", None),
        (
            lambda: Card().add(
                Attachments(
                    resource_url="https://a",
                    img_url="https://a",
                    information=Information(title=SubHead(text=""), description=SubHead(text="")),
                    size=-1,
                )
            ),
            "/body/0/size",
            "must be 0 or more, not -1",
        ),
        (lambda: Card("x", settings={"form": "yes"}), "/settings/form", None),
        (lambda: Card(settings={"form_id": 5}), "/settings/form_id", "must be a str, not 5"),
        (
            lambda: Card(settings={"default_sidebar_color": "blue"}),
            "/settings/default_sidebar_color",
            None,
        ),
        # what only somebody without a type checker writes
        (lambda: Card(5), "/head", "is not a head"),
        (lambda: Card(Head(text=5)), "/head/text", "Expected `str`, got `int`"),
        (lambda: Card(Head(text=object())), "/head", "holds something that is not JSON"),
        (lambda: Card("x", "y"), "/body/0", "is not an element"),
        (lambda: Card("x").text("a").add(None), "/body/1", "is not an element"),
        (lambda: Card("x").add(Message(text=5)), "/body/0/text", "Expected `str`, got `int`"),
        (lambda: Card("x").add(Message(text=None)), "/body/0/text", None),
        (lambda: Card("x").add(Message(text=object())), "/body/0", None),
        (lambda: Card("x").button("A", 5), "/body/0/items/0/value", "Expected `str`, got `int`"),
        (lambda: Card("x").field("k", 5.5), "/body/0/items/0/value", None),
        (lambda: Card("x").add(Section(sections=Message(text="a"))), "/body/0", None),
        (lambda: Card("x").add(RadioButtons(action_id="a", options=None)), "/body/0/options", None),
        (
            lambda: Card("x").add(PlainTextInput(action_id="a", max_length="9")),
            "/body/0/max_length",
            "Expected `int | null`, got `str`",
        ),
        # a card's own markdown
        (lambda: Card("x", markdown=True).text("a", link="https://a"), "/body/0", None),
        (lambda: Card("x", markdown=True).text("a", editable=True), "/body/0", None),
        (lambda: Card("x", markdown=True).field("a", "b", editable=True), "/body/0", None),
        (lambda: Card("x").field("a", "b", editable=True).with_markdown(), "/body/0", None),
        (
            lambda: Card("x", markdown=True).section(Message(text="a", link="https://a")),
            "/body/0/sections/0",
            None,
        ),
    ],
)
def test_refuses_with_the_place_the_limit_and_the_value(build, pointer, why):
    with pytest.raises(CardRefused) as caught:
        build()

    assert pointer is None or caught.value.pointer == pointer
    assert why is None or caught.value.why == why


@pytest.mark.parametrize(
    "card",
    [
        Card().progress(0).progress(100),
        Card().radio("r", {"a": "A"}),
        Card().text_input("t", "T", min_length=0, max_length=65_536, value="x" * 65_536),
        Card(None, Select(text="s", select_items=(Option(value="v"),))),
        Card(None, DatePicker(action_id="d", initial_date="2024/02/29")),
        Card(None, Images(images=(PICTURE,), cur_index=0)),
        Card().divider(bold=True),
        Card().section(),
        Card(Head(text="x"), Block()),
    ],
)
def test_takes_what_is_just_within(card):
    card.check()


def test_a_card_that_is_too_large_is_refused_before_it_is_sent():
    card = Card("x").text("ä" * 49_950)

    with pytest.raises(CardRefused) as caught:
        card.text("x" * 100).check()
    assert caught.value.why.startswith("must be under 100000 bytes, not 100")
    card.check()


def test_a_card_that_was_checked_is_written_once_and_as_it_was_then():
    card = Card("x", settings={"form": True}).text(Markdown("*you*"))
    said = card.checked()

    cast("dict[str, Any]", card.settings)["form"] = "odd"
    card.check()
    assert card.checked() is said
    assert msgspec.json.decode(said) == {**card.content(), "settings": {"form": True}}
    assert msgspec.json.decode(card.text("more").checked())["body"][1]["text"] == "more"


def test_half_a_character_is_refused_before_it_is_sent():
    with pytest.raises(CardRefused, match="half a character"):
        Card("x").text("\ud83d").check()


def test_days_and_times_are_written_and_read():
    assert date_text(date(26, 3, 2)) == "0026/03/02"
    assert read_date("2026/03/02") == read_date("2026-03-02") == date(2026, 3, 2)
    assert read_date("") is None
    assert read_date("2026/02/30") is None
    assert read_time("09:30") == read_time("09:30:59") == time(9, 30)
    assert read_time("9:30") is None


def test_a_card_is_drawn_where_it_is_printed():
    card = (
        Card("Deploy?", sub_head="version 7")
        .text("All is *well*")
        .field("Tower", "north")
        .progress(30)
        .section(Card().text("inside"), footer="Wren")
        .radio("r", {"a": "A", "b": "B"}, chosen="b")
        .button("Approve", "a")
        .button("Reject", "r")
    )

    assert str(card) == "\n".join(
        [
            "Deploy?",
            "version 7",
            "All is *well*",
            "Tower: north",
            "30%",
            "| inside",
            "| Wren",
            "( ) A",
            "(x) B",
            "[Approve] [Reject]",
        ]
    )
    assert "_sound" not in repr(card)


def test_what_a_person_may_have_typed_stands_in_the_value_alone():
    with pytest.raises(CardRefused) as caught:
        Card("x").text("a", link="data:Ana Keller")

    assert caught.value.value == "data:Ana Keller"
    assert "Ana" not in f"{caught.value} {caught.value!r} {caught.value.args}"


def test_a_text_of_a_special_kind_is_sent_as_the_text_it_is():
    class Shout(str):
        __slots__ = ()

    card = Card(Shout("HEY"), Message(text=Shout("you"))).button(Shout("Yes"), Shout("y"))

    content = card.content()
    assert {type(content["head"]["text"]), type(content["body"][0]["text"])} == {str}
    card.check()


@pytest.mark.parametrize("answer", ["", " \n"])
def test_an_answer_says_something(answer):
    with pytest.raises(CardRefused, match="is empty"):
        card_of(answer)
