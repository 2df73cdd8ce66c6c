"""A bot whose process ends in the middle of a handler; run as a program, it does."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

from innkeeper import Action, App
from tests.journeys.house import NOW, ROBOT, running, signed


def pressed(value: str, *, seconds: int = 0) -> bytes:
    """Write the press of a button, so many seconds later than the first."""
    payload = {
        "accountId": "Account-1",
        "actionItem": {"text": "Pay", "value": value},
        "messageId": "message-1",
        "robotJid": ROBOT,
        "timestamp": int(NOW.timestamp() + seconds) * 1000,
        "toJid": "user-1@xmpp.zoom.us",
        "userId": "User-1",
        "userJid": "user-1@xmpp.zoom.us",
        "userName": "Noor Haddad",
    }
    return json.dumps({"event": "interactive_message_actions", "payload": payload}).encode()


def bot(book: Path, *, dies: str = "") -> App:
    """Make a bot that writes each payment into a book, and may die at a named place."""
    app = App("Cashier")

    def reaches(place: str) -> None:
        if place == dies:
            os.kill(os.getpid(), signal.SIGKILL)

    async def pay() -> int:
        with book.open("a", encoding="utf-8") as pages:  # a test may wait
            pages.write("paid\n")
        reaches("within the effect")
        return 7

    @app.action("pay")
    async def paid(ctx: Action) -> None:
        await ctx.consume()
        reaches("after the claim")
        number = await ctx.once("pay", pay)
        reaches("after the effect")
        with book.open("a", encoding="utf-8") as pages:  # a test may wait
            pages.write(f"receipt {number}\n")

    return app


async def main(directory: Path, ring: str, dies: str) -> None:
    app = bot(directory / "book", dies=dies)
    async with running(directory, app=app, ring=ring) as house:
        await house.request("POST", "/events", signed(pressed("pay")), pressed("pay"))
        await house.parts.dispatcher.settled()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
