"""What is filled in, set and edited in a card reaches the app; what is not possible does not."""

from typing import Any
from urllib.parse import urlencode

import pytest

from tests.emulator.scene import Scene

pytestmark = pytest.mark.anyio

FORM = {
    "settings": {"form": True, "form_id": "towels"},
    "body": [
        {"type": "plain_text_input", "action_id": "room", "text": "Room", "max_length": 4},
        {
            "type": "section",
            "sections": [
                {
                    "type": "checkboxes",
                    "action_id": "what",
                    "options": [{"text": "Towels", "value": "t"}, {"text": "Soap", "value": "s"}],
                },
                {"type": "datepicker", "action_id": "day"},
                {"type": "timepicker", "action_id": "hour"},
                {
                    "type": "radio_buttons",
                    "action_id": "size",
                    "options": [{"text": "Large", "value": "l"}],
                },
            ],
        },
        {
            "type": "select",
            "text": "Floor",
            "select_items": [{"text": "One", "value": "1"}, {"text": "Two", "value": "2"}],
        },
        {
            "type": "actions",
            "items": [
                {"text": "Send", "value": "go", "submit": True},
                {"text": "Later", "value": "later"},
            ],
        },
    ],
}
FILLED = {
    "input:/body/0": ["7"],
    "input:/body/1/sections/0": ["t", "s"],
    "input:/body/1/sections/1": ["2026-03-02"],
    "input:/body/1/sections/2": ["09:30"],
    "input:/body/1/sections/3": ["l"],
    "input:/body/2": ["2"],
}


@pytest.fixture
def scene() -> Scene:
    scene = Scene()
    scene.install()
    return scene


def show(scene: Scene, card: dict[str, Any]) -> str:
    conversation = scene.chat.conversations.find(scene.ana, scene.app.bot_jid)
    return scene.chat.conversations.show(conversation, scene.app, card).id


async def post(scene: Scene, path: str, **fields: Any) -> dict[str, Any] | None:
    """Post a form of the page; give the event that the bot got, if one."""
    before = len(scene.bot.got)
    answer = await scene.call(
        "POST", path, user=scene.ana, body=urlencode(fields, doseq=True).encode()
    )
    assert answer.status == 303
    return scene.bot.bodies[before] if len(scene.bot.got) > before else None


async def test_a_form_reaches_the_app_with_every_input_in_its_order(scene: Scene):
    card = show(scene, FORM)

    event = await post(scene, "/chat/submit", message=card, value="go", **FILLED)

    assert event is not None
    assert event["event"] == "chat_message.submit"
    payload = event["payload"]
    assert (payload["operator_id"], payload["account_id"]) == (scene.ana.id, "acc_north")
    about = payload["object"]
    assert (about["form_id"], about["message_id"]) == ("towels", card)
    assert about["submit_items"] == [
        {"plain_text_input": {"action_id": "room", "text": "Room", "value": "7"}},
        {
            "checkboxes": {
                "action_id": "what",
                "options": [{"text": "Towels", "value": "t"}, {"text": "Soap", "value": "s"}],
            }
        },
        {"datepicker": {"action_id": "day", "date": "2026/03/02"}},
        {"timepicker": {"action_id": "hour", "time": "09:30"}},
        {"radio_buttons": {"action_id": "size", "option": {"text": "Large", "value": "l"}}},
        {"select": {"text": "Floor", "selectedItems": [{"value": "2"}]}},
        {"actionItem": {"text": "Send", "value": "go"}},
    ]


async def test_an_empty_form_is_sent_empty(scene: Scene):
    event = await post(scene, "/chat/submit", message=show(scene, FORM), value="go")

    assert event is not None
    items = event["payload"]["object"]["submit_items"]
    assert items[0]["plain_text_input"]["value"] == ""
    assert items[1]["checkboxes"]["options"] == []
    assert items[4]["radio_buttons"]["option"] is None


async def test_form_people(scene: Scene):
    scene.world.rules.form_people = "absent"

    event = await post(scene, "/chat/submit", message=show(scene, FORM), value="go")

    assert event is not None
    assert set(event["payload"]) == {"account_id", "object"}


@pytest.mark.parametrize(
    ("filled", "why"),
    [
        ({"input:/body/0": "77777"}, "longer than 4"),
        ({"input:/body/9": "x"}, "no input at /body/9"),
        ({"input:/body/1/sections/0": "gold"}, "none of the card"),
        ({"input:/body/1/sections/1": "tomorrow"}, "date"),
        ({"input:/body/1/sections/2": "25:00"}, "time"),
        ({"value": "later"}, "no form with such a button"),
        ({"value": "gone"}, "no form with such a button"),
    ],
)
async def test_what_the_form_does_not_allow_is_not_sent(
    scene: Scene, filled: dict[str, str], why: str
):
    fields = {"value": "go", **filled}

    assert await post(scene, "/chat/submit", message=show(scene, FORM), **fields) is None
    assert why in scene.messages()[-1].text


