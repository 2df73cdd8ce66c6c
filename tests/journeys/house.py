"""A running bot without an emulator: what it is sent is written byte by byte."""

import hashlib
import hmac
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from innkeeper.app import App
from innkeeper.bot.contexts import Action, Command, Installed
from innkeeper.clock import MovableClock
from innkeeper.errors import Unreachable
from innkeeper.ids import Jid
from innkeeper.net.outbound import Request, Response
from innkeeper.secret import Secret
from innkeeper.settings import Management, Settings
from innkeeper.store.records import InboxRow
from innkeeper.store.seal import KeyRing
from innkeeper.wire.messages import Card
from innkeeper.work import Parts

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
SECRET = "a-secret-token-of-the-test"
OLD_SECRET = "the-token-before-that-one"
ROBOT = "v1bot@xmpp.zoom.us"
CLIENT_ID = "client-of-the-test"

Header = tuple[bytes, bytes]


def stamp(seconds: float = 0) -> str:
    return str(int(NOW.timestamp() + seconds))


def mac(body: bytes, timestamp: str | bytes, secret: str = SECRET) -> str:
    raw = timestamp.encode() if isinstance(timestamp, str) else timestamp
    return "v0=" + hmac.new(secret.encode(), b"v0:" + raw + b":" + body, hashlib.sha256).hexdigest()


def signed(body: bytes, *, timestamp: str | None = None, secret: str = SECRET) -> list[Header]:
    at = timestamp or stamp()
    return [
        (b"content-type", b"application/json"),
        (b"x-zm-request-timestamp", at.encode()),
        (b"x-zm-signature", mac(body, at, secret).encode()),
    ]


def notification(**changes: Any) -> bytes:
    payload: dict[str, Any] = {
        "accountId": "Account-1",
        "channelName": "Front desk",
        "cmd": "help",
        "robotJid": ROBOT,
        "timestamp": int(NOW.timestamp() * 1000),
        "toJid": "user-1@xmpp.zoom.us",
        "userId": "User-1",
        "userJid": "user-1@xmpp.zoom.us",
        "userName": "Noor Haddad",
    }
    payload.update(changes)
    kept = {key: value for key, value in payload.items() if value is not ...}
    return json.dumps(
        {"event": "bot_notification", "payload": kept}, separators=(",", ":"), ensure_ascii=False
    ).encode()


class NoZoom:
    """A Zoom that cannot be reached; it remembers who tried."""

    def __init__(self) -> None:
        self.tried: list[str] = []
        self.asked: list[Request] = []
        self.answers: list[Response] = []
        """What it says after all, once each."""

    async def send(
        self, request: Request, *, deadline: float = 10.0, limit_bytes: int = 65_536
    ) -> Response:
        self.tried.append(f"{request.url} in {deadline} s, {limit_bytes} bytes")
        self.asked.append(request)
        if self.answers:
            return self.answers.pop(0)
        raise Unreachable("no Zoom here")

    async def aclose(self) -> None:
        """Nothing is held."""


class House:
    """One running bot, and what it heard."""

    def __init__(self, app: App, parts: Parts, clock: MovableClock, zoom: NoZoom) -> None:
        self.app = app
        self.parts = parts
        self.clock = clock
        self.zoom = zoom
        self.heard: list[str] = []

    async def request(
        self,
        method: str,
        path: str,
        headers: Sequence[Header] = (),
        body: bytes = b"",
        *,
        query: bytes = b"",
        root_path: str = "",
    ) -> tuple[int, dict[str, list[str]], bytes]:
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": root_path + path,
            "raw_path": (root_path + path).encode(),
            "query_string": query,
            "root_path": root_path,
            "headers": [(b"host", b"127.0.0.1:8701"), *headers],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 8701),
        }
        sent: list[Any] = []
        waiting = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Any:
            return waiting.pop() if waiting else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        found: dict[str, list[str]] = {}
        for name, value in sent[0]["headers"]:
            found.setdefault(name.decode(), []).append(value.decode())
        return sent[0]["status"], found, b"".join(each.get("body", b"") for each in sent[1:])

    async def deliver(
        self, body: bytes, headers: Sequence[Header] | None = None, *, path: str = "/events"
    ) -> tuple[int, bytes]:
        status, _, answer = await self.request(
            "POST", path, signed(body) if headers is None else headers, body
        )
        await self.parts.dispatcher.settled()
        return status, answer

    async def rows(self) -> Sequence[InboxRow]:
        await self.parts.store.expire_pending(before=NOW)  # ends are written with the next commit
        return await self.parts.store.inbox_rows()


@asynccontextmanager
async def running(
    directory: Path,
    *,
    management: Management = "user",
    app: App | None = None,
    ring: str | None = None,
    **changes: Any,
) -> AsyncGenerator[House]:
    app = app or App("The test's bot")
    heard: list[str] = []

    @app.command()
    async def anything(ctx: Command) -> None:
        heard.append(ctx.text)

    @app.on_install
    async def hello(ctx: Installed) -> Card:
        heard.append(f"installed by {ctx.user.name}")
        return Card("Welcome").text(f"Hi {ctx.user.name}")

    @app.action()
    async def pressed(ctx: Action) -> None:
        heard.append(f"pressed {ctx.value}")

    clock, zoom = MovableClock(NOW, frozen=True), NoZoom()
    settings = Settings(
        client_id=CLIENT_ID,
        client_secret=Secret("a-client-secret-of-the-test"),
        bot_jid=Jid(ROBOT),
        secret_tokens=(Secret(SECRET), Secret(OLD_SECRET)),
        management=management,
        public_url="http://127.0.0.1:8701",
        keys=KeyRing.parse(ring or KeyRing.generate()),
        database=directory / "innkeeper.db",
        vault=directory / "innkeeper.vault.db",
    )
    app.configure(replace(settings, **changes), transport=zoom, clock=clock)
    parts = await app.start(background=False)
    house = House(app, parts, clock, zoom)
    house.heard = heard
    try:
        yield house
    finally:
        await app.stop()
