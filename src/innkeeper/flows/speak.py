"""How does the bot say something? Through the Chatbot API, with a token that lives.

Source: https://developers.zoom.us/docs/chat/send-edit-and-delete-messages/
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from innkeeper.errors import AnswerLost, ApiRefused, MessageUnconfirmed
from innkeeper.flows.grants import AccessToken, Grants
from innkeeper.ids import AccountId, Jid, MessageId
from innkeeper.net.outbound import Transport
from innkeeper.wire.messages import Card
from innkeeper.zoom import chat
from innkeeper.zoom.chat import SentMessage

_T = TypeVar("_T")
_STALE = frozenset({124, 7010})


@dataclass(frozen=True, slots=True)
class Place:
    """Where to say it. `user_jid` is on whose behalf: a user-managed app must say so."""

    account_id: AccountId
    to_jid: Jid
    user_jid: Jid | None = None
    thread: MessageId | None = None
    """The message whose thread it belongs to."""


class Speaker:
    """Sends, edits and deletes the bot's messages.

    A token that Zoom no longer takes is renewed once, and the call repeated once. A
    message whose answer was lost is never sent again: it may stand in the chat.
    """

    def __init__(self, *, transport: Transport, grants: Grants, robot_jid: Jid) -> None:
        self._transport = transport
        self._grants = grants
        self._robot_jid = robot_jid

    async def send(
        self,
        place: Place,
        card: Card,
        *,
        reply_to: MessageId | None = None,
        visible_to_user: str | None = None,
    ) -> SentMessage:
        """Post a message.

        Raises:
            ApiRefused: If Zoom would not take it.
            MessageUnconfirmed: If it may or may not have been posted.
            Unreachable: If it was not.
        """

        async def post(access: AccessToken) -> SentMessage:
            try:
                return await chat.send(
                    self._transport,
                    api_url=access.api_url,
                    token=access.token,
                    robot_jid=self._robot_jid,
                    to_jid=place.to_jid,
                    account_id=place.account_id,
                    user_jid=place.user_jid,
                    content=card.content(),
                    markdown=card.markdown,
                    reply_to=reply_to or place.thread,
                    visible_to_user=visible_to_user,
                )
            except AnswerLost as lost:
                raise MessageUnconfirmed(lost.what, lost.why) from lost

        return await self._call(post)

    async def update(self, place: Place, message_id: MessageId, card: Card) -> SentMessage:
        """Replace a message's whole card.

        Raises:
            ApiRefused: If Zoom would not take it.
            Unreachable: If Zoom could not be asked, or did not answer.
        """
        return await self._call(
            lambda access: chat.edit(
                self._transport,
                api_url=access.api_url,
                token=access.token,
                message_id=message_id,
                robot_jid=self._robot_jid,
                account_id=place.account_id,
                user_jid=place.user_jid,
                content=card.content(),
                markdown=card.markdown,
            )
        )

    async def delete(self, place: Place, message_id: MessageId) -> SentMessage:
        """Delete a message.

        Raises:
            ApiRefused: If Zoom would not do it.
            Unreachable: If Zoom could not be asked, or did not answer.
        """
        return await self._call(
            lambda access: chat.delete(
                self._transport,
                api_url=access.api_url,
                token=access.token,
                message_id=message_id,
                robot_jid=self._robot_jid,
                account_id=place.account_id,
                user_jid=place.user_jid,
            )
        )

    async def _call(self, call: Callable[[AccessToken], Awaitable[_T]]) -> _T:
        access = await self._grants.chatbot()
        try:
            return await call(access)
        except ApiRefused as refusal:
            stale = refusal.status == 401 or refusal.zoom_code in _STALE
            if not stale or not await self._grants.refused(access):
                raise
        return await call(await self._grants.chatbot())
