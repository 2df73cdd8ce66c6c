"""How is a bot tested? Against the emulator in this process: no sockets, no sleeps.

async with Zoom(app) as zoom:
    ana = await zoom.user("Ana")
    await ana.add_app()
    await ana.says("/bot help")
    assert "Try" in ana.chat.last.text

Under pytest the fixtures `zoom` and `ana` are there without an import: see
`innkeeper.pytest_plugin`.
"""

from innkeeper.testing.clocks import HarnessClock
from innkeeper.testing.expected import Unexpected
from innkeeper.testing.people import Visitor
from innkeeper.testing.receipts import Receipts
from innkeeper.testing.seen import Chat, Seen
from innkeeper.testing.signed import Signed, sign
from innkeeper.testing.zoom import BOT_URL, COMMAND, ZOOM_URL, Zoom

__all__ = [
    "BOT_URL",
    "COMMAND",
    "ZOOM_URL",
    "Chat",
    "HarnessClock",
    "Receipts",
    "Seen",
    "Signed",
    "Unexpected",
    "Visitor",
    "Zoom",
    "sign",
]
