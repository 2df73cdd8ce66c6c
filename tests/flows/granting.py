"""A token endpoint that rotates as Zoom's does and can be told to misbehave, and all around it."""

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

import structlog

from innkeeper.clock import MovableClock
from innkeeper.errors import NeedsReauth
from innkeeper.flows.gates import Quota
from innkeeper.flows.grants import Credentials, Grants
from innkeeper.ids import AccountId, InstallationId
from innkeeper.net.inbound import read_body, send_answer
from innkeeper.net.outbound import AsgiTransport, Receive, Scope, Send
from innkeeper.secret import Secret
from innkeeper.wire.oauth import Tokens, parse_basic, parse_form
from tests.flows.memory import MemoryGrants

ANA = InstallationId("ins_ana")
QUOTA = Quota(AccountId("account-1"), "chatbot")
ZOOM = "https://zoom.test"
API = "https://api.test"

_T = TypeVar("_T")


async def _nothing() -> None:
    """Do what a test did not ask for."""


@dataclass
class Answer:
    """One scripted answer."""

    status: int = 200
    body: Any = b""
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": "application/json"})

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


LOST = "lost"
"""Do what was asked, then break off before the answer."""
SILENT = "silent"
"""Break off before anything was done."""


class TokenServer:
    """Plays the token endpoint: the newest refresh token works once, others never.

    `always` is what it answers when the script is over; `any_refresh` takes any refresh
    token, as if each belonged to somebody else.
    """

    def __init__(self) -> None:
        self.script: deque[Answer | str] = deque()
        self.always: Answer | str | None = None
        self.any_refresh = False
        self.on_asked: Callable[[], None] = lambda: None
        self.under_way = 0
        self.most_at_once = 0
        self.forms: list[dict[str, str]] = []
        self.clients: list[tuple[str, str]] = []
        self.revoked: list[str] = []
        self.on_revoke = _nothing
        self.refresh = "refresh-0"
        self.lifetime: Any = 3600
        self.scope = "imchat:bot"
        self.extra: dict[str, Any] = {}
        self.asked = asyncio.Event()
        self.gate: asyncio.Event | None = None
        self.count = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fields = parse_form((await read_body(scope, receive)).decode())
        form = {name: values[0] for name, values in fields.items()}
        authorization = dict(scope["headers"]).get(b"authorization", b"").decode()
        if scope["path"] == "/oauth/revoke":
            self.revoked.append(form["token"])
            await self.on_revoke()
            await send_answer(send, 200, b'{"status":"success"}')
            return
        self.forms.append(form)
        self.clients.append(parse_basic(authorization)[0])
        self.asked.set()
        self.on_asked()
        self.under_way += 1
        self.most_at_once = max(self.most_at_once, self.under_way)
        await (self.gate.wait() if self.gate is not None else asyncio.sleep(0))
        self.under_way -= 1
        scripted = self.script.popleft() if self.script else self.always
        if scripted == SILENT:
            raise ConnectionResetError
        answer = scripted if isinstance(scripted, Answer) else self.honest(form)
        if scripted == LOST:
            raise ConnectionResetError
        headers = [(name.encode(), value.encode()) for name, value in answer.headers.items()]
        await send_answer(send, answer.status, answer.content, headers)

    def honest(self, form: dict[str, str]) -> Answer:
        refreshed = form["grant_type"] == "refresh_token"
        if refreshed and form["refresh_token"] != self.refresh and not self.any_refresh:
            return Answer(400, {"reason": "Invalid Token!", "error": "invalid_grant"})
        self.count += 1
        body: dict[str, Any] = {
            "access_token": f"access-{self.count}",
            "token_type": "bearer",
            "expires_in": self.lifetime,
            "scope": self.scope,
            **self.extra,
        }
        if refreshed or form["grant_type"] == "authorization_code":
            self.refresh = body["refresh_token"] = f"refresh-{self.count}"
        return Answer(200, body)


class Scene:
    """A store, a clock that stands still, a token endpoint, and who was told what."""

    def __init__(self) -> None:
        self.clock = MovableClock(datetime(2030, 1, 1, tzinfo=UTC), frozen=True)
        self.store = MemoryGrants()
        self.zoom = TokenServer()
        self.transport = AsgiTransport({ZOOM: self.zoom})
        self.lost: list[str] = []
        self.causes: list[int] = []
        self.recovered: list[str] = []
        self.grants = self.process()

    def process(self, **settings: Any) -> Grants:
        """Start another process on the same store."""

        async def lost(installation_id: InstallationId, refusal: NeedsReauth) -> None:
            self.lost.append(installation_id)
            self.causes.append(refusal.zoom_code)

        async def recovered(installation_id: InstallationId) -> None:
            self.recovered.append(installation_id)

        return Grants(
            self.store,
            transport=self.transport,
            clock=self.clock,
            credentials=credentials(**settings),
            on_needs_reauth=lost,
            on_recovered=recovered,
            log=structlog.get_logger(),
        )

    async def settle(self, done: Awaitable[_T], *, seconds: int = 60) -> _T:
        """Let time pass until it is done."""
        task = asyncio.ensure_future(done)
        for _ in range(seconds * 4):
            for _ in range(20):
                await asyncio.sleep(0)
            if task.done():
                break
            self.clock.advance(0.25)
        return await task

    async def authorize(self, *, lifetime: int = 3600, api_url: str | None = None) -> None:
        """Let Ana authorize the app."""
        await self.grants.adopt(ANA, tokens(expires_in=lifetime, api_url=api_url))

    async def expire(self) -> None:
        """Move on until an hour's token has expired."""
        self.clock.advance(3600)


def credentials(**settings: Any) -> Credentials:
    given: dict[str, Any] = {
        "oauth_url": ZOOM,
        "api_url": API,
        "client_id": "client",
        "client_secret": Secret("hush"),
        **settings,
    }
    return Credentials(**given)


def tokens(
    *,
    access: str = "access-0",
    refresh: str = "refresh-0",
    expires_in: int = 3600,
    api_url: str | None = None,
) -> Tokens:
    return Tokens(
        access_token=Secret(access),
        expires_in=expires_in,
        scope=frozenset({"user:read"}),
        refresh_token=Secret(refresh),
        api_url=api_url,
    )
