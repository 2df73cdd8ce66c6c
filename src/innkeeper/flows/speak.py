"""How does the bot say something? Through the Chatbot API, with a token that lives.

Source: https://developers.zoom.us/docs/chat/send-edit-and-delete-messages/
"""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from innkeeper.errors import AnswerLost, ApiRefused, MessageUnconfirmed
from innkeeper.flows.calls import BUDGET, Budget, Caller
from innkeeper.flows.gates import Quota
from innkeeper.flows.grants import AccessToken, Grants
from innkeeper.ids import AccountId, InstallationId, Jid, MessageId, UserId
from innkeeper.net.outbound import Transport
from innkeeper.wire.messages import Card
from innkeeper.zoom import chat
from innkeeper.zoom.chat import SentMessage


class Place(NamedTuple):
    """Where to say it. `user_jid` is on whose behalf: a user-managed app must say so."""

    account_id: AccountId
    to_jid: Jid
    user_jid: Jid | None = None
    thread: MessageId | None = None
    """The message whose thread it belongs to."""
    installation_id: InstallationId | None = None
    """Which installation says it, where that is known."""


Refused = Callable[[Place, ApiRefused], Awaitable[None]]


class Speaker:
    """Sends, edits and deletes the bot's messages, each as often as it helps.

    Every card is checked before anything is sent. A message whose answer was lost is never
    sent again: it may stand in the chat.

    Args:
        refused: Told of each message that Zoom would not take.
    """

    def __init__(
        self,
        *,
        transport: Transport,
        grants: Grants,
        caller: Caller,
        robot_jid: Jid,
        refused: Refused,
    ) -> None:
        self._transport = transport
        self._grants = grants
        self._caller = caller
        self._robot_jid = robot_jid
        self._refused = refused

    async def send(
        self,
        place: Place,
        card: Card,
        *,
        reply_to: MessageId | None = None,
        visible_to_user: str | None = None,
        budget: Budget = BUDGET,
    ) -> SentMessage:
        """Post a message.

        Raises:
            CardRefused: If Zoom would not take the card; nothing was sent.
            ApiRefused: If Zoom would not take it.
            MessageUnconfirmed: If it may or may not have been posted.
            Unreachable: If it was not.
        """
        content = card.checked()

        async def post(access: AccessToken, deadline: float) -> SentMessage:
            return await chat.send(
                self._transport,
                api_url=access.api_url,
                token=access.token,
                robot_jid=self._robot_jid,
                to_jid=place.to_jid,
                account_id=place.account_id,
                user_jid=place.user_jid,
                content=content,
                markdown=card.markdown,
                reply_to=reply_to or place.thread,
                visible_to_user=visible_to_user,
                deadline=deadline,
            )

        try:
            return await self._caller.call(
                self._grants.chatbot,
                post,
                quota=_quota(place.account_id),
                repeatable=False,
                budget=budget,
            )
        except AnswerLost as lost:
            raise MessageUnconfirmed(lost.what, lost.why) from lost
        except ApiRefused as refusal:
            await self._refused(place, refusal)
            raise

    async def update(
        self, place: Place, message_id: MessageId, card: Card, *, budget: Budget = BUDGET
    ) -> SentMessage:
        """Replace a message's whole card.

        Raises:
            CardRefused: If Zoom would not take the card; nothing was sent.
            ApiRefused: If Zoom would not take it.
            Unreachable: If Zoom could not be asked, or did not answer.
        """
        content = card.checked()

        async def put(access: AccessToken, deadline: float) -> SentMessage:
            return await chat.edit(
                self._transport,
                api_url=access.api_url,
                token=access.token,
                message_id=message_id,
                robot_jid=self._robot_jid,
                account_id=place.account_id,
                user_jid=place.user_jid,
                content=content,
                markdown=card.markdown,
                deadline=deadline,
            )

        return await self._caller.call(
            self._grants.chatbot,
            put,
            quota=_quota(place.account_id),
            repeatable=True,
            budget=budget,
        )

    async def delete(
        self, place: Place, message_id: MessageId, *, budget: Budget = BUDGET
    ) -> SentMessage:
        """Delete a message.

        Raises:
            ApiRefused: If Zoom would not do it.
            Unreachable: If Zoom could not be asked, or did not answer.
        """

        async def drop(access: AccessToken, deadline: float) -> SentMessage:
            return await chat.delete(
                self._transport,
                api_url=access.api_url,
                token=access.token,
                message_id=message_id,
                robot_jid=self._robot_jid,
                account_id=place.account_id,
                user_jid=place.user_jid,
                deadline=deadline,
            )

        return await self._caller.call(
            self._grants.chatbot,
            drop,
            quota=_quota(place.account_id),
            repeatable=True,
            budget=budget,
        )

    async def unfurl(
        self,
        account_id: AccountId,
        user_id: UserId,
        trigger_id: str,
        card: Card,
        *,
        budget: Budget = BUDGET,
    ) -> None:
        """Show a card beside a link that somebody posted; a trigger is good for one.

        Raises:
            CardRefused: If Zoom would not take the card; nothing was sent.
            ApiRefused: If Zoom would not do it.
            MessageUnconfirmed: If it may or may not stand there.
            Unreachable: If it does not.
        """
        content = card.checked()

        async def show(access: AccessToken, deadline: float) -> None:
            await chat.unfurl(
                self._transport,
                api_url=access.api_url,
                token=access.token,
                user_id=user_id,
                trigger_id=trigger_id,
                content=content,
                deadline=deadline,
            )

        try:
            await self._caller.call(
                self._grants.chatbot,
                show,
                quota=_quota(account_id),
                repeatable=False,
                budget=budget,
            )
        except AnswerLost as lost:
            raise MessageUnconfirmed(lost.what, lost.why) from lost


def _quota(account_id: AccountId) -> Quota:
    """Say what the chatbot's calls count against."""
    return Quota(account_id, "chatbot")
