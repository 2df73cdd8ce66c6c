"""May this call be served? What every call of the Chatbot API passes first, and its errors.

The numbers are Zoom's; which HTTP status comes with which is not documented, so 401 stands
for a wrong token, 404 for an unknown message, and 400 for the rest.

Source: https://developers.zoom.us/docs/api/chatbot/
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from starlette.requests import Request
from starlette.responses import Response

from innkeeper.emulator import answers
from innkeeper.emulator.chat.cards import examine
from innkeeper.emulator.chat.limits import Limits
from innkeeper.emulator.oauth.tokens import bearer, require_scope, unauthorized
from innkeeper.emulator.traffic.records import Refusal
from innkeeper.emulator.world import AppRecord, Token, World
from innkeeper.errors import BodyRefused, CardRefused
from innkeeper.net.inbound import BodyTooLarge, read_body
from innkeeper.wire import lossless

SCOPE: Final = "imchat:bot"


@dataclass(frozen=True, slots=True)
class Fault:
    """One of the Chatbot API's errors."""

    status: int
    code: int
    message: str


WRONG_TOKEN: Final = Fault(401, 7010, "Invalid authorization token.")
NOT_AUTHORIZED: Final = Fault(400, 7004, "Not authorized.")
BAD_REQUEST: Final = Fault(400, 7001, "Invalid request body format.")
UNKNOWN_MESSAGE: Final = Fault(404, 404, "Message not found.")


class Refused(Exception):  # named for what happened; the gate catches it
    """A call that is refused, by which rule and why."""

    def __init__(self, fault: Fault, rule: str, why: str) -> None:
        self.fault = fault
        self.refusal = Refusal(rule, why)
        super().__init__(rule)


@dataclass(frozen=True, slots=True)
class Call:
    """A call whose token was accepted: the app, its parameters, and notes for the traffic."""

    app: AppRecord
    fields: Mapping[str, Any]
    notes: list[str] = field(default_factory=list[str])

    def text(self, name: str) -> str:
        """Read a parameter that is a text; an empty one when it is left out.

        Raises:
            Refused: If it is anything else.
        """
        value = self.fields.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise Refused(BAD_REQUEST, f"message.{name}", f"{name} is not a text")
        return value


Served = Callable[[Request, AppRecord], Awaitable[Response]]


class Gate:
    """Lets calls in: with a chatbot's token, its scope, and within the account's limits."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._limits = Limits(world)

    async def admit(self, request: Request, serve: Served) -> Response:
        """Answer a call: by `serve` if it may come in, and else with what keeps it out."""
        token = bearer(request, self._world)
        if isinstance(token, Refusal):
            return unauthorized(request, token)
        taken = self._limits.take(token.account_id)
        answer = self._limits.refuse(request, taken)
        answer = answer or await self._served(request, token, serve)
        answer.headers.update(taken.headers())
        answer.headers["x-zm-trackingid"] = self._tracking()
        return answer

    async def _served(self, request: Request, token: Token, serve: Served) -> Response:
        try:
            app = self._app(token)
            lacking = require_scope(request, self._world, token, SCOPE)
            return lacking or await serve(request, app)
        except Refused as error:
            return self._refuse(request, error)

    def _app(self, token: Token) -> AppRecord:
        app = self._world.apps.get(token.client_id)
        if token.kind != "chatbot" or app is None:
            raise Refused(
                WRONG_TOKEN,
                "chatbot.token_kind",
                f"this is a token of the kind {token.kind!r}; get one by client_credentials",
            )
        return app

    def _refuse(self, request: Request, error: Refused) -> Response:
        answers.refuse(request, error.refusal.rule, error.refusal.why)
        fault = error.fault
        body = {"code": fault.code, "message": fault.message, "result": False}
        status = fault.status
        if fault == NOT_AUTHORIZED:
            status = int(self._world.rules.chatbot_refusals)
        return answers.json_answer(body, status)

    def _tracking(self) -> str:
        return f"v=2.0;clid=emu;rid=WEB_{self._world.token_bytes(16).hex()}"


def read_card(call: Call, world: World) -> tuple[dict[str, Any], bool]:
    """Read the card of a call, and whether it is written in Markdown.

    Raises:
        Refused: If there is none, or Zoom would not show it.
    """
    content = call.fields.get("content")
    markdown = call.fields.get("is_markdown_support") is True
    if not isinstance(content, dict):
        raise Refused(BAD_REQUEST, "card.content", "content is missing or is no object")
    try:
        unknown = world.rules.unknown_components
        call.notes.extend(examine(content, markdown=markdown, unknown=unknown))
    except CardRefused as error:
        why = f"at {error.pointer or '/'}: {error.why}"
        raise Refused(BAD_REQUEST, "card.refused", why) from None
    return cast("dict[str, Any]", content), markdown


async def read_fields(request: Request) -> dict[str, Any]:
    """Read the parameters as JSON, whatever content type the body claims.

    Raises:
        Refused: If the body is too large, or no JSON object.
    """
    try:
        fields = lossless.parse(await read_body(request.scope, request.receive))
    except BodyTooLarge:
        raise Refused(BAD_REQUEST, "body.too_large", "the body is too large") from None
    except BodyRefused as error:
        raise Refused(BAD_REQUEST, "body.json", f"the body is {error.reason}") from None
    if not isinstance(fields, dict):
        raise Refused(BAD_REQUEST, "body.json", "the body is JSON, but not an object")
    return cast("dict[str, Any]", fields)
