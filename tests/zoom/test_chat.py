import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from innkeeper.errors import AnswerLost, ApiRefused
from innkeeper.ids import AccountId, Jid, MessageId, UserId
from innkeeper.net.outbound import Response
from innkeeper.secret import Secret
from innkeeper.zoom import chat
from innkeeper.zoom.chat import SentMessage
from tests.zoom.scripted import Scripted, says

pytestmark = pytest.mark.anyio

ROBOT = Jid("v1bot@xmpp.zoom.test")
ROOM = Jid("room@conference.xmpp.zoom.test")
ANA = Jid("ana@xmpp.zoom.test")
ACCOUNT = AccountId("acc-1")
CONTENT = {"head": {"text": "Hi"}}
SENT = {
    "message_id": "M-1",
    "robot_jid": str(ROBOT),
    "sent_time": "2030-01-01 10:00:00",
    "to_jid": str(ROOM),
}

Call = Callable[..., Awaitable[SentMessage]]


async def send(transport: Scripted, **more: Any) -> SentMessage:
    return await chat.send(
        transport,
        api_url="https://api.test",
        token=Secret("t0p"),
        robot_jid=ROBOT,
        to_jid=ROOM,
        account_id=ACCOUNT,
        content=CONTENT,
        **more,
    )


async def edit(transport: Scripted, message_id: str = "M-1", **more: Any) -> SentMessage:
    return await chat.edit(
        transport,
        api_url="https://api.test",
        token=Secret("t0p"),
        message_id=MessageId(message_id),
        robot_jid=ROBOT,
        account_id=ACCOUNT,
        content=CONTENT,
        **more,
    )


async def delete(transport: Scripted, message_id: str = "M-1", **more: Any) -> SentMessage:
    return await chat.delete(
        transport,
        api_url="https://api.test",
        token=Secret("t0p"),
        message_id=MessageId(message_id),
        robot_jid=ROBOT,
        account_id=ACCOUNT,
        **more,
    )


async def test_posts_a_message() -> None:
    transport = Scripted(says(200, SENT))
    sent = await send(transport)
    assert sent == SentMessage(MessageId("M-1"), ROOM, "2030-01-01 10:00:00")
    asked = transport.asked
    assert (asked.method, asked.url) == ("POST", "https://api.test/v2/im/chat/messages")
    assert asked.headers["authorization"] == "Bearer t0p"
    assert asked.headers["content-type"] == "application/json; charset=utf-8"
    assert json.loads(asked.body) == {
        "robot_jid": ROBOT,
        "to_jid": ROOM,
        "account_id": ACCOUNT,
        "content": CONTENT,
    }


async def test_posts_with_all_that_the_api_knows() -> None:
    transport = Scripted(says(201, SENT))
    await send(
        transport,
        markdown=True,
        user_jid=ANA,
        reply_to=MessageId("M-0"),
        visible_to_user="AnA",
        deadline=2.5,
    )
    body = json.loads(transport.asked.body)
    assert body["is_markdown_support"] is True
    assert (body["user_jid"], body["reply_to"], body["visible_to_user"]) == (ANA, "M-0", "AnA")
    assert transport.deadlines == [2.5]


async def test_edits_a_message() -> None:
    transport = Scripted(says(200, {**SENT, "user_jid": ANA}))
    assert (await edit(transport, user_jid=ANA, markdown=True)).message_id == "M-1"
    asked = transport.asked
    assert (asked.method, asked.url) == ("PUT", "https://api.test/v2/im/chat/messages/M-1")
    assert json.loads(asked.body) == {
        "robot_jid": ROBOT,
        "account_id": ACCOUNT,
        "content": CONTENT,
        "is_markdown_support": True,
        "user_jid": ANA,
    }


