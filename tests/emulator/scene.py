"""A small emulated Zoom for the tests of its parts: two accounts, three apps, one fake bot."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from starlette.applications import Starlette

from innkeeper.clock import MovableClock
from innkeeper.emulator.chat.api import ChatbotApi
from innkeeper.emulator.chat.client import Chat
from innkeeper.emulator.chat.launch import Launch
from innkeeper.emulator.chat.live import Live
from innkeeper.emulator.chat.pages import ChatPages
from innkeeper.emulator.chat.unfurls import Unfurls
from innkeeper.emulator.courier.rounds import Courier
from innkeeper.emulator.oauth.tokens import issue
from innkeeper.emulator.traffic.news import News
from innkeeper.emulator.traffic.records import Traffic, TrafficRecorder
from innkeeper.emulator.trafficpages import TrafficPages
from innkeeper.emulator.world import (
    Account,
    AppRecord,
    Channel,
    Installation,
    Message,
    Token,
    User,
    Welcome,
    World,
)
from innkeeper.net.outbound import AsgiTransport, Request, Response
from innkeeper.wire.manifest import Manifest

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BOT_URL = "http://bot.test/events"


@dataclass
class FakeBot:
    """Stands where an app would: keeps what it is sent, and answers what it is told to."""

    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    usual: tuple[int, dict[str, str], bytes] = (200, {}, b"")
    answer: Any = None
    """A function of headers and body that gives the answer, if set."""

    def then(self, status: int, body: Any = b"", **headers: str) -> "FakeBot":
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.answers.append((status, headers, raw))
        return self

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(body) for _, body in self.got]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = (await receive())["body"]
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.got.append((headers, body))
        status, extra, answer = self.answers.pop(0) if self.answers else self.usual
        if self.answer is not None:
            status, extra, answer = self.answer(headers, body)
        pairs = [(k.replace("_", "-").encode(), v.encode()) for k, v in extra.items()]
        await send({"type": "http.response.start", "status": status, "headers": pairs})
        await send({"type": "http.response.body", "body": answer})


def make_app(name: str, **changes: Any) -> AppRecord:
    slug = name.lower().replace(" ", "")
    manifest = Manifest.parse(
        {
            "display_information": {"display_name": name},
            "oauth_information": {"usage": "ADMIN_MANAGEMENT"},
        }
    )
    parts: dict[str, Any] = {
        "name": name,
        "description": f"{name} tells you what is due.",
        "client_id": f"client_{slug}",
        "client_secret": f"emu_{slug}_client_secret_9x1",
        "secret_token": f"emu_{slug}_secret_token_7q4",
        "bot_jid": f"v1{slug}@xmpp.zoom.us",
        "account_id": "acc_north",
        "redirect_uris": ["http://bot.test/oauth/callback"],
        "strict_redirects": True,
        "bot_endpoint": BOT_URL,
        "deauthorization_endpoint": "http://bot.test/deauthorize",
        "environment": "development",
        "management": "admin",
        "scopes": ["imchat:bot"],
        "welcome": Welcome(),
        "command": slug,
        "command_hints": [("due <day>", "What is due")],
        "manifest": manifest,
    }
    return AppRecord(**(parts | changes))


def make_world(clock: MovableClock) -> World:
    world = World(clock, seed=7)
    north = Account("acc_north", "North")
    north.users = [make_user("UAna1", "Ana Keller", "admin"), make_user("UBen2", "Ben Ortiz")]
    north.channels = [
        Channel("c0general", north.id, "general", "c0general@conference.xmpp.zoom.us")
    ]
    south = Account("acc_south", "South")
    south.users = [make_user("UCem3", "Cem Ada", "admin", account_id="acc_south")]
    south.channels = [Channel("c0south", south.id, "south", "c0south@conference.xmpp.zoom.us")]
    world.accounts = [north, south]
    for app in (make_app("Dueday"), make_app("Solo", management="user"), make_app("Other")):
        world.apps[app.client_id] = app
    return world


def make_user(user_id: str, name: str, role: Any = "member", account_id: str = "acc_north") -> User:
    jid = f"{user_id.lower()}@xmpp.zoom.us"
    return User(user_id, account_id, name, f"{user_id}@example.com", role, jid, f"m{user_id}")


class Scene:
    """Everything together, in process."""

    def __init__(self) -> None:
        self.clock = MovableClock(START, frozen=True)
        self.world = make_world(self.clock)
        self.bot = FakeBot()
        self.transport = AsgiTransport({"http://bot.test": self.bot})
        self.traffic = Traffic(self.world)
        self.courier = Courier(
            self.world, self.transport, self.traffic, allow_hosts={"bot.test", "gone.test"}
        )
        self.live = Live(self.world)
        self.news = News(self.world, self.traffic)
        self.chat = Chat(self.world, self.courier)
        self.ana, self.ben = self.world.users()[:2]
        self.cem = self.world.users()[2]
        self.app = self.world.apps["client_dueday"]
        self.solo = self.world.apps["client_solo"]
        self.other = self.world.apps["client_other"]
        self.pages = ChatPages(self.world, self.chat, self.live)
        site = Starlette(
            routes=[
                *self.pages.routes(),
                *ChatbotApi(self.world, self.chat.conversations).routes(),
                *Unfurls(self.world, self.chat.conversations).routes(),
                *Launch(self.world).routes(),
                *TrafficPages(self.world, self.traffic, self.courier, self.news).routes(),
            ]
        )
        site.state.world = self.world
        self.transport.apps["http://zoom.test"] = TrafficRecorder(site, self.traffic, self.world)

    def install(self, app: AppRecord | None = None, user: User | None = None) -> Installation:
        return self.world.install(app or self.app, user or self.ana)

    def token(self, app: AppRecord | None = None, kind: Any = "chatbot") -> Token:
        return issue(
            self.world, app or self.app, kind, account_id="acc_north", scopes=["imchat:bot"]
        )

    async def call(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        token: Token | None = None,
        user: User | None = None,
        form: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Response:
        sent = dict(headers or {})
        if token is not None:
            sent["authorization"] = f"Bearer {token.access}"
        if user is not None:
            sent["cookie"] = f"emu_user={quote(user.id)}"
        raw = (
            b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        )
        if form is not None:
            raw = urlencode(form).encode()
        asked = Request(method, f"http://zoom.test{path}", sent, raw)
        return await self.transport.send(asked, limit_bytes=4_000_000)

    def messages(self, user: User | None = None, peer: str = "") -> list[Message]:
        conversation = self.chat.conversations.find(user or self.ana, peer or self.app.bot_jid)
        return self.chat.conversations.messages(conversation)
