"""A proxy before an emulator, on the loop of the standard library and the fast one."""

import asyncio
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from innkeeper.emulator import Emulator
from innkeeper.emulator.proxy.authority import Authority
from innkeeper.emulator.proxy.server import Proxy
from innkeeper.net.outbound import AsgiTransport
from innkeeper.net.serving import LOCAL, bind, serving

AUTHORITY = Authority(datetime.now(UTC))
"""One for all tests: what it signs is the same."""


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


class Road:
    """The way through a proxy to an emulator, and what was refused on it."""

    def __init__(self, emulator: Emulator, port: int) -> None:
        self.emulator = emulator
        self.port = port
        self.refused: list[tuple[str, str]] = []
        self.news = asyncio.Event()
        self.trust = ssl.create_default_context(cadata=AUTHORITY.certificate.decode())

    async def knock(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to the proxy."""
        return await asyncio.open_connection(LOCAL, self.port)

    async def says(self, head: bytes) -> bytes:
        """Send bytes, and read all that comes back."""
        reader, writer = await self.knock()
        writer.write(head)
        try:
            return await reader.read()
        finally:
            writer.transport.abort()

    @asynccontextmanager
    async def through(
        self, host: str, *, trust: ssl.SSLContext | None = None
    ) -> AsyncGenerator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """Open a tunnel to a host and speak TLS with whoever is there."""
        reader, writer = await self.knock()
        try:
            writer.write(f"CONNECT {host}:443 HTTP/1.1\r\nhost: {host}:443\r\n\r\n".encode())
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
            inner = asyncio.StreamReader()
            protocol = asyncio.StreamReaderProtocol(inner)
            loop = asyncio.get_running_loop()
            transport = await loop.start_tls(
                writer.transport, protocol, trust or self.trust, server_hostname=host
            )
            assert transport is not None
            protocol.connection_made(transport)
            yield inner, asyncio.StreamWriter(transport, protocol, inner, loop)
            transport.abort()
        finally:
            writer.transport.abort()

    async def asks(self, host: str, line: str, *headers: str, body: str = "") -> bytes:
        """Ask something of a host through a tunnel of its own; give the whole answer."""
        named = () if any(each.startswith("host:") for each in headers) else (f"host: {host}",)
        always = ("connection: close", f"content-length: {len(body)}")
        head = "\r\n".join((f"{line} HTTP/1.1", *named, *headers, *always, "", body))
        async with self.through(host) as (reader, writer):
            writer.write(head.encode())
            return await reader.read()


@pytest.fixture
async def road() -> AsyncGenerator[Road]:
    """A proxy that leads to an emulator with the default seed."""
    inner, outer = bind(LOCAL, 0), bind(LOCAL, 0)
    url = f"http://{LOCAL}:{inner.getsockname()[1]}"
    emulator = Emulator(transport=AsgiTransport(), base_url=url)
    road = Road(emulator, outer.getsockname()[1])

    def refused(asked: str, why: str) -> None:
        road.refused.append((asked, why))
        road.news.set()

    proxy = Proxy(url, AUTHORITY.context(), refused=refused)
    async with serving(emulator.app, inner), proxy.serving(outer):
        yield road
    await emulator.aclose()
