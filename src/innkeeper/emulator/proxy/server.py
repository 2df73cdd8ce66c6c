"""How does the proxy lead a client to the emulator? Once the way is open, byte for byte.

What the emulator does to a connection on purpose, a reset or a body cut short, arrives at
the client as it was done.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

import msgspec

from innkeeper.emulator.proxy.heads import HEAD_LIMIT_BYTES, Ask, read_head
from innkeeper.emulator.proxy.streams import PATIENCE_SECONDS, Stream
from innkeeper.emulator.tunnels import TUNNEL_PATH, plays

CONNECTIONS: Final = 512
_HTTPS: Final = 443
_END: Final = b"\r\n\r\n"
_OPEN: Final = b"HTTP/1.1 200 Connection established\r\n\r\n"
_UNTRUSTED: Final = (
    "the client broke off TLS; if it does not trust the certificate, tell it of the CA file"
)

Refused = Callable[[str, str], None]
"""Told of what was not led on: what was asked for, and why."""


class _Refusal(Exception):
    def __init__(self, status: HTTPStatus, asked: str, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.asked = asked
        self.why = why

    def answer(self) -> bytes:
        body = f"{self.why}\n".encode()
        lines = (
            f"HTTP/1.1 {self.status.value} {self.status.phrase}",
            "content-type: text/plain; charset=utf-8",
            f"content-length: {len(body)}",
            "connection: close",
        )
        return "\r\n".join(lines).encode() + _END + body


class Proxy:
    """Leads Zoom's hosts to an emulator, and no other host anywhere.

    Args:
        emulator_url: Where the emulator is; its path is not looked at.
        context: Speaks TLS as Zoom's hosts.
        refused: Told of every request that was not led on.
    """

    def __init__(self, emulator_url: str, context: ssl.SSLContext, *, refused: Refused) -> None:
        parts = urlsplit(emulator_url)
        self._emulator = (parts.hostname or "", parts.port or 80)
        self._name = parts.netloc
        self._context = context
        self._refused = refused
        self._open: set[asyncio.Task[None]] = set()
        self._ended = False

    @asynccontextmanager
    async def serving(self, listener: socket.socket) -> AsyncGenerator[None]:
        """Serve while the block runs; what is still open then is broken off."""
        server = await asyncio.start_server(self._meet, sock=listener, limit=HEAD_LIMIT_BYTES)
        try:
            yield
        finally:
            self._ended = True
            server.close()
            for task in self._open:
                task.cancel()
            await asyncio.gather(*self._open, return_exceptions=True)
            await server.wait_closed()

    def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._ended:
            writer.transport.abort()
            return
        task = asyncio.create_task(self._serve(Stream(reader, writer)))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def _serve(self, client: Stream) -> None:
        try:
            await self._lead(client)
        except _Refusal as refusal:
            self._refused(refusal.asked, refusal.why)
            client.writer.write(refusal.answer())
            await client.end()
        except (OSError, asyncio.IncompleteReadError):
            pass  # whoever went away knows it
        finally:
            client.abort()

    async def _lead(self, client: Stream) -> None:
        ask = await self._asked(client)
        emulator = await self._opened(ask)
        try:
            if ask.forward:
                emulator.writer.write(ask.forward)
            else:
                client = await self._secured(client, ask)
            await _joined(client, emulator)
        finally:
            client.abort()
            emulator.abort()

    async def _asked(self, client: Stream) -> Ask:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                head = await client.reader.readuntil(_END)
        except TimeoutError:
            why = f"its head was not whole within {PATIENCE_SECONDS:.0f} seconds"
            raise _Refusal(HTTPStatus.REQUEST_TIMEOUT, "a request", why) from None
        except asyncio.LimitOverrunError:
            why = f"its head is over {HEAD_LIMIT_BYTES} bytes"
            status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            raise _Refusal(status, "a request", why) from None
        if len(self._open) > CONNECTIONS:
            why = f"{CONNECTIONS} connections are open; close some"
            raise _Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "a connection", why)
        ask = read_head(head)
        if ask is None:
            why = "it asks nothing of a proxy for https; set HTTPS_PROXY to this address"
            raise _Refusal(HTTPStatus.BAD_REQUEST, "a request", why)
        if not plays(ask.host) or ask.port != _HTTPS:
            why = "only Zoom's hosts, at port 443, are led to the emulator; name others in NO_PROXY"
            raise _Refusal(HTTPStatus.FORBIDDEN, f"{ask.host}:{ask.port}", why)
        return ask

    async def _opened(self, ask: Ask) -> Stream:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                emulator = Stream(*await asyncio.open_connection(*self._emulator))
                if await self._knows(emulator, ask.host):
                    return emulator
                emulator.abort()
        except OSError:
            pass
        why = f"no emulator answers at {self._name}; start one: innkeeper emulator start"
        raise _Refusal(HTTPStatus.BAD_GATEWAY, ask.host, why)

    async def _knows(self, emulator: Stream, host: str) -> bool:
        """Tell the emulator what host is meant; False if it is no emulator."""
        body = msgspec.json.encode({"host": host})
        head = (
            f"POST {TUNNEL_PATH} HTTP/1.1\r\nhost: {self._name}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        emulator.writer.write(head.encode() + body)
        try:
            answer = await emulator.reader.readuntil(_END)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return False
        return answer.startswith(b"HTTP/1.1 204 ")

    async def _secured(self, client: Stream, ask: Ask) -> Stream:
        client.writer.write(_OPEN)
        try:
            return await client.secured(self._context)
        except OSError:  # some send TLS's alert, some only hang up
            self._refused(ask.host, _UNTRUSTED)
            raise


async def _joined(client: Stream, emulator: Stream) -> None:
    """Lead bytes both ways until either side ends, or breaks off."""
    asked = asyncio.create_task(client.pour(emulator))
    answered = asyncio.create_task(emulator.pour(client))
    try:
        await asyncio.wait((asked, answered), return_when=asyncio.FIRST_COMPLETED)
        if answered.done() and isinstance(answered.exception(), ConnectionResetError):
            client.reset()
        elif answered.done():
            await client.end()
    finally:
        asked.cancel()
        answered.cancel()
        await asyncio.gather(asked, answered, return_exceptions=True)