async def test_deletes_a_message_by_a_query() -> None:
    transport = Scripted(says(200, SENT))
    await delete(transport, user_jid=Jid("a+b&c@x"))
    asked = transport.asked
    assert (asked.method, asked.body) == ("DELETE", b"")
    path, _, query = asked.url.partition("?")
    assert path == "https://api.test/v2/im/chat/messages/M-1"
    assert query == "account_id=acc-1&user_jid=a%2Bb%26c%40x&robot_jid=v1bot%40xmpp.zoom.test"
    transport = Scripted(says(200, SENT))
    await delete(transport)
    assert "user_jid" not in transport.asked.url


@pytest.mark.parametrize("call", [edit, delete])
async def test_an_id_stays_in_its_place(call: Call) -> None:
    transport = Scripted(says(200, SENT))
    await call(transport, message_id="../../users/me?a#b%2F é")
    path = transport.asked.url.partition("?")[0]
    assert path == (
        "https://api.test/v2/im/chat/messages/..%2F..%2Fusers%2Fme%3Fa%23b%252F%20%C3%A9"
    )


@pytest.mark.parametrize("call", [edit, delete])
@pytest.mark.parametrize("message_id", ["", ".", "..", "..."])
async def test_an_id_that_would_climb_names_no_message(call: Call, message_id: str) -> None:
    transport = Scripted()
    with pytest.raises(ApiRefused):
        await call(transport, message_id=message_id)
    assert transport.requests == []


@pytest.mark.parametrize("call", [edit, delete])
async def test_an_edit_needs_no_answer_beyond_its_status(call: Call) -> None:
    sent = await call(Scripted(Response(204)))
    assert sent == SentMessage(MessageId("M-1"), Jid(""), "")


@pytest.mark.parametrize("body", [b"", b"{}", b"<html>", b'{"message_id":7}'])
async def test_a_message_whose_id_is_not_told_may_have_been_posted(body: bytes) -> None:
    with pytest.raises(AnswerLost):
        await send(Scripted(Response(200, {}, body)))


async def test_a_message_goes_where_it_was_sent_if_zoom_does_not_say() -> None:
    sent = await send(Scripted(says(200, {"message_id": "M-1"})))
    assert sent == SentMessage(MessageId("M-1"), ROOM, "")


@pytest.mark.parametrize("call", [send, edit, delete])
async def test_k46_a_call_whose_answer_was_lost_is_never_repeated(call: Call) -> None:
    transport = Scripted(AnswerLost("gone"), says(200, SENT))
    with pytest.raises(AnswerLost):
        await call(transport)
    assert len(transport.requests) == 1


@pytest.mark.parametrize("call", [send, edit, delete])
async def test_a_refusal_keeps_zooms_number(call: Call) -> None:
    refusal = {"code": 7004, "message": "Not authorized.", "result": False}
    with pytest.raises(ApiRefused, match="not installed for this person") as caught:
        await call(Scripted(says(400, refusal)))
    assert (caught.value.status, caught.value.zoom_code) == (400, 7004)


async def test_unfurls_with_the_card_as_a_text_within_the_json() -> None:
    transport = Scripted(Response(204))
    await chat.unfurl(
        transport,
        api_url="https://api.test",
        token=Secret("t0p"),
        user_id=UserId("u/1"),
        trigger_id="t 1",
        content=CONTENT,
    )
    assert transport.asked.method == "POST"
    assert transport.asked.url == "https://api.test/v2/im/chat/users/u%2F1/unfurls/t%201"
    assert json.loads(json.loads(transport.asked.body)["content"]) == CONTENT


@pytest.mark.parametrize(("user_id", "trigger_id"), [("", "t"), ("..", "t"), ("u", ""), ("u", ".")])
async def test_an_unfurl_goes_nowhere_else(user_id: str, trigger_id: str) -> None:
    with pytest.raises(ApiRefused):
        await chat.unfurl(
            Scripted(),
            api_url="https://api.test",
            token=Secret("t0p"),
            user_id=UserId(user_id),
            trigger_id=trigger_id,
            content=CONTENT,
        )
