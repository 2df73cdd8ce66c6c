"""How does an application misuse its connection on purpose? Raw bytes, a close, a reset.

An ASGI extension that only our own server gives: what plays a broken server, as the
emulator does on demand, needs what ASGI rightly hides.
"""

import asyncio
import os
import socket
import struct
from typing import Any, Final

WIRE: Final = "innkeeper.wire"
"""The ASGI extension's name; its value is a `Wire`."""
_AT_ONCE: Final = struct.pack("ii", 1, 0)


class Wire:
    """The connection under a request. After any of these, nothing else may be answered on it."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.opened_to = ""
        """The host that a proxy opened the connection to; the same for all its requests."""

    def write(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._transport.write(data)

    def close(self) -> None:
        """Close once all that was written has gone out."""
        self._transport.close()

    def reset(self) -> None:
        """Break the connection off, so that the other side is told of a reset."""
        under: Any = self._transport.get_extra_info("socket")
        if under is not None:
            with socket.socket(fileno=os.dup(under.fileno())) as same:
                same.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        self._transport.abort()
