"""What does a bot show beside a link? A card, for a trigger that a message with a link gave.

Zoom does not say how long a trigger lives; here it is good for one card, whenever that comes.

Source: https://developers.zoom.us/docs/api/chatbot/
"""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from innkeeper.emulator import answers
from innkeeper.emulator.chat.calls import (
    BAD_REQUEST,
    Call,
    Fault,
    Gate,
    Refused,
    read_card,
    read_fields,
)
from innkeeper.emulator.chat.conversations import Conversation, Conversations
from innkeeper.emulator.traffic.records import NOTES
from innkeeper.emulator.world import AppRecord, Message, Unfurl, User, World
from innkeeper.errors import BodyRefused, ChatRefused
from innkeeper.wire import lossless

_PATH: Final = "/v2/im/chat/users/{user_id}/unfurls/{trigger_id}"
UNKNOWN_TRIGGER: Final = Fault(404, 404, "Trigger not found.")


def open_trigger(world: World, app: AppRecord, user: User, message: Message) -> str:
    """Let an app show a card beside a message with a link; gives the id of the trigger."""
    trigger_id = world.new_id()
    world.unfurls[trigger_id] = Unfurl(app.client_id, user.id, message.id)
    return trigger_id


class Unfurls:
    """Answers the Chatbot API's calls that unfurl links."""

    def __init__(self, world: World, conversations: Conversations) -> None:
        self._world = world
        self._conversations = conversations
        self._gate = Gate(world)

    def routes(self) -> list[Route]:
        """List what is answered here."""
        return [Route(_PATH, self.unfurl, methods=["POST"])]

    async def unfurl(self, request: Request) -> Response:
        """Show a card beside the link."""
        return await self._gate.admit(request, self._unfurl)

    async def _unfurl(self, request: Request, app: AppRecord) -> Response:
        fields = await read_fields(request)
        trigger_id = request.path_params["trigger_id"]
        conversation, message = self._link(app, request.path_params["user_id"], trigger_id)
        call = Call(app, fields | {"content": _content(fields)})
        card, markdown = read_card(call, self._world)
        del self._world.unfurls[trigger_id]
        self._conversations.show(
            conversation,
            app,
            card,
            markdown=markdown,
            to_jid=conversation.peer if conversation.channel else "",
            reply_to=message.id,
        )
        request.scope[NOTES] = call.notes
        if self._world.rules.unfurl_status == "204":
            return Response(b"", 204)
        return answers.json_answer({}, int(self._world.rules.unfurl_status))

    def _link(self, app: AppRecord, user_id: str, trigger_id: str) -> tuple[Conversation, Message]:
        """Find the message that a trigger is about, where its writer sees it."""
        unfurl = self._world.unfurls.get(trigger_id)
        if unfurl is None or unfurl.client_id != app.client_id:
            why = "no link waits under this trigger id for this app, or it was unfurled already"
            raise Refused(UNKNOWN_TRIGGER, "unfurl.trigger", why)
        user, message = (
            self._world.user(unfurl.user_id),
            self._world.messages.get(unfurl.message_id),
        )
        if user is None or user.id != user_id:
            why = "the link is not this user's, or the id is a JID"
            raise Refused(UNKNOWN_TRIGGER, "unfurl.user", why)
        if message is None or message.deleted:
            raise Refused(UNKNOWN_TRIGGER, "unfurl.message", "the link's message is gone")
        try:
            peer = message.conversation.partition("|")[2]
            return self._conversations.find(user, peer), message
        except ChatRefused:
            why = "the link's conversation is gone"
            raise Refused(UNKNOWN_TRIGGER, "unfurl.message", why) from None


def _content(fields: dict[str, Any]) -> Any:
    """Read the card, which is JSON within a text of the JSON body."""
    content = fields.get("content")
    if not isinstance(content, str):
        why = "content is missing, or no text; write the card's JSON as a text"
        raise Refused(BAD_REQUEST, "unfurl.content", why)
    try:
        return lossless.parse(content.encode("utf-8", "surrogatepass"))
    except BodyRefused as error:
        why = f"the text in content is {error.reason}"
        raise Refused(BAD_REQUEST, "unfurl.content", why) from None
