"""How does a chatbot speak? Its messages sent, edited and deleted, one call each.

Source: https://developers.zoom.us/docs/chat/send-edit-and-delete-messages/
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from innkeeper.errors import AnswerLost, ApiRefused
from innkeeper.ids import AccountId, Jid, MessageId, UserId
from innkeeper.net.outbound import DEADLINE_SECONDS, Request, Transport
from innkeeper.secret import Secret
from innkeeper.wire.links import with_query
from innkeeper.wire.oauth import escape_segment
from innkeeper.zoom.answers import bearer, call_api

MESSAGES_PATH = "/v2/im/chat/messages"


@dataclass(frozen=True, slots=True)
class SentMessage:
    """A message as it stands in the chat now. `sent_time` is as Zoom writes it."""

    message_id: MessageId
    to_jid: Jid
    sent_time: str


class _Message(msgspec.Struct, kw_only=True, omit_defaults=True):
    robot_jid: Jid
    to_jid: Jid | None = None
    account_id: AccountId
    content: Mapping[str, Any] | msgspec.Raw
    is_markdown_support: bool = False
    user_jid: Jid | None = None
    reply_to: MessageId | None = None
    visible_to_user: str | None = None


class _Sent(msgspec.Struct, frozen=True):
    message_id: Annotated[str, Meta(max_length=256)] = ""
    to_jid: Annotated[str, Meta(max_length=512)] = ""
    sent_time: Annotated[str, Meta(max_length=64)] = ""


async def send(  # noqa: PLR0913  # the API's own fields, each by its name
    transport: Transport,
    *,
    api_url: str,
    token: Secret,
    robot_jid: Jid,
    to_jid: Jid,
    account_id: AccountId,
    content: Mapping[str, Any] | msgspec.Raw,
    markdown: bool = False,
    user_jid: Jid | None = None,
    reply_to: MessageId | None = None,
    visible_to_user: str | None = None,
    deadline: float = DEADLINE_SECONDS,
) -> SentMessage:
    """Post a message. Sent again after a lost answer, it may stand in the chat twice.

    Args:
        user_jid: On whose behalf; a user-managed app must say so.
        visible_to_user: The id (not the JID) of the only person who sees it in a channel.

    Raises:
        ApiRefused: If Zoom would not take it.
        AnswerLost: If it may have been posted.
        Unreachable: If it was not.
    """
    body = _Message(
        robot_jid=robot_jid,
        to_jid=to_jid,
        account_id=account_id,
        content=content,
        is_markdown_support=markdown,
        user_jid=user_jid,
        reply_to=reply_to,
        visible_to_user=visible_to_user,
    )
    request = _json_request("POST", api_url + MESSAGES_PATH, token, body)
    sent = await call_api(transport, request, shape=_Sent, deadline=deadline)
    if not sent.message_id:
        raise AnswerLost("Zoom's answer makes no sense", "it names no message")
    return _message(sent, MessageId(""), to_jid)


async def edit(  # noqa: PLR0913  # the API's own fields, each by its name
    transport: Transport,
    *,
    api_url: str,
    token: Secret,
    message_id: MessageId,
    robot_jid: Jid,
    account_id: AccountId,
    content: Mapping[str, Any] | msgspec.Raw,
    markdown: bool = False,
    user_jid: Jid | None = None,
    deadline: float = DEADLINE_SECONDS,
) -> SentMessage:
    """Replace a message's whole content.

    Raises:
        ApiRefused: If Zoom would not do it.
        AnswerLost: If it may have been done; doing it again does no harm.
        Unreachable: If it was not.
    """
    body = _Message(
        robot_jid=robot_jid,
        account_id=account_id,
        content=content,
        is_markdown_support=markdown,
        user_jid=user_jid,
    )
    request = _json_request("PUT", _address(api_url, message_id), token, body)
    sent = await call_api(transport, request, shape=_Sent, deadline=deadline)
    return _message(sent, message_id, Jid(""))


async def delete(
    transport: Transport,
    *,
    api_url: str,
    token: Secret,
    message_id: MessageId,
    robot_jid: Jid,
    account_id: AccountId,
    user_jid: Jid | None = None,
    deadline: float = DEADLINE_SECONDS,
) -> SentMessage:
    """Delete a message. Unlike the others, the API takes these fields as a query.

    Raises:
        ApiRefused: If Zoom would not do it.
        AnswerLost: If it may have been done.
        Unreachable: If it was not.
    """
    url = with_query(
        _address(api_url, message_id),
        account_id=account_id,
        user_jid=user_jid,
        robot_jid=robot_jid,
    )
    request = Request("DELETE", url, bearer(token))
    sent = await call_api(transport, request, shape=_Sent, deadline=deadline)
    return _message(sent, message_id, Jid(""))


async def unfurl(
    transport: Transport,
    *,
    api_url: str,
    token: Secret,
    user_id: UserId,
    trigger_id: str,
    content: Mapping[str, Any] | msgspec.Raw,
    deadline: float = DEADLINE_SECONDS,
) -> None:
    """Show a card beside a link that somebody posted. A trigger is good for one card.

    Args:
        user_id: Who posted it, as the event says.
        content: It travels as a text within the JSON: so Zoom asks.

    Raises:
        ApiRefused: If Zoom would not do it.
        AnswerLost: If it may have been done.
        Unreachable: If it was not.

    Source: https://developers.zoom.us/docs/api/chatbot/
    """
    if not user_id.strip(".") or not trigger_id.strip("."):
        raise ApiRefused(404, 0, "these ids cannot name a link")
    url = f"{api_url}/v2/im/chat/users/{escape_segment(user_id)}/unfurls/"
    body = {"content": msgspec.json.encode(content).decode()}
    request = _json_request("POST", url + escape_segment(trigger_id), token, body)
    await call_api(transport, request, shape=msgspec.Raw, deadline=deadline)


def _address(api_url: str, message_id: MessageId) -> str:
    if not message_id.strip("."):  # a path would climb on dots, escaped or not
        raise ApiRefused(404, 0, "this id cannot name a message")
    return f"{api_url}{MESSAGES_PATH}/{escape_segment(message_id)}"


def _json_request(method: str, url: str, token: Secret, body: object) -> Request:
    headers = bearer(token)
    headers["content-type"] = "application/json; charset=utf-8"
    return Request(method, url, headers, msgspec.json.encode(body))


def _message(sent: _Sent, message_id: MessageId, to_jid: Jid) -> SentMessage:
    return SentMessage(
        message_id=MessageId(sent.message_id) or message_id,
        to_jid=Jid(sent.to_jid) or to_jid,
        sent_time=sent.sent_time,
    )
