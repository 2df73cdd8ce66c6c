"""How is an app authorized? OAuth requests, answers and errors of every grant.

Sources: https://developers.zoom.us/docs/integrations/oauth/,
https://developers.zoom.us/docs/integrations/oauth-error-messages/, RFC 6749 and
RFC 7636. A token is opaque: nothing here looks inside one.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, cast
from urllib.parse import parse_qsl, quote, unquote_plus, urlencode

import msgspec

from innkeeper.errors import GrantRefused, NeedsReauth, TokenResponseInvalid
from innkeeper.secret import Secret
from innkeeper.wire.links import with_query

AUTHORIZE_PATH = "/oauth/authorize"
TOKEN_PATH = "/oauth/token"  # noqa: S105  # an address, not a secret
REVOKE_PATH = "/oauth/revoke"
CHATBOT_SCOPE = "imchat:bot"

DEFAULT_LIFETIME = 300
"""Seconds assumed where an answer leaves out `expires_in`: short, so that we soon ask again."""
ACCESS_LIFETIME = 3600
REFRESH_LIFETIME = 90 * 86_400
CODE_LIFETIME = 300

_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}", re.ASCII)
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}", re.ASCII)
_LIFETIME = re.compile(r"[0-9]{1,8}", re.ASCII)
_API_URL = re.compile(r"https://(api(?:-[a-z]+)?\.zoom\.us)/*", re.ASCII | re.IGNORECASE)
_SECRET_LOOKING = re.compile(r"(?=[a-z+/=_.-]*[A-Z0-9])[A-Za-z0-9+/=_.-]{20,}", re.ASCII)


class GrantType(StrEnum):
    """The ways to obtain a token."""

    CHATBOT = "client_credentials"
    CODE = "authorization_code"
    REFRESH = "refresh_token"
    ACCOUNT = "account_credentials"
    DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


# PKCE (RFC 7636)


def challenge_of(verifier: str) -> str:
    """Derive the S256 challenge of a PKCE verifier.

    Example:
        >>> challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
        'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
    """
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def is_verifier(text: str) -> bool:
    """Tell whether a text has the shape of a PKCE verifier or challenge."""
    return _VERIFIER.fullmatch(text) is not None


def verifier_matches(verifier: str, challenge: str, method: str) -> bool:
    """Tell whether a verifier belongs to a challenge, in constant time.

    A method other than `S256` and `plain` matches nothing.
    """
    if not is_verifier(verifier) or not is_verifier(challenge) or method not in {"S256", "plain"}:
        return False
    derived = challenge_of(verifier) if method == "S256" else verifier
    return hmac.compare_digest(derived.encode(), challenge.encode())


# Requests


@dataclass(frozen=True, slots=True)
class AuthorizeRequest:
    """What a browser carries to Zoom's consent page."""

    client_id: str
    redirect_uri: str
    state: str | None = field(default=None, repr=False)
    code_challenge: str | None = None
    code_challenge_method: str | None = None
    response_type: str | None = "code"
    scope: str | None = None

    def url(self, zoom_url: str) -> str:
        """Write the authorization URL."""
        return with_query(
            zoom_url + AUTHORIZE_PATH,
            response_type=self.response_type,
            client_id=self.client_id,
            redirect_uri=self.redirect_uri,
            state=self.state,
            code_challenge=self.code_challenge,
            code_challenge_method=self.code_challenge_method,
            scope=self.scope,
        )

    @classmethod
    def parse(cls, query: Mapping[str, str]) -> "AuthorizeRequest":
        """Read the parameters of an authorization URL."""
        return cls(
            client_id=query.get("client_id", ""),
            redirect_uri=query.get("redirect_uri", ""),
            state=query.get("state"),
            code_challenge=query.get("code_challenge"),
            code_challenge_method=query.get("code_challenge_method"),
            response_type=query.get("response_type"),
            scope=query.get("scope"),
        )


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A request to the token endpoint. Its parameters may hold a code or a token."""

    grant_type: str
    parameters: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)

    @classmethod
    def chatbot(cls) -> "TokenRequest":
        """Ask for a chatbot token (client credentials)."""
        return cls(GrantType.CHATBOT)

    @classmethod
    def code(cls, code: str, *, redirect_uri: str, verifier: str | None) -> "TokenRequest":
        """Exchange an authorization code."""
        parameters = {"code": code, "redirect_uri": redirect_uri}
        if verifier is not None:
            parameters["code_verifier"] = verifier
        return cls(GrantType.CODE, parameters)

    @classmethod
    def refresh(cls, token: Secret) -> "TokenRequest":
        """Trade a refresh token for the next pair."""
        return cls(GrantType.REFRESH, {"refresh_token": token.reveal()})

    @classmethod
    def account(cls, account_id: str) -> "TokenRequest":
        """Ask for an account token (Server-to-Server OAuth)."""
        return cls(GrantType.ACCOUNT, {"account_id": account_id})

    def form(self) -> bytes:
        """Write the form body; never a query, for queries end up in logs."""
        return urlencode({"grant_type": str(self.grant_type), **self.parameters}).encode()


def basic_header(client_id: str, client_secret: Secret) -> str:
    """Write the Authorization header of a client, as Zoom's own examples do (unescaped)."""
    pair = f"{client_id}:{client_secret.reveal()}".encode()
    return "Basic " + base64.b64encode(pair).decode()


