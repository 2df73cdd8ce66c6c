"""Who asks for what? The facts about a request that fault rules look at, body left readable."""

import base64
import binascii
from typing import Final
from urllib.parse import unquote

from innkeeper.emulator.world import World
from innkeeper.net.inbound import header_values
from innkeeper.net.outbound import Message, Receive, Scope
from innkeeper.wire.oauth import parse_form

READ_BYTES: Final = 65_536


class Replay:
    """A request's body, read ahead and then given once more to whoever reads it."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._messages: list[Message] = []
        self.body = b""

    async def read(self) -> bytes:
        """Read up to the limit, and give what came."""
        more = True
        while more and len(self.body) < READ_BYTES:
            message = await self._receive()
            self._messages.append(message)
            self.body += message.get("body", b"")
            more = message.get("more_body", False)
        return self.body

    async def receive(self) -> Message:
        """Give the next part, from the start."""
        return self._messages.pop(0) if self._messages else await self._receive()


def facts(world: World, scope: Scope, body: bytes) -> dict[str, str]:
    """Tell a request's path, method, grant type and client."""
    pairs = parse_form(body.decode("utf-8", "replace")) if scope["path"] == "/oauth/token" else {}
    form = {name: next(iter(values), "") for name, values in pairs.items()}
    query = parse_form(scope["query_string"].decode("latin-1"))
    asked = {name: next(iter(values), "") for name, values in query.items()}
    return {
        "path": scope["path"],
        "method": scope["method"],
        "grant_type": form.get("grant_type") or asked.get("grant_type", ""),
        "client_id": _client(world, scope) or form.get("client_id") or asked.get("client_id", ""),
    }


def _client(world: World, scope: Scope) -> str:
    """Tell whose credentials or token the request carries; nothing if they are nobody's."""
    given = b" ".join(header_values(scope, b"authorization")).decode("latin-1")
    kind, _, value = given.partition(" ")
    if kind.lower() == "bearer":
        tokens = (token for token in world.tokens if token.access == value.strip())
        return next((token.client_id for token in tokens), "")
    if kind.lower() != "basic":
        return ""
    try:
        pair = base64.b64decode(value, validate=True).decode()
    except (binascii.Error, ValueError):
        return ""
    return unquote(pair.partition(":")[0])
