"""How does ASGI look to a server that does not speak it? A whole request, and a whole answer."""

import asyncio
from collections.abc import Iterable
from typing import Final, Protocol

from innkeeper.net.inbound import JSON_HEADERS
from innkeeper.net.outbound import Message, Receive, Scope, Send

_GONE: Final = b'{"error":"client_gone"}'


class Served(Protocol):
    """What is served: an ASGI application that starts with its first request."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send, /) -> None:
        """Answer a request."""
        ...

    async def stop(self) -> None:
        """Let handlers end, and let go of everything."""
        ...


class Answer:
    """What goes back to the server."""

    def __init__(
        self, status: int, body: bytes, headers: Iterable[tuple[bytes, bytes]] = JSON_HEADERS
    ) -> None:
        self.status = status
        self.body = body
        self.headers = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in headers]
        if not any(name.lower() == "content-length" for name, _ in self.headers):
            self.headers.append(("content-length", str(len(body))))


class Exchange:
    """One request, whole, and what is answered to it."""

    def __init__(self, body: bytes | None) -> None:
        first: Message = {"type": "http.request", "body": body}
        self._incoming = [{"type": "http.disconnect"} if body is None else first]
        self._start: Message = {"status": 400, "headers": JSON_HEADERS}
        self._body = bytearray() if body is not None else bytearray(_GONE)

    async def receive(self) -> Message:
        """Give the request; then nothing more: the server waits for the answer."""
        if self._incoming:
            return self._incoming.pop()
        never: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        return await never

    async def send(self, message: Message) -> None:
        """Take a part of the answer."""
        if message["type"] == "http.response.start":
            self._start = message
            self._body.clear()
        else:
            self._body += message.get("body", b"")

    @property
    def answer(self) -> Answer:
        """The answer, as far as it came: nobody answers to whoever hung up."""
        return Answer(self._start["status"], bytes(self._body), self._start["headers"])
