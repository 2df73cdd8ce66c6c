"""How tests of faults order them, and ask over a real connection."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from innkeeper.net.outbound import HttpTransport, Request, Response
from innkeeper.net.serving import LOCAL, bind, serving
from tests.emulator.visit import Visit

TOKEN_PATH = "/oauth/token"
GRANT = b"grant_type=client_credentials"
FORM = {"content-type": "application/x-www-form-urlencoded"}


def order(visit: Visit, kind: str, *, times: int | None = 1, on: Any = None, **rest: Any) -> None:
    rule = {"do": {"kind": kind, **rest}, "on": on or {"path": TOKEN_PATH}}
    visit.zoom.faults.order(rule | ({} if times is None else {"times": times}))


class Line:
    """A client over sockets: our own transport, and a raw one that sees every byte."""

    def __init__(self, visit: Visit, port: int) -> None:
        self.visit = visit
        self.port = port
        self.url = f"http://{LOCAL}:{port}"
        self.transport = HttpTransport()

    async def post(self, form: bytes = GRANT, *, deadline: float = 5) -> Response:
        headers = {**FORM, **self.visit.basic()}
        asked = Request("POST", f"{self.url}{TOKEN_PATH}", headers, form)
        return await self.transport.send(asked, deadline=deadline)

    async def raw(self, form: bytes = GRANT) -> bytes:
        """Post, and give every byte up to the end.

        Raises:
            ConnectionResetError: If that end was a reset.
        """
        reader, writer = await asyncio.open_connection(LOCAL, self.port)
        auth = self.visit.basic()["authorization"]
        head = f"POST {TOKEN_PATH} HTTP/1.1\r\nHost: {urlsplit(self.url).netloc}\r\n"
        head += f"Authorization: {auth}\r\nContent-Length: {len(form)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + form)
        try:
            return await reader.read()
        finally:
            writer.transport.abort()


@asynccontextmanager
async def connected(visit: Visit) -> AsyncIterator[Line]:
    listener = bind(LOCAL, 0)
    async with serving(visit.zoom.app, listener):
        line = Line(visit, listener.getsockname()[1])
        try:
            yield line
        finally:
            await line.transport.aclose()
