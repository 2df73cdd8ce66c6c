import json
import re
from typing import Any

import pytest

from innkeeper.emulator.world import Token
from innkeeper.net.outbound import Response
from tests.emulator.scene import Scene

pytestmark = pytest.mark.anyio

GENERAL = "c0general@conference.xmpp.zoom.us"
HI = {"head": {"text": "Hi"}}


@pytest.fixture
def scene() -> Scene:
    return Scene()


def message(scene: Scene, **changes: Any) -> dict[str, Any]:
    body: dict[str, Any] = {
        "robot_jid": scene.app.bot_jid,
        "to_jid": scene.ana.jid,
        "account_id": "acc_north",
        "content": HI,
    }
    return {key: value for key, value in (body | changes).items() if value is not None}


async def send(scene: Scene, token: Token | None = None, **changes: Any) -> Response:
    return await scene.call(
        "POST",
        "/v2/im/chat/messages",
        token=token or scene.token(),
        body=message(scene, **changes),
    )


MESSAGES = {
    7010: "Invalid authorization token.",
    7004: "Not authorized.",
    7001: "Invalid request body format.",
    404: "Message not found.",
}


def refused(answer: Response, status: int, code: int, rule: str) -> None:
    assert json.loads(answer.body) == {"code": code, "message": MESSAGES[code], "result": False}
    assert answer.status == status
    assert answer.headers["x-emulator-refused"] == rule
    assert answer.headers["x-zm-trackingid"]


# Send


async def test_a_card_is_sent_and_shown(scene: Scene) -> None:
    scene.install()
    answer = await send(scene)
    (shown,) = scene.messages()
    assert answer.status == 200
    assert json.loads(answer.body) == {
        "message_id": shown.id,
        "robot_jid": "v1dueday@xmpp.zoom.us",
        "sent_time": "2026-03-02 09:00:00",
        "to_jid": "uana1@xmpp.zoom.us",
    }
    assert re.search(r"rid=WEB_[0-9a-f]{32}$", answer.headers["x-zm-trackingid"])
    assert "x-emulator-refused" not in answer.headers
    assert (shown.card, shown.client_id, shown.sender) == (HI, "client_dueday", scene.app.bot_jid)


async def test_the_body_may_be_json_under_any_content_type(scene: Scene) -> None:
    scene.install()
    answer = await scene.call(
        "POST",
        "/v2/im/chat/messages",
        token=scene.token(),
        body=message(scene),
        headers={"content-type": "text/plain"},
    )
    assert answer.status == 200


async def test_every_to_jid_that_an_event_carried_can_be_answered(scene: Scene) -> None:
    scene.install()
    for to_jid in (
        "uana1@xmpp.zoom.us",
        "UAna1@xmpp.zoom.us",
        "uana1@xmpp.zoom.us/robot_v1dueday@xmpp.zoom.us",
        GENERAL,
        f"uana1@xmpp.zoom.us/{GENERAL}",
    ):
        answer = await send(scene, to_jid=to_jid)
        assert (answer.status, json.loads(answer.body)["to_jid"]) == (200, to_jid)
    assert len(scene.messages()) == 3
    in_channel = scene.messages(scene.ana, GENERAL)
    assert [each.visible_to for each in in_channel] == [None, "UAna1"]
    assert len(scene.messages(scene.ben, GENERAL)) == 1


@pytest.mark.parametrize("kind", ["user", "account"])
async def test_only_a_chatbot_token_is_taken(scene: Scene, kind: str) -> None:
    scene.install()
    answer = await send(scene, token=scene.token(kind=kind))
    refused(answer, 401, 7010, "chatbot.token_kind")
    assert scene.messages() == []


async def test_another_apps_token_is_refused(scene: Scene) -> None:
    scene.install()
    answer = await send(scene, token=scene.token(scene.other))
    refused(answer, 401, 7010, "message.robot_jid")


@pytest.mark.parametrize(
    ("spoil", "rule"),
    [
        (lambda _, token: setattr(token, "revoked", True), "token.revoked"),
        (lambda scene, _: scene.clock.advance(3600), "token.expired"),
        (lambda scene, _: scene.world.tokens.clear(), "token.unknown"),
    ],
)
async def test_a_dead_token_is_refused_as_the_gateway_does(
    scene: Scene, spoil: Any, rule: str
) -> None:
    scene.install()
    token = scene.token()
    spoil(scene, token)
    for method, path in (("POST", ""), ("PUT", "/x"), ("DELETE", "/x")):
        answer = await scene.call(
            method, f"/v2/im/chat/messages{path}", token=token, body=message(scene)
        )
        assert (answer.status, json.loads(answer.body)["code"]) == (401, 124)
        assert answer.headers["x-emulator-refused"] == rule


