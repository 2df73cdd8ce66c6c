"""How fast is the emulator? Its start, its pages in a real browser, its clock."""

import asyncio
import contextlib
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
from playwright.async_api import Page, async_playwright

from innkeeper.clock import MovableClock
from innkeeper.emulator import Emulator
from innkeeper.net.outbound import AsgiTransport
from tests.chromium import launching

STARTS = 9
MESSAGES = 1_000
EVENTS = 30
RECORDS = 10_000
VIEWS = 10
SCHEDULES = 5
RETRIES_SECONDS = 86 * 60
IN_FLIGHT = 16

Row = tuple[str, str, str]


@contextlib.contextmanager
def running(*, compiled: bool = True) -> Iterator[tuple[str, float]]:
    """Run the emulator in a process of its own; give its address, and how long it took.

    Args:
        compiled: Whether Python finds what it compiled before, its own library included.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    innkeeper = shutil.which("innkeeper", path=os.path.dirname(sys.executable)) or "innkeeper"
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryDirectory() as empty:
        cache = str(Path(tempfile.gettempdir(), "innkeeper-bench-bytecode")) if compiled else empty
        begun = time.perf_counter()
        process = subprocess.Popen(
            [innkeeper, "emulator", "start", "--port", str(port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**kept, "PYTHONPYCACHEPREFIX": cache},
        )
        try:
            _first_answer(port)
            yield f"http://127.0.0.1:{port}", time.perf_counter() - begun
        finally:
            process.terminate()
            process.wait(timeout=20)


def _first_answer(port: int) -> None:
    ask = b"GET /_emulator/clock HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    for _ in range(2_000):
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", port), 2) as client,
        ):
            client.sendall(ask)
            if client.recv(12) == b"HTTP/1.1 200":
                return
        time.sleep(0.005)
    raise SystemExit("the emulator did not start")


@dataclass
class Bot:
    """What sends messages: an app with a token, installed for one person."""

    url: str
    client: aiohttp.ClientSession
    app: dict[str, Any]
    user: dict[str, Any]
    token: str

    async def send(self, text: str) -> None:
        """Send a message to the person."""
        body = {
            "robot_jid": self.app["bot_jid"],
            "to_jid": self.user["jid"],
            "account_id": self.user["account_id"],
            "user_jid": self.user["jid"],
            "content": {"head": {"text": text}, "body": [{"type": "message", "text": "Due now."}]},
        }
        headers = {"authorization": f"Bearer {self.token}"}
        url = f"{self.url}/v2/im/chat/messages"
        async with self.client.post(url, json=body, headers=headers) as answer:
            if answer.status not in {200, 201}:
                raise SystemExit(f"a message was refused: {await answer.text()}")


@contextlib.asynccontextmanager
async def installed(url: str) -> AsyncIterator[Bot]:
    """Add the seed's app for its first admin, and get it a token; no limit on the rate."""
    async with aiohttp.ClientSession() as client:
        async with client.get(f"{url}/_emulator/state") as answer:
            state = await answer.json()
        app = state["apps"][0]
        user = next(each for each in state["users"] if each["role"] == "admin")
        rules = {"rate_limits": "off"}
        async with client.patch(f"{url}/_emulator/rules", json=rules) as answer:
            answer.raise_for_status()
        basic = aiohttp.encode_basic_auth(app["client_id"], app["client_secret"])
        await _consent(client, url, app, user)
        grant = {"grant_type": "client_credentials"}
        headers = {"authorization": basic}
        async with client.post(f"{url}/oauth/token", data=grant, headers=headers) as answer:
            token = (await answer.json())["access_token"]
        yield Bot(url, client, app, user, token)


async def _consent(
    client: aiohttp.ClientSession, url: str, app: dict[str, Any], user: dict[str, Any]
) -> None:
    """Press Allow on the consent page."""
    app["redirect_uris"] = app["redirect_uris"] or ["http://127.0.0.1:9/callback"]
    change = {"redirect_uris": app["redirect_uris"]}
    async with client.patch(f"{url}/_emulator/apps/{app['client_id']}", json=change) as answer:
        answer.raise_for_status()
    query = {
        "response_type": "code",
        "client_id": app["client_id"],
        "redirect_uri": app["redirect_uris"][0],
    }
    async with client.get(f"{url}/oauth/authorize?{urlencode(query)}") as answer:
        page = await answer.text()
    request = page.partition('name="request" value="')[2].partition('"')[0]
    allow = {"request": request, "user": user["id"], "decision": "allow"}
    async with client.post(f"{url}/oauth/authorize", data=allow, allow_redirects=False) as answer:
        if answer.status not in {302, 303}:
            raise SystemExit(f"consent was refused: {answer.status}")


async def _together(count: int, one: Any) -> None:
    turns = iter(range(count))

    async def take() -> None:
        for turn in turns:
            await one(turn)

    await asyncio.gather(*(take() for _ in range(IN_FLIGHT)))


