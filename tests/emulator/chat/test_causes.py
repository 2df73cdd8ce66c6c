"""Any event of the table goes out on demand, signed and as the chat page would send it."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from innkeeper.emulator.chat.causes import CAUSES
from innkeeper.emulator.world import Subscription
from innkeeper.net.outbound import Request, Response
from innkeeper.secret import Secret
from innkeeper.wire import events, payloads
from innkeeper.wire.signature import SIGNATURE_HEADER, TIMESTAMP_HEADER, sign
from tests.emulator.scene import FakeBot
from tests.emulator.visit import BOT, ZOOM, Visit, read

pytestmark = pytest.mark.anyio

EVENTS = [each.event for each in CAUSES]
REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "control-api.md"


def ready() -> Visit:
    visit = Visit()
    visit.app.bot_endpoint = f"{BOT}/events"
    visit.app.deauthorization_endpoint = f"{BOT}/deauthorize"
    return visit


async def trigger(visit: Visit, event: str, **more: Any) -> Response:
    body = json.dumps({"event": event, **more}).encode()
    return await visit.ask("POST", "/_emulator/trigger", body=body)


async def heard(visit: Visit, event: str, **more: Any) -> Any:
    answer = await trigger(visit, event, **more)
    assert answer.status == 200, answer.body
    return visit.bot.heard[-1]


async def refused(visit: Visit, event: str, **more: Any) -> Any:
    answer = await trigger(visit, event, **more)
    assert answer.status == 400
    assert visit.world.deliveries == {}
    assert visit.world.messages == {}
    return read(answer)


@pytest.mark.parametrize("event", EVENTS)
async def test_arrives_signed_and_can_be_read(event: str) -> None:
    visit, bot = ready(), FakeBot()
    visit.transport.apps[BOT] = bot
    delivery = read(await trigger(visit, event))
    assert (delivery["state"], delivery["event"]) == ("delivered", event)
    ((headers, body),) = bot.got
    stamp, secret = headers[TIMESTAMP_HEADER], Secret(visit.app.secret_token)
    assert headers[SIGNATURE_HEADER] == sign(body, timestamp=stamp, secret=secret)
    decoded = events.decode(body)
    assert isinstance(decoded.payload, payloads.payload_type(event))
    assert not isinstance(decoded.payload, payloads.UnknownEvent)


def test_every_event_is_in_the_reference() -> None:
    page = REFERENCE.read_text("utf-8")
    where = {
        "bot": "the bot endpoint",
        "deauthorization": "the deauthorization endpoint",
        "subscription": "a subscription",
    }
    for each in CAUSES:
        assert f"| `{each.event}` | {each.by} | {where[each.where]} |" in page


async def test_the_same_event_twice_is_two_events() -> None:
    visit = ready()
    first = await heard(visit, "interactive_message_actions")
    assert await heard(visit, "interactive_message_actions") != first


async def test_is_about_whoever_added_the_app() -> None:
    visit = ready()
    assert (await heard(visit, "bot_notification"))["payload"]["userId"] == visit.ana.id
    visit.world.install(visit.app, visit.ben)
    assert (await heard(visit, "bot_notification"))["payload"]["userId"] == visit.ben.id
    told = await heard(visit, "bot_notification", user=visit.ana.id)
    assert told["payload"]["userId"] == visit.ana.id


async def test_the_card_that_it_is_about_stands_in_the_chat() -> None:
    visit = ready()
    told = await heard(visit, "interactive_message_select")
    message = visit.world.messages[told["payload"]["messageId"]]
    assert message.card == told["payload"]["original"]


async def test_a_removal_is_told_and_nothing_removed() -> None:
    visit = ready()
    visit.world.install(visit.app, visit.ana)
    delivery = read(await trigger(visit, "app_deauthorized"))
    assert delivery["url"] == f"{BOT}/deauthorize"
    assert visit.installation.user_id == visit.ana.id


async def test_goes_to_the_subscription_that_names_it_else_to_the_bot() -> None:
    visit = ready()
    event = "team_chat.channel_message_posted"
    assert read(await trigger(visit, event))["url"] == f"{BOT}/events"
    visit.app.subscriptions = [
        Subscription("sub_1", "Others", f"{BOT}/others", ["team_chat.starred"]),
        Subscription("sub_2", "Posts", f"{BOT}/posts", [event]),
    ]
    delivery = read(await trigger(visit, event))
    assert (delivery["url"], delivery["subscription_id"]) == (f"{BOT}/posts", "sub_2")


async def test_a_mention_has_the_jids_seen_live_only_by_rule() -> None:
    visit = ready()
    official = (await heard(visit, "team_chat.app_mention"))["payload"]
    assert "operator_jid" not in official
    assert "to_jid" not in official["object"]
    await visit.ask("PATCH", "/_emulator/rules", body=b'{"mention_payload": "observed"}')
    observed = (await heard(visit, "team_chat.app_mention"))["payload"]
    assert observed["operator_jid"] == visit.ana.jid
    assert observed["object"]["robot_jid"] == visit.app.bot_jid
    assert observed["object"]["message"].startswith(f"@{visit.app.name} ")


async def test_what_fails_is_told_and_tried_again() -> None:
    visit = ready()
    visit.bot.silent = True
    delivery = read(await trigger(visit, "bot_notification"))
    assert delivery["state"] == "retrying"
    assert delivery["attempts"][0]["status"] == 500
    visit.bot.silent = False
    await visit.zoom.advance(timedelta(minutes=5).total_seconds())
    assert len(visit.bot.events("bot_notification")) == 1


async def test_changes_go_where_their_paths_lead() -> None:
    visit = ready()
    told = await heard(
        visit,
        "interactive_message_actions",
        set={
            "event_ts": 17,
            "payload.actionItem.value": "other",
            "payload.original.body.0.items.0": {"text": "Other", "value": "other"},
            "payload.new.deep": [1, None],
        },
    )
    assert told["event_ts"] == 17
    assert told["payload"]["actionItem"] == {"text": "Done", "value": "other"}
    assert told["payload"]["original"]["body"][0]["items"] == [{"text": "Other", "value": "other"}]
    assert told["payload"]["new"] == {"deep": [1, None]}
    again = await heard(visit, "interactive_message_actions")
    assert again["payload"]["original"]["body"][0]["items"][0]["value"] == "done"


@pytest.mark.parametrize(
    "path",
    [
        "",
        "event",
        "url",
        "cmd",
        "payload.original.body.1",
        "payload.original.body.x",
        "payload.original.body.-1.type",
        "payload.userName.first",
        "payload.userName.first.letter",
        "payload.original.body.²",
        "payload" + ".a" * 40,
    ],
)
async def test_a_path_that_leads_nowhere_is_refused(path: str) -> None:
    told = await refused(ready(), "interactive_message_actions", set={path: 1})
    assert told["error"] == "trigger_refused"
    assert path[:80] in told["message"]


async def test_a_payload_stays_an_object() -> None:
    assert "object" in (await refused(ready(), "bot_notification", set={"payload": []}))["message"]


async def test_what_is_unknown_is_refused_with_what_is_known() -> None:
    visit = ready()
    event = await refused(visit, "bot_uninstalled")
    assert all(name in event["fix"] for name in EVENTS)
    app = await refused(visit, "bot_notification", app="nobody")
    assert visit.app.client_id in app["fix"]
    user = await refused(visit, "bot_notification", user="nobody")
    assert visit.ana.id in user["fix"]


async def test_of_several_apps_one_must_be_named() -> None:
    visit = ready()
    second = visit.second_app()
    assert second.client_id in (await refused(visit, "bot_notification"))["fix"]
    delivery = read(await trigger(visit, "bot_notification", app=second.client_id))
    assert delivery["client_id"] == second.client_id


async def test_an_app_without_an_endpoint_is_refused() -> None:
    visit = ready()
    visit.app.bot_endpoint = visit.app.deauthorization_endpoint = ""
    assert "bot_endpoint" in (await refused(visit, "bot_notification"))["message"]
    assert "deauthorization_endpoint" in (await refused(visit, "app_deauthorized"))["message"]


async def test_an_account_without_a_channel_has_no_channel_events() -> None:
    visit = ready()
    for account in visit.world.accounts:
        account.channels = []
    assert "channel" in (await refused(visit, "team_chat.app_mention"))["message"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"set": {}}', b'{"event": "x", "url": "y"}'])
async def test_what_is_no_order_is_refused(body: bytes) -> None:
    visit = ready()
    asked = Request("POST", f"{ZOOM}/_emulator/trigger", {}, body)
    answer = await visit.transport.send(asked)
    assert answer.status == 400
    assert "event" in read(answer)["fix"]