async def test_a_token_lives_for_an_hour(scene: Scene) -> None:
    scene.install()
    token = scene.token()
    scene.clock.advance(3599)
    assert (await send(scene, token=token)).status == 200


async def test_without_a_token_nothing_is_sent(scene: Scene) -> None:
    answer = await scene.call("POST", "/v2/im/chat/messages", body=message(scene))
    assert answer.status == 401


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"robot_jid": "v1nobody@xmpp.zoom.us"}, "message.robot_jid"),
        ({"account_id": "acc_south"}, "message.account_id"),
        ({"to_jid": "nobody@xmpp.zoom.us"}, "message.to_jid"),
        ({"to_jid": "nothing"}, "message.to_jid"),
        ({"to_jid": "ucem3@xmpp.zoom.us", "account_id": None}, "message.to_jid"),
        ({"to_jid": "c0south@conference.xmpp.zoom.us", "account_id": None}, "message.to_jid"),
        ({"to_jid": "uana1@xmpp.zoom.us/robot_v1other@xmpp.zoom.us"}, "message.to_jid"),
        ({"to_jid": f"nobody@xmpp.zoom.us/{GENERAL}"}, "message.to_jid"),
        ({"to_jid": GENERAL, "visible_to_user": "uana1@xmpp.zoom.us"}, "message.visible_to_user"),
    ],
)
async def test_where_the_app_does_not_reach_it_is_not_authorized(
    scene: Scene, changes: dict[str, Any], rule: str
) -> None:
    scene.install()
    refused(await send(scene, **changes), 400, 7004, rule)
    assert scene.messages() == []


async def test_an_app_that_nobody_installed_is_not_authorized(scene: Scene) -> None:
    refused(await send(scene), 400, 7004, "message.installed")


async def test_an_account_that_does_not_match_the_target_is_not_authorized(scene: Scene) -> None:
    scene.install()
    scene.install(user=scene.cem)
    answer = await send(scene, account_id="acc_south")
    refused(answer, 400, 7004, "message.account_id")
    assert (await send(scene, account_id=None)).status == 200


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"robot_jid": None}, "message.robot_jid"),
        ({"robot_jid": 7}, "message.robot_jid"),
        ({"to_jid": None}, "message.to_jid"),
        ({"to_jid": ["x"]}, "message.to_jid"),
        ({"content": None}, "card.content"),
        ({"content": "Hi"}, "card.content"),
        ({"content": json.dumps(HI)}, "card.content"),
        ({"content": {}}, "card.refused"),
        ({"content": {"body": [{"type": "message"}]}}, "card.refused"),
        ({"content": {"head": {"text": "x" * 100_000}}}, "card.refused"),
        (
            {
                "content": {"body": [{"type": "message", "text": "x", "link": "https://a.test"}]},
                "is_markdown_support": True,
            },
            "card.refused",
        ),
        (
            {
                "content": {
                    "body": [
                        {
                            "type": "select",
                            "text": "x",
                            "static_source": "members",
                            "select_items": [],
                        }
                    ]
                }
            },
            "card.refused",
        ),
    ],
)
async def test_a_bad_body_is_refused_and_nothing_is_shown(
    scene: Scene, changes: dict[str, Any], rule: str
) -> None:
    scene.install()
    refused(await send(scene, **changes), 400, 7001, rule)
    assert scene.messages() == []
    assert scene.traffic.records()[-1].refusal


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'"x"', b"\xff", b'{"a":1,"a":2}', b"[" * 100, b"x" * 262_145],
)
async def test_a_body_that_is_no_object_is_refused(scene: Scene, body: bytes) -> None:
    scene.install()
    token = scene.token()
    scene_path = "/v2/im/chat/messages"
    for method, path in (("POST", scene_path), ("PUT", f"{scene_path}/x")):
        answer = await scene.call(method, path, token=token, body=body)
        assert (answer.status, json.loads(answer.body)["code"]) == (400, 7001)


