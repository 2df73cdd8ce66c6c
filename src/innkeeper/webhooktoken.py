"""Where does Zoom fetch the token that it shows us with each delivery?

Source: zoom/zoom-webhook-verification-headers, tokenAuth.js.
"""

import math
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from innkeeper.clock import Clock
from innkeeper.flows.bearers import LIFETIME, Bearers
from innkeeper.flows.bucket import LeakyBucket
from innkeeper.flows.log import Log
from innkeeper.metrics import Metrics
from innkeeper.net.inbound import BodyTooLarge, ClientGone, header_values, read_body
from innkeeper.wire.oauth import GrantType, parse_basic, parse_form

PATH: Final = "/events/token"
_LIMIT_BYTES: Final = 4_096
_CHALLENGE: Final = {"www-authenticate": 'Basic realm="events"'}
_REFUSALS: Final = 10
"""How many are answered one by one: enough for whoever is setting a subscription up."""
_EACH: Final = timedelta(seconds=6)
"""How long it takes until one more is answered so."""


@dataclass(slots=True)
class WebhookToken:
    """Gives tokens to the clients that are configured, and to nobody else.

    What is refused fills a bucket, whoever asks; while it is full, refusals are 429. Who is
    right is answered always and never looks at it, so nobody can fill it for them.
    """

    bearers: Bearers
    clock: Clock
    log: Log
    metrics: Metrics
    _bucket: LeakyBucket = field(init=False)
    _untold: int = field(init=False, default=0)
    """How many were refused with 429 since a line of the log told of them."""

    def __post_init__(self) -> None:
        self._bucket = LeakyBucket(_REFUSALS, _EACH, self.clock)

    def route(self) -> Route:
        """Say what is answered here."""
        return Route(PATH, self.webhook_token, methods=["POST"])

    async def webhook_token(self, request: Request) -> Response:
        """Give a token for a client's name and secret."""
        query: bytes = request.scope["query_string"]
        try:
            body = await read_body(request.scope, request.receive, limit_bytes=_LIMIT_BYTES)
        except BodyTooLarge:
            return self._refused("invalid_request", 413)
        except ClientGone:
            return Response(status_code=400)
        if len(query) > _LIMIT_BYTES:
            return self._refused("invalid_request", 414)
        form = parse_form(body.decode("latin-1"))
        asked = parse_form(query.decode("latin-1"))
        return self._answer(header_values(request.scope, b"authorization"), form, asked)

    def _answer(
        self,
        authorization: list[bytes],
        form: dict[str, list[str]],
        query: dict[str, list[str]],
    ) -> Response:
        """Answer; the grant may stand in the query, where Zoom writes it, a secret may not."""
        grants = form.get("grant_type", []) + query.get("grant_type", [])
        ids, secrets = form.get("client_id", []), form.get("client_secret", [])
        twice = max(len(authorization), len(ids), len(secrets), len(grants)) > 1
        if twice or (authorization and secrets):
            return self._refused("invalid_request", 400)
        pairs = list(zip(ids, secrets, strict=False))
        if authorization:
            pairs = parse_basic(authorization[0].decode("latin-1"))
        client = self.bearers.recognize(pairs)
        if client is None:
            return self._refused("invalid_client", 401)
        if grants != [GrantType.CHATBOT]:
            return self._refused("unsupported_grant_type" if grants else "invalid_request", 400)
        seconds = int(LIFETIME.total_seconds())
        given = {
            "access_token": self.bearers.give(client),
            "token_type": "bearer",
            "expires_in": str(seconds),  # a text, as in the only answer of Zoom's that is known
        }
        self.metrics.webhook_tokens.add("given")
        return JSONResponse(given)

    def _refused(self, error: str, status: int) -> Response:
        wait = self._bucket.fill()
        if wait:
            self._untold += 1
            self.metrics.webhook_tokens.add("limited")
            later = {"retry-after": str(math.ceil(wait.total_seconds()))}
            return JSONResponse({"error": "too_many_requests"}, 429, later)
        self.metrics.webhook_tokens.add("refused")
        self.log.warning("webhook.token_refused", reason=error, limited=self._untold)
        self._untold = 0
        return JSONResponse({"error": error}, status, _CHALLENGE if status == 401 else None)
