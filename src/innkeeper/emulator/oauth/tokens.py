"""Which tokens live? Made, found, revoked and judged; HTTP is next door.

A token looks like Zoom's JWTs and says nothing: whoever looks inside learns only a random
number.
"""

import base64
from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from innkeeper.emulator import answers
from innkeeper.emulator.oauth.catalogue import ended
from innkeeper.emulator.traffic.records import Refusal
from innkeeper.emulator.world import (
    Account,
    AppRecord,
    Code,
    DeviceRequest,
    Installation,
    Token,
    TokenKind,
    World,
)
from innkeeper.wire.oauth import ACCESS_LIFETIME

_IN_QUERY = "Invalid access token, this access token is not supported as query parameter string."
_INVALID = "Invalid access token."


def issue(
    world: World,
    app: AppRecord,
    kind: TokenKind,
    *,
    account_id: str,
    scopes: Iterable[str],
    user_id: str = "",
    family: str = "",
) -> Token:
    """Make a token; a user's comes with a refresh token.

    Args:
        family: Ties it to the authorization it descends from; a new one when empty.
    """
    token = Token(
        access=_draw(world),
        refresh=_draw(world) if kind == "user" else None,
        kind=kind,
        client_id=app.client_id,
        account_id=account_id,
        user_id=user_id,
        scopes=list(scopes),
        issued_at=world.now(),
        family=family or world.new_id(),
    )
    world.tokens.append(token)
    return token


def _draw(world: World) -> str:
    if world.rules.token_format == "opaque":  # noqa: S105  # a switch, no password
        return f"{world.new_id(15)}_{world.new_id(15)}"
    header = msgspec.json.encode({"alg": "HS512", "v": "2.0", "kid": "emulator"})
    claims = msgspec.json.encode({"jti": world.new_id()})
    parts = (header, claims, world.token_bytes(64))
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def by_access(world: World, value: str) -> Token | None:
    """Find a token by its access token; it may be dead."""
    return next((token for token in reversed(world.tokens) if token.access == value), None)


def by_refresh(world: World, value: str) -> Token | None:
    """Find a token by its refresh token; it may be dead."""
    return next((token for token in reversed(world.tokens) if token.refresh == value), None)


def access_expired(token: Token, now: datetime) -> bool:
    """Tell whether an access token's hour is over."""
    return now - token.issued_at >= timedelta(seconds=ACCESS_LIFETIME)


def refresh_expired(world: World, token: Token) -> bool:
    """Tell whether a refresh token's days are over: ninety, unless the rules say otherwise."""
    return world.now() - token.issued_at >= timedelta(days=world.rules.refresh_days)


def _end(token: Token, number: int) -> None:
    """Revoke a token for good; the first reason stays."""
    token.revoked, token.ended = True, token.ended or number


def revoke_family(world: World, family: str) -> None:
    """Kill every token that descends from one authorization."""
    for token in world.tokens:
        if token.family == family:
            _end(token, 4741)


def revoke_earlier(world: World, app: AppRecord, user_id: str) -> None:
    """Kill a user's tokens for an app: only the last authorization counts (4741)."""
    for token in world.tokens:
        if token.client_id == app.client_id and token.kind == "user" and token.user_id == user_id:
            _end(token, 4741)


def revoke_account_tokens(world: World, app: AppRecord) -> None:
    """Kill an app's account tokens, where only the newest is to live."""
    for token in world.tokens:
        if token.client_id == app.client_id and token.kind == "account":
            _end(token, 4741)


def revoke_installation(world: World, installation: Installation, *, whole_account: bool) -> None:
    """Kill every token and code that an installation gave; chatbot tokens are the app's own.

    Where removed tokens live, only what could give new ones dies: codes.
    """
    living = world.rules.removed_tokens == "live"
    for token in [] if living else world.tokens:
        if token.kind != "chatbot" and _covers(world, installation, token, whole=whole_account):
            _end(token, 4737)
    waiting: list[Code | DeviceRequest] = [*world.codes.values(), *world.devices.values()]
    for given in waiting:
        if _covers(world, installation, given, whole=whole_account):
            given.spent = True


def withdraw(world: World, app: AppRecord, account: Account) -> None:
    """Kill all that an app was given by an account that no longer approves it (4738)."""
    for token in world.tokens:
        if token.client_id == app.client_id and token.account_id == account.id:
            _end(token, 4738)
    waiting: list[Code | DeviceRequest] = [*world.codes.values(), *world.devices.values()]
    for given in waiting:
        owner = world.user(given.user_id)
        if given.client_id == app.client_id and owner and owner.account_id == account.id:
            given.spent = True


def _covers(
    world: World, installation: Installation, given: Token | Code | DeviceRequest, *, whole: bool
) -> bool:
    """Tell whether something was given for an installation: to its app, for its people."""
    if given.client_id != installation.client_id:
        return False
    if not whole:
        return given.user_id == installation.user_id
    owner = world.user(given.user_id)
    account_id = given.account_id if isinstance(given, Token) else owner and owner.account_id
    return account_id == installation.account_id


def bearer(request: Request, world: World) -> Token | Refusal:
    """Accept a live access token in the Authorization header, and nowhere else.

    Which kind of token it is, the caller must ask.
    """
    value = request.query_params.get("access_token")
    if value is not None and world.rules.access_token_in_query == "refuse":  # noqa: S105  # a switch
        return Refusal("token.in_query", _IN_QUERY)
    given = request.headers.getlist("authorization")
    scheme, _, in_header = (given[0] if len(given) == 1 else "").partition(" ")
    if value is None and scheme.lower() != "bearer":
        return Refusal("token.missing", "there is no Authorization: Bearer header, or several")
    token = by_access(world, (value or in_header).strip())
    if token is None:
        return Refusal("token.unknown", "this is no access token of ours")
    answers.comes_from(request, token.client_id)
    return _dead(world, token) or token


def _dead(world: World, token: Token) -> Refusal | None:
    app = world.apps.get(token.client_id)
    if token.revoked:
        return Refusal("token.revoked", ended(token.ended or 4741))
    if app is not None and app.disabled:
        return Refusal("token.disabled", ended(4717))
    if access_expired(token, world.now()):
        return Refusal("token.expired", "the token's hour is over")
    return None


def require_scope(request: Request, world: World, token: Token, *scopes: str) -> Response | None:
    """Answer a call whose token has none of the scopes that allow it; None if it has one.

    A scope for the whole account (`…:admin`) allows what the one for a user does.
    """
    allowed = {*scopes, *(f"{scope}:admin" for scope in scopes)}
    if world.rules.scopes == "ignore" or allowed & set(token.scopes):
        return None
    answers.refuse(request, "token.scope", f"the token lacks {' or '.join(scopes)}")
    message = f"Invalid access token, does not contain scopes:[{', '.join(scopes)}]."
    return answers.json_answer({"code": int(world.rules.scope_error), "message": message}, 400)


def unauthorized(request: Request, refusal: Refusal) -> Response:
    """Answer a request whose bearer was refused, as Zoom's gateway does."""
    answers.refuse(request, refusal.rule, refusal.why)
    message = refusal.why if refusal.rule == "token.in_query" else _INVALID
    return answers.json_answer(
        {"code": 124, "message": message}, 401, {"www-authenticate": "Bearer"}
    )
