"""An authorization server of Authlib's own grants, in process, to compare the emulator with.

What Authlib leaves to whoever uses it is done here in the plainest way: one user, two
clients, codes and tokens in lists, and the answer "the user agrees" to every consent.
"""

import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from authlib.oauth2 import OAuth2Error  # type: ignore[import-untyped]  # has no types
from authlib.oauth2.rfc6749 import (  # type: ignore[import-untyped]  # has no types
    AuthorizationServer,
    ClientMixin,
    OAuth2Request,
    grants,
)
from authlib.oauth2.rfc6749.requests import (  # type: ignore[import-untyped]  # has no types
    BasicOAuth2Payload,
)
from authlib.oauth2.rfc6750 import BearerTokenGenerator  # type: ignore[import-untyped]  # no types
from authlib.oauth2.rfc7009 import RevocationEndpoint  # type: ignore[import-untyped]  # no types
from authlib.oauth2.rfc7636 import CodeChallenge  # type: ignore[import-untyped]  # has no types

CALLBACK = "http://127.0.0.1:8080/oauth/callback"
SCOPES = "imchat:bot user:read:user"


@dataclass
class Client(ClientMixin):  # type: ignore[misc]  # Authlib has no types
    """A client with a secret."""

    client_id: str
    client_secret: str
    redirect_uris: tuple[str, ...] = (CALLBACK,)

    def get_client_id(self) -> str:
        return self.client_id

    def get_default_redirect_uri(self) -> str:
        return self.redirect_uris[0]

    def get_allowed_scope(self, scope: str | None) -> str | None:
        asked = (scope or SCOPES).split()
        return " ".join(asked) if set(asked) <= set(SCOPES.split()) else None

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri in self.redirect_uris

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == self.client_secret

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:  # noqa: ARG002  # Authlib calls it so
        return method in {"client_secret_basic", "client_secret_post"}

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:  # noqa: ARG002  # Authlib calls it so
        return True


@dataclass
class Code:
    """What Authlib wants to know about a code."""

    code: str
    client_id: str
    redirect_uri: str
    scope: str
    code_challenge: str | None
    code_challenge_method: str | None
    issued_at: float

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope


@dataclass
class Token:
    """What Authlib wants to know about a token."""

    client_id: str
    access_token: str
    refresh_token: str
    scope: str
    revoked: bool = False

    def check_client(self, client: Client) -> bool:
        return self.client_id == client.client_id

    def get_scope(self) -> str:
        return self.scope


@dataclass
class Answer:
    """An HTTP answer."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict[str, str])


class Server(AuthorizationServer):  # type: ignore[misc]  # Authlib has no types
    """Authlib's server, with lists to keep things in and a clock to move."""

    def __init__(self) -> None:
        super().__init__(scopes_supported=SCOPES.split())
        self.clients = {each: Client(each, f"{each}_secret") for each in ("first", "second")}
        self.codes: dict[str, Code] = {}
        self.tokens: list[Token] = []
        self.now = 0.0
        for grant in (grants.ClientCredentialsGrant, RefreshGrant):
            self.register_grant(grant)
        self.register_grant(CodeGrant, [CodeChallenge(required=False)])
        self.register_endpoint(Revocation)
        make = BearerTokenGenerator(
            lambda **_: secrets.token_urlsafe(24),
            lambda **_: secrets.token_urlsafe(24),
            lambda *_: 3600,
        )
        self.register_token_generator("default", make)

    def query_client(self, client_id: str) -> Client | None:
        return self.clients.get(client_id)

    def save_token(self, token: Mapping[str, Any], request: OAuth2Request) -> None:
        refresh = token.get("refresh_token", "")
        client_id = request.client.client_id
        self.tokens.append(Token(client_id, token["access_token"], refresh, token["scope"]))

    def send_signal(self, *_: object, **__: object) -> None:
        """Nobody listens."""

    def create_oauth2_request(self, request: Any) -> OAuth2Request:
        return request

    def handle_response(self, status: int, body: Any, headers: Any) -> Answer:
        return Answer(status, body, {name.lower(): value for name, value in headers})


