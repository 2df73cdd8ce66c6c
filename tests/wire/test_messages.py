import dataclasses
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from innkeeper.errors import CardRefused
from innkeeper.wire.blocks import (
    BLOCKS,
    Actions,
    Attachments,
    Block,
    Button,
    Dialog,
    DialogTitle,
    Field,
    Fields,
    Head,
    Information,
    Message,
    Option,
    Overflow,
    Section,
    Select,
    Style,
    SubHead,
    UnknownBlock,
    block_json,
    parse_block,
)
from innkeeper.wire.messages import Card
from tests.wire.samples import CARD, NEW

STYLE = {"color": "#0A1b2C", "bold": True, "novelty": NEW}

ELEMENTS: dict[str, dict[str, Any]] = {
    "message": {"type": "message", "text": "Oil is low", "style": STYLE, "link": "https://a.example"},
    "message in markdown": {"type": "message", "text": "*low*", "is_markdown_support": True},
    "message that can be edited": {"type": "message", "text": "low", "editable": True},
    "fields": {
        "type": "fields",
        "items": [
            {"key": "Tower", "value": "north", "short": True, "novelty": NEW},
            {"key": "Casks", "value": " ", "editable": True, "style": STYLE},
        ],
    },
    "actions": {
        "type": "actions",
        "limit": 2,
        "overflow": {"text": "More", "novelty": NEW},
        "items": [
            {"text": "Approve", "value": "ok", "style": "Primary"},
            {"text": "Look", "value": "look", "action": "dialog", "dialog": {
                "link": "https://a.example", "size": "M", "title": {"text": "Look"}, "novelty": NEW,
            }},
            {"text": "Send", "value": "send", "submit": True, "style": "Thumbsup"},
        ],
    },
    "select": {
        "type": "select",
        "text": "Tower",
        "select_items": [{"text": "North", "value": "n"}, {"value": "s", "novelty": NEW}],
        "selected_item": {"value": "n"},
    },
    "select of members": {"type": "select", "text": "Who", "static_source": "members"},
    "attachments": {
        "type": "attachments",
        "resource_url": "https://a.example/log.txt",
        "img_url": "https://a.example/log.png",
        "information": {"title": {"text": "log"}, "description": {"text": "of 12 May"}},
        "ext": "txt",
        "size": 21,
    },
    "section": {
        "type": "section",
        "sidebar_color": "#ABCDEF",
        "footer": "kept by Wren",
        "footer_icon": "https://a.example/w.png",
        "ts": 1_762_950_123_456,
        "layout": "horizontal",
        "sections": [
            {"type": "message", "text": "inside", "novelty": NEW},
            {"type": "divider", "style": {"dotted": True}},
        ],
    },
    "datepicker": {"type": "datepicker", "action_id": "day", "initial_date": "2026/03/02"},
    "timepicker": {"type": "timepicker", "action_id": "hour", "initial_time": "09:30"},
    "radio_buttons": {
        "type": "radio_buttons",
        "action_id": "size",
        "options": [{"text": "S", "value": "s", "novelty": NEW}, {"text": "M", "value": "m"}],
        "initial_option": {"text": "M", "value": "m"},
    },
    "checkboxes": {
        "type": "checkboxes",
        "action_id": "what",
        "style": "toggle_switch",
        "options": [{"text": "Oil", "value": "oil", "initial_selected": True, "novelty": NEW}],
    },
    "plain_text_input": {
        "type": "plain_text_input",
        "action_id": "note",
        "text": "Note",
        "value": "",
        "placeholder": "…",
        "multiline": True,
        "min_length": 0,
        "max_length": 2000,
    },
    "progress_bar": {"type": "progress_bar", "value": 50, "raw": "theirs"},
    "image": {
        "type": "image",
        "images": [{"image_url": "https://a.example/a.png", "alt_text": "a", "image_index": 0}],
    },
    "images": {
        "type": "images",
        "cur_index": 1,
        "images": [{"image_url": "https://a.example/a.png", "novelty": NEW}, {"image_url": "b"}],
    },
    "file": {
        "type": "file",
        "icon_url": "https://a.example/i.png",
        "title": {"text": "log.txt", "file_url": "https://a.example/log.txt", "novelty": NEW},
        "description": {"text": "of 12 May"},
    },
    "divider": {"type": "divider", "style": {"bold": False, "dotted": True, "color": "#CCCCCC"}},
    "alert": {"type": "alert", "text": "Low", "level": "ERROR", "closeable": True},
    "video": {
        "type": "video",
        "title": {"text": "The lamp", "is_markdown_support": False},
        "action_id": "v",
        "title_url": "https://a.example/v",
        "video_url": "https://a.example/v.mp4",
        "thumbnail_url": "https://a.example/v.png",
        "author_name": "Wren",
        "provider_name": "Harbour",
        "provider_icon_url": "https://a.example/h.png",
    },
    "page": {
        "type": "page",
        "cur_page": 2,
        "pages": [
            {"pageNo": 1, "novelty": NEW, "body": [
                {"type": "section", "sections": [{"type": "message", "text": "a", "novelty": NEW}]},
                {"type": "novel", "what": NEW},
            ]},
            {"pageNo": 2, "body": []},
            {"pageNo": 3},
        ],
    },
    "unknown": {"type": "hologram", "value": 50, "raw": "theirs"},
}  # fmt: skip


