"""What does the whole lifecycle look like? Walked by one person, over HTTP, line by line."""

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import msgspec

from innkeeper.browser import Browser, Page
from innkeeper.errors import InnkeeperError
from innkeeper.flows.receipts import verify_file
from innkeeper.net.outbound import Request, Transport
from innkeeper.settings import Settings
from innkeeper.ui.cards import draw

TWO_HOURS = 7200
_PATIENCE_SECONDS = 10.0
_POLL_SECONDS = 0.02
_LIST_LIMIT_BYTES = 16_777_216
_MASKED = re.compile(r"((?:code|state|code_challenge|jid|redirect_uri|client_id)=)[^&]{8,}")
_TELLING = re.compile(r'(grant_type=\w+)|"event":"([\w.]+)"')

Json = dict[str, Any]


class WalkFailed(InnkeeperError):
    """A step of the walk did not end as it should."""

    code = "walk_failed"
    fix = "Run it again; if it repeats, please report it with what is printed above."


@dataclass
class Walk:
    """One person's way through the whole lifecycle.

    Args:
        directory: Where the bot keeps its data: searched in the end for what is left.
        tell: Takes each line of the story.
    """

    transport: Transport
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
        self.seen = 0

    async def go(self) -> None:
        """Walk every step.

        Raises:
            WalkFailed: Naming the step that did not end as it should.
        """
        await self.configure_app()
        await self.add_app()
        await self.follow_deep_link()
        await self.use_command()
        await self.press_button()
        await self.outlive_tokens()
        await self.remove_app()
        await self.verify_receipt()
        await self.search_for_leftovers()

    async def configure_app(self) -> None:
        """Point the app at the bot, as one does in the Marketplace."""
        state = await self.control("GET", "state")
        self.user = state["users"][0]
        bot = self.settings.public_url
        change = {
            "redirect_uris": [self.settings.redirect_uri],
            "bot_endpoint": f"{bot}/events",
            "deauthorization_endpoint": f"{bot}/deauthorize",
            "environment": "production",
            "management": "user",
            "welcome": {"mode": "dynamic"},
        }
        await self.control("PATCH", f"apps/{self.client_id}", change)
        await self.browser.post(f"{self.zoom}/signin", {"user": self.user["id"], "next": "/"})
        await self.say("The Marketplace saves the bot's endpoints, once it has proven itself")

    async def add_app(self) -> None:
        """Add App Now, consent, the redirect with a code, the exchange."""
        page = await self.browser.open(self.local_test)
        page = await self.browser.press(page, "Add App Now")
        await self.say(
            f"{self.user['name']} presses Add App Now and is asked", browser=page.visited[-1:]
        )
        page = await self.browser.press(page, "Allow", user=self.user["id"])
        links = list(page.links.values())
        self.deep_link = next((link for link in links if "/launch/chat" in link), "")
        self.receipt_url = next((link for link in links if "/receipts/" in link), "")
        if not self.deep_link or not self.receipt_url:
            raise WalkFailed("no deep link after the installation", page.text[:200])
        await self.until_said("Thanks for adding me!")
        await self.say(
            "and allows it: the code becomes tokens, the bot says welcome", browser=page.visited
        )

    async def follow_deep_link(self) -> None:
        """Follow the deep link into the bot's channel, where the welcome stands."""
        page = await self.browser.open(self.deep_link)
        text = await self.until_said("Thanks for adding me!")
        await self.say("The deep link leads to the bot's channel", browser=page.visited, shown=text)

    async def use_command(self) -> None:
        """Write a slash command and see a card."""
        await self.write("due friday ship it")
        text = await self.until_said("ship it")
        await self.say("A slash command brings a card with buttons", shown=text)

    async def press_button(self) -> None:
        """Press a button and see the card change."""
        message = (await self.messages())[-1]
        values = {"message": message["id"], "value": "approve"}
        await self.browser.post(f"{self.zoom}/chat/click", values)
        text = await self.until_said("Approved")
        await self.say("A click changes the card", shown=text)

    async def outlive_tokens(self) -> None:
        """Move the clock, so that every token has expired, and go on as if nothing were."""
        await self.control("POST", "clock", {"advance": TWO_HOURS})
        await self.write("help")
        text = await self.until_said("Try")
        lines = await self.say(
            "Two hours later its token has expired; the bot gets the next", shown=text
        )
        if not any("client_credentials" in line for line in lines):
            raise WalkFailed("the chatbot token was not renewed")

    async def remove_app(self) -> None:
        """Remove the app, and see the deauthorization delivered."""
        page = await self.browser.open(self.local_test)
        await self.browser.press(page, "Remove App")
        await self.until(self.deauthorized, "app_deauthorized was not delivered")
        await self.say(f"{self.user['name']} presses Remove App")

    async def verify_receipt(self) -> None:
        """Fetch the receipt and check its signature."""
        page: Page = await self.until(self.receipt_page, "there is no receipt")
        answer = await self.transport.send(Request("GET", f"{page.url}?download=1"))
        public = msgspec.json.decode(answer.body)["public_key"]
        statement = verify_file(answer.body, public=bytes.fromhex(public))
        deleted = ", ".join(f"{name} {count}" for name, count in statement.steps.items())
        what = "Everything is deleted; the signature of the receipt is valid"
        await self.say(what, browser=page.visited, shown=deleted)

    async def search_for_leftovers(self) -> None:
        """Search every byte the bot keeps for the person."""
        wanted = [self.user[key] for key in ("id", "name", "email", "jid") if self.user.get(key)]
        files = sorted(self.directory.iterdir(), key=lambda file: file.name)
        for file in files:
            kept = file.read_bytes().lower()
            if any(text.lower().encode() in kept for text in wanted):
                raise WalkFailed("something is left of the person", file.name)
        what = f"A search of every byte of {len(files)} files for {self.user['name']} finds nothing"
        await self.say(what)

    # telling

    async def say(self, what: str, *, browser: Sequence[str] = (), shown: str = "") -> list[str]:
        """Tell a step and what went over the wire meanwhile; give the servers' lines."""
        self.step += 1
        self.tell(f"{self.step:2}  {what}")
        for url in browser:
            self.tell(f"      browser  {_address(url)}")
        lines = await self.wire()
        for line in lines:
            self.tell(f"      servers  {line}")
        if shown:
            self.tell(f"      shown    {shown}")
        return lines

    async def wire(self) -> list[str]:
        """List what the servers said to each other since last asked, as it was recorded."""
        found = await self.control("GET", f"traffic?after={self.seen}")
        rows = cast("list[Json]", found["traffic"])
        self.seen = max([self.seen, *(row["seq"] for row in rows)])
        return [_exchange(row) for row in rows if "/oauth/authorize" not in row["url"]]

    # looking

    async def control(self, method: str, path: str, body: Json | None = None) -> Any:
        """Call the emulator's control API.

        Raises:
            WalkFailed: If it does not do what it is told.
        """
        url = f"{self.zoom}/_emulator/{path}"
        headers = {"content-type": "application/json"} if body is not None else {}
        content = msgspec.json.encode(body) if body is not None else b""
        request = Request(method, url, headers, content)
        answer = await self.transport.send(request, limit_bytes=_LIST_LIMIT_BYTES)
        if answer.status >= 400:
            why = answer.body.decode(errors="replace")[:300]
            raise WalkFailed(f"{method} /_emulator/{path} answered {answer.status}", why)
        return msgspec.json.decode(answer.body)

    async def write(self, text: str) -> None:
        """Write to the bot as the person at the browser."""
        values = {"with": self.settings.bot_jid, "text": text}
        await self.browser.post(f"{self.zoom}/chat/say", values)

    async def messages(self) -> list[Json]:
        """List the bot's cards, oldest first."""
        found = await self.control("GET", "messages")
        return [message for message in found["messages"] if message["card"]]

    async def until_said(self, words: str) -> str:
        """Wait until the bot's last card holds these words; give its text."""

        async def look() -> str:
            said = await self.messages()
            text = " / ".join(draw(said[-1]["card"]).text.split("\n")) if said else ""
            return text if words in text else ""

        return str(await self.until(look, f"the bot did not say {words!r}"))

    async def deauthorized(self) -> bool:
        """Tell whether the deauthorization was delivered."""
        found = await self.control("GET", "deliveries")
        return any(
            delivery["event"] == "app_deauthorized" and delivery["state"] == "delivered"
            for delivery in found["deliveries"]
        )

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


def _address(url: str) -> str:
    parts = urlsplit(url)
    query = _MASKED.sub(r"\1...", parts.query)
    return f"{parts.netloc}{parts.path}{'?' if query else ''}{query}"


def _exchange(row: Json) -> str:
    told = _TELLING.search(row["request"]["body"])
    what = f" {told[1] or told[2]}" if told else ""
    path = urlsplit(str(row["url"])).path
    return f"{row['method']} {path}{what} -> {row['status']} in {row['ms']:.0f} ms"
