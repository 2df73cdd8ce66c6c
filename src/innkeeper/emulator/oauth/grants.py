"""What does a grant give? Each way to a token, with what Zoom checks on it.

Nothing here waits: between looking at a code or a refresh token and spending it no other
request can come in, so of two at the same moment exactly one wins.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta

from innkeeper.emulator.answers import Form
from innkeeper.emulator.oauth import tokens
from innkeeper.emulator.oauth.catalogue import ended
from innkeeper.emulator.oauth.client_auth import Client, OAuthRefused, malformed
from innkeeper.emulator.oauth.device_grant import by_device
from innkeeper.emulator.world import AppRecord, Code, Token, World
from innkeeper.wire.oauth import (
    CHATBOT_SCOPE,
    CODE_LIFETIME,
    INVALID_CODE,
    INVALID_TOKEN,
    UNSUPPORTED_GRANT,
    GrantType,
    OAuthFault,
    verifier_matches,
)

Grant = Callable[[World, Client, Form], Token]


def give(world: World, client: Client, form: Form) -> Token:
    """Make a token by the grant that the form names.

    Raises:
        OAuthRefused: Saying which rule the request broke.
    """
    name = form["grant_type"]
    if not name and world.rules.error_shape == "rfc":
        raise malformed("grant.missing", "grant_type is missing")
    grant = GRANTS.get(name)
    if grant is None:
        why = "grant_type is missing" if not name else "this grant_type is not known (4705)"
        raise OAuthRefused("grant.unsupported", UNSUPPORTED_GRANT, why)
    return grant(world, client, form)


def _by_code(world: World, client: Client, form: Form) -> Token:
    if not form["code"]:
        raise malformed("code.missing", "code is missing")
    code = world.codes.get(form["code"])
    if code is None:
        raise OAuthRefused("code.unknown", INVALID_CODE, "no such code was given (4734)")
    _check_code(world, client, code)
    _check_redirect(code, form)
    _check_verifier(code, form)
    app, user = client.app, world.user(code.user_id)
    if user is None or world.installation_for(app, user) is None:
        raise OAuthRefused("code.owner_gone", INVALID_CODE, "the app was removed since (4735)")
    tokens.revoke_earlier(world, app, user.id)
    token = tokens.issue(
        world, app, "user", account_id=user.account_id, scopes=code.scopes, user_id=user.id
    )
    token.public = client.public
    code.spent, code.family = True, token.family
    return token


def _check_code(world: World, client: Client, code: Code) -> None:
    if not client.owns(code):
        raise OAuthRefused(
            "code.foreign", INVALID_CODE, "the code belongs to another client (4734)"
        )
    if code.spent:
        tokens.revoke_family(world, code.family)
        why = "the code was used or revoked before; the tokens it gave are revoked (4734)"
        raise OAuthRefused("code.spent", INVALID_CODE, why)
    if world.now() - code.issued_at >= timedelta(seconds=CODE_LIFETIME):
        raise OAuthRefused("code.expired", INVALID_CODE, "the code is five minutes old (4733)")


def _check_redirect(code: Code, form: Form) -> None:
    given = form["redirect_uri"]
    if not given and not code.redirect_uri_given:
        return
    if given != code.redirect_uri:
        fault = OAuthFault("invalid_grant", "Redirect URI mismatch.")
        why = "redirect_uri must be sent again, byte for byte as at /oauth/authorize (4709)"
        raise OAuthRefused("code.redirect_mismatch", fault, why)


def _check_verifier(code: Code, form: Form) -> None:
    verifier = form["code_verifier"]
    if code.challenge is None:
        if verifier:
            why = "a code_verifier was sent for a code that was asked for without a challenge"
            raise OAuthRefused("pkce.unasked", INVALID_CODE, why)
    elif not verifier:
        raise OAuthRefused("pkce.missing", INVALID_CODE, "code_verifier is missing")
    elif not verifier_matches(verifier, code.challenge, code.method):
        why = f"code_verifier does not belong to the code_challenge ({code.method})"
        raise OAuthRefused("pkce.mismatch", OAuthFault("invalid_grant"), why)


def _by_refresh(world: World, client: Client, form: Form) -> Token:
    if not form["refresh_token"]:
        raise malformed("refresh.missing", "refresh_token is missing")
    old = tokens.by_refresh(world, form["refresh_token"])
    if old is None:
        raise OAuthRefused("refresh.unknown", INVALID_TOKEN, "no such refresh token was given")
    _check_refresh(world, client, old)
    asked = form["scope"].replace(",", " ").split()
    if set(asked) - set(old.scopes):
        raise OAuthRefused("refresh.scope", _scope_fault(), "a scope was never granted (4711)")
    old.refreshed = True
    if world.rules.refreshed_access == "dies":
        old.revoked, old.ended = True, 4741
    token = tokens.issue(
        world,
        client.app,
        "user",
        account_id=old.account_id,
        scopes=asked or old.scopes,
        user_id=old.user_id,
        family=old.family,
    )
    token.public = client.public
    return token


def _check_refresh(world: World, client: Client, old: Token) -> None:
    if not client.owns(old):
        raise OAuthRefused("refresh.foreign", INVALID_TOKEN, "it belongs to another client")
    if old.revoked:
        raise OAuthRefused("refresh.revoked", INVALID_TOKEN, ended(old.ended or 4741))
    if old.refreshed:
        _check_reuse(world, old)
    if tokens.refresh_expired(world, old):
        why = f"its {world.rules.refresh_days} days are over"
        raise OAuthRefused("refresh.expired", INVALID_TOKEN, why)


def _check_reuse(world: World, old: Token) -> None:
    """Take a spent refresh token only within the tolerance that Zoom's older tokens had."""
    rules = world.rules
    if rules.refresh_reuse == "grace" and old.reuses < rules.refresh_grace:
        old.reuses += 1
        return
    if rules.refresh_reuse == "grace":
        why = f"it was used again {old.reuses} times, as often as is tolerated (4740)"
        raise OAuthRefused("refresh.tolerance", INVALID_TOKEN, why)
    if rules.refresh_reuse == "revoke_family":
        tokens.revoke_family(world, old.family)
    raise OAuthRefused("refresh.reused", INVALID_TOKEN, "only the latest may be used")