def parse_basic(header: str) -> list[tuple[str, str]]:
    """Read a Basic header: the pair as sent, then decoded as a form's if that differs.

    RFC 6749 has clients encode both parts as in a form, a blank as `+`; Zoom's examples
    do not. Whoever checks tries each pair in turn. Malformed headers give no pair at all.

    Example:
        >>> parse_basic("Basic YTpiJTNB")
        [('a', 'b%3A'), ('a', 'b:')]
    """
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return []
    try:
        pair = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return []
    client_id, colon, secret = pair.partition(":")
    if not colon:
        return []
    raw, decoded = (client_id, secret), (unquote_plus(client_id), unquote_plus(secret))
    return [raw] if raw == decoded else [raw, decoded]


def parse_form(text: str) -> dict[str, list[str]]:
    """Read a query or a form body; a repeated parameter keeps all its values."""
    found: dict[str, list[str]] = {}
    for key, value in parse_qsl(text, keep_blank_values=True):
        found.setdefault(key, []).append(value)
    return found


# Answers


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the token endpoint gave. `expires_in` is in seconds."""

    access_token: Secret
    expires_in: int
    scope: frozenset[str] = frozenset()
    refresh_token: Secret | None = None
    api_url: str | None = None
    token_type: str = "bearer"  # noqa: S105  # the scheme's name, not a secret
    left_out: frozenset[str] = frozenset()
    """Which of `expires_in` and `scope` the answer did not name."""

    def json(self) -> dict[str, Any]:
        """Write the answer as Zoom's token endpoint does."""
        answer: dict[str, Any] = {
            "access_token": self.access_token.reveal(),
            "token_type": self.token_type,
            "expires_in": self.expires_in,
            "scope": " ".join(sorted(self.scope)),
        }
        if self.refresh_token is not None:
            answer["refresh_token"] = self.refresh_token.reveal()
        if self.api_url is not None:
            answer["api_url"] = self.api_url
        return answer


@dataclass(frozen=True, slots=True)
class OAuthFault:
    """An error of the token endpoint, in Zoom's two keys."""

    error: str
    reason: str = ""
    status: int = 400

    def json(self) -> dict[str, str]:
        """Write the error body as Zoom does."""
        return (
            {"reason": self.reason, "error": self.error} if self.reason else {"error": self.error}
        )


INVALID_CLIENT: Final = OAuthFault("invalid_client", "Invalid client_id or client_secret")
INVALID_CODE: Final = OAuthFault("invalid_grant", "Invalid authorization code")
INVALID_TOKEN: Final = OAuthFault("invalid_grant", "Invalid Token!")
UNSUPPORTED_GRANT: Final = OAuthFault("unsupported_grant_type", "unsupported grant type")

TERMINAL_CODES: Final = frozenset({4711, 4733, 4734, 4735, 4737, 4738, 4740, 4741})
"""Zoom's numbers for a grant that is over."""