def refusal(build) -> CardRefused:
    with pytest.raises(CardRefused) as caught:
        build()
    return caught.value


# Reading and writing


@pytest.mark.parametrize("raw", ELEMENTS.values(), ids=ELEMENTS)
def test_every_element_is_read_and_written_without_loss(raw):
    raw = {**raw, "version": 1, "event_id": "x_0000", "novelty": NEW}

    block = parse_block(raw)

    assert type(block) is BLOCKS.get(raw["type"], UnknownBlock)
    assert msgspec.json.encode(block_json(block)) == msgspec.json.encode(raw)
    assert parse_block(block_json(block)) == block


def test_every_element_has_a_sample_here():
    assert set(BLOCKS) <= {raw["type"] for raw in ELEMENTS.values()}


def test_a_whole_card_is_read_and_written_without_loss():
    content = {**CARD, "body": list(ELEMENTS.values()), "novelty": NEW}

    card = Card.parse(content)

    assert card.content() == content
    assert list(card.content()) == list(content)
    assert Card.parse(card.content()) == card


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"head": {"text": "Only a head"}},
        {"body": []},
        {"head": None, "body": []},
        {"settings": {}, "head": {"text": ""}},
        {"settings": "odd", "body": [{"type": "message", "text": "x"}]},
        {"head": {"text": "x", "style": None, "sub_head": {"text": "y", "style": STYLE}}},
        {"body": [{"type": "message", "text": "x", "editable": False, "link": None}]},
        {"body": [{"type": "message", "text": "x", "raw": {"a": 1}}], "raw": [1]},
    ],
)
def test_what_was_spelt_out_stays_spelt_out(content):
    assert Card.parse(content).content() == content


def test_reads_the_parts_that_it_knows():
    card = Card.parse(CARD, markdown=True)

    assert card.markdown
    assert card.head is not None
    assert card.head.text == "Oil order"
    assert card.head.sub_head == SubHead(text="12 casks")
    assert card.settings == {"form": True, "default_sidebar_color": "#0E72ED"}
    message, actions = card.body
    assert isinstance(message, Message)
    assert isinstance(actions, Actions)
    assert message.editable is False
    assert actions.items == (Button(text="Approve", value="ok", style="Primary"),)


def test_what_is_changed_is_written_and_the_rest_stays():
    card = Card.parse(CARD)
    message, actions = card.body
    assert isinstance(actions, Actions)
    pressed = msgspec.structs.replace(actions.items[0], text="Approved", style="Disabled")

    changed = Card.parse(CARD).content()
    changed["body"] = [
        block_json(msgspec.structs.replace(message, editable=None)),
        block_json(msgspec.structs.replace(actions, items=(pressed,))),
    ]

    assert changed["body"] == [
        {"type": "message", "text": "For the north tower", "event_id": "m0"},
        {
            "type": "actions",
            "items": [{"text": "Approved", "value": "ok", "style": "Disabled"}],
        },
    ]
    assert {**changed, "body": CARD["body"]} == CARD


