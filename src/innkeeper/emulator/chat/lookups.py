"""Which channels are there, and who is in them? The Team Chat API's look-ups, for user tokens.

Source: https://developers.zoom.us/docs/api/team-chat/
"""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from innkeeper.emulator import answers
from innkeeper.emulator.listed import page_of
from innkeeper.emulator.oauth.tokens import bearer, require_scope, unauthorized
from innkeeper.emulator.traffic.records import Refusal
from innkeeper.emulator.world import Channel, User, World

_CLASSIC: Final = "chat_channel:read"
_LIST: Final = ("team_chat:read:list_user_channels", _CLASSIC)
_ONE: Final = ("team_chat:read:channel", _CLASSIC)
_MEMBERS: Final = ("team_chat:read:list_members", _CLASSIC)
_PUBLIC: Final = 3
"""What Zoom calls a channel that everybody of the account may join."""


class Lookups:
    """Answers what a person's token may ask about her account's channels."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """List what is answered here."""
        one = "/v2/chat/channels/{channel_id}"
        return [
            Route("/v2/chat/users/me/channels", self.channels, methods=["GET"]),
            Route(one, self.channel, methods=["GET"]),
            Route(f"{one}/members", self.members, methods=["GET"]),
        ]

    async def channels(self, request: Request) -> Response:
        """List the channels of the person whom the token stands for."""
        user = self._asker(request, *_LIST)
        if isinstance(user, Response):
            return user
        mine = [each for each in self._world.channels() if each.account_id == user.account_id]
        return page_of(request, "channels", [_described(each) for each in mine])

    async def channel(self, request: Request) -> Response:
        """Describe a channel."""
        user = self._asker(request, *_ONE)
        if isinstance(user, Response):
            return user
        channel = self._channel(request, user)
        return (
            channel if isinstance(channel, Response) else answers.json_answer(_described(channel))
        )

    async def members(self, request: Request) -> Response:
        """List who is in a channel: everybody of its account."""
        user = self._asker(request, *_MEMBERS)
        if isinstance(user, Response):
            return user
        channel = self._channel(request, user)
        if isinstance(channel, Response):
            return channel
        people = [each for each in self._world.users() if each.account_id == channel.account_id]
        return page_of(request, "members", [_member(each) for each in people])

    def _asker(self, request: Request, *scopes: str) -> User | Response:
        """Find whom the token stands for, or answer why nobody may ask."""
        token = bearer(request, self._world)
        if isinstance(token, Refusal):
            return unauthorized(request, token)
        user = self._world.user(token.user_id) if token.kind == "user" else None
        if user is None:
            why = f"a {token.kind} token stands for no user"
            return unauthorized(request, Refusal("token.kind", why))
        return require_scope(request, self._world, token, *scopes) or user

    def _channel(self, request: Request, user: User) -> Channel | Response:
        wanted = request.path_params["channel_id"]
        for channel in self._world.channels():
            if channel.id == wanted and channel.account_id == user.account_id:
                return channel
        answers.refuse(request, "channel.unknown", "no channel of the user's has this id")
        body = {"code": 404, "message": f"Channel does not exist: {wanted}."}
        return answers.json_answer(body, 404)


def _described(channel: Channel) -> dict[str, Any]:
    return {"id": channel.id, "jid": channel.jid, "name": channel.name, "type": _PUBLIC}


def _member(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "member_id": user.member_id,
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "name": user.name,
        "role": "admin" if user.role == "admin" else "member",
    }