LOOSE = {
    "body": [
        {"type": "datepicker", "action_id": "day"},
        {
            "type": "checkboxes",
            "action_id": "what",
            "options": [{"text": "Towels", "value": "t"}, {"text": "Soap", "value": "s"}],
        },
    ]
}


@pytest.mark.parametrize(
    ("block", "values", "item"),
    [
        ("/body/0", ["2026-03-02"], {"text": "day", "value": "2026/03/02"}),
        ("/body/1", ["t", "s"], {"text": "what", "value": "t,s"}),
        ("/body/1", [], {"text": "what", "value": ""}),
    ],
)
async def test_what_is_set_outside_a_form_is_told_like_a_button(
    scene: Scene, block: str, values: list[str], item: dict[str, str]
):
    event = await post(scene, "/chat/pick", message=show(scene, LOOSE), block=block, value=values)

    assert event is not None
    assert event["event"] == "interactive_message_actions"
    assert event["payload"]["actionItem"] == item


async def test_loose_inputs(scene: Scene):
    scene.world.rules.loose_inputs = "silent"

    card = show(scene, LOOSE)
    assert await post(scene, "/chat/pick", message=card, block="/body/1", value="t") is None


@pytest.mark.parametrize(
    ("card", "block", "value"),
    [(LOOSE, "/body/7", "t"), (LOOSE, "/body/1", "gold"), (FORM, "/body/0", "7")],
)
async def test_what_cannot_be_set_is_not_told(scene: Scene, card: Any, block: str, value: str):
    shown = show(scene, card)

    assert await post(scene, "/chat/pick", message=shown, block=block, value=value) is None


async def test_an_edited_text_and_field_reach_the_app(scene: Scene):
    card = show(
        scene,
        {
            "body": [
                {"type": "message", "text": "Friday", "editable": True},
                {"type": "fields", "items": [{"key": "Who", "value": "Ana", "editable": True}]},
            ]
        },
    )

    text = await post(scene, "/chat/edit", message=card, block="/body/0", target="Mon\r\nday")
    field = await post(scene, "/chat/edit", message=card, block="/body/1", target="Ben", key="Who")

    assert text is not None
    assert text["event"] == "interactive_message_editable"
    assert text["payload"]["editItem"] == {"origin": "Friday", "target": "Mon\nday"}
    assert field is not None
    assert field["payload"]["fieldEditItem"] == {
        "currentValue": "Ana",
        "key": "Who",
        "newValue": "Ben",
    }


@pytest.mark.parametrize("path", ["/chat/pick", "/chat/edit", "/chat/submit"])
async def test_whoever_is_not_signed_in_is_asked_who_she_is(scene: Scene, path: str):
    answer = await scene.call("POST", path, body=b"message=m")

    assert answer.headers["location"].startswith("/signin")


@pytest.mark.parametrize(("era", "old"), [("current", False), ("2019", True), ("2018", True)])
async def test_bot_payloads(scene: Scene, era: Any, old: bool):
    scene.world.rules.bot_payloads = era
    await scene.chat.says(scene.ana, scene.app.bot_jid, "help")

    (event,) = scene.bot.bodies
    newer = {"triggerId", "userMemberId", "userStatus"}
    assert newer.isdisjoint(event["payload"]) is old
    assert ("name" in event["payload"], "event_ts" in event) == (old, old)


@pytest.mark.parametrize(("era", "old"), [("current", False), ("2019", True), ("2018", True)])
async def test_the_welcomes_payload_is_of_the_same_time(scene: Scene, era: Any, old: bool):
    scene.world.rules.bot_payloads = era
    scene.app.welcome.mode = "dynamic"
    (installation,) = scene.world.installations.values()
    await scene.chat.welcome(installation)

    (event,) = scene.bot.bodies
    assert ("userStatus" not in event["payload"]) is old


@pytest.mark.parametrize("rule", ["user", "user_and_robot"])
async def test_alone_to_jid(scene: Scene, rule: Any):
    scene.world.rules.alone_to_jid = rule
    await scene.chat.says(scene.ana, scene.app.bot_jid, "help")

    (event,) = scene.bot.bodies
    robot = f"/robot_{scene.app.bot_jid}" if rule == "user_and_robot" else ""
    assert event["payload"]["toJid"] == scene.ana.jid + robot


@pytest.mark.parametrize(("rule", "sent"), [("absent", False), ("sent", True)])
async def test_callback_keys(scene: Scene, rule: Any, sent: bool):
    scene.world.rules.callback_keys = rule
    card = {
        "body": [
            {"type": "actions", "items": [{"text": "Go", "value": "go"}]},
            {"type": "select", "text": "F", "select_items": [{"text": "One", "value": "1"}]},
        ]
    }
    shown = show(scene, card)

    press = await post(scene, "/chat/click", message=shown, value="go")
    choice = await post(scene, "/chat/select", message=shown, block="/body/1", value="1")

    assert press is not None
    assert ("callback_token" in press["payload"], "callback_url" in press["payload"]) == (
        sent,
        sent,
    )
    assert choice is not None
    assert "callback_token" not in choice["payload"]
