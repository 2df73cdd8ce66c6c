"""A card beside a link: who may show it, once, and how it stands in the chat."""

import json
from typing import Any

import pytest

from innkeeper.emulator.chat.unfurls import open_trigger
from innkeeper.emulator.world import Message
from innkeeper.net.outbound import Response
from tests.emulator.scene import Scene

pytestmark = pytest.mark.anyio

GENERAL = "c0general@conference.xmpp.zoom.us"
CARD = {"head": {"text": "A page"}}


@pytest.fixture
def scene() -> Scene:
    scene = Scene()
    scene.install()
    return scene


def link(scene: Scene, peer: str = GENERAL) -> tuple[Message, str]:
    """Have Ana write a link; give her message and the trigger."""
    conversation = scene.chat.conversations.find(scene.ana, peer)
    message = scene.chat.conversations.say(conversation, "see https://example.com/page")
    return message, open_trigger(scene.world, scene.app, scene.ana, message)


async def unfurl(
    scene: Scene, trigger: str, *, user: str = "UAna1", content: Any = None, **who: Any
) -> Response:
    return await scene.call(
        "POST",
        f"/v2/im/chat/users/{user}/unfurls/{trigger}",
        token=scene.token(**who),
        body={"content": json.dumps(CARD) if content is None else content},
    )


def refused(answer: Response, status: int, rule: str) -> None:
    assert (answer.status, answer.headers["x-emulator-refused"]) == (status, rule)
    assert json.loads(answer.body)["result"] is False


@pytest.mark.parametrize("peer", [GENERAL, "v1dueday@xmpp.zoom.us"])
async def test_the_card_is_the_bots_reply_to_the_link(scene: Scene, peer: str) -> None:
    message, trigger = link(scene, peer)
    answer = await unfurl(scene, trigger)
    assert answer.status == 201
    assert answer.headers["x-ratelimit-remaining"] == "59"
    shown = scene.messages(peer=peer)[-1]
    assert shown.card == CARD
    assert shown.reply_to == message.id
    assert shown.sender == scene.app.bot_jid
    assert shown.client_id == scene.app.client_id


async def test_an_unfurl_may_be_answered_without_a_body(scene: Scene) -> None:
    scene.world.rules.unfurl_status = "204"
    answer = await unfurl(scene, link(scene)[1])
    assert (answer.status, answer.body) == (204, b"")


async def test_a_trigger_is_good_for_one_card(scene: Scene) -> None:
    _, trigger = link(scene)
    await unfurl(scene, trigger)
    refused(await unfurl(scene, trigger), 404, "unfurl.trigger")
    assert len(scene.messages(peer=GENERAL)) == 2


async def test_a_refused_card_leaves_the_trigger(scene: Scene) -> None:
    _, trigger = link(scene)
    refused(await unfurl(scene, trigger, content="{}"), 400, "card.refused")
    assert (await unfurl(scene, trigger)).status == 201


@pytest.mark.parametrize("content", [CARD, 7, "", "{", "\ud800"])
async def test_the_card_is_json_in_a_text(scene: Scene, content: Any) -> None:
    refused(await unfurl(scene, link(scene)[1], content=content), 400, "unfurl.content")


async def test_the_text_holds_an_object(scene: Scene) -> None:
    refused(await unfurl(scene, link(scene)[1], content="[]"), 400, "card.content")


async def test_a_trigger_is_one_apps(scene: Scene) -> None:
    _, trigger = link(scene)
    refused(await unfurl(scene, "nobodys"), 404, "unfurl.trigger")
    refused(await unfurl(scene, trigger, app=scene.other), 404, "unfurl.trigger")


@pytest.mark.parametrize("user", ["UBen2", "uana1@xmpp.zoom.us", "me"])
async def test_a_trigger_is_one_users(scene: Scene, user: str) -> None:
    refused(await unfurl(scene, link(scene)[1], user=user), 404, "unfurl.user")


async def test_a_link_that_is_gone_is_not_unfurled(scene: Scene) -> None:
    message, trigger = link(scene)
    scene.chat.conversations.delete(message)
    refused(await unfurl(scene, trigger), 404, "unfurl.message")
    other, trigger = link(scene)
    scene.world.accounts[0].channels.clear()
    assert not other.deleted
    refused(await unfurl(scene, trigger), 404, "unfurl.message")


async def test_a_user_token_does_not_unfurl(scene: Scene) -> None:
    refused(await unfurl(scene, link(scene)[1], kind="user"), 401, "chatbot.token_kind")
