"""Does everything a person can do in the chat reach the bot, and its answer the page?"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from innkeeper.emulator.world import Message
from tests.browser.conftest import OpenPage
from tests.browser.stage import Stage

pytestmark = [pytest.mark.anyio, pytest.mark.browser, pytest.mark.slow]

ACTIONS = "interactive_message_actions"
SELECT = "interactive_message_select"
OPTIONS = [{"text": "Towels", "value": "t"}, {"text": "Soap", "value": "s"}]
DAYS = [{"text": "Friday", "value": "fri"}, {"text": "Sunday", "value": "sun"}]

Act = Callable[[Page], Awaitable[object]]


@dataclass(frozen=True)
class Deed:
    """Something that a person does in the chat, and what the bot then hears.

    Args:
        body: The elements of the card that stands there before; none where none is used.
        tells: What the event's payload says, by dotted paths.
        shows: What the page shows in the end: what the bot said, by default.
    """

    name: str
    act: Act
    event: str
    tells: Mapping[str, Any]
    body: tuple[dict[str, Any], ...] = ()
    form: bool = False
    channel: bool = False
    shows: str = ""


def does(*steps: Act) -> Act:
    """Do one thing after the other."""

    async def act(page: Page) -> None:
        for step in steps:
            await step(page)

    return act


def press(name: str, role: Any = "button") -> Act:
    return lambda page: page.get_by_role(role, name=name, exact=True).click()


def fill(label: str, text: str) -> Act:
    return lambda page: page.get_by_label(label, exact=True).fill(text)


def check(label: str) -> Act:
    return lambda page: page.get_by_label(label, exact=True).check()


def choose(label: str, option: str) -> Act:
    return lambda page: page.get_by_label(label, exact=True).select_option(label=option)


def write(text: str) -> Act:
    """Type key by key, as a person does: what opens while one types is part of it."""

    async def act(page: Page) -> None:
        await page.get_by_role("textbox").press_sequentially(text)
        await page.keyboard.press("Enter")

    return act


def keys(*pressed: str) -> Act:
    async def act(page: Page) -> None:
        for key in pressed:
            await page.keyboard.press(key)

    return act


FORM: tuple[dict[str, Any], ...] = (
    {"type": "plain_text_input", "action_id": "what", "text": "What", "min_length": 2},
    {"type": "plain_text_input", "action_id": "note", "text": "Note", "multiline": True},
    {"type": "checkboxes", "action_id": "linen", "options": OPTIONS},
    {"type": "radio_buttons", "action_id": "which", "options": DAYS},
    {"type": "checkboxes", "style": "toggle_switch", "action_id": "wake",
     "options": [{"text": "Wake me", "value": "yes"}]},
    {"type": "datepicker", "action_id": "day", "initial_date": "2026/03/04"},
    {"type": "timepicker", "action_id": "hour"},
    {"type": "select", "text": "Floor", "select_items": [{"text": "Second", "value": "2"}]},
    {"type": "select", "text": "Who", "static_source": "members"},
    {"type": "actions", "items": [
        {"text": "Ask", "value": "send", "submit": True, "style": "Primary"},
        {"text": "Never mind", "value": "cancel"},
    ]},
)  # fmt: skip
FILLED = [
    {"plain_text_input": {"action_id": "what", "text": "What", "value": "Towels"}},
    {"plain_text_input": {"action_id": "note", "text": "Note", "value": ""}},
    {"checkboxes": {"action_id": "linen", "options": [{"text": "Soap", "value": "s"}]}},
    {"radio_buttons": {"action_id": "which", "option": {"text": "Sunday", "value": "sun"}}},
    {"checkboxes": {"action_id": "wake", "options": [{"text": "Wake me", "value": "yes"}]}},
    {"datepicker": {"action_id": "day", "date": "2026/03/05"}},
    {"timepicker": {"action_id": "hour", "time": "07:30"}},
    {"select": {"text": "Floor", "selectedItems": [{"value": "2"}]}},
    {"select": {"text": "Who", "selectedItems": [{"value": "u_ben@xmpp.zoom.us"}]}},
    {"actionItem": {"text": "Ask", "value": "send"}},
]

DEEDS = [
    Deed("slash-command", write("/porter due"), "bot_notification",
         {"cmd": "due", "userId": "u_ana", "toJid": "u_ana@xmpp.zoom.us"}),
    Deed("slash-command-in-a-channel", write("/porter due"), "bot_notification",
         {"cmd": "due", "channelName": "general"}, channel=True),
    Deed("hint-by-keys", does(lambda page: page.get_by_role("textbox").press_sequentially("/po"),
                              keys("ArrowDown", "ArrowDown", "Enter"),
                              lambda page: page.keyboard.type("me"), keys("Enter")),
         "bot_notification", {"cmd": "help me"}, shows="/porter help me"),
    Deed("hint-from-the-end", does(lambda page: page.get_by_role("textbox").press_sequentially("/"),
                                   keys("ArrowUp", "ArrowUp", "Enter", "Enter")),
         "bot_notification", {"cmd": "due"}),
    Deed("message", write("good evening"), "bot_notification", {"cmd": "good evening"}),
    Deed("mention", write("@Porter two towels"), "team_chat.app_mention",
         {"operator_id": "u_ana", "object.message": "@Porter two towels",
          "object.channel_name": "general"}, channel=True),
    Deed("link", write("see https://inn.example/menu"), "team_chat.link_shared",
         {"object.link": "https://inn.example/menu"}, channel=True),
    Deed("button", press("Approve"), ACTIONS,
         {"actionItem": {"text": "Approve", "value": "yes"}, "original.body.0.type": "actions"},
         body=({"type": "actions", "items": [{"text": "Approve", "value": "yes"}]},)),
    Deed("button-in-a-channel", press("Approve"), ACTIONS,
         {"actionItem.value": "yes", "channelName": "general"}, channel=True,
         body=({"type": "actions", "items": [{"text": "Approve", "value": "yes"}]},)),
    Deed("button-in-the-menu",
         does(lambda page: page.get_by_text("More", exact=True).click(), press("Third")), ACTIONS,
         {"actionItem.value": "3"},
         body=({"type": "actions", "limit": 1, "items": [
             {"text": "First", "value": "1"}, {"text": "Third", "value": "3"}]},)),
    Deed("dropdown", choose("Day", "Sunday"), SELECT, {"selectedItems": [{"value": "sun"}]},
         body=({"type": "select", "text": "Day", "select_items": DAYS},)),
    Deed("members", choose("Who", "Ben Ortiz"), SELECT,
         {"selectedItems": [{"value": "u_ben@xmpp.zoom.us"}]},
         body=({"type": "select", "text": "Who", "static_source": "members"},)),
    Deed("channels", choose("Where", "general"), SELECT,
         {"selectedItems": [{"value": "c_general@conference.xmpp.zoom.us"}]},
         body=({"type": "select", "text": "Where", "static_source": "channels"},)),
    Deed("text", does(lambda page: page.get_by_text("Edit this text").click(),
                      fill("this text", "Room 8"), press("Save")),
         "interactive_message_editable", {"editItem": {"origin": "Room 7", "target": "Room 8"}},
         body=({"type": "message", "text": "Room 7", "editable": True},)),
    Deed("field", does(lambda page: page.get_by_text("Edit Floor").click(),
                       fill("Floor", "3"), press("Save")),
         "interactive_message_fields_editable",
         {"fieldEditItem": {"currentValue": "2", "key": "Floor", "newValue": "3"}},
         body=({"type": "fields", "items": [{"key": "Floor", "value": "2", "editable": True}]},)),
    Deed("date", does(fill("Date", "2026-03-05"), press("Set")), ACTIONS,
         {"actionItem": {"text": "day", "value": "2026/03/05"}},
         body=({"type": "datepicker", "action_id": "day"},)),
    Deed("time", does(fill("Time", "07:30"), press("Set")), ACTIONS,
         {"actionItem": {"text": "hour", "value": "07:30"}},
         body=({"type": "timepicker", "action_id": "hour"},)),
    Deed("radio", does(check("Soap"), press("Set")), ACTIONS,
         {"actionItem": {"text": "which", "value": "s"}},
         body=({"type": "radio_buttons", "action_id": "which", "options": OPTIONS},)),
    Deed("checkboxes", does(check("Towels"), check("Soap"), press("Set")), ACTIONS,
         {"actionItem": {"text": "linen", "value": "t,s"}},
         body=({"type": "checkboxes", "action_id": "linen", "options": OPTIONS},)),
    Deed("switch", does(check("Wake me"), press("Set")), ACTIONS,
         {"actionItem": {"text": "wake", "value": "yes"}}, body=(FORM[4],)),
    Deed("form", does(fill("What", "Towels"), check("Soap"), check("Sunday"), check("Wake me"),
                      fill("Date", "2026-03-05"), fill("Time", "07:30"), choose("Floor", "Second"),
                      choose("Who", "Ben Ortiz"), press("Ask")),
         "chat_message.submit",
         {"operator_id": "u_ana", "object.submit_items": FILLED}, body=FORM, form=True),
    Deed("button-beside-the-inputs", press("Never mind"), ACTIONS,
         {"actionItem": {"text": "Never mind", "value": "cancel"}}, body=FORM, form=True),
    Deed("app-added", does(lambda page: page.get_by_text("Apps", exact=True).last.click(),
                           press("Add Porter")),
         "team_chat.channel_app_added",
         {"operator_id": "u_ana", "object.app_members.0.display_name": "Porter"},
         channel=True, shows="Porter was added to the channel."),
]  # fmt: skip


def at(payload: Any, path: str) -> Any:
    for key in path.split("."):
        payload = payload[int(key)] if isinstance(payload, list) else payload[key]
    return payload


async def heard(stage: Stage, name: str) -> dict[str, Any]:
    """Give the one payload of the events of this name; the courier may still be on its way."""
    await stage.emulator.settle()
    (only,) = stage.posted(name)
    return only


async def send_card(stage: Stage, deed: Deed) -> Message:
    head = {"text": "The desk"}
    settings = {"settings": {"form": True, "form_id": "f1"}} if deed.form else {}
    content = {**settings, "head": head, "body": list(deed.body)}
    return stage.card(content, channel=deed.channel)


async def done(page: Page, stage: Stage, deed: Deed) -> Locator:
    """Do the deed, and see what came of it in the page."""
    card = await send_card(stage, deed) if deed.body else None
    log = await stage.enter(page, channel=deed.channel)
    await deed.act(page)
    await expect(log).to_contain_text(deed.shows or f"Heard {deed.event}")
    if card is not None:
        await expect(page.locator(f"#message-{card.id}")).to_contain_text("edited")
        await expect(page.locator(f"#message-{card.id} form")).to_have_count(0)
    return log


@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.name)
async def test_a_deed_reaches_the_bot_and_its_answer_the_page(
    page: Page, stage: Stage, deed: Deed
) -> None:
    await done(page, stage, deed)

    payload = await heard(stage, deed.event)
    assert {path: at(payload, path) for path in deed.tells} == deed.tells
    assert [event["event"] for event in stage.bot.heard] == [deed.event]


PLAIN = {"slash-command", "button", "field", "checkboxes", "form", "button-beside-the-inputs"}


@pytest.mark.parametrize(
    "deed", [deed for deed in DEEDS if deed.name in PLAIN], ids=lambda deed: deed.name
)
async def test_a_deed_reaches_the_bot_without_a_script(
    open_page: OpenPage, stage: Stage, deed: Deed
) -> None:
    page = await open_page(java_script_enabled=False)
    card = await send_card(stage, deed) if deed.body else None
    await stage.enter(page, live=False)
    if deed.name == "slash-command":
        await page.get_by_role("textbox").fill("/porter due")
        await page.get_by_role("button", name="Send").click()
    else:
        await deed.act(page)
    await expect(page.get_by_role("log")).to_contain_text(f"Heard {deed.event}")

    payload = await heard(stage, deed.event)
    assert {path: at(payload, path) for path in deed.tells} == deed.tells
    assert card is None or card.edited


async def test_an_app_leaves_a_channel(page: Page, stage: Stage) -> None:
    stage.general.apps.append(stage.app.client_id)
    log = await stage.enter(page, channel=True)
    await page.get_by_text("Apps", exact=True).last.click()
    await press("Remove Porter")(page)

    await expect(log).to_contain_text("Porter was removed from the channel.")
    await page.get_by_text("Apps", exact=True).last.click()
    await expect(page.get_by_role("button", name="Add Porter")).to_be_visible()
    payload = await heard(stage, "team_chat.channel_app_removed")
    assert payload["object"]["channel_name"] == "general"
    assert stage.general.apps == []


async def test_one_reply_goes_into_the_thread_and_the_next_text_does_not(
    page: Page, stage: Stage
) -> None:
    stage.emulator.world.rules.thread_replies = "delivered"
    card = stage.card({"head": {"text": "Room 7?"}})
    log = await stage.enter(page)
    await page.get_by_role("link", name="Reply").click()
    await expect(page.locator(".composer .thread")).to_contain_text("Room 7?")
    await expect(page.locator(".talk[data-live]")).to_have_count(1)
    await write("yes, 7")(page)
    await expect(log.locator(".mine .thread")).to_contain_text("Room 7?")
    await expect(page.locator(".composer .thread")).to_have_count(0)
    await write("and 8")(page)
    await expect(log.locator(".mine")).to_have_count(2)
    await page.reload()
    await expect(page.locator(".composer .thread")).to_have_count(0)

    first, second = stage.posted("bot_notification")
    assert (first["cmd"], first["replyMainMessageId"]) == ("yes, 7", card.id)
    assert (second["cmd"], "replyMainMessageId" in second) == ("and 8", False)


async def test_a_hint_begins_the_text_without_a_script_too(
    open_page: OpenPage, stage: Stage
) -> None:
    page = await open_page(java_script_enabled=False)
    await stage.enter(page, live=False)
    await page.locator(".hints summary").click()
    await page.get_by_role("link", name="/porter help").click()

    await expect(page.get_by_role("textbox")).to_have_value("/porter help ")


async def test_typing_goes_on_from_an_open_list_and_escape_leaves_it(
    page: Page, stage: Stage
) -> None:
    await stage.enter(page)
    text, offers = page.get_by_role("textbox"), page.locator("[data-command]:visible")
    await text.press_sequentially("/p")
    await page.keyboard.press("ArrowDown")
    await expect(offers.first).to_be_focused()
    await page.keyboard.type("orter h")
    await expect(text).to_have_value("/porter h")
    await expect(offers).to_have_text(["/porter help What can be typed"])
    await page.keyboard.press("ArrowUp")
    await expect(offers.first).to_be_focused()
    await page.keyboard.press("Escape")

    await expect(offers).to_have_count(0)
    await expect(text).to_be_focused()