def read_tokens(status: int, content_type: str, body: bytes, *, refreshable: bool) -> Tokens:
    """Read an answer of the token endpoint.

    Judged by its body, not its status: Zoom moved refresh failures from 401 to 400.

    Args:
        refreshable: Whether this grant must come with a refresh token.

    Raises:
        NeedsReauth: If Zoom says that this code or refresh token is over for good.
        GrantRefused: If Zoom refuses for another reason, such as a wrong client secret.
        TokenResponseInvalid: For anything that is no token answer; its `reason` names
            the part, never the value.
    """
    if 200 < status < 300:
        raise _invalid("status")
    answer = _json_object(content_type, body)
    if answer.get("error") or answer.get("errorCode") or (status != 200 and answer.get("code")):
        raise _refusal(answer)
    if status != 200:
        raise _invalid("status")
    token_type = answer.get("token_type")
    if not isinstance(token_type, str) or token_type.strip().lower() != "bearer":
        raise _invalid("token_type")
    refresh: Secret | None = None
    if refreshable or answer.get("refresh_token") is not None:
        refresh = _token(answer.get("refresh_token"), "refresh_token")
    return Tokens(
        access_token=_token(answer.get("access_token"), "access_token"),
        expires_in=_lifetime(answer.get("expires_in", DEFAULT_LIFETIME)),
        scope=_scope(answer.get("scope", "")),
        refresh_token=refresh,
        api_url=answer["api_url"] if isinstance(answer.get("api_url"), str) else None,
        left_out=frozenset({"expires_in", "scope"} - answer.keys()),
    )


def _json_object(content_type: str, body: bytes) -> dict[str, Any]:
    if "json" not in content_type.lower():
        raise _invalid("not_json")
    try:
        answer = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _invalid("not_json") from None
    if not isinstance(answer, dict):
        raise _invalid("not_json")
    return cast("dict[str, Any]", answer)


def _refusal(answer: Mapping[str, Any]) -> GrantRefused:
    error, number = _words(answer, "error"), _number(answer)
    reason = _words(answer, "reason", "errorMessage", "message")
    if error == INVALID_TOKEN.error or reason == INVALID_TOKEN.reason or number in TERMINAL_CODES:
        over = INVALID_TOKEN.error
        return NeedsReauth("Zoom refused the grant", reason, reason=over, zoom_code=number)
    named = error or str(number)
    why = f"{named} {reason}".strip()
    return GrantRefused("Zoom refused the request", why, reason=named, zoom_code=number)


def _words(answer: Mapping[str, Any], *keys: str) -> str:
    said = next((text for key in keys if isinstance(text := answer.get(key), str)), "")[:200]
    printable = "".join(char if char.isprintable() else "\ufffd" for char in said).strip()
    return _SECRET_LOOKING.sub("…", printable)  # Zoom once quoted the code it refused


def _number(answer: Mapping[str, Any]) -> int:
    for number in (answer.get("errorCode"), answer.get("code")):
        if isinstance(number, str) and _LIFETIME.fullmatch(number):
            return int(number)
        if isinstance(number, int):
            return number
    return 0


def _invalid(part: str) -> TokenResponseInvalid:
    return TokenResponseInvalid("token answer not usable", part, reason=part)


def _token(value: Any, part: str) -> Secret:
    if not isinstance(value, str) or _TOKEN.fullmatch(value) is None:
        raise _invalid(part)
    return Secret(value)


def _lifetime(value: Any) -> int:
    if isinstance(value, str) and _LIFETIME.fullmatch(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 10_000_000:
        raise _invalid("expires_in")
    return value


def _scope(value: Any) -> frozenset[str]:
    if not isinstance(value, str) or len(value) > 8192:
        raise _invalid("scope")
    return frozenset(value.replace(",", " ").split())


def trusted_api_url(api_url: str | None, *, default: str) -> str:
    """Follow a token's `api_url` only to Zoom's own hosts, or to the configured one.

    Example:
        >>> trusted_api_url("https://api-us.zoom.us", default="https://api.zoom.us")
        'https://api-us.zoom.us'
        >>> trusted_api_url("https://api.zoom.us@evil.test/", default="https://api.zoom.us")
        'https://api.zoom.us'
    """
    found = _API_URL.fullmatch(api_url or "")
    return f"https://{found[1].lower()}" if found else default


def escape_segment(text: str) -> str:
    """Write an id as one segment of a path, whatever it holds.

    Example:
        >>> escape_segment("../../users/me")
        '..%2F..%2Fusers%2Fme'
    """
    if text in {".", ".."}:
        return text.replace(".", "%252E")  # clients take even `%2E%2E` as a step up
    return quote(text, safe="", errors="replace")