def test_elements_of_a_section_keep_their_own_json_in_any_order():
    section = parse_block(ELEMENTS["section"])
    assert isinstance(section, Section)

    turned = block_json(msgspec.structs.replace(section, sections=section.sections[::-1]))

    assert turned["sections"] == ELEMENTS["section"]["sections"][::-1]


@pytest.mark.parametrize(
    ("content", "pointer"),
    [
        (None, ""),
        ([], ""),
        ("Hi", ""),
        ({"body": {}}, "/body"),
        ({"body": None}, "/body"),
        ({"head": "Hi"}, "/head"),
        ({"head": {}}, "/head"),
        ({"head": {"text": 5}}, "/head/text"),
        ({"head": {"text": "x", "style": {"bold": "yes"}}}, "/head/style/bold"),
        ({"head": {"text": "x", "sub_head": {"text": []}}}, "/head/sub_head/text"),
        ({"body": ["x"]}, "/body/0"),
        ({"body": [{"text": "x"}]}, "/body/0/type"),
        ({"body": [{"type": 5}]}, "/body/0/type"),
        ({"body": [{"type": "message", "text": "x"}, {"type": "message"}]}, "/body/1"),
        ({"body": [{"type": "fields", "items": 5}]}, "/body/0/items"),
        ({"body": [{"type": "fields", "items": ["x"]}]}, "/body/0/items/0"),
        ({"body": [{"type": "fields", "items": [{"key": "k"}]}]}, "/body/0/items/0"),
        ({"body": [{"type": "fields", "items": [{"key": 1, "value": ""}]}]}, "/body/0/items/0/key"),
        (
            {"body": [{"type": "section", "sections": [{"type": "message", "text": 1}]}]},
            "/body/0/sections/0/text",
        ),
        ({"body": [{"type": "section", "sections": 1}]}, "/body/0/sections"),
        ({"body": [{"type": "section", "sections": [[]]}]}, "/body/0/sections/0"),
    ],
)
def test_a_card_that_is_none_is_refused_with_the_place(content, pointer):
    refused = refusal(lambda: Card.parse(content))

    assert refused.pointer == pointer
    assert refused.why


def test_the_reason_says_what_was_expected():
    refused = refusal(lambda: Card.parse({"head": {"text": 5}}))

    assert str(refused) == (
        "card refused at /head/text: Expected `str`, got `int`. "
        "Change the card at the place that is named. (card_refused)"
    )


def nested(depth: int) -> dict[str, Any]:
    block: dict[str, Any] = {"type": "message", "text": "deep"}
    for _ in range(depth):
        block = {"type": "section", "sections": [block]}
    return {"body": [block]}


def test_sections_in_sections_are_read_but_not_without_end():
    assert Card.parse(nested(3)).content() == nested(3)
    assert refusal(lambda: Card.parse(nested(10))).why == "is nested too deep"
    assert refusal(lambda: Card.parse(nested(100))).why == "is nested too deep"


def test_json_without_end_is_refused():
    assert refusal(lambda: Card.parse(nested(50_000))).pointer == ""


def test_what_is_no_json_is_refused():
    assert refusal(lambda: Card.parse({"head": {"text": "x"}, "odd": object()})).pointer == ""


# Building


