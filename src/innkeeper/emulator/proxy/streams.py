"""One side of what is led on: bytes in, bytes out, TLS from some point on, and an end."""

import asyncio
import ssl
from typing import Final, cast

from innkeeper.net.connection import Wire

PATIENCE_SECONDS: Final = 10.0
"""How long a head, a handshake, the emulator's yes, or the end may take."""
_CHUNK_BYTES: Final = 65_536


class Stream:
    """A connection, read and written."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def pour(self, other: "Stream") -> None:
        """Send on to another all that comes, until its end.

        Raises:
            OSError: If either breaks off.
        """
        while chunk := await self.reader.read(_CHUNK_BYTES):
            other.writer.write(chunk)
            await other.writer.drain()

    async def secured(self, context: ssl.SSLContext) -> "Stream":
        """Speak TLS from here on, as a server.

        Raises:
            OSError: If the client does not, or will not.
        """
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        loop = asyncio.get_running_loop()
        transport = await loop.start_tls(
            self.writer.transport,
            protocol,
            context,
            server_side=True,
            ssl_handshake_timeout=PATIENCE_SECONDS,
            ssl_shutdown_timeout=PATIENCE_SECONDS,
        )
        if transport is None:
            raise ConnectionResetError
        protocol.connection_made(transport)
        return Stream(reader, asyncio.StreamWriter(transport, protocol, reader, loop))

    async def end(self) -> None:
        """Close once all that was written has gone out.

        Raises:
            OSError: If it broke off before.
        """
        self.writer.close()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self.writer.wait_closed()
        finally:
            self.abort()

    def abort(self) -> None:
        """Close at once, whatever has not gone out yet."""
        self.writer.transport.abort()

    def reset(self) -> None:
        """Break off, so that the other side is told of a reset."""
        Wire(cast("asyncio.Transport", self.writer.transport)).reset()