async def test_an_unknown_element_is_kept_with_a_note(scene: Scene) -> None:
    scene.install()
    content = {"body": [{"type": "hologram", "depth": 3}]}
    assert (await send(scene, content=content)).status == 200
    assert scene.messages()[0].card == content
    assert "hologram" in scene.traffic.records()[-1].notes[0]


async def test_an_emoji_card_survives_byte_for_byte(scene: Scene) -> None:
    scene.install()
    content = {"head": {"text": "🎉 مرحبا \u2028"}, "extra": [1, 2.5, None, {"9": "é"}]}
    await send(scene, content=content)
    assert scene.messages()[0].card == content


# On whose behalf


async def test_a_user_managed_app_must_say_for_whom_it_sends(scene: Scene) -> None:
    scene.install(scene.solo, scene.ana)
    token = scene.token(scene.solo)
    solo = {"token": token, "robot_jid": scene.solo.bot_jid}
    answer = await send(scene, **solo)
    refused(answer, 400, 7001, "message.user_jid")
    answer = await send(scene, **solo, user_jid=scene.ana.jid)
    assert json.loads(answer.body)["user_jid"] == scene.ana.jid
    compound = f"{scene.ana.jid}/robot_{scene.solo.bot_jid}"
    assert (await send(scene, **solo, user_jid=compound, to_jid=compound)).status == 200
    assert len(scene.messages(peer=scene.solo.bot_jid)) == 2


@pytest.mark.parametrize(
    ("user_jid", "to_jid"),
    [
        ("uben2@xmpp.zoom.us", "uana1@xmpp.zoom.us"),
        ("nobody@xmpp.zoom.us", "uana1@xmpp.zoom.us"),
        ("uana1@xmpp.zoom.us", "uben2@xmpp.zoom.us"),
        ("uana1@xmpp.zoom.us", "c0south@conference.xmpp.zoom.us"),
    ],
)
async def test_a_user_managed_app_reaches_only_who_installed_it(
    scene: Scene, user_jid: str, to_jid: str
) -> None:
    scene.install(scene.solo, scene.ana)
    answer = await send(
        scene,
        token=scene.token(scene.solo),
        robot_jid=scene.solo.bot_jid,
        user_jid=user_jid,
        to_jid=to_jid,
    )
    assert (answer.status, json.loads(answer.body)["code"]) == (400, 7004)


async def test_a_user_managed_app_sends_to_its_users_channels(scene: Scene) -> None:
    scene.install(scene.solo, scene.ana)
    answer = await send(
        scene,
        token=scene.token(scene.solo),
        robot_jid=scene.solo.bot_jid,
        user_jid=scene.ana.jid,
        to_jid=GENERAL,
    )
    assert answer.status == 200
    assert len(scene.messages(scene.ben, GENERAL)) == 1


async def test_a_private_message_in_a_channel_is_seen_by_one(scene: Scene) -> None:
    scene.install()
    assert (await send(scene, to_jid=GENERAL, visible_to_user="UBen2")).status == 200
    assert scene.messages(scene.ana, GENERAL) == []
    assert len(scene.messages(scene.ben, GENERAL)) == 1


async def test_what_has_no_effect_is_noted(scene: Scene) -> None:
    scene.install()
    assert (await send(scene, visible_to_user="UBen2", reply_to="gone")).status == 200
    notes = scene.traffic.records()[-1].notes
    assert [note.split()[0] for note in notes] == ["visible_to_user", "reply_to"]


async def test_a_reply_knows_its_parent(scene: Scene) -> None:
    scene.install()
    parent = json.loads((await send(scene)).body)["message_id"]
    await send(scene, reply_to=parent)
    assert [each.reply_to for each in scene.messages()] == [None, parent]


# Edit and delete


async def test_an_edit_replaces_the_card(scene: Scene) -> None:
    scene.install()
    token = scene.token()
    message_id = json.loads((await send(scene, token=token)).body)["message_id"]
    answer = await scene.call(
        "PUT",
        f"/v2/im/chat/messages/{message_id}",
        token=token,
        body={
            "robot_jid": scene.app.bot_jid,
            "user_jid": scene.ana.jid,
            "content": {"head": {"text": "Done"}},
            "is_markdown_support": True,
        },
    )
    assert json.loads(answer.body) == {
        "message_id": message_id,
        "robot_jid": scene.app.bot_jid,
        "sent_time": "2026-03-02 09:00:00",
        "to_jid": scene.ana.jid,
        "user_jid": scene.ana.jid,
    }
    (shown,) = scene.messages()
    assert (shown.card, shown.edited, shown.markdown) == ({"head": {"text": "Done"}}, True, True)


