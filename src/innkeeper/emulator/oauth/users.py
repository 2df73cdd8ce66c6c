"""Who is this, and who else is there? Zoom's user API, for people and their admins."""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from innkeeper.emulator import answers
from innkeeper.emulator.listed import page_of
from innkeeper.emulator.oauth.tokens import bearer, require_scope, unauthorized
from innkeeper.emulator.traffic.records import Refusal
from innkeeper.emulator.world import Token, User, World

ME_PATH = "/v2/users/me"
ME_SCOPES: Final = ("user:read:user", "user:read")
"""Either of these in a token allows the call: the granular one, or the classic one.

Source: https://developers.zoom.us/docs/api/users/
"""
_OTHER_SCOPES: Final = ("user:read:user:admin", "user:read:admin")
"""What allows it about somebody else of the account."""
_LIST_SCOPES: Final = ("user:read:list_users:admin", "user:read:admin")


class Users:
    """Answers Zoom's user API, as far as an installation needs it."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """List what is answered here."""
        return [
            Route(ME_PATH, self.me, methods=["GET"]),
            Route("/v2/users", self.everybody, methods=["GET"]),
            Route("/v2/users/{user_id}", self.one, methods=["GET"]),
        ]

    async def me(self, request: Request) -> Response:
        """Describe the user whom the token stands for; the owner, for an account's token."""
        asker = self._asker(request)
        if isinstance(asker, Response):
            return asker
        token, user = asker
        lacking = require_scope(request, self._world, token, *ME_SCOPES)
        return lacking or answers.json_answer(self._described(user))

    async def one(self, request: Request) -> Response:
        """Describe a user of the account, by id or e-mail address."""
        asker = self._asker(request)
        if isinstance(asker, Response):
            return asker
        token, user = asker
        wanted = request.path_params["user_id"]
        own = wanted in {user.id, user.email}
        scopes = ME_SCOPES if own else _OTHER_SCOPES
        lacking = require_scope(request, self._world, token, *scopes)
        if lacking is not None:
            return lacking
        for each in self._world.users():
            if each.account_id == token.account_id and wanted in {each.id, each.email}:
                return answers.json_answer(self._described(each))
        answers.refuse(request, "user.unknown", "nobody of the account has this id (nor is a JID)")
        body = {"code": 1001, "message": f"User does not exist: {wanted}."}
        return answers.json_answer(body, 404)

    async def everybody(self, request: Request) -> Response:
        """List the users of the account."""
        asker = self._asker(request)
        if isinstance(asker, Response):
            return asker
        token, _ = asker
        lacking = require_scope(request, self._world, token, *_LIST_SCOPES)
        people = [each for each in self._world.users() if each.account_id == token.account_id]
        rows = [self._described(each) for each in people]
        return lacking or page_of(request, "users", rows)

    def _asker(self, request: Request) -> tuple[Token, User] | Response:
        """Find whom the token stands for, or answer why nobody may ask."""
        token = bearer(request, self._world)
        if isinstance(token, Refusal):
            return unauthorized(request, token)
        user = self._subject(token)
        if user is None:
            why = f"a {token.kind} token stands for no user"
            return unauthorized(request, Refusal("token.kind", why))
        return token, user

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
