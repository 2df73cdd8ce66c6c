"""Who is this, and who else is there? Zoom's own answers about users.

Source: https://developers.zoom.us/docs/api/users/
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from innkeeper.ids import AccountId, Jid, UserId, user_jid
from innkeeper.net.outbound import DEADLINE_SECONDS, Request, Transport
from innkeeper.secret import Secret
from innkeeper.store.records import Person
from innkeeper.zoom.answers import bearer, call_api, printable

ME_PATH = "/v2/users/me"
_NAME_LENGTH = 256

_Id = Annotated[str, Meta(min_length=1, max_length=256)]
_Text = Annotated[str, Meta(max_length=4096)]


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A user as Zoom describes one; what Zoom leaves out, or a scope hides, is None."""

    id: Annotated[UserId, Meta(min_length=1, max_length=256)]
    account_id: Annotated[AccountId, Meta(max_length=256)] | None = None
    jid: Annotated[Jid, Meta(max_length=512)] | None = None
    email: Annotated[str, Meta(max_length=512)] | None = None
    first_name: _Text | None = None
    last_name: _Text | None = None
    display_name: _Text | None = None
    timezone: _Text | None = None
    language: _Text | None = None
    status: _Text | None = None

    @property
    def name(self) -> str:
        """The name to show: what the user chose, else first and last name."""
        return _name(self.display_name, self.first_name, self.last_name)


class _Me(msgspec.Struct, frozen=True, kw_only=True):
    id: _Id
    account_id: _Id
    jid: Annotated[str, Meta(max_length=512)] | None = None
    email: Annotated[str, Meta(max_length=512)] | None = None
    first_name: _Text | None = None
    last_name: _Text | None = None
    display_name: _Text | None = None

    def name(self) -> str:
        return _name(self.display_name, self.first_name, self.last_name)


def _name(display: str | None, first: str | None, last: str | None) -> str:
    return printable(display or f"{first or ''} {last or ''}", _NAME_LENGTH)


async def me(
    transport: Transport, *, api_url: str, token: Secret, deadline: float = DEADLINE_SECONDS
) -> Person:
    """Ask whose token this is.

    Raises:
        ApiRefused: If Zoom would not say.
        AnswerLost: If the answer did not come, or names nobody.
        Unreachable: If Zoom could not be asked.
    """
    request = Request("GET", api_url + ME_PATH, bearer(token))
    found = await call_api(transport, request, shape=_Me, deadline=deadline)
    return Person(
        account_id=AccountId(found.account_id),
        user_id=UserId(found.id),
        jid=Jid(found.jid) if found.jid else user_jid(found.id),
        name=found.name(),
        email=found.email or "",
    )
