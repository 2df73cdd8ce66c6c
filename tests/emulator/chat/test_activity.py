"""What apps hear of a channel: mentions, what is posted, apps that come and go."""

from typing import Any

import pytest

from innkeeper.emulator.world import Subscription
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


@pytest.mark.parametrize(("peer", "app"), [(GENERAL, "client_other"), (GENERAL, "nobody")])
async def test_only_an_installed_app_comes_into_a_channel(scene: Scene, peer: str, app: str):
    form = {"with": peer, "app": app, "action": "add"}
    await scene.call("POST", "/chat/apps", user=scene.ana, form=form)

    assert scene.world.channels()[0].apps == []
    assert "Nothing changed" in scene.messages(peer=GENERAL)[-1].text