async def pages() -> list[Row]:
    """Measure the chat with many messages, and the traffic with many requests."""
    with running() as (url, _):
        async with installed(url) as bot, async_playwright() as playwright:
            browser = await playwright.chromium.launch(**launching())
            page = await browser.new_page()
            await _together(MESSAGES, lambda turn: bot.send(f"Message {turn}"))
            rows = await _chat(page, bot)
            await _together(RECORDS, lambda _: _asked(bot))
            rows += await _traffic(page, bot)
            await browser.close()
            return rows


async def _asked(bot: Bot) -> None:
    headers = {"authorization": f"Bearer {bot.token}"}
    async with bot.client.get(f"{bot.url}/v2/im/chat/messages", headers=headers) as answer:
        await answer.read()


async def _chat(page: Page, bot: Bot) -> list[Row]:
    await page.goto(f"{bot.url}/signin?next=%2Fchat")
    await page.get_by_role("radio", name=bot.user["name"]).check(force=True)
    await page.get_by_role("button", name="Sign in").click()
    where = f"{bot.url}/chat?with={bot.app['bot_jid']}"
    loads = [await _loaded(page, where) for _ in range(VIEWS)]
    delays = [await _appears(page, bot, f"Event {turn}") for turn in range(EVENTS)]
    scroll = await _scroll(page)
    return [
        (f"chat page with {MESSAGES:,} messages", _middle(loads, 1000, "ms"), "<= 1,000 ms"),
        ("a message appears after it was sent", _middle(delays, 1000, "ms"), "<= 100 ms"),
        ("longest frame while scrolling through them", f"{scroll:.0f} ms", ""),
    ]


async def _loaded(page: Page, url: str) -> float:
    begun = time.perf_counter()
    await page.goto(url, wait_until="load")
    return time.perf_counter() - begun


async def _appears(page: Page, bot: Bot, text: str) -> float:
    """Tell how long after the call began the message stood in the page, by the page's clock."""
    await page.evaluate(
        """text => { window.seen = new Promise(done => {
            const look = () => document.body.textContent.includes(text) && done(Date.now());
            new MutationObserver(look).observe(document.body, {childList: true, subtree: true});
        }) }""",
        text,
    )
    begun = time.time()
    await bot.send(text)
    return await page.evaluate("window.seen") / 1000 - begun


async def _scroll(page: Page) -> float:
    return await page.evaluate(
        """async () => {
            const log = document.querySelector('[role=log]');
            let worst = 0, last = performance.now();
            for (let at = 0; at > -log.scrollHeight; at -= 900) {
                log.scrollTop = at;
                await new Promise(requestAnimationFrame);
                const now = performance.now();
                worst = Math.max(worst, now - last);
                last = now;
            }
            return worst;
        }"""
    )


async def _traffic(page: Page, bot: Bot) -> list[Row]:
    loads = [await _loaded(page, f"{bot.url}/traffic") for _ in range(VIEWS)]
    name = f"traffic page over {RECORDS:,} requests"
    return [(name, _middle(loads, 1000, "ms"), "<= 300 ms")]


async def schedule() -> float:
    """Tell how long the whole schedule of retries takes on a clock that is moved."""

    async def fails(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 500, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    transport = AsgiTransport({"http://bot.test": fails})
    emulator = Emulator(transport=transport, clock=MovableClock(frozen=True))
    app = next(iter(emulator.world.apps.values()))
    emulator.courier.post(app, "http://bot.test/events", "bot_notification", {"cmd": "due"})
    begun = time.perf_counter()
    await emulator.advance(RETRIES_SECONDS)
    taken = time.perf_counter() - begun
    if len(emulator.courier.deliveries[0].attempts) != 4:
        raise SystemExit("the schedule was not walked")
    await emulator.aclose()
    return taken


def _middle(seconds: list[float], scale: int, unit: str) -> str:
    return f"{statistics.median(seconds) * scale:.0f} {unit} (to {max(seconds) * scale:.0f})"


def rows() -> list[Row]:
    """Measure everything, as rows of the table: what, how much, what is wanted."""
    starts: dict[bool, list[float]] = {True: [], False: []}
    for compiled in (True, False) * STARTS:
        with running(compiled=compiled) as (_, seconds):
            starts[compiled].append(seconds)
    walked = [asyncio.run(schedule()) for _ in range(SCHEDULES)]
    return [
        ("emulator: start to first answer", _middle(starts[True], 1000, "ms"), "<= 1,000 ms"),
        ("the same, nothing compiled before", _middle(starts[False], 1000, "ms"), ""),
        *asyncio.run(pages()),
        ("85 minutes of retries on a moved clock", _middle(walked, 1000, "ms"), "<= 500 ms"),
    ]


if __name__ == "__main__":
    print(json.dumps(rows(), indent=2))
