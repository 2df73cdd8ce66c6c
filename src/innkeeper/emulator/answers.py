"""How does the emulator answer? JSON, pages and redirects; and how does it read a form?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from innkeeper.emulator.traffic.records import CLIENT, REFUSAL, Refusal
from innkeeper.emulator.world import User, World
from innkeeper.net.inbound import PAGE_HEADERS, read_body
from innkeeper.ui import pages
from innkeeper.ui.views import Frame, NoticeView, PersonView
from innkeeper.wire.oauth import parse_form

_NO_STORE = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form or a query; it may hold a code or a secret."""

    fields: Mapping[str, Sequence[str]] = field(default_factory=dict[str, list[str]], repr=False)

    def __getitem__(self, name: str) -> str:
        """Give a field's first value, or an empty text."""
        return next(iter(self.fields.get(name, ())), "")

    def all(self, name: str) -> list[str]:
        """Give every value of a field."""
        return list(self.fields.get(name, ()))

    def repeated(self) -> list[str]:
        """List the fields that were sent more than once."""
        return [name for name, values in self.fields.items() if len(values) > 1]


def world_of(request: Request) -> World:
    """Find the world that this request is about."""
    return cast("World", request.app.state.world)


def refuse(request: Request, rule: str, why: str) -> None:
    """Leave word, for the traffic view, which rule an answer follows and why."""
    request.scope[REFUSAL] = Refusal(rule, why)


def comes_from(request: Request, client_id: str) -> None:
    """Leave word, for the traffic view, which app a request names, if there is such an app."""
    app = world_of(request).app_by_client(client_id)
    if app is not None:
        request.scope[CLIENT] = app.client_id


async def read_form(request: Request) -> Form:
    """Read a form's fields from the body, whatever content type it claims.

    Raises:
        BodyTooLarge: If it is larger than any form here.
        ClientGone: If the client hung up.
    """
    body = await read_body(request.scope, request.receive)
    return Form(parse_form(body.decode("utf-8", "replace")))


def json_answer(
    value: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Answer with JSON."""
    return Response(
        msgspec.json.encode(value),
        status,
        headers={**_NO_STORE, **(headers or {})},
        media_type="application/json",
    )


def redirect(url: str, status: int = 303) -> Response:
    """Send the browser on; the URL stays byte for byte, unlike in Starlette's own redirect."""
    return Response(b"", status, headers={**_NO_STORE, "location": url})


def page(
    request: Request,
    view: pages.View,
    *,
    status: int = 200,
    viewer: User | None = None,
    notice: NoticeView | None = None,
    leads_to: Sequence[str] = (),
) -> Response:
    """Answer with a page in the emulator's frame.

    Args:
        leads_to: Addresses elsewhere where this page's forms may end up: a browser
            follows a form's redirects only to the origins that the policy names.
    """
    world = world_of(request)
    headers = dict(PAGE_HEADERS)
    targets = "".join(f" {origin}" for origin in sorted(set(map(_origin, leads_to))) if origin)
    policy = headers["content-security-policy"]
    headers["content-security-policy"] = policy.replace(
        "form-action 'self'", f"form-action 'self'{targets}"
    )
    frame = Frame(
        viewer=person(world, viewer) if viewer else None,
        people=tuple(person(world, user) for user in world.users()),
        here=_here(request),
        clock_ahead_seconds=max(0, round(world.clock.offset.total_seconds())),
        notice=notice,
    )
    body = pages.render(view, frame=frame)
    return Response(body, status, headers=headers, media_type="text/html")


def person(world: World, user: User) -> PersonView:
    """Show a user to a page."""
    account = world.account(user.account_id)
    return PersonView(user.id, user.name, user.role, account.name if account else "")


def _here(request: Request) -> str:
    query = request.url.query
    return f"{request.url.path}?{query}" if query else request.url.path


def _origin(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    plain = parts.netloc.isascii() and not set(parts.netloc) & set(" ;,'\"")
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc and plain else ""