class CodeGrant(grants.AuthorizationCodeGrant):  # type: ignore[misc]  # Authlib has no types
    """Authlib's code grant, over the server's lists."""

    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic", "client_secret_post")

    def save_authorization_code(self, code: str, request: OAuth2Request) -> None:
        asked = request.payload
        self.server.codes[code] = Code(
            code,
            request.client.client_id,
            asked.redirect_uri or "",
            asked.scope or SCOPES,
            asked.data.get("code_challenge"),
            asked.data.get("code_challenge_method"),
            self.server.now,
        )

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        found = self.server.codes.get(code)
        if found is None or found.client_id != client.client_id:
            return None
        return found if self.server.now - found.issued_at < 300 else None

    def delete_authorization_code(self, authorization_code: Code) -> None:
        del self.server.codes[authorization_code.code]

    def authenticate_user(self, authorization_code: Code) -> str:  # noqa: ARG002  # Authlib calls it so
        return "ana"


class RefreshGrant(grants.RefreshTokenGrant):  # type: ignore[misc]  # Authlib has no types
    """Authlib's refresh grant, with rotation."""

    INCLUDE_NEW_REFRESH_TOKEN = True
    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic", "client_secret_post")

    def authenticate_refresh_token(self, refresh_token: str) -> Token | None:
        found = (each for each in self.server.tokens if each.refresh_token == refresh_token)
        return next((each for each in found if not each.revoked), None)

    def authenticate_user(self, refresh_token: Token) -> str:  # noqa: ARG002  # Authlib calls it so
        return "ana"

    def revoke_old_credential(self, refresh_token: Token) -> None:
        refresh_token.revoked = True


class Revocation(RevocationEndpoint):  # type: ignore[misc]  # Authlib has no types
    """Authlib's revocation endpoint, over the server's list."""

    def query_token(self, token_string: str, token_type_hint: str | None) -> Token | None:  # noqa: ARG002  # Authlib calls it so
        every = self.server.tokens
        return next(
            (each for each in every if token_string in {each.access_token, each.refresh_token}),
            None,
        )

    def revoke_token(self, token: Token, request: OAuth2Request) -> None:  # noqa: ARG002  # Authlib calls it so
        token.revoked = True


class Request(OAuth2Request):  # type: ignore[misc]  # Authlib has no types
    """A request, read from a query and a form."""

    def __init__(self, method: str, path: str, pairs: list[tuple[str, str]], header: str) -> None:
        super().__init__(method, f"https://peer.test{path}")
        self.pairs = dict(pairs)
        self.headers = {"Authorization": header} if header else {}
        self.payload = BasicOAuth2Payload(self.pairs)
        for name in self.pairs:
            values = [value for key, value in pairs if key == name]
            self.payload.datalist[name] = values

    @property
    def args(self) -> dict[str, str]:
        return self.pairs if self.method == "GET" else {}

    @property
    def form(self) -> dict[str, str]:
        return self.pairs if self.method == "POST" else {}


class Peer:
    """Authlib's server, asked the way the checks ask the emulator."""

    def __init__(self) -> None:
        self.server = Server()
        self.client_id = "first"

    async def authorize(self, query: str) -> str | None:
        """Open an authorization URL and agree; None where no redirect follows."""
        request = Request("GET", f"/authorize?{query}", parse_qsl(query), "")
        try:
            grant = self.server.get_consent_grant(request, "ana")
            answer = self.server.create_authorization_response(request, "ana", grant)
        except OAuth2Error as error:
            answer = self.server.handle_error_response(request, error)
        location: str | None = answer.headers.get("location")
        return location

    async def post(self, path: str, form: Mapping[str, str], header: str) -> Answer:
        """Post a form to the token or the revocation endpoint."""
        request = Request("POST", path, list(form.items()), header)
        if path == "/oauth/token":
            answer: Answer = self.server.create_token_response(request)
        else:
            answer = self.server.create_endpoint_response("revocation", request)
        return Answer(answer.status, _object(answer.body), answer.headers)

    def header(self, which: str = "first", secret: str = "") -> str:
        """Write a client's Basic header."""
        pair = f"{which}:{secret or which + '_secret'}"
        return "Basic " + base64.b64encode(pair.encode()).decode()

    async def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.server.now += seconds


def _object(body: Any) -> Any:
    return json.loads(body) if isinstance(body, str) and body else body
