"""What may a bot post? The Chatbot API, with Zoom's checks and Zoom's errors.

Who may call at all is asked next door, in `calls`.

Source: https://developers.zoom.us/docs/chat/send-edit-and-delete-messages
"""

from collections.abc import Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from innkeeper.emulator import answers
from innkeeper.emulator.chat.calls import (
    BAD_REQUEST,
    NOT_AUTHORIZED,
    UNKNOWN_MESSAGE,
    WRONG_TOKEN,
    Call,
    Gate,
    Refused,
    read_card,
    read_fields,
)
from innkeeper.emulator.chat.conversations import Conversation, Conversations
from innkeeper.emulator.chat.recipients import NotAuthorized, conversation_for, sender_for
from innkeeper.emulator.traffic.records import NOTES
from innkeeper.emulator.world import AppRecord, Message, User, World

_PATH: Final = "/v2/im/chat/messages"


class ChatbotApi:
    """Answers /v2/im/chat/messages."""

    def __init__(self, world: World, conversations: Conversations) -> None:
        self._world = world
        self._conversations = conversations
        self._gate = Gate(world)

    def routes(self) -> list[Route]:
        """List what is answered here."""
        return [
            Route(_PATH, self.send, methods=["POST"]),
            Route(f"{_PATH}/{{message_id}}", self.edit, methods=["PUT"]),
            Route(f"{_PATH}/{{message_id}}", self.delete, methods=["DELETE"]),
        ]

    async def send(self, request: Request) -> Response:
        """Post a message."""
        return await self._gate.admit(request, self._post)

    async def edit(self, request: Request) -> Response:
        """Replace a message's card."""
        return await self._gate.admit(request, self._replace)

    async def delete(self, request: Request) -> Response:
        """Take a message back; the parameters stand in the query."""
        return await self._gate.admit(request, self._take_back)

    async def _post(self, request: Request, app: AppRecord) -> Response:
        call = self._call(app, await read_fields(request))
        return self._done(request, call, self._send(call), self._world.rules.send_status)

    async def _replace(self, request: Request, app: AppRecord) -> Response:
        call = self._call(app, await read_fields(request))
        message = self._own(call, request.path_params["message_id"])
        content, markdown = read_card(call, self._world)
        self._conversations.edit(message, content, markdown=markdown)
        return self._done(request, call, message)

    async def _take_back(self, request: Request, app: AppRecord) -> Response:
        call = self._call(app, dict(request.query_params))
        message = self._own(call, request.path_params["message_id"])
        self._conversations.delete(message)
        return self._done(request, call, message)

    def _send(self, call: Call) -> Message:
        sender = self._sender(call)
        content, markdown = read_card(call, self._world)
        conversation, meant_for = self._destination(call, sender)
        return self._conversations.show(
            conversation,
            call.app,
            content,
            markdown=markdown,
            to_jid=call.text("to_jid"),
            visible_to=meant_for.id if meant_for else self._visible_to(call, conversation),
            reply_to=self._parent(call, conversation),
        )

    def _call(self, app: AppRecord, fields: Mapping[str, Any]) -> Call:
        """Accept a call for the bot that is named, and the account if one is."""
        call = Call(app, fields)
        robot = call.text("robot_jid").lower()
        if not robot:
            raise Refused(BAD_REQUEST, "message.robot_jid", "robot_jid is missing")
        if robot != app.bot_jid.lower():
            known = any(each.bot_jid.lower() == robot for each in self._world.apps.values())
            fault = WRONG_TOKEN if known else NOT_AUTHORIZED
            raise Refused(fault, "message.robot_jid", "robot_jid is not the Bot JID of this app")
        self._check_account(call)
        return call

    def _check_account(self, call: Call) -> None:
        account_id = call.text("account_id")
        if not account_id and self._world.rules.account_id == "required":
            raise Refused(BAD_REQUEST, "message.account_id", "account_id is missing")
        installed = {
            each.account_id
            for each in self._world.installations.values()
            if each.client_id == call.app.client_id
        }
        if not installed:
            raise Refused(NOT_AUTHORIZED, "message.installed", "the app is not installed anywhere")
        if account_id and account_id not in installed:
            raise Refused(
                NOT_AUTHORIZED, "message.account_id", "the app is not installed in this account"
            )

    def _sender(self, call: Call) -> User | None:
        """Find on whose behalf a user-managed app sends; for others it does not matter."""
        if call.app.management != "user":
            return None
        user_jid = call.text("user_jid")
        if not user_jid:
            raise Refused(BAD_REQUEST, "message.user_jid", "a user-managed app must send user_jid")
        try:
            return sender_for(self._world, call.app, user_jid)
        except NotAuthorized as error:
            raise Refused(NOT_AUTHORIZED, "message.user_jid", str(error)) from None

    def _destination(self, call: Call, sender: User | None) -> tuple[Conversation, User | None]:
        to_jid = call.text("to_jid")
        if not to_jid:
            raise Refused(BAD_REQUEST, "message.to_jid", "to_jid is missing")
        try:
            found = conversation_for(self._world, call.app, to_jid, on_behalf_of=sender)
        except NotAuthorized as error:
            raise Refused(NOT_AUTHORIZED, "message.to_jid", str(error)) from None
        account_id = call.text("account_id")
        if account_id and found[0].user.account_id != account_id:
            raise Refused(NOT_AUTHORIZED, "message.account_id", "to_jid is in another account")
        return found

    def _visible_to(self, call: Call, conversation: Conversation) -> str | None:
        user_id = call.text("visible_to_user")
        if not user_id:
            return None
        if call.app.management != "admin" or conversation.channel is None:
            call.notes.append("visible_to_user counts in channels, for admin-managed apps; ignored")
            return None
        if self._world.user(user_id) is None:
            raise Refused(
                NOT_AUTHORIZED, "message.visible_to_user", "it is no user's id (nor is a JID)"
            )
        return user_id

    def _parent(self, call: Call, conversation: Conversation) -> str | None:
        parent = self._world.messages.get(call.text("reply_to"))
        if parent is not None and parent.conversation == conversation.key:
            return parent.id
        if call.text("reply_to"):
            call.notes.append("reply_to names no message of this conversation; ignored")
        return None

    def _own(self, call: Call, message_id: str) -> Message:
        message = self._world.messages.get(message_id)
        if message is None or message.deleted:
            raise Refused(UNKNOWN_MESSAGE, "message.unknown", "no message has this id any more")
        if message.client_id != call.app.client_id:
            raise Refused(NOT_AUTHORIZED, "message.foreign", "the message is not this app's")
        if call.app.management == "user" and not call.text("user_jid"):
            call.notes.append("user_jid is missing; Zoom asks for it in user-managed apps")
        return message

    def _done(
        self, request: Request, call: Call, message: Message, status: str = "200"
    ) -> Response:
        request.scope[NOTES] = call.notes
        answer = {
            "message_id": message.id,
            "robot_jid": call.app.bot_jid,
            "sent_time": f"{message.sent_at:%Y-%m-%d %H:%M:%S}",
            "to_jid": message.to_jid,
        }
        if call.text("user_jid"):
            answer["user_jid"] = call.text("user_jid")
        return answers.json_answer(answer, int(status))
