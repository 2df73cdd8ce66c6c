"""What does the whole lifecycle look like? Walked over HTTP, between two real servers."""

import asyncio
import re
import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import msgspec
import typer

from innkeeper.app import App
from innkeeper.browser import Browser, Page
from innkeeper.cli import example
from innkeeper.cli.serve import (
    LOCAL,
    bind,
    hosting,
    local_settings,
    run_until_done,
    serving,
    until_stopped,
)
from innkeeper.emulator import Emulator
from innkeeper.emulator.seed import Seed
from innkeeper.errors import InnkeeperError
from innkeeper.flows.receipts import verify_file
from innkeeper.logs import configure
from innkeeper.net.outbound import HttpTransport, Request
from innkeeper.settings import Settings
from innkeeper.ui.cards import draw

TWO_HOURS = 7200
_PATIENCE_SECONDS = 10.0
_POLL_SECONDS = 0.02
_MASKED = re.compile(r"((?:code|state|code_challenge|jid)=)[^&]{12,}")

Json = dict[str, Any]


class WalkFailed(InnkeeperError):
    """A step of the walk did not end as it should."""

    code = "walk_failed"
    fix = "Run it again; if it repeats, please report it with what is printed above."


def run_demo(*, once: bool, port: int, bot_port: int) -> int:
    """Start both servers, walk, and stay up unless `once`; return the exit code.

    Raises:
        WalkFailed: Naming the step.
        PortTaken: If a port is in use.
    """
    configure(level=40)  # errors only: the walk tells the rest
    zoom_socket, bot_socket = bind(LOCAL, port), bind(LOCAL, bot_port)

    async def main() -> None:
        zoom_url, bot_url = f"http://{LOCAL}:{port}", f"http://{LOCAL}:{bot_port}"
        async with AsyncExitStack() as stack:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="innkeeper-")))
            emulator = Emulator(seed=Seed.default(), transport=HttpTransport(), base_url=zoom_url)
            await stack.enter_async_context(hosting(emulator, zoom_socket))
            record = next(iter(emulator.world.apps.values()))
            record.name, record.description = example.app.name, example.app.description
            record.command = "porter"
            settings = local_settings(
                record, public_url=bot_url, zoom_url=zoom_url, directory=directory
            )
            bot = await _started(stack, settings)
            await stack.enter_async_context(serving(bot, bot_socket))
            transport = HttpTransport()
            stack.push_async_callback(transport.aclose)
            await Walk(transport, settings, directory, typer.echo).go()
            _invite(zoom_url, bot_url, record.client_id)
            if not once:
                typer.echo("\nBoth servers stay up until Ctrl-C.")
                await until_stopped()

    run_until_done(main())
    return 0


async def _started(stack: AsyncExitStack, settings: Settings) -> App:
    bot = example.app
    bot.configure(settings)
    await bot.start()
    stack.push_async_callback(bot.stop)
    return bot


def _invite(zoom_url: str, bot_url: str, client_id: str) -> None:
    typer.echo("\nTry it yourself:")
    typer.echo(f"  Add the app   {zoom_url}/marketplace/apps/{client_id}/local-test")
    typer.echo(f"  Chat          {zoom_url}/chat")
    typer.echo(f"  Traffic       {zoom_url}/traffic")
    typer.echo(f"  The app       {bot_url}/")


