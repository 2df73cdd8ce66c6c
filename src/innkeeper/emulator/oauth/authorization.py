"""Is this authorization request one that Zoom would take? Judged before anybody is asked.

What is wrong about the app or its redirect URL must not redirect: nobody knows where that
would lead. Everything else goes back to the app as an error (RFC 6749, 4.1.2.1).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote_plus

from innkeeper.emulator.oauth.redirects import redirect_allowed
from innkeeper.emulator.rules import Rules
from innkeeper.emulator.world import AppRecord, User, World
from innkeeper.wire.links import with_query
from innkeeper.wire.oauth import is_verifier, parse_form

ADMIN_REQUIRED: Final = (
    "An account admin is required to install this type of app. Please contact your account"
    " admin or IT administrator to install this app."
)
_OURS: Final = frozenset(
    {
        "client_id", "code", "code_challenge", "code_challenge_method", "error", "iss",
        "redirect_uri", "response_type", "scope", "state",
    }
)  # fmt: skip
"""Parameters that mean something here, or in the redirect."""
_ONCE: Final = ("response_type", "state", "code_challenge", "code_challenge_method", "scope")


@dataclass(frozen=True, slots=True)
class Denied:
    """A request that is answered with a page, and leads nowhere. `code` is Zoom's number."""

    rule: str
    code: int
    message: str
    what: str
    fix: str
    status: int = 400
    ask: Mapping[str, str] = field(default_factory=dict[str, str])
    """What a request for approval carries, where one would help."""


@dataclass(frozen=True, slots=True)
class SentBack:
    """A request that goes back to the app with an error."""

    rule: str
    error: str
    why: str
    location: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Authorization:
    """A request that may be put to a person."""

    app: AppRecord
    redirect_uri: str
    redirect_uri_given: bool
    raw_state: str | None = field(repr=False)
    """As it was written in the query, so that it comes back byte for byte."""
    challenge: str | None = field(repr=False)
    method: str
    scopes: tuple[str, ...]
    """Those asked for; all of the app's when none were."""
    issuer: Mapping[str, str] = field(default_factory=dict[str, str])
    """What every answer carries besides: `iss`, where the rules want it."""
    public: bool = False
    """Whether the app's public client asks."""
    strange: str = field(default="", repr=False)
    """The parameters that Zoom does not know, as they were written, where they come back."""

    def back(self, **answer: str) -> str:
        """Write where the browser goes with an answer: a code, or an error."""
        url = _back(self.redirect_uri, self.raw_state, **answer, **self.issuer)
        return f"{url}&{self.strange}" if self.strange else url


def issuer_of(world: World, origin: str) -> dict[str, str]:
    """Name the server in every redirect (RFC 9207), where the rules want it; Zoom does not."""
    return {"iss": origin} if world.rules.issuer == "sent" else {}


def judge(world: World, query: str, *, origin: str) -> Authorization | Denied | SentBack:
    """Read the query of an authorization URL, as far as it can be judged without a person."""
    given = parse_form(query)
    app = _app(world, given)
    if isinstance(app, Denied):
        return app
    redirect_uri = _redirect_uri(world.rules, app, given)
    if isinstance(redirect_uri, Denied):
        return redirect_uri
    raw_state = _raw_state(query)
    issuer = issuer_of(world, origin)
    public = given["client_id"] == [app.public_client_id]
    fault = _fault(world.rules, app, given, public=public)
    if fault is not None:
        rule, error, why = fault
        state = raw_state if len(given.get("state", ())) == 1 else None
        return SentBack(rule, error, why, _back(redirect_uri, state, error=error, **issuer))
    one = {name: values[0] for name, values in given.items()}
    return Authorization(
        app=app,
        redirect_uri=redirect_uri,
        redirect_uri_given=bool(one.get("redirect_uri")),
        raw_state=raw_state,
        challenge=one.get("code_challenge"),
        method=one.get("code_challenge_method", "plain"),
        scopes=tuple(_known(app, one.get("scope", "")) or app.scopes),
        issuer=issuer,
        public=public,
        strange=_strange(query) if world.rules.unknown_parameters == "come_back" else "",
    )


def admit(world: World, app: AppRecord, user: User) -> Denied | None:
    """Tell why this user may not authorize this app, if so."""
    if app.environment == "development" and user.account_id != app.account_id:
        return Denied(
            "authorize.other_account",
            4700,
            "This app is in development and can only be added within its developer's account.",
            f"{user.name} belongs to another account than the app.",
            "Choose somebody of the developer's account, or publish the app (production).",
            403,
        )
    account = world.account(user.account_id)
    if account is not None and not account.approves(app.client_id):
        return Denied(
            "authorize.not_approved",
            4700,
            f"You cannot authorize {app.name}",
            f"{account.name} wants its admins to approve apps first, and this one is not approved.",
            f"Ask an admin, or approve it with PATCH /_emulator/accounts/{account.id}.",
            403,
            {"client_id": app.client_id, "user": user.id},
        )
    if app.management == "admin" and user.role != "admin":
        return Denied(
            "authorize.admin_required",
            4700,
            ADMIN_REQUIRED,
            f"{user.name} is no admin, and the app is admin-managed.",
            "Choose an admin of the account.",
            403,
        )
    return None


