"""How does Zoom show itself beside the signature? By the headers that a subscription asks for.

Source: https://developers.zoom.us/docs/build-flow/manifests/schema/event-subscription
"""

import base64
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final, cast

from innkeeper.emulator.world import CustomHeaders, World
from innkeeper.errors import BodyRefused, EndpointRefused
from innkeeper.net.outbound import Request, Response
from innkeeper.wire import lossless

_FIX: Final = (
    'Answer 200 with {"access_token": …, "token_type": "bearer", "expires_in": "3599"} to a POST'
    " with the subscription's client id and secret as Basic."
)
Ask = Callable[[Request], Awaitable[Response]]
"""Sends a request to an address that may be posted to.

Raises:
    EndpointRefused: If it may not, or nothing answers.
"""


class Credentials:
    """Writes a subscription's own headers; a token that it needs first is fetched and kept."""

    def __init__(self, world: World, ask: Ask) -> None:
        self._world = world
        self._ask = ask

    async def add(self, request: Request, wanted: CustomHeaders) -> Request:
        """Add the headers to a request.

        Raises:
            EndpointRefused: If the token's address gives none.
        """
        headers = await self._headers(wanted)
        return replace(request, headers={**request.headers, **headers})

    def heed(self, request: Request, response: Response | None, wanted: CustomHeaders) -> None:
        """Forget a token that was answered 401, unless another came in its place meanwhile."""
        sent = request.headers.get("authorization")
        if response is not None and response.status == 401 and sent == f"Bearer {wanted.token}":
            wanted.token, wanted.token_until = "", None

    async def _headers(self, wanted: CustomHeaders) -> Mapping[str, str]:
        if wanted.kind == "basic":
            return {"authorization": _basic(wanted.username, wanted.password)}
        if wanted.kind == "oauth":
            return {"authorization": f"Bearer {await self._token(wanted)}"}
        if wanted.kind == "custom" and wanted.key:
            return {wanted.key.lower(): wanted.value}
        return {}

    async def _token(self, wanted: CustomHeaders) -> str:
        now = self._world.now()
        if wanted.token and wanted.token_until is not None and now < wanted.token_until:
            return wanted.token
        headers = {
            "authorization": _basic(wanted.client_id, wanted.client_secret),
            "content-type": "application/x-www-form-urlencoded",
            "accept": "application/json",
        }
        body = b"grant_type=client_credentials"
        response = await self._ask(Request("POST", wanted.token_url, headers, body))
        token, seconds = _given(response)
        wanted.token, wanted.token_until = token, now + timedelta(seconds=seconds)
        return token


def _given(response: Response) -> tuple[str, int]:
    if response.status != 200:
        raise EndpointRefused(f"the token URL answered {response.status}", _FIX)
    try:
        answer = lossless.parse(response.body)
    except BodyRefused as error:
        raise EndpointRefused(f"the token URL's answer is {error.reason}", _FIX) from None
    fields = cast("dict[str, Any]", answer) if isinstance(answer, dict) else {}
    token, lifetime = fields.get("access_token"), str(fields.get("expires_in", ""))
    kind = str(fields.get("token_type", "")).lower()
    if not isinstance(token, str) or not token or kind != "bearer":
        raise EndpointRefused("the token URL's answer holds no bearer token", _FIX)
    if not lifetime.isascii() or not lifetime.isdigit() or len(lifetime) > 8:
        raise EndpointRefused("the token URL's expires_in is no number of seconds", _FIX)
    return token, int(lifetime)


def _basic(name: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()