def test_builds_step_by_step():
    card = (
        Card("Deploy?", sub_head="version 7")
        .text("Looks good", bold=True, color="#00FF00")
        .text("See the log", link="https://a.example/log")
        .field("Tower", "north", short=True)
        .field("Casks", "", editable=True)
        .button("Approve", "approve", style="Primary")
        .button("Reject", "reject")
        .select("Tower", {"n": "North", "s": "South"})
        .attachment(
            "log", "of today", resource_url="https://a.example/l", img_url="https://a.example/i"
        )
        .section(Message(text="inside"), color="#112233", footer="kept by Wren")
    )

    assert card.content() == {
        "head": {"text": "Deploy?", "sub_head": {"text": "version 7"}},
        "body": [
            {
                "type": "message",
                "text": "Looks good",
                "style": {"color": "#00FF00", "bold": True},
            },
            {"type": "message", "text": "See the log", "link": "https://a.example/log"},
            {
                "type": "fields",
                "items": [
                    {"key": "Tower", "value": "north", "short": True},
                    {"key": "Casks", "value": " ", "editable": True},
                ],
            },
            {
                "type": "actions",
                "items": [
                    {"text": "Approve", "value": "approve", "style": "Primary"},
                    {"text": "Reject", "value": "reject"},
                ],
            },
            {
                "type": "select",
                "text": "Tower",
                "select_items": [
                    {"value": "n", "text": "North"},
                    {"value": "s", "text": "South"},
                ],
            },
            {
                "type": "attachments",
                "resource_url": "https://a.example/l",
                "img_url": "https://a.example/i",
                "information": {"title": {"text": "log"}, "description": {"text": "of today"}},
            },
            {
                "type": "section",
                "sections": [{"type": "message", "text": "inside"}],
                "sidebar_color": "#112233",
                "footer": "kept by Wren",
            },
        ],
    }
    assert Card.parse(card.content()) == card


def test_a_field_or_a_button_after_something_else_begins_a_new_row():
    card = Card("x").button("A", "a").text("between").button("B", "b").field("k", "v")

    assert [type(block) for block in card.body] == [Actions, Message, Actions, Fields]
    assert [type(block) for block in Card().field("k", "v").body] == [Fields]
    assert [type(block) for block in Card().button("A", "a").body] == [Actions]


def test_a_card_may_be_begun_empty_and_must_not_stay_so():
    assert Card().text("Hi").content() == {"body": [{"type": "message", "text": "Hi"}]}
    assert refusal(Card().check).pointer == ""


def test_elements_can_be_given_at_once():
    card = Card(Head(text="x"), Message(text="a"), Message(text="b"), settings={"form": True})

    assert card.content() == {
        "settings": {"form": True},
        "head": {"text": "x"},
        "body": [{"type": "message", "text": "a"}, {"type": "message", "text": "b"}],
    }
    assert card.add(Message(text="c"), Message(text="d")).body[-1] == Message(text="d")


def test_a_card_that_was_read_can_be_built_on():
    card = Card.parse(CARD, markdown=True).button("Reject", "no").text("More")

    assert card.markdown
    assert card.content() == {
        **CARD,
        "body": [
            CARD["body"][0],
            {
                "type": "actions",
                "items": [*CARD["body"][1]["items"], {"text": "Reject", "value": "no"}],
            },
            {"type": "message", "text": "More"},
        ],
    }


# What Zoom would not take


