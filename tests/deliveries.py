"""What does Zoom send to a bot in a process of its own? Events, signed as its settings ask."""

import json
import time

from innkeeper.secret import Secret
from innkeeper.wire.signature import sign
from tests.cli.commands import CONFIGURED


def delivery(number: int) -> tuple[bytes, dict[str, str]]:
    """Write and sign an event: a command that ends in the number. Gives body and headers."""
    now = time.time()
    payload = {
        "accountId": "Account-1",
        "cmd": f"note {number}",
        "robotJid": CONFIGURED["ZOOM_BOT_JID"],
        "timestamp": int(now * 1000),
        "toJid": "user-1@xmpp.zoom.us",
        "userId": f"User-{number % 7}",
        "userJid": "user-1@xmpp.zoom.us",
        "userName": "Noor Haddad",
    }
    body = json.dumps({"event": "bot_notification", "payload": payload}).encode()
    stamp, secret = str(int(now)), Secret(CONFIGURED["ZOOM_WEBHOOK_SECRET_TOKEN"])
    return body, {
        "content-type": "application/json",
        "x-zm-request-timestamp": stamp,
        "x-zm-signature": sign(body, timestamp=stamp, secret=secret),
    }
