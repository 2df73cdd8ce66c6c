"""What apps hear of a channel: mentions, what is posted, apps that come and go."""

from typing import Any

import pytest

from innkeeper.emulator.world import Subscription
from innkeeper.wire.manifest import Manifest
from tests.emulator.scene import BOT_URL, Scene

pytestmark = pytest.mark.anyio

GENERAL = "c0general@conference.xmpp.zoom.us"


@pytest.fixture
def scene() -> Scene:
    scene = Scene()
    scene.install()
    scene.app.mention = True
    return scene


def subscribe(scene: Scene, *events: str) -> None:
    scene.app.subscriptions.append(
        Subscription("s1", "Channels", BOT_URL, list(events), "EVENT_FOR_ADMIN")
    )


@pytest.mark.parametrize("rule", ["official", "observed"])
async def test_mention_payload(scene: Scene, rule: Any):
    scene.world.rules.mention_payload = rule

    await scene.chat.says(scene.ana, GENERAL, "@Dueday what is due?")

    (event,) = scene.bot.bodies
    about = event["payload"]["object"]
    assert event["event"] == "team_chat.app_mention"
    assert (about["channel_id"], about["type"]) == ("c0general", "to_channel")
    assert about["message"] == "@Dueday what is due?"
    assert event["payload"]["operator_id"] == scene.ana.id
    observed = {"to_jid", "robot_jid", "robot_name", "at_items"}
    assert (observed <= set(about)) is (rule == "observed")
    assert ("operator_jid" in event["payload"]) is (rule == "observed")


@pytest.mark.parametrize("text", ["what is due, @Dueday?", "@Nobody here", "@"])
async def test_only_a_mention_at_the_start_is_one(scene: Scene, text: str):
    await scene.chat.says(scene.ana, GENERAL, text)

    assert scene.bot.bodies == []


async def test_an_app_without_the_feature_is_not_mentioned(scene: Scene):
    scene.app.mention = False
    await scene.chat.says(scene.ana, GENERAL, "@Dueday hello")

    assert scene.bot.bodies == []


async def test_subscriptions_hear_what_is_posted_in_a_channel_and_not_alone(scene: Scene):
    subscribe(scene, "team_chat.channel_message_posted")

    await scene.chat.says(scene.ana, scene.app.bot_jid, "between us")
    await scene.chat.says(scene.ben, GENERAL, "hello all")
    await scene.courier.run_due()

    alone, posted = scene.bot.bodies
    assert alone["event"] == "bot_notification"
    assert posted["event"] == "team_chat.channel_message_posted"
    assert posted["payload"]["operator_id"] == scene.ben.id
    assert posted["payload"]["object"]["message"] == "hello all"


async def test_an_app_comes_into_a_channel_and_leaves_it(scene: Scene):
    subscribe(scene, "team_chat.channel_app_added", "team_chat.channel_app_removed")
    form = {"with": GENERAL, "app": scene.app.client_id}

    for action in ("add", "add", "remove", "remove"):
        answer = await scene.call(
            "POST", "/chat/apps", user=scene.ana, form={**form, "action": action}
        )
        assert answer.status == 303
    await scene.courier.run_due()

    added, removed = scene.bot.bodies
    assert (added["event"], removed["event"]) == (
        "team_chat.channel_app_added",
        "team_chat.channel_app_removed",
    )
    about = added["payload"]["object"]
    assert about["type"] == 5
    assert about["app_members"] == [
        {"id": scene.app.bot_jid.partition("@")[0], "display_name": "Dueday"}
    ]
    page = (await scene.call("GET", f"/chat?with={GENERAL}", user=scene.ana)).body.decode()
    assert "Add Dueday" in page


def trusting(scene: Scene, *domains: str) -> None:
    listed = [{"domain": domain, "unfurling": True} for domain in domains]
    scene.app.manifest = Manifest.parse(
        {
            "display_information": {"display_name": "Dueday"},
            "oauth_information": {"usage": "ADMIN_MANAGEMENT"},
            "features": {
                "team_chat_subscription": {
                    "enable": True,
                    "slash_command": {"command": "dueday", "trust_domain_list": listed},
                }
            },
        }
    )