@pytest.mark.parametrize(
    ("build", "pointer"),
    [
        (lambda: Card("x").text("a", color="red"), "/body/0/style/color"),
        (lambda: Card("x").text("a", color="#12345"), "/body/0/style/color"),
        (lambda: Card("x").text("a", color="#123456\n"), "/body/0/style/color"),
        (lambda: Card("x").text("a", color="#12345\uff16"), "/body/0/style/color"),
        (lambda: Card(Head(text="x", style=Style(color="#1"))), "/head/style/color"),
        (
            lambda: Card(Head(text="x", sub_head=SubHead(text="y", style=Style(color="#1")))),
            "/head/sub_head/style/color",
        ),
        (lambda: Card("x").text("a").text("b", link="javascript:alert(1)"), "/body/1/link"),
        (lambda: Card("x").text("a", link="a.example"), "/body/0/link"),
        (lambda: Card("x").text("a", link="https://a.example/ b"), "/body/0/link"),
        (
            lambda: Card(
                "x", Message(text="a", link="https://a.example", is_markdown_support=True)
            ),
            "/body/0/is_markdown_support",
        ),
        (
            lambda: Card("x", Message(text="a", editable=True, is_markdown_support=True)),
            "/body/0/is_markdown_support",
        ),
        (lambda: Card("x", Fields(items=())), "/body/0/items"),
        (lambda: Card("x", Fields(items=(Field(key="k", value=""),))), "/body/0/items/0/value"),
        (
            lambda: Card("x", Fields(items=(Field(key="k", value="v", style=Style(color="")),))),
            "/body/0/items/0/style/color",
        ),
        (lambda: Card("x", Actions(items=())), "/body/0/items"),
        (lambda: Card("x").button("A", "a").button("", "b"), "/body/0/items/1/text"),
        (lambda: Card("x", Select(text="s")), "/body/0"),
        (
            lambda: Card("x", Select(text="s", select_items=(), static_source="members")),
            "/body/0",
        ),
        (lambda: Card("x", Select(text="s", static_source="pets")), "/body/0/static_source"),
        (
            lambda: Card("x").attachment("a", "b", resource_url="ftp://a", img_url="https://a"),
            "/body/0/resource_url",
        ),
        (
            lambda: Card("x").attachment("a", "b", resource_url="https://a", img_url="data:,"),
            "/body/0/img_url",
        ),
        (lambda: Card("x").section(color="blue"), "/body/0/sidebar_color"),
        (
            lambda: Card("x").text("a").section(Message(text="a"), Actions(items=())),
            "/body/1/sections/1/items",
        ),
        (lambda: Card("x").section(Section(sections=())), "/body/0/sections/0"),
        (
            lambda: Card("x").add(Section(sections=({"type": "message", "text": "a"},))),
            "/body/0/sections/0",
        ),
    ],
)
def test_refuses_at_once_what_zoom_would_not_take(build, pointer):
    refused = refusal(build)

    assert refused.pointer == pointer
    assert pointer in str(refused)


@pytest.mark.parametrize(
    "block",
    [
        Message(text="", link="http://a.example", style=Style(bold=True)),
        Message(text="*a*", is_markdown_support=True),
        Message(text="a", is_markdown_support=False, editable=True),
        Select(text="s", static_source="channels"),
        Select(text="s", select_items=(Option(value="v"),), selected_item=Option(value="v")),
        Section(sections=()),
        Block(),
        Actions(
            items=(
                Button(
                    text="a",
                    value="",
                    dialog=Dialog(link="https://a", title=DialogTitle(text="t")),
                ),
            ),
            limit=1,
            overflow=Overflow(text="More"),
        ),
        Attachments(
            resource_url="https://a",
            img_url="http://b",
            information=Information(title=SubHead(text=""), description=SubHead(text="")),
        ),
    ],
)
def test_takes_what_zoom_takes(block):
    assert Card(None, block).body == (block,)


ODD: list[dict[str, Any]] = [
    {"type": "actions", "items": [{"text": "Go", "value": "go", "style": "Enabled"}]},
    {"type": "fields", "items": [{"key": "k", "value": ""}]},
    {"type": "datepicker"},
    {"type": "section", "sections": [{"type": "alert", "text": 5}, {"type": "message"}]},
]


@pytest.mark.parametrize("odd", ODD)
def test_what_zoom_stored_and_nobody_touched_is_not_judged(odd):
    card = Card.parse({"head": {"text": "x"}, "body": [odd]}, stored=True).text("more")

    card.check()
    assert card.content()["body"][0] == odd


def test_what_was_touched_of_a_stored_card_is_judged():
    card = Card.parse({"body": ODD[:2], "settings": {"form": "odd"}}, stored=True)

    assert refusal(lambda: card.with_field("k", "v").with_button("go", text="Go!")).pointer == (
        "/body/0/items/0/style"
    )
    assert refusal(lambda: card.with_settings(form_id="f")).pointer == "/settings/form"
    assert card.with_field("k", "v").content()["body"][1]["items"] == [{"key": "k", "value": "v"}]


def test_an_element_that_nobody_knows_is_not_sent_unless_zoom_itself_gave_it():
    content = {"body": [{"type": "hologram", "what": NEW}]}

    refused = refusal(Card.parse(content).check)
    assert refused.pointer == "/body/0/type"
    assert refused.value == "hologram"
    assert refused.why.startswith("must be one of actions, alert, ")
    Card.parse(content, stored=True).check()
    assert refusal(lambda: Card("x", UnknownBlock(type="hologram"))).pointer == "/body/0/type"
    inner = {"body": [{"type": "section", "sections": content["body"]}]}
    assert refusal(Card.parse(inner).check).pointer == "/body/0/sections/0/type"


