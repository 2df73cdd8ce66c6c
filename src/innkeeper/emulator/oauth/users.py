"""Who is this? GET /v2/users/me says whom a token stands for."""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from innkeeper.emulator import answers
from innkeeper.emulator.oauth.tokens import bearer, require_scope, unauthorized
from innkeeper.emulator.traffic.records import Refusal
from innkeeper.emulator.world import Token, User, World

ME_PATH = "/v2/users/me"
ME_SCOPES: Final = ("user:read:user", "user:read")
"""Either of these in a token allows the call: the granular one, or the classic one.

Source: https://developers.zoom.us/docs/api/users/
"""


class Users:
    """Answers Zoom's user API, as far as an installation needs it."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """List what is answered here."""
        return [Route(ME_PATH, self.me, methods=["GET"])]

    async def me(self, request: Request) -> Response:
        """Describe the user whom the token stands for; the owner, for an account's token."""
        token = bearer(request, self._world)
        if isinstance(token, Refusal):
            return unauthorized(request, token)
        user = self._subject(token)
        if user is None:
            why = f"a {token.kind} token stands for no user"
            return unauthorized(request, Refusal("token.kind", why))
        lacking = require_scope(request, self._world, token, *ME_SCOPES)
        return lacking or answers.json_answer(self._described(user))

    def _subject(self, token: Token) -> User | None:
        if token.kind == "user":
            return self._world.user(token.user_id)
        account = self._world.account(token.account_id) if token.kind == "account" else None
        people = account.users if account else []
        return next((user for user in people if user.role == "admin"), None)

    def _described(self, user: User) -> dict[str, Any]:
        return {
            "id": user.id,
            "first_name": user.first_name,
            "last_name": user.last_name,
            "display_name": user.name,
            "email": user.email,
            "type": 2,
            "role_name": "Admin" if user.role == "admin" else "Member",
            "pic_url": "",
            "verified": 1,
            "account_id": user.account_id,
            "jid": user.jid,
            "member_id": user.member_id,
            "status": "active",
            "language": "en-US",
            "timezone": "UTC",
        }