async def test_a_bad_edit_leaves_the_card(scene: Scene) -> None:
    scene.install()
    token = scene.token()
    message_id = json.loads((await send(scene, token=token)).body)["message_id"]
    answer = await scene.call(
        "PUT",
        f"/v2/im/chat/messages/{message_id}",
        token=token,
        body={"robot_jid": scene.app.bot_jid, "content": {"body": [{"type": "message"}]}},
    )
    refused(answer, 400, 7001, "card.refused")
    (shown,) = scene.messages()
    assert (shown.card, shown.edited) == (HI, False)


async def test_a_deletion_takes_its_parameters_from_the_query(scene: Scene) -> None:
    scene.install()
    token = scene.token()
    message_id = json.loads((await send(scene, token=token)).body)["message_id"]
    path = f"/v2/im/chat/messages/{message_id}"
    answer = await scene.call("DELETE", path, token=token, body={"robot_jid": scene.app.bot_jid})
    refused(answer, 400, 7001, "message.robot_jid")
    query = f"?account_id=acc_north&user_jid={scene.ana.jid}&robot_jid={scene.app.bot_jid}"
    answer = await scene.call("DELETE", path + query, token=token)
    assert (answer.status, json.loads(answer.body)["user_jid"]) == (200, scene.ana.jid)
    assert scene.messages()[0].deleted
    answer = await scene.call("DELETE", path + query, token=token)
    refused(answer, 404, 404, "message.unknown")


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_another_apps_message_and_a_persons_are_not_its_to_change(
    scene: Scene, method: str
) -> None:
    scene.install()
    scene.install(scene.other)
    sent = await send(scene)
    said = await scene.chat.says(scene.ana, scene.app.bot_jid, "hello")
    for message_id in (json.loads(sent.body)["message_id"], said.id):
        answer = await scene.call(
            method,
            f"/v2/im/chat/messages/{message_id}?robot_jid={scene.other.bot_jid}",
            token=scene.token(scene.other),
            body={"robot_jid": scene.other.bot_jid, "content": HI},
        )
        refused(answer, 400, 7004, "message.foreign")
    assert not any(each.edited or each.deleted for each in scene.messages())


async def test_after_the_removal_nothing_can_be_changed(scene: Scene) -> None:
    installation = scene.install()
    token = scene.token()
    message_id = json.loads((await send(scene, token=token)).body)["message_id"]
    del scene.world.installations[installation.id]
    answer = await scene.call(
        "PUT", f"/v2/im/chat/messages/{message_id}", token=token, body=message(scene)
    )
    refused(answer, 400, 7004, "message.installed")


async def test_a_user_managed_edit_without_user_jid_is_taken_with_a_note(scene: Scene) -> None:
    scene.install(scene.solo)
    token = scene.token(scene.solo)
    solo = {"robot_jid": scene.solo.bot_jid, "content": HI}
    sent = await send(scene, token=token, user_jid=scene.ana.jid, **solo)
    message_id = json.loads(sent.body)["message_id"]
    path = f"/v2/im/chat/messages/{message_id}"
    assert (await scene.call("PUT", path, token=token, body=solo)).status == 200
    assert "user_jid" in scene.traffic.records()[-1].notes[0]


@pytest.mark.parametrize("status", ["200", "201"])
async def test_the_rules_say_with_which_status_a_message_is_sent(scene: Scene, status: Any) -> None:
    scene.install()
    scene.world.rules.send_status = status
    assert (await send(scene)).status == int(status)
    assert len(scene.messages()) == 1


@pytest.mark.parametrize("status", ["400", "403"])
async def test_the_rules_say_which_status_not_authorized_has(scene: Scene, status: Any) -> None:
    scene.world.rules.chatbot_refusals = status
    refused(await send(scene), int(status), 7004, "message.installed")


async def test_the_rules_say_whether_a_message_must_name_its_account(scene: Scene) -> None:
    scene.install()
    assert (await send(scene, account_id=None)).status == 200
    scene.world.rules.account_id = "required"
    refused(await send(scene, account_id=None), 400, 7001, "message.account_id")
    assert len(scene.messages()) == 1
