"""How does one talk to a bot in a terminal? As a person of a running emulator, line by line.

A line is said; a number alone presses that button of the last card with buttons.
"""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any, Final, TextIO

import click

from innkeeper.browser import Browser
from innkeeper.cli.codes import FAILED, MISUSED
from innkeeper.emulator.chat.cards import buttons
from innkeeper.errors import InnkeeperError, Unreachable
from innkeeper.net.outbound import HttpTransport, Request, Transport
from innkeeper.ui.cards import draw
from innkeeper.ui.markdown import steady

PATIENCE_SECONDS: Final = 5.0
"""How long a line from a pipe waits for something to be said to it."""
QUIET_SECONDS: Final = 0.3
"""How long nothing more must come before a piped line counts as answered."""
_LOOK_EVERY_SECONDS: Final = 0.1
_LIST_LIMIT_BYTES: Final = 64 * 1024 * 1024
_LINE_LIMIT_BYTES: Final = 65_536

Json = dict[str, Any]
Pause = Callable[[float], Awaitable[object]]


class ChatFailed(InnkeeperError):
    """A conversation in the terminal that could not be had."""

    code = "chat_failed"

    def __init__(self, what: str, fix: str, *, exit_code: int = FAILED) -> None:
        self.fix = fix
        self.exit_code = exit_code
        super().__init__(what)


class Talk:
    """A person's conversation with a bot, or in a channel, over the emulator's own pages.

    Args:
        zoom_url: Where the emulator is.
        tell: Takes what is said, as it is to be printed.
    """

    def __init__(self, transport: Transport, zoom_url: str, *, tell: Callable[[str], None]) -> None:
        self._transport = transport
        self._zoom_url = zoom_url.rstrip("/")
        self._browser = Browser(transport)
        self._tell = tell
        self._user: Json = {}
        self._peer = ""
        self._seen: dict[str, str] = {}
        self._buttons: list[tuple[str, str]] = []

    async def begin(self, *, app: str | None, user: str | None, channel: str | None) -> str:
        """Sit down as somebody, in one of their conversations; say who and where.

        What was said before is not told again.

        Raises:
            ChatFailed: If no emulator is there, or no such app, person or channel.
        """
        state = await self._get("state")
        bot = _one(state["apps"], app, "app", "client_id", "name")
        here = {each["user_id"] for each in state["installations"]}
        everybody = sorted(state["users"], key=lambda each: each["id"] not in here)
        self._user = _one(everybody, user, "user", "id", "name")
        self._peer, where = bot["bot_jid"], bot["name"]
        if channel is not None:
            rooms = [room for account in state["accounts"] for room in account["channels"]]
            room = _one(rooms, channel, "channel", "name", "id")
            self._peer, where = room["jid"], room["name"]
        await self._browser.post(
            f"{self._zoom_url}/signin", {"user": self._user["id"], "next": "/_emulator/health"}
        )
        for message in await self._messages():
            self._note(message)
        return f"You are {self._user['name']}, talking to {where}."

    async def hear(self, line: str) -> None:
        """Say a line, or press the button with that number; after a backslash, say the number.

        Raises:
            ChatFailed: If the emulator is gone.
        """
        number = int(line) if line.isascii() and line.isdigit() and len(line) < 4 else 0
        if 0 < number <= len(self._buttons):
            message, value = self._buttons[number - 1]
            await self._post("click", {"message": message, "value": value})
        elif line.strip():
            await self._post("say", {"with": self._peer, "text": line.removeprefix("\\")})

    async def look(self) -> int:
        """Tell what is new or has changed, but for what the person wrote; say how much it was."""
        told = 0
        for message in await self._messages():
            if self._note(message) and message["sender"] != self._user["jid"]:
                self._tell(self._written(message))
                told += 1
        return told

    async def answered(self, pause: Pause) -> bool:
        """Look until something came and nothing more does; False if nothing came at all."""
        came, waited, quiet = 0, 0.0, 0.0
        while waited < PATIENCE_SECONDS and not (came and quiet >= QUIET_SECONDS):
            told = await self.look()
            came, quiet = came + told, 0.0 if told else quiet
            await pause(_LOOK_EVERY_SECONDS)
            waited, quiet = waited + _LOOK_EVERY_SECONDS, quiet + _LOOK_EVERY_SECONDS
        return came > 0

    async def _messages(self) -> list[Json]:
        found: list[Json] = (await self._get("messages"))["messages"]
        mine = f"{self._user['id']}|{self._peer}", f"|{self._peer}"
        return [each for each in found if each["conversation"] in mine and self._shown(each)]

    def _shown(self, message: Json) -> bool:
        return message["visible_to"] in {None, self._user["id"]}

    def _note(self, message: Json) -> bool:
        """Remember how a message stands; say whether it did not stand so before."""
        stands = json.dumps([message["text"], message["card"], message["deleted"]])
        is_new = self._seen.get(message["id"]) != stands
        self._seen[message["id"]] = stands
        pressable = [] if message["deleted"] else list(buttons(message["card"] or {}))
        if is_new and pressable:
            self._buttons = [(message["id"], str(each["value"])) for each in pressable]
        elif is_new and self._buttons and self._buttons[0][0] == message["id"]:
            self._buttons = []
        return is_new

    def _written(self, message: Json) -> str:
        """Write a message for a terminal, which nothing in it turns round."""
        return steady(self._drawn(message))

    def _drawn(self, message: Json) -> str:
        who = f"{message['sender_name'] or 'Zoom'}{' (edited)' if message['edited'] else ''}"
        if message["deleted"]:
            return f"{who}: (deleted)"
        if message["card"] is None:
            return f"{who}: {message['text']}"
        drawn = draw(message["card"], markdown=message["markdown"]).text.split("\n")
        offered = [
            f"({number}) {each.get('text', '')}"
            for number, each in enumerate(buttons(message["card"]), start=1)
        ]
        lines = drawn if not offered else [*drawn, f"Type a number: {'  '.join(offered)}"]
        return f"{who}: {lines[0]}" if len(lines) == 1 else "\n  ".join([f"{who}:", *lines])

    async def _get(self, path: str) -> Json:
        request = Request("GET", f"{self._zoom_url}/_emulator/{path}")
        try:
            answer = await self._transport.send(request, limit_bytes=_LIST_LIMIT_BYTES)
            found: Json = json.loads(answer.body)
            if answer.status == 200 and isinstance(found, dict):  # pyright: ignore[reportUnnecessaryIsInstance]  # it is whatever answered there
                return found
        except (Unreachable, ValueError):
            pass
        fix = "Start one with innkeeper dev, or say where it is with --emulator."
        raise ChatFailed(f"no emulator answers at {self._zoom_url[:200]}", fix)

    async def _post(self, deed: str, values: dict[str, str]) -> None:
        try:
            await self._browser.exchange("POST", f"{self._zoom_url}/chat/{deed}", values)
        except Unreachable as error:
            raise ChatFailed("the emulator is gone", "Start it again.") from error


