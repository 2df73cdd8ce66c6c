"""Peers on the network that do as they please: servers on loopback, and who calls them."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable

from innkeeper.net.outbound import HttpTransport

Peer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


class Wire:
    """Servers on loopback, each stopped at the end, and the transport that calls them.

    `greeted` counts the connections that came about, their TLS included; `heads` are the
    requests that came over them.
    """

    def __init__(self) -> None:
        self.transport = HttpTransport()
        self.heads: list[bytes] = []
        self.greeted = 0
        self.servers: list[asyncio.Server] = []
        self._peers: set[asyncio.Task[None]] = set()

    async def serve(self, peer: Peer, *, tls: ssl.SSLContext | None = None) -> str:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._peers.add(task)
            self.greeted += 1
            try:
                self.heads.append(await reader.readuntil(b"\r\n\r\n"))
                await peer(reader, writer)
            except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                pass  # the client has hung up, or the test is over
            finally:
                writer.close()
                self._peers.discard(task)

        self.transport.open()  # what it has to load counts neither as time nor as memory
        server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
        self.servers.append(server)
        scheme = "http" if tls is None else "https"
        return f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}/"

    async def close(self) -> None:
        await self.transport.aclose()
        for server in self.servers:
            server.close()
        for task in self._peers:
            task.cancel()
        await asyncio.gather(*self._peers)


def says(*pieces: bytes) -> Peer:
    async def peer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()

    return peer


def drips(head: bytes, drop: bytes) -> Peer:
    """Answer without end, in drops: in real time, for so is the deadline."""

    async def peer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while not writer.is_closing():
            writer.write(drop)
            await writer.drain()
            await asyncio.sleep(0.005)

    return peer


def floods(head: bytes, chunk: bytes) -> Peer:
    async def peer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while not writer.is_closing():
            writer.write(chunk)
            await writer.drain()

    return peer
