"""How fast does a bot answer through the API, beside Zoom's own SDK?

`python -m bench.replies` prints this alone. The server has one core; Zoom, which this
process plays with as little as HTTP needs, has the other. No side uses TLS.
"""

import asyncio
import contextlib
import statistics
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import cast

import uvloop

from bench import load, webhooks
from bench.tables import Row, show

ROUNDS = 3
EVENTS = 3_000
WANTED = 2
NAMES = {
    "innkeeper": "innkeeper: durable, and replied to",
    "rivet": "Zoom's Rivet: replied to, from memory",
}

_TOKEN = (
    b'{"access_token":"bench-token","token_type":"bearer","expires_in":3600,"scope":"imchat:bot"}'
)
_SENT = b'{"message_id":"20261127090807006_x","robot_jid":"v1bench@xmpp.zoom.us"}'


@dataclass
class Zoom:
    """The token endpoint and the Chatbot API; counts messages."""

    port: int = 0
    messages: int = 0
    expected: int = 0
    done: asyncio.Event | None = None

    def count(self) -> None:
        self.messages += 1
        if self.done is not None and self.messages >= self.expected:
            self.done.set()


class _Line(asyncio.Protocol):
    """One connection to Zoom."""

    def __init__(self, zoom: Zoom) -> None:
        self._zoom = zoom
        self._buffer = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while True:
            head, end, rest = self._buffer.partition(b"\r\n\r\n")
            if not end:
                return
            length = load.length(head)
            if len(rest) < length:
                return
            self._buffer = rest[length:]
            self._answer(head)

    def _answer(self, head: bytes) -> None:
        path = head.split(b" ", 2)[1]
        sends = path.endswith(b"/im/chat/messages")
        if sends:
            self._zoom.count()
        status, body = (b"201 Created", _SENT) if sends else (b"200 OK", _TOKEN)
        kind = b"content-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
        self._transport.write(b"HTTP/1.1 " + status + b"\r\n" + kind + body)


@contextlib.asynccontextmanager
async def playing() -> AsyncGenerator[Zoom]:
    zoom = Zoom()
    server = await asyncio.get_running_loop().create_server(lambda: _Line(zoom), load.HOST, 0)
    zoom.port = server.sockets[0].getsockname()[1]
    async with server:
        yield zoom


@dataclass
class Turn:
    """One batch: how many were replied to in a second, and in one of processor time."""

    per_second: float
    per_cpu_second: float


async def turn(zoom: Zoom, queue: list[bytes], port: int, pid: int) -> Turn:
    zoom.messages, zoom.expected, zoom.done = 0, EVENTS, asyncio.Event()
    before, begun = webhooks.cpu_seconds(pid), time.perf_counter()
    tally = await load.saturate(port, queue, connections=webhooks.CONNECTIONS)
    if tally.refused:
        raise SystemExit(f"{tally.refused} events were refused")
    await asyncio.wait_for(zoom.done.wait(), 120)
    seconds, used = time.perf_counter() - begun, webhooks.cpu_seconds(pid) - before
    return Turn(EVENTS / seconds, EVENTS / used)


async def measured() -> dict[str, list[Turn]]:
    """Take turns: each bot answers a batch, then the other one."""
    turns: dict[str, list[Turn]] = {kind: [] for kind in NAMES if kind in webhooks.kinds()}
    async with playing() as zoom:
        with contextlib.ExitStack() as stack:
            url = f"http://{load.HOST}:{zoom.port}"
            running = {
                kind: stack.enter_context(webhooks.serving(kind, zoom=url)) for kind in turns
            }
            for number in range(ROUNDS + 1):
                for kind, (port, pid) in running.items():
                    queue = webhooks.batch(kind, EVENTS, (number + 1) * EVENTS)
                    taken = await turn(zoom, queue, port, pid)
                    if number:  # the first turn warms up
                        turns[kind].append(taken)
    return turns


def rows() -> list[Row]:
    """Measure, and say what was wanted."""
    turns = uvloop.run(measured())
    found: list[Row] = []
    for kind, taken in turns.items():
        per_core = webhooks.spread([each.per_cpu_second for each in taken])
        found.append((f"{NAMES[kind]}: per core", per_core, ""))
        found.append(("  by the clock", webhooks.spread([each.per_second for each in taken]), ""))
    if "rivet" in turns:
        pairs = zip(turns["innkeeper"], turns["rivet"], strict=True)
        ratio = statistics.median(a.per_cpu_second / b.per_cpu_second for a, b in pairs)
        wanted = f">= {WANTED}"
        found.append(("replies, innkeeper to rivet, per core", f"{ratio:.2f}", wanted))
    return found


def main() -> None:
    show(rows())


if __name__ == "__main__":
    main()
