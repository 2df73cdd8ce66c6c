"""An emulated Zoom on loopback for a browser, and a bot in process that says what it hears."""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

from playwright.async_api import Locator, Page, expect

from innkeeper.emulator import Emulator
from innkeeper.emulator.seed import Seed
from innkeeper.emulator.serving import hosting
from innkeeper.emulator.world import Message, User
from innkeeper.net.outbound import AsgiTransport, Receive, Request, Scope, Send
from innkeeper.net.serving import LOCAL, bind

BOT = "http://bot.test"
SEED = {
    "accounts": [
        {
            "name": "Harbour Works",
            "users": [
                {"id": "u_ana", "name": "Ana Ito", "role": "admin"},
                {"id": "u_ben", "name": "Ben Ortiz"},
            ],
            "channels": [{"id": "c_general", "name": "general"}],
        }
    ],
    "apps": [
        {
            "client_id": "porter",
            "manifest": {
                "display_information": {"display_name": "Porter"},
                "oauth_information": {
                    "usage": "ADMIN_MANAGEMENT",
                    "development_redirect_uri": f"{BOT}/oauth/callback",
                },
                "features": {
                    "team_chat_subscription": {
                        "enable": True,
                        "slash_command": {
                            "command": "porter",
                            "command_hints": [
                                {"usage_hint": "due", "description": "What is due"},
                                {"usage_hint": "help", "description": "What can be typed"},
                            ],
                            "enable_mention": True,
                            "enable_add_to_channel": True,
                            "development_message_url": f"{BOT}/events",
                            "trust_domain_list": [{"domain": "inn.example", "unfurling": True}],
                        },
                    },
                    "event_subscription": {
                        "enable": True,
                        "events": [
                            {
                                "subscription_id": "s1",
                                "subscription_name": "Channels",
                                "event_types": [
                                    "team_chat.channel_app_added",
                                    "team_chat.channel_app_removed",
                                ],
                                "development_webhook_url": f"{BOT}/events",
                                "event_usage": "EVENT_FOR_ADMIN",
                            }
                        ],
                    },
                },
            },
        }
    ],
    "installs": [{"app": "porter", "user": "u_ana"}],
}


class Echo:
    """A bot that keeps what it is posted, and shows the event's name in the chat.

    A card that was used becomes one that says so; a command is answered by a new one, and a
    link by a card beside it.
    """

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []
        self.stage: Stage | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope
        event = json.loads((await receive())["body"])
        self.heard.append(event)
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"{}"})
        assert self.stage is not None
        await self.answer(self.stage, event)

    async def answer(self, stage: "Stage", event: dict[str, Any]) -> None:
        payload, card = event["payload"], {"head": {"text": f"Heard {event['event']}"}}
        about = payload.get("object", {})
        if "trigger_id" in about:
            path = f"users/{stage.ana.id}/unfurls/{about['trigger_id']}"
            await stage.call("POST", path, {"content": json.dumps(card)})
        elif about_message := payload.get("messageId") or about.get("message_id"):
            mine = stage.emulator.world.messages[about_message].client_id
            where = {"to_jid": about.get("to_jid", stage.general.jid), "reply_to": about_message}
            if mine:
                await stage.call("PUT", f"messages/{about_message}", {"content": card})
            else:
                await stage.call("POST", "messages", {"content": card, **where})
        elif "cmd" in payload:
            said = {"to_jid": payload["toJid"], "content": card}
            await stage.call("POST", "messages", said)


class Stage:
    """The emulator, its one app, and what a test wants to see done."""

    def __init__(self, emulator: Emulator, transport: AsgiTransport, bot: Echo) -> None:
        self.emulator = emulator
        self.bot = bot
        self.app = emulator.world.apps["porter"]
        self.ana, self.ben = emulator.world.users()
        (self.general,) = emulator.world.channels()
        self._transport = transport
        self._token = ""

    async def call(self, method: str, path: str, fields: dict[str, Any]) -> None:
        """Call the Chatbot API as the bot."""
        if not self._token:
            form = b"grant_type=client_credentials"
            self._token = (await self._ask("POST", "/oauth/token", form))["access_token"]
        body = {
            "robot_jid": self.app.bot_jid,
            "account_id": self.ana.account_id,
            "user_jid": self.ana.jid,
            **fields,
        }
        await self._ask(method, f"/v2/im/chat/{path}", json.dumps(body).encode())

    async def _ask(self, method: str, path: str, body: bytes) -> Any:
        pair = f"{self.app.client_id}:{self.app.client_secret}".encode()
        basic = f"Basic {base64.b64encode(pair).decode()}"
        sent = {"authorization": f"Bearer {self._token}" if self._token else basic}
        answer = await self._transport.send(
            Request(method, f"{self.emulator.base_url}{path}", sent, body)
        )
        assert answer.status < 300, answer.body
        return json.loads(answer.body or b"{}")

    async def get(self, path: str) -> int:
        """Ask for something as a client does; give the status."""
        asked = Request("GET", f"{self.emulator.base_url}{path}")
        return (await self._transport.send(asked)).status

    def card(self, content: dict[str, Any], *, channel: bool = False) -> Message:
        """Have the bot's card stand in Ana's conversation with it, or in the channel."""
        conversations = self.emulator.chat.conversations
        peer = self.general.jid if channel else self.app.bot_jid
        return conversations.show(conversations.find(self.ana, peer), self.app, content)

    async def enter(
        self, page: Page, user: User | None = None, *, channel: bool = False, live: bool = True
    ) -> Locator:
        """Open the conversation with the bot, or the channel; give its log once it is live."""
        who = quote((user or self.ana).id, safe="")
        url = self.emulator.base_url
        await page.context.add_cookies([{"name": "emu_user", "value": who, "url": url}])
        peer = self.general.jid if channel else self.app.bot_jid
        await page.goto(f"{url}/chat?with={quote(peer)}")
        if live:
            await expect(page.locator(".talk[data-live]")).to_have_count(1)
        return page.get_by_role("log")

    def posted(self, name: str) -> list[dict[str, Any]]:
        """List the payloads of the events of a name that the bot was posted."""
        return [event["payload"] for event in self.bot.heard if event["event"] == name]


@asynccontextmanager
async def staged() -> AsyncIterator[Stage]:
    """Raise a stage: the page over a socket, the bot in process."""
    listener, bot = bind(LOCAL, 0), Echo()
    transport = AsgiTransport({BOT: bot})
    url = f"http://{LOCAL}:{listener.getsockname()[1]}"
    emulator = Emulator(seed=Seed.parse(SEED), transport=transport, base_url=url, random_seed=7)
    transport.apps[url] = emulator.app
    bot.stage = stage = Stage(emulator, transport, bot)
    async with hosting(emulator, listener):
        yield stage