async def test_a_link_of_a_trusted_domain_is_offered_and_unfurled(scene: Scene):
    trusting(scene, "Due.example")
    await scene.chat.says(scene.ana, GENERAL, "see https://go.due.example/7 and http://x.test")

    (event,) = scene.bot.bodies
    assert event["event"] == "team_chat.link_shared"
    about = event["payload"]["object"]
    assert about["link"] == "https://go.due.example/7"
    path = f"/v2/im/chat/users/{scene.ana.id}/unfurls/{about['trigger_id']}"
    assert event["response_url"].endswith(path)
    assert scene.world.unfurls[about["trigger_id"]].message_id == about["message_id"]


@pytest.mark.parametrize(
    "text", ["https://notdue.example/", "due.example", "https://due.example.evil.test", "http://["]
)
async def test_no_other_link_is_offered(scene: Scene, text: str):
    trusting(scene, "due.example")
    await scene.chat.says(scene.ana, GENERAL, text)

    assert scene.bot.bodies == []


@pytest.mark.parametrize(("rule", "heard"), [("silent", 1), ("delivered", 2)])
async def test_thread_replies(scene: Scene, rule: Any, heard: int):
    scene.world.rules.thread_replies = rule
    first = await scene.chat.says(scene.ana, scene.app.bot_jid, "what is due?")
    form = {"with": scene.app.bot_jid, "text": "and tomorrow?", "reply_to": first.id}

    await scene.call("POST", "/chat/say", user=scene.ana, form=form)

    events = scene.bot.bodies
    assert len(events) == heard
    if rule == "delivered":
        assert events[-1]["payload"]["replyMainMessageId"] == first.id
    page = (await scene.call("GET", "/chat", user=scene.ana)).body.decode()
    assert "In reply to “what is due?”" in page


async def test_a_reply_is_written_in_the_one_composer(scene: Scene):
    conversation = scene.chat.conversations.find(scene.ana, scene.app.bot_jid)
    card = scene.chat.conversations.show(conversation, scene.app, {"head": {"text": "Towels"}})
    path = f"/chat?with={scene.app.bot_jid}"

    plain = (await scene.call("GET", path, user=scene.ana)).body.decode()
    reply = (await scene.call("GET", f"{path}&reply_to={card.id}", user=scene.ana)).body.decode()
    unknown = (await scene.call("GET", f"{path}&reply_to=nothing", user=scene.ana)).body.decode()

    assert f"reply_to={card.id}" in plain
    field = f'name="reply_to" value="{card.id}"'
    assert field in reply
    assert "In reply to “Towels”" in reply
    assert field not in plain
    assert 'name="reply_to"' not in unknown


async def test_a_command_in_a_channels_thread_names_the_thread(scene: Scene):
    first = await scene.chat.says(scene.ana, GENERAL, "what is due?")

    await scene.chat.says(scene.ana, GENERAL, "/dueday list", reply_to=first.id)

    (event,) = scene.bot.bodies
    assert event["payload"]["replyMainMessageId"] == first.id


@pytest.mark.parametrize(("peer", "app"), [(GENERAL, "client_other"), (GENERAL, "nobody")])
async def test_only_an_installed_app_comes_into_a_channel(scene: Scene, peer: str, app: str):
    form = {"with": peer, "app": app, "action": "add"}
    await scene.call("POST", "/chat/apps", user=scene.ana, form=form)

    assert scene.world.channels()[0].apps == []
    assert "Nothing changed" in scene.messages(peer=GENERAL)[-1].text


@pytest.mark.parametrize(("rule", "heard"), [("silent", 0), ("published", 1)])
async def test_direct_messages(scene: Scene, rule: Any, heard: int):
    scene.world.rules.direct_messages = rule
    subscribe(scene, "team_chat.dm_message_posted")

    await scene.chat.says(scene.ben, scene.app.bot_jid, "between us")
    await scene.courier.run_due()

    events = [e for e in scene.bot.bodies if e["event"] == "team_chat.dm_message_posted"]
    assert len(events) == heard
    for event in events:
        about = event["payload"]["object"]
        assert (event["payload"]["operator_id"], about["message"]) == (scene.ben.id, "between us")
        assert f"{about['contact_id']}@xmpp.zoom.us" == scene.app.bot_jid