def test_reading_does_not_judge_but_building_on_it_does():
    card = Card.parse({"body": [{"type": "fields", "items": [{"key": "k", "value": ""}]}]})

    assert refusal(lambda: card.text("more")).pointer == "/body/0/items/0/value"


# Values


def test_equal_cards_are_those_that_say_the_same():
    built = Card("Oil?").button("Yes", "y")

    assert built == Card.parse(built.content())
    assert built == Card("Oil?", Actions(items=(Button(text="Yes", value="y"),)))
    assert built != Card("Oil?").button("Yes", "n")
    assert built != Card("Oil?", markdown=True).button("Yes", "y")
    assert built != built.content()


def test_a_card_has_no_hash():
    with pytest.raises(TypeError, match="unhashable"):
        hash(Card("x"))


def test_a_card_does_not_change():
    card = Card("x").text("a")

    with pytest.raises(dataclasses.FrozenInstanceError):
        card.markdown = True  # type: ignore[misc]
    with pytest.raises(AttributeError):
        card.body[0].text = "b"  # type: ignore[attr-defined]
    assert card.text("b") != card
    assert card.content() == {"head": {"text": "x"}, "body": [{"type": "message", "text": "a"}]}


def test_a_card_shares_nothing_with_what_it_was_made_of_or_gave_out():
    content = json.loads(json.dumps(CARD))
    settings = {"other": {"deep": True}}
    read, built = Card.parse(content), Card("x", settings=settings)

    content["body"][0]["text"] = content["head"]["text"] = "changed"
    content["settings"]["form"] = "changed"
    settings["other"]["deep"] = False
    given_out = read.content()
    given_out["head"]["sub_head"]["novelty"]["why"].append("changed")
    given_out["settings"].clear()
    given_out["body"][0].clear()

    assert read.content() == CARD
    assert built.content() == {"settings": {"other": {"deep": True}}, "head": {"text": "x"}}


# Whatever comes

TEXT = st.text(max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(["type", "text", "items", "sections", "style", "value", "raw", "key"]) | TEXT
BLOCK = st.dictionaries(KEYS, JSON, max_size=4).flatmap(
    lambda block: st.sampled_from([*BLOCKS, "divider"]).map(lambda name: {**block, "type": name})
)


@given(st.dictionaries(KEYS, JSON, max_size=3), st.lists(BLOCK, max_size=3))
def test_any_content_is_refused_or_kept_as_it_is(content, body):
    content = {**content, "body": body}

    try:
        card = Card.parse(content)
    except CardRefused:
        return
    assert card.content() == content
    assert Card.parse(card.content()) == card


@given(st.sampled_from(sorted(ELEMENTS)), st.dictionaries(TEXT, JSON, max_size=3), st.data())
def test_unknown_keys_survive_wherever_they_are(name, added, data):
    raw = json.loads(json.dumps(ELEMENTS[name]))
    place = raw
    while data.draw(st.booleans()):
        inner = [part for part in place.values() if isinstance(part, dict)]
        inner += [
            item
            for part in place.values()
            if isinstance(part, list)
            for item in part
            if isinstance(item, dict)
        ]
        if not inner:
            break
        place = data.draw(st.sampled_from(inner))
    place.update({f"novel {key}": value for key, value in added.items()})

    assert Card.parse({"body": [raw]}).content() == {"body": [raw]}


@given(st.lists(st.tuples(st.sampled_from("tfb"), st.text(min_size=1, max_size=5)), max_size=8))
def test_whatever_is_built_reads_back(steps):
    card = Card("x")
    for kind, text in steps:
        if kind == "t":
            card = card.text(text)
        elif kind == "f":
            card = card.field(text, text)
        else:
            card = card.button(text, text)

    assert Card.parse(json.loads(json.dumps(card.content()))) == card