def _chatbot(world: World, client: Client, form: Form) -> Token:
    app = _confidential(client)
    _check_scope(form, [CHATBOT_SCOPE])
    scopes = [CHATBOT_SCOPE]
    return tokens.issue(world, app, "chatbot", account_id=app.account_id, scopes=scopes)


def _account(world: World, client: Client, form: Form) -> Token:
    app = _confidential(client)
    if not form["account_id"]:
        raise malformed("account.missing", "account_id is missing")
    if form["account_id"] != app.account_id:
        raise malformed("account.foreign", "account_id is not the account of this app")
    asked = _check_scope(form, app.scopes)
    scopes = asked or app.scopes
    if world.rules.account_tokens == "newest":
        tokens.revoke_account_tokens(world, app)
    return tokens.issue(world, app, "account", account_id=app.account_id, scopes=scopes)


def _confidential(client: Client) -> AppRecord:
    if client.public:
        why = "a public client has no secret, so it cannot act for itself"
        raise OAuthRefused("grant.public", OAuthFault("unauthorized_client"), why)
    return client.app


def _check_scope(form: Form, known: list[str]) -> list[str]:
    asked = form["scope"].replace(",", " ").split()
    if set(asked) - set(known):
        raise OAuthRefused("grant.scope", _scope_fault(), "a scope is not the app's")
    return asked


def _scope_fault() -> OAuthFault:
    return OAuthFault("invalid_scope", "Invalid scope")


GRANTS: Mapping[str, Grant] = {
    GrantType.CODE: _by_code,
    GrantType.REFRESH: _by_refresh,
    GrantType.CHATBOT: _chatbot,
    GrantType.ACCOUNT: _account,
    GrantType.DEVICE: by_device,
}
