"""How is a token asked for, and given back? /oauth/token and /oauth/revoke.

Parameters stand in the query or the body, whatever content type the body claims: Zoom's
own samples send them in the query with an empty body.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final, Protocol

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from innkeeper.emulator import answers
from innkeeper.emulator.oauth import device_grant, tokens
from innkeeper.emulator.oauth.authorization import issuer_of
from innkeeper.emulator.oauth.client_auth import Client, OAuthRefused, authenticate, malformed
from innkeeper.emulator.oauth.grants import GRANTS, give
from innkeeper.emulator.rules import Rules
from innkeeper.emulator.tunnels import api_url, zoom_url
from innkeeper.emulator.world import Token, World
from innkeeper.secret import Secret
from innkeeper.wire.device import DEVICE_CODE_PATH
from innkeeper.wire.oauth import (
    AUTHORIZE_PATH,
    INVALID_CODE,
    INVALID_TOKEN,
    REVOKE_PATH,
    TOKEN_PATH,
    GrantType,
    OAuthFault,
    Tokens,
    parse_form,
)

_TOKENS: Final = frozenset({"token", "refresh_token"})
METADATA_PATH: Final = "/.well-known/oauth-authorization-server"
Answer = Callable[[Request, Client, answers.Form], Awaitable[Response]]


class Uninstaller(Protocol):
    """Removes an app, where revoking its token does so."""

    async def remove(self, installation_id: str) -> object:
        """Remove an installation."""
        ...


class TokenEndpoint:
    """Answers apps that ask for tokens."""

    def __init__(self, world: World, uninstaller: Uninstaller) -> None:
        self._world = world
        self._uninstaller = uninstaller

    def routes(self) -> list[Route]:
        """List what is answered here."""
        return [
            Route(TOKEN_PATH, self.give, methods=["POST"]),
            Route(REVOKE_PATH, self.revoke, methods=["POST"]),
            Route(DEVICE_CODE_PATH, self.device, methods=["POST"]),
            Route(METADATA_PATH, self.metadata, methods=["GET"]),
        ]

    async def metadata(self, request: Request) -> Response:
        """Describe the server (RFC 8414), where the rules want an issuer; Zoom does not."""
        issuer = issuer_of(self._world, zoom_url(request)).get("iss")
        if issuer is None:
            answers.refuse(request, "http.not_found", "Zoom publishes no metadata (rule issuer)")
            return answers.json_answer({"error": "not_found"}, 404)
        methods = ["plain", "S256"]
        if self._world.rules.plain_challenge == "refuse":
            methods.remove("plain")
        described = {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}{AUTHORIZE_PATH}",
            "token_endpoint": f"{issuer}{TOKEN_PATH}",
            "revocation_endpoint": f"{issuer}{REVOKE_PATH}",
            "device_authorization_endpoint": f"{issuer}{DEVICE_CODE_PATH}",
            "response_types_supported": ["code"],
            "grant_types_supported": list(GRANTS),
            "code_challenge_methods_supported": methods,
            "token_endpoint_auth_methods_supported": [
                "client_secret_basic",
                "client_secret_post",
                "none",
            ],
            "authorization_response_iss_parameter_supported": True,
        }
        return answers.json_answer(described)

    async def give(self, request: Request) -> Response:
        """Give a token by one of Zoom's grants."""
        return await self._answer(request, self._given)

    async def revoke(self, request: Request) -> Response:
        """Revoke a token and all that descends from the same authorization."""
        return await self._answer(request, self._revoked)

    async def device(self, request: Request) -> Response:
        """Give a device the code that it shows, and the one that it asks with."""
        return await self._answer(request, self._device)

    async def _answer(self, request: Request, answer: Answer) -> Response:
        form = await self._parameters(request)
        try:
            repeated = form.repeated()
            if repeated:
                raise malformed("parameter.repeated", "a parameter was sent more than once")
            client = authenticate(request, form, self._world)
            return await answer(request, client, form)
        except OAuthRefused as refusal:
            return self._refused(request, refusal)

    async def _parameters(self, request: Request) -> answers.Form:
        """Read body and query together, as far as the rules let the query count."""
        form, rules = await answers.read_form(request), self._world.rules
        query = parse_form(request.scope["query_string"].decode("latin-1"))
        by_account = query.get("grant_type") == [GrantType.ACCOUNT]
        if rules.query_parameters == "refuse" or (
            rules.query_parameters == "refuse_account" and by_account
        ):
            return form
        if rules.tokens_in_query == "refuse":
            query = {name: values for name, values in query.items() if name not in _TOKENS}
        merged = {name: list(values) for name, values in form.fields.items()}
        for name, values in query.items():
            merged.setdefault(name, []).extend(values)
        return answers.Form(merged)

    async def _given(self, request: Request, client: Client, form: answers.Form) -> Response:
        token, rules = give(self._world, client, form), self._world.rules
        answer = Tokens(
            access_token=Secret(token.access),
            expires_in=rules.expires_in,
            scope=frozenset(token.scopes),
            refresh_token=Secret(token.refresh) if token.refresh else None,
            api_url=api_url(request) if rules.api_url == "sent" else None,
        )
        return answers.json_answer(answer.json(), headers={"pragma": "no-cache"})

    async def _device(self, request: Request, client: Client, _form: answers.Form) -> Response:
        given = device_grant.request_code(self._world, client, zoom_url=zoom_url(request))
        return answers.json_answer(msgspec.to_builtins(given))

    async def _revoked(self, _: Request, client: Client, form: answers.Form) -> Response:
        value = form["token"]
        if not value:
            raise malformed("revoke.missing", "token is missing")
        token = tokens.by_access(self._world, value) or tokens.by_refresh(self._world, value)
        if token is not None and not client.owns(token):
            raise OAuthRefused("revoke.foreign", INVALID_TOKEN, "the token is another client's")
        if token is not None and not token.revoked:
            tokens.revoke_family(self._world, token.family)
            await self._uninstall(token)
        return answers.json_answer({"status": "success"})

    async def _uninstall(self, token: Token) -> None:
        user, app = self._world.user(token.user_id), self._world.apps.get(token.client_id)
        if not self._world.rules.revoke_uninstalls or user is None or app is None:
            return
        installation = self._world.installation_for(app, user)
        if installation is not None:
            await self._uninstaller.remove(installation.id)

    def _refused(self, request: Request, refusal: OAuthRefused) -> Response:
        answers.refuse(request, refusal.rule, refusal.why)
        fault = _of_its_time(refusal.fault, self._world.rules)
        if self._world.rules.error_shape == "zoom":
            return answers.json_answer(fault.json(), fault.status)
        return _as_rfc(request, fault)


def _of_its_time(fault: OAuthFault, rules: Rules) -> OAuthFault:
    """Write a fault as Zoom did in the years that the rules choose."""
    if fault == INVALID_CODE:
        return replace(fault, error=rules.code_error)
    if fault == INVALID_TOKEN:
        return replace(fault, status=int(rules.refresh_status))
    return fault


def _as_rfc(request: Request, fault: OAuthFault) -> Response:
    """Answer as RFC 6749, 5.2, asks: other keys, and 401 for a client that used the header."""
    body = {"error": fault.error}
    if fault.reason:
        body["error_description"] = fault.reason
    if fault.error == "invalid_client":
        challenge = {"www-authenticate": 'Basic realm="oauth"'}
        return answers.json_answer(
            body, 401, challenge if "authorization" in request.headers else None
        )
    return answers.json_answer(body, fault.status)