@dataclass
class Walk:
    """One person's way through the whole lifecycle, told line by line."""

    transport: HttpTransport
    settings: Settings
    directory: Path
    tell: Callable[[str], None]
    step: int = 0

    def __post_init__(self) -> None:
        self.zoom = self.settings.oauth_url
        self.browser = Browser(self.transport)
        self.client_id = self.settings.client_id
        self.local_test = f"{self.zoom}/marketplace/apps/{self.client_id}/local-test"
        self.receipt_url = ""
        self.user: Json = {}

    async def go(self) -> None:
        """Walk every step.

        Raises:
            WalkFailed: Naming the step that did not end as it should.
        """
        await self.configure_app()
        await self.add_app()
        await self.read_welcome()
        await self.use_command()
        await self.press_button()
        await self.outlive_tokens()
        await self.remove_app()
        await self.verify_receipt()

    async def configure_app(self) -> None:
        """Point the app at the bot, as one does in the Marketplace."""
        state = await self.control("GET", "state")
        self.user = state["users"][0]
        bot = self.settings.public_url
        await self.control(
            "PATCH",
            f"apps/{self.client_id}",
            {
                "redirect_uris": [self.settings.redirect_uri],
                "bot_endpoint": f"{bot}/events",
                "deauthorization_endpoint": f"{bot}/deauthorize",
                "environment": "production",
                "management": "user",
                "welcome": {"mode": "dynamic", "title": "", "body": ""},
            },
        )
        self.say(
            "The Marketplace takes the bot's endpoints",
            "POST /events endpoint.url_validation -> 200, proven",
        )
        await self.browser.post(f"{self.zoom}/signin", {"user": self.user["id"], "next": "/"})

    async def add_app(self) -> None:
        """Add App Now, consent, the code, the tokens, the deep link."""
        page = await self.browser.open(self.local_test)
        page = await self.browser.press(page, "Add App Now")
        self.say(f"{self.user['name']} presses Add App Now", *map(_shown, page.visited))
        asked = len(page.visited)
        page = await self.browser.press(page, "Allow", user=self.user["id"])
        self.say(
            "and allows what the app asks for",
            "POST /oauth/authorize decision=allow",
            *map(_shown, page.visited[1:]),
        )
        tokens = await self.token_calls("authorization_code")
        self.say(
            "The app trades the code for tokens",
            f"POST /oauth/token grant_type=authorization_code -> 200, {tokens} time(s), with PKCE",
        )
        deep_link = next((href for href in page.links.values() if "/launch/chat" in href), "")
        receipt = next((href for href in page.links.values() if "/receipts/" in href), "")
        if not asked or not deep_link or not receipt:
            raise WalkFailed("no deep link after the installation", page.text[:200])
        self.receipt_url = receipt
        page = await self.browser.open(deep_link)
        self.say("The deep link leads into the bot's channel", *map(_shown, page.visited))

    async def read_welcome(self) -> None:
        """Find the dynamic welcome in the chat."""
        text = await self.until_said("Thanks for adding me!")
        self.say(
            "bot_installed is answered with a welcome", f"POST /events bot_installed -> 200 {text}"
        )

    async def use_command(self) -> None:
        """Write a slash command and see a card."""
        await self.write("due friday ship it")
        text = await self.until_said("ship it")
        self.say(
            "A slash command brings a card with buttons",
            "POST /events bot_notification -> 200",
            f"POST /v2/im/chat/messages -> 200 {text}",
        )

    async def press_button(self) -> None:
        """Press a button and see the card change."""
        message = (await self.messages())[-1]
        await self.browser.post(
            f"{self.zoom}/chat/click", {"message": message["id"], "value": "approve"}
        )
        text = await self.until_said("Approved")
        self.say(
            "A click changes the card",
            "POST /events interactive_message_actions -> 200",
            f"PUT /v2/im/chat/messages/{message['id'][:8]}... -> 200 {text}",
        )

    async def outlive_tokens(self) -> None:
        """Move the clock, so that every token has expired, and go on as if nothing were."""
        before = await self.token_calls("client_credentials")
        await self.control("POST", "clock", {"advance": TWO_HOURS})
        await self.write("help")
        await self.until_said("Try")
        renewed = await self.token_calls("client_credentials") - before
        if renewed < 1:
            raise WalkFailed("the chatbot token was not renewed")
        self.say(
            "Two hours later every token has expired; the bot renews its own",
            f"POST /oauth/token grant_type=client_credentials -> 200, {renewed} time(s)",
        )

    async def remove_app(self) -> None:
        """Remove the app, and see the deauthorization delivered."""
        page = await self.browser.open(self.local_test)
        await self.browser.press(page, "Remove App")
        delivered = await self.until(self.deauthorized, "app_deauthorized was not delivered")
        self.say(
            f"{self.user['name']} removes the app",
            f"POST /deauthorize app_deauthorized -> {delivered}",
        )

    async def verify_receipt(self) -> None:
        """Fetch the receipt, check its signature, and look for what is left."""
        page: Page = await self.until(self.receipt_page, "there is no receipt")
        answer = await self.transport.send(Request("GET", f"{page.url}?download=1"))
        public = msgspec.json.decode(answer.body)["public_key"]
        statement = verify_file(answer.body, public=bytes.fromhex(public))
        deleted = ", ".join(f"{name} {count}" for name, count in statement.steps.items())
        self.say(
            "Everything is deleted, and a signed receipt says so",
            f"GET {urlsplit(page.url).path} -> 200, signature valid",
            deleted,
        )
        wanted = [self.user[key] for key in ("id", "name", "email", "jid") if self.user.get(key)]
        files = sorted(self.directory.iterdir(), key=lambda file: file.name)
        left = [
            file.name
            for file in files
            for text in wanted
            if text.lower().encode() in file.read_bytes().lower()
        ]
        if left:
            raise WalkFailed("something is left of the person", ", ".join(left))
        self.say(
            f"A search of every byte for {self.user['name']} finds nothing",
            ", ".join(file.name for file in files),
        )

    # what it looks at

    def say(self, what: str, *wire: str) -> None:
        """Tell a step, and under it what went over the wire."""
        self.step += 1
        self.tell(f"{self.step:2}  {what}")
        for line in wire:
            self.tell(f"      {line}")

    async def control(self, method: str, path: str, body: Json | None = None) -> Any:
        """Call the emulator's control API.

        Raises:
            WalkFailed: If it does not do what it is told.
        """
        answer = await self.transport.send(
            Request(
                method,
                f"{self.zoom}/_emulator/{path}",
                {"content-type": "application/json"} if body is not None else {},
                msgspec.json.encode(body) if body is not None else b"",
            ),
            limit_bytes=4_194_304,
        )
        if answer.status >= 400:
            raise WalkFailed(
                f"{method} /_emulator/{path}", answer.body.decode(errors="replace")[:300]
            )
        return msgspec.json.decode(answer.body)

    async def write(self, text: str) -> None:
        """Write to the bot as the person at the browser."""
        values = {"with": self.settings.bot_jid, "text": text}
        await self.browser.post(f"{self.zoom}/chat/say", values)

    async def messages(self) -> list[Json]:
        """List what the bot said, oldest first."""
        found = await self.control("GET", "messages")
        listed = cast("list[Json]", found["messages"] if isinstance(found, dict) else found)
        return [message for message in listed if message.get("card")]

    async def until_said(self, words: str) -> str:
        """Wait until the bot's last card holds these words; return its text."""

        async def look() -> str:
            said = await self.messages()
            shown = _words(said[-1]["card"]) if said else ""
            return shown if words in shown else ""

        return str(await self.until(look, f"the bot did not say {words!r}"))

    async def token_calls(self, grant: str) -> int:
        """Count the tokens given out for a grant."""
        found = await self.control("GET", "traffic")
        rows = cast("list[Json]", found["traffic"] if isinstance(found, dict) else found)
        return sum(grant in str(row) and "/oauth/token" in str(row) for row in rows)

    async def deauthorized(self) -> str:
        """Tell how the deauthorization was answered, once it was."""
        found = await self.control("GET", "deliveries")
        listed = cast("list[Json]", found["deliveries"] if isinstance(found, dict) else found)
        for delivery in listed:
            if delivery["event"] == "app_deauthorized" and delivery["state"] == "delivered":
                return str(delivery["attempts"][-1]["status"])
        return ""

    async def receipt_page(self) -> Page | None:
        """Open the receipt's page, if the purge is done."""
        page = await self.browser.open(self.receipt_url)
        return page if "receipt verify" in page.html else None

    async def until(self, look: Callable[[], Any], otherwise: str) -> Any:
        """Look until there is something.

        Raises:
            WalkFailed: If nothing comes within ten seconds.
        """
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                while not (found := await look()):  # noqa: ASYNC110  # another server is asked
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError:
            raise WalkFailed(otherwise) from None
        return found


def _shown(url: str) -> str:
    parts = urlsplit(url)
    query = _MASKED.sub(r"\1...", parts.query)
    return f"GET {parts.netloc}{parts.path}{'?' if query else ''}{query}"


def _words(card: Json) -> str:
    return " / ".join(draw(card, interactive=False).text.split("\n"))
