"""A whole emulated Zoom for the tests: frozen clock, repeatable ids, a bot that behaves."""

import asyncio
import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from innkeeper.browser import Browser
from innkeeper.clock import MovableClock
from innkeeper.emulator import Emulator
from innkeeper.emulator.seed import Seed
from innkeeper.emulator.world import AppRecord, Installation, User
from innkeeper.net.outbound import AsgiTransport, Message, Receive, Request, Response, Scope, Send

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ZOOM = "http://127.0.0.1:8700"
BOT = "http://127.0.0.1:8080"
CALLBACK = f"{BOT}/oauth/callback"
VERIFIER = "v" * 43
S256 = "7w_YNF9DSfIdPf_pRjSq646_kPr-2-o9NAl16JGghdM"


class Bot:
    """Stands where an app would: proves its secret, welcomes, and keeps what it hears."""

    def __init__(self) -> None:
        self.secret = ""
        self.heard: list[dict[str, Any]] = []
        self.visits: list[str] = []
        self.silent = False
        self._news = asyncio.Event()

    async def hears(self, name: str) -> None:
        """Wait until an event has come."""
        while not self.events(name):
            self._news.clear()
            await self._news.wait()

    def events(self, name: str) -> list[dict[str, Any]]:
        return [event for event in self.heard if event["event"] == name]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        message: Message = await receive()
        status, answer = 200, b"{}"
        if scope["method"] == "GET":
            self.visits.append(f"{scope['path']}?{scope['query_string'].decode()}")
        elif self.silent:
            status = 500
        else:
            answer = self._answer(json.loads(message["body"]))
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    def _answer(self, event: dict[str, Any]) -> bytes:
        if event["event"] == "endpoint.url_validation":
            plain = event["payload"]["plainToken"]
            mac = hmac.new(self.secret.encode(), plain.encode(), hashlib.sha256).hexdigest()
            return json.dumps({"plainToken": plain, "encryptedToken": mac}).encode()
        self.heard.append(event)
        self._news.set()
        return json.dumps({"content": {"head": {"text": "Welcome"}}}).encode()


class Visit:
    """An emulator, and ways to ask it things without following redirects."""

    def __init__(self, *, seed: Seed | None = None, random_seed: int | None = 7) -> None:
        self.bot = Bot()
        self.clock = MovableClock(START, frozen=True)
        self.transport = AsgiTransport({BOT: self.bot})
        self.zoom = Emulator(
            seed=seed, clock=self.clock, transport=self.transport, random_seed=random_seed
        )
        self.transport.apps[ZOOM] = self.zoom.app
        self.world = self.zoom.world
        self.bot.secret = self.app.secret_token

    @property
    def app(self) -> AppRecord:
        return next(iter(self.world.apps.values()))

    @property
    def ana(self) -> User:
        return self.world.users()[0]

    @property
    def ben(self) -> User:
        return self.world.users()[1]

    @property
    def installation(self) -> Installation:
        (only,) = self.world.installations.values()
        return only

    def browser(self) -> Browser:
        return Browser(self.transport)

    def app_page(self, rest: str = "") -> str:
        return f"{ZOOM}/marketplace/apps/{self.app.client_id}{rest}"

    def second_app(self) -> AppRecord:
        """Add a copy of the app under names of its own."""
        record = replace(
            self.app,
            client_id="second_client",
            client_secret="emu_second_secret",
            bot_jid="v1second@xmpp.zoom.us",
        )
        self.world.apps[record.client_id] = record
        return record

    async def ask(
        self,
        method: str,
        path: str,
        *,
        form: Mapping[str, str] | None = None,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        user: User | None = None,
    ) -> Response:
        sent = dict(headers or {})
        if user is not None:
            sent["cookie"] = f"emu_user={quote(user.id, safe='')}"
        raw = urlencode(form).encode() if form is not None else body
        asked = Request(method, f"{ZOOM}{path}", sent, raw)
        return await self.transport.send(asked, limit_bytes=4_000_000)

    def query(self, **changes: str | None) -> str:
        asked: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.app.client_id,
            "redirect_uri": CALLBACK,
        }
        return urlencode({k: v for k, v in (asked | changes).items() if v is not None})

    async def authorize(self, *, user: User | None = None, **changes: str | None) -> Response:
        return await self.ask("GET", f"/oauth/authorize?{self.query(**changes)}", user=user)

    async def code(self, *, user: User | None = None, **changes: str | None) -> str:
        url = f"{ZOOM}/oauth/authorize?{self.query(**changes)}"
        landed = await self.zoom.authorize(url, user or self.ana)
        return parse_qs(urlsplit(landed).query)["code"][0]

    def basic(self, app: AppRecord | None = None) -> dict[str, str]:
        app = app or self.app
        pair = f"{app.client_id}:{app.client_secret}".encode()
        return {"authorization": "Basic " + base64.b64encode(pair).decode()}

    async def token(
        self,
        form: Mapping[str, str],
        *,
        app: AppRecord | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        given = self.basic(app) if headers is None else headers
        return await self.ask("POST", "/oauth/token", form=form, headers=given)

    async def chatbot_token(self) -> Response:
        return await self.token({"grant_type": "client_credentials"})

    async def exchange(
        self, code: str, *, app: AppRecord | None = None, **extra: str | None
    ) -> Response:
        grant = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
        form: dict[str, str | None] = {**grant, **extra}
        sent = {name: value for name, value in form.items() if value is not None}
        return await self.token(sent, app=app)

    async def tokens(self, user: User | None = None) -> dict[str, Any]:
        """Authorize and exchange."""
        answer = await self.exchange(await self.code(user=user))
        assert answer.status == 200, answer.body
        return read(answer)

    async def refresh(self, token: str, *, app: AppRecord | None = None, **extra: str) -> Response:
        form = {"grant_type": "refresh_token", "refresh_token": token, **extra}
        return await self.token(form, app=app)

    async def me(self, access: str, **headers: str) -> Response:
        return await self.ask(
            "GET", "/v2/users/me", headers={"authorization": f"Bearer {access}", **headers}
        )


def read(answer: Response) -> Any:
    """Read an answer's JSON."""
    return json.loads(answer.body)


def location(answer: Response) -> str:
    return answer.headers["location"]


def returned(url: str) -> dict[str, list[str]]:
    """Read what a redirect brought back."""
    return parse_qs(urlsplit(url).query, keep_blank_values=True)


def hidden(answer: Response, name: str) -> str:
    """Read a hidden field of a page."""
    found = re.search(rf'name="{name}" value="([^"]*)"', answer.body.decode())
    assert found is not None
    return found[1]


def cookies(answer: Response) -> dict[str, str]:
    """Read the cookies that an answer sets, their attributes left out."""
    lines = [line for line in answer.headers.get("set-cookie", "").split("\n") if line]
    pairs = (line.partition(";")[0].partition("=") for line in lines)
    return {name: value for name, _, value in pairs}