def _app(world: World, given: Mapping[str, Sequence[str]]) -> AppRecord | Denied:
    values = given.get("client_id", [])
    if len(values) > 1:
        what, fix = "client_id was sent more than once.", "Send it once."
        return Denied("authorize.repeated_parameter", 4702, "Invalid client_id", what, fix)
    app = world.app_by_client(values[0]) if values else None
    if app is None:
        what = "No app has this client_id." if values else "client_id is missing."
        fix = "Copy the Client ID from the app's page in the Marketplace."
        return Denied("authorize.client_unknown", 4702, "Invalid client_id", what, fix)
    if app.disabled:
        what, fix = f"{app.name} is disabled.", "Enable it again in the Marketplace."
        return Denied("authorize.disabled", 4717, "The app has been disabled", what, fix, 403)
    return app


def _redirect_uri(rules: Rules, app: AppRecord, given: Mapping[str, Sequence[str]]) -> str | Denied:
    values = [value for value in given.get("redirect_uri", ()) if value]
    rule, what, fix = "authorize.redirect_unlisted", "", "Add it to the app's allow list."
    if len(values) > 1:
        rule, what, fix = "authorize.repeated_parameter", "It was sent more than once.", "Send one."
    elif not values and len(app.redirect_uris) == 1:
        return app.redirect_uri
    elif not values:
        what, fix = "redirect_uri is missing.", "Send one of the app's redirect URLs."
    elif redirect_allowed(app, values[0], base_urls=rules.base_url_redirects == "allow"):
        return values[0]
    else:
        strict = "exactly (strict mode)" if app.strict_redirects else "exactly or as a base URL"
        what = f"The redirect_uri must be in the app's allow list {strict}, byte for byte."
    return Denied(rule, 4700, "Invalid redirect url", what, fix)


def _fault(
    rules: Rules, app: AppRecord, given: Mapping[str, Sequence[str]], *, public: bool
) -> tuple[str, str, str] | None:
    repeated = [name for name in _ONCE if len(given.get(name, ())) > 1]
    if repeated:
        why = f"{repeated[0]} was sent more than once"
        return "authorize.repeated_parameter", "invalid_request", why
    one = {name: values[0] for name, values in given.items()}
    response_type = one.get("response_type")
    if response_type != "code":
        error = "unsupported_response_type" if response_type else "invalid_request"
        return "authorize.response_type", error, "response_type must be code"
    fault = _pkce_fault(rules, one, public=public)
    if fault is None and rules.unknown_scopes == "refuse":
        return _scope_fault(app, one.get("scope", ""))
    return fault


def _pkce_fault(
    rules: Rules, one: Mapping[str, str], *, public: bool
) -> tuple[str, str, str] | None:
    challenge, method = one.get("code_challenge"), one.get("code_challenge_method", "plain")
    why = ""
    if method not in {"plain", "S256"}:
        why = "code_challenge_method must be S256 or plain"
    elif challenge is None and "code_challenge_method" in one:
        why = "code_challenge_method was sent without a code_challenge"
    elif challenge is not None and not is_verifier(challenge):
        why = "code_challenge must be 43 to 128 characters of A-Z a-z 0-9 . _ ~ -"
    elif challenge is None and public:
        why = "a public client must send a code_challenge"
    elif challenge is None and rules.pkce == "required":
        why = "a code_challenge is required (rule pkce)"
    elif challenge is not None and method == "plain" and rules.plain_challenge == "refuse":
        why = "code_challenge_method must be S256 (rule plain_challenge)"
    return ("authorize.pkce", "invalid_request", why) if why else None


def _scope_fault(app: AppRecord, text: str) -> tuple[str, str, str] | None:
    beyond = sorted(set(_scopes(text)) - set(app.scopes))
    if beyond:
        return "authorize.scope", "invalid_scope", "a scope was asked that the app does not have"
    return None


def _scopes(text: str) -> list[str]:
    return list(dict.fromkeys(part for part in re.split(r"[\s,]+", text) if part))


def _known(app: AppRecord, text: str) -> list[str]:
    return [scope for scope in _scopes(text) if scope in app.scopes]


def _raw_state(query: str) -> str | None:
    for part in query.split("&"):
        name, _, value = part.partition("=")
        if unquote_plus(name) == "state":
            return value
    return None


def _strange(query: str) -> str:
    parts = (part for part in query.split("&") if part)
    return "&".join(part for part in parts if unquote_plus(part.partition("=")[0]) not in _OURS)


def _back(redirect_uri: str, raw_state: str | None, **answer: str) -> str:
    url = with_query(redirect_uri, **answer)
    return url if raw_state is None else f"{url}&state={raw_state}"
