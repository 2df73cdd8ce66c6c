"""All that a person can do at Zoom can be done in a test, and the bot hears of it."""

from typing import Any

import pytest

from innkeeper import Action, App, Card, Command, Happened
from innkeeper.errors import ChatRefused
from innkeeper.testing import Unexpected, Visitor, Zoom

pytestmark = pytest.mark.anyio

CARD: dict[str, Any] = {
    "head": {"text": "Everything"},
    "body": [
        {"type": "message", "text": "Water the plants", "editable": True},
        {"type": "fields", "items": [{"key": "Room", "value": "7", "editable": True}]},
        {
            "type": "select",
            "text": "Size",
            "select_items": [{"text": "Small", "value": "s"}, {"text": "Large", "value": "l"}],
        },
        {"type": "select", "text": "Whom", "static_source": "members"},
        {
            "type": "radio_buttons",
            "action_id": "when",
            "options": [{"text": "Now", "value": "now"}, {"text": "Later", "value": "later"}],
        },
        {"type": "actions", "items": [{"text": "Approve", "value": "yes"}]},
    ],
}
FORM: dict[str, Any] = {
    "head": {"text": "A form"},
    "settings": {"form": True},
    "body": [
        {"type": "plain_text_input", "action_id": "note", "label": "Note"},
        {
            "type": "checkboxes",
            "action_id": "extras",
            "options": [{"text": "Milk", "value": "m"}, {"text": "Sugar", "value": "s"}],
        },
        {"type": "datepicker", "action_id": "day"},
        {"type": "actions", "items": [{"text": "Send", "value": "send", "submit": True}]},
    ],
}
HEARD = (
    "interactive_message_editable",
    "interactive_message_fields_editable",
    "interactive_message_select",
    "chat_message.submit",
    "team_chat.app_mention",
)


class Porter:
    """A bot that shows the cards and keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.app = App("Night Porter")
        self.app.command("card")(self.card)
        self.app.command("form")(self.form)
        self.app.command()(self.echo)
        self.app.action()(self.pressed)
        for name in HEARD:
            self.app.event(name)(self.happened)

    async def card(self, _: Command) -> Card:
        return Card.parse(CARD)

    async def form(self, _: Command) -> Card:
        return Card.parse(FORM)

    async def echo(self, ctx: Command) -> str:
        return f"You said {ctx.text}"

    async def pressed(self, ctx: Action) -> None:
        self.heard.append((ctx.event.name, {"value": ctx.value}))

    async def happened(self, ctx: Happened) -> None:
        self.heard.append((ctx.event.name, ctx.event.raw["payload"]))

    def last(self, name: str) -> dict[str, Any]:
        heard, payload = self.heard[-1]
        assert heard == name
        return payload


@pytest.fixture
def porter() -> Porter:
    return Porter()


@pytest.fixture
def innkeeper_app(porter: Porter) -> App:
    return porter.app


async def shown(ana: Visitor, what: str) -> None:
    await ana.adds_app()
    await ana.says(f"/bot {what}")


async def test_presses_chooses_and_edits(porter: Porter, ana: Visitor, ben: Visitor) -> None:
    await shown(ana, "card")

    await ana.clicks("Approve")
    assert porter.last("interactive_message_actions") == {"value": "yes"}

    await ana.chooses("Large")
    chosen = porter.last("interactive_message_select")["selectedItems"]
    assert chosen == [{"value": "l"}]
    await ana.chooses(ben.user.name, of="Whom")
    assert porter.last("interactive_message_select")["selectedItems"] == [{"value": ben.user.jid}]

    await ana.edits("Water the plants", "Water the herbs")
    edited = porter.last("interactive_message_editable")["editItem"]
    assert edited == {"origin": "Water the plants", "target": "Water the herbs"}
    await ana.edits("Room", "8")
    field = porter.last("interactive_message_fields_editable")["fieldEditItem"]
    assert (field["key"], field["newValue"]) == ("Room", "8")

    await ana.sets("when", "Later")
    assert porter.last("interactive_message_actions") == {"value": "later"}


async def test_fills_a_form(porter: Porter, ana: Visitor) -> None:
    await shown(ana, "form")
    await ana.submits("Send", note="No sugar", extras=["Milk", "s"], day="2026-03-02")
    told = str(porter.last("chat_message.submit"))
    assert "No sugar" in told
    assert "'value': 'm'" in told
    assert "2026/03/02" in told


async def test_looks_in_vain_with_a_transcript(ana: Visitor) -> None:
    await shown(ana, "form")
    for deed in (
        ana.clicks("Nowhere"),
        ana.chooses("Nowhere"),
        ana.sets("nowhere", "x"),
        ana.edits("nowhere", "x"),
        ana.submits("Send", nowhere="x"),
    ):
        with pytest.raises(Unexpected, match="Ana Keller: /bot form"):
            await deed
    with pytest.raises(ChatRefused, match="an option is none of the card's"):
        await ana.submits("Send", extras="Salt")


async def test_a_channel_is_seen_by_everybody_in_it(zoom: Zoom, ana: Visitor, ben: Visitor) -> None:
    zoom.new_channel("Kitchen")
    await ana.adds_app()
    await ana.says("/bot hello", in_channel="Kitchen")
    ben.channel("Kitchen").expect("You said hello")
    ana.chat.expect_silence()
    with pytest.raises(Unexpected, match=r"there are .*Kitchen"):
        await ana.says("hello", in_channel="Cellar")


async def test_somebody_new_joins(zoom: Zoom) -> None:
    dora = zoom.new_person("Dora Lind")
    await dora.adds_app()
    await dora.says("good evening")
    dora.chat.expect("You said good evening")
    assert (await zoom.user("Dora")).user is dora.user
    with pytest.raises(Unexpected, match="no account is called Nowhere"):
        zoom.new_person("Eva", account="Nowhere")


async def test_two_tabs_share_their_cookies(zoom: Zoom, ana: Visitor) -> None:
    await ana.signs_in()
    tab = ana.tab()
    first = await ana.browser.open(zoom.install_url)
    second = await tab.open(zoom.install_url)
    assert first.url != second.url
    for browser, page in ((tab, second), (ana.browser, first)):
        landed = await browser.press(page, "Allow", user=ana.user.id)
        assert landed.status == 200, landed.text
    await zoom.settle()
    assert len(zoom.emulator.world.installations) == 1
    assert tab.cookies is ana.browser.cookies


async def test_silence_is_told_from_words(ana: Visitor) -> None:
    await ana.adds_app()
    ana.chat.expect_silence()
    await ana.says("one")
    first = ana.chat.expect("You said one")
    ana.chat.expect_silence(after=first)
    await ana.says("two")
    with pytest.raises(Unexpected, match="the bot was not silent"):
        ana.chat.expect_silence(after=first)
    with pytest.raises(Unexpected, match="last words are 'You said two'"):
        ana.chat.expect("You said one")