def run_chat(zoom_url: str, *, app: str | None, user: str | None, channel: str | None) -> int:
    """Talk until the input ends; from a pipe, each line waits for its answer.

    Raises:
        ChatFailed: If there is nobody to talk to.
    """

    async def main() -> int:
        transport = HttpTransport()
        talk = Talk(transport, zoom_url, tell=click.echo)
        try:
            who = await talk.begin(app=app, user=user, channel=channel)
            if not sys.stdin.isatty():
                return await _piped(talk, sys.stdin)
            click.echo(f"{who} Ctrl-D ends it.", err=True)
            await _typed(talk, sys.stdin.fileno())
        finally:
            await transport.aclose()
        return 0

    try:
        return asyncio.run(main())
    except KeyboardInterrupt:
        return 0


async def _piped(talk: Talk, lines: TextIO) -> int:
    """Say each line, and wait until it was answered; 1 if one of them was not."""
    code = 0
    for line in lines:
        await talk.hear(line.rstrip("\r\n"))
        if line.strip() and not await talk.answered(asyncio.sleep):
            said = f"innkeeper: nothing came within {PATIENCE_SECONDS:g} s."
            click.echo(f"{said} Is the app added, and does it answer this?", err=True)
            code = FAILED
    return code


async def _typed(talk: Talk, terminal: int) -> None:
    """Tell what comes while the person may type."""
    lines: asyncio.Queue[bytes] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    loop.add_reader(terminal, lambda: lines.put_nowait(os.read(terminal, _LINE_LIMIT_BYTES)))
    while True:
        try:
            line = await asyncio.wait_for(lines.get(), _LOOK_EVERY_SECONDS)
        except TimeoutError:
            await talk.look()
            continue
        if not line:
            return
        await talk.hear(line.decode(errors="replace").rstrip("\r\n"))


def _one(found: list[Json], wanted: str | None, kind: str, *keys: str) -> Json:
    """Find what is called so, by its first name too, or the first where nothing is wanted.

    Raises:
        ChatFailed: If there is none.
    """
    for each in found:
        names = {str(each.get(key)) for key in keys}
        if wanted is None or wanted in names | {str(each["name"]).partition(" ")[0]}:
            return each
    fix = f"Known are: {', '.join(str(each['name']) for each in found) or 'none'}."
    raise ChatFailed(f"there is no {kind} {wanted or ''}".rstrip(), fix, exit_code=MISUSED)
