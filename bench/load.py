"""A load of signed webhooks, each different, over kept-alive connections on loopback."""

import asyncio
import contextlib
import json
import socket
import time
from dataclasses import dataclass
from typing import cast

from innkeeper.secret import Secret
from innkeeper.wire.signature import sign

HOST = "127.0.0.1"


def requests(
    count: int, *, secret: Secret, robot_jid: str, path: str, start: int, users: int = 0
) -> list[bytes]:
    """Write whole HTTP requests of Zoom's, each with a body of its own, signed now.

    Args:
        users: Of how many they come in turn, each with an account; 0: all are of one.
    """
    stamp = str(int(time.time()))
    written: list[bytes] = []
    for number in range(start, start + count):
        account, user = "aXv3JwTQTKq_cbR2yNpLrg", "Kp7dRzYwQj2vUeNsTf5xOg"
        if users:
            account, user = f"Account-{number % users}", f"User-{number % users}"
        body = _written(
            {
                "event": "bot_notification",
                "payload": {
                    "accountId": account,
                    "channelName": "Front desk",
                    "cmd": f"note {number} please bring two more towels to room 7",
                    "robotJid": robot_jid,
                    "timestamp": int(time.time() * 1000),
                    "toJid": "c41f8a07be5d4d0f9a62c3d1e87fb2a9@conference.xmpp.zoom.us",
                    "triggerId": f"jqN4_xWcT9mB{number:06x}",
                    "userId": user,
                    "userJid": "kp7drzywqj2vuenstf5xog@xmpp.zoom.us",
                    "userMemberId": "tWb3kEoXn5VQy1_hGuCmSjR4pLdFzA8i",
                    "userName": "Jordan Bench",
                    "userStatus": "authorized",
                },
            }
        )
        signature = sign(body, timestamp=stamp, secret=secret)
        written.append(
            _post(path, ("x-zm-request-timestamp", "x-zm-signature"), (stamp, signature), body)
        )
    return written


def slack_requests(count: int, *, secret: Secret, path: str, start: int) -> list[bytes]:
    """Write as many of Slack's: a message to a bot, of about the same size, signed now."""
    stamp = str(int(time.time()))
    written: list[bytes] = []
    for number in range(start, start + count):
        body = _written(
            {
                "token": "a-legacy-token-of-the-bench",
                "team_id": "T0BENCH01",
                "api_app_id": "A0BENCH01",
                "type": "event_callback",
                "event_id": f"Ev{number:010d}",
                "event_time": int(stamp),
                "authorizations": [
                    {"team_id": "T0BENCH01", "user_id": "U0BOT0001", "is_bot": True}
                ],
                "event": {
                    "type": "message",
                    "user": "U0BENCH01",
                    "text": f"note {number} please bring two more towels to room 7",
                    "ts": f"{stamp}.{number % 1_000_000:06d}",
                    "channel": "C0FRONT01",
                    "channel_type": "channel",
                    "event_ts": f"{stamp}.{number % 1_000_000:06d}",
                },
            }
        )
        signature = sign(body, timestamp=stamp, secret=secret)  # the scheme is the same
        names = ("x-slack-request-timestamp", "x-slack-signature")
        written.append(_post(path, names, (stamp, signature), body))
    return written


def _written(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _post(path: str, names: tuple[str, str], values: tuple[str, str], body: bytes) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nhost: {HOST}\r\ncontent-type: application/json\r\n"
        f"{names[0]}: {values[0]}\r\n{names[1]}: {values[1]}\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@dataclass
class Tally:
    """What came back."""

    answered: int = 0
    refused: int = 0
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        return self.answered / self.seconds if self.seconds else 0.0


class _Connection(asyncio.Protocol):
    """Sends the next request as soon as the last was answered."""

    def __init__(self, queue: list[bytes], tally: Tally, done: asyncio.Future[None]) -> None:
        self._queue = queue
        self._tally = tally
        self._done = done
        self._buffer = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._next()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, end, rest = self._buffer.partition(b"\r\n\r\n")
        if not end or not _is_whole(head, rest):
            return
        self._buffer = b""
        if head.startswith(b"HTTP/1.1 200"):
            self._tally.answered += 1
        else:
            self._tally.refused += 1
        self._next()

    def _next(self) -> None:
        if self._queue:
            self._transport.write(self._queue.pop())
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._done.done():
            self._done.set_result(None)


def _is_whole(head: bytes, rest: bytes) -> bool:
    if b"transfer-encoding: chunked" in head.lower():
        return rest.endswith(b"0\r\n\r\n")
    return len(rest) >= length(head)


def length(head: bytes) -> int:
    """Read how long the body is."""
    return int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or b"0")


async def saturate(port: int, queue: list[bytes], *, connections: int) -> Tally:
    """Send everything as fast as the server takes it."""
    loop = asyncio.get_running_loop()
    tally = Tally()
    ends = [loop.create_future() for _ in range(connections)]
    begun = time.perf_counter()
    for end in ends:
        await loop.create_connection(lambda end=end: _Connection(queue, tally, end), HOST, port)
    await asyncio.gather(*ends)
    tally.seconds = time.perf_counter() - begun
    return tally


async def paced(port: int, queue: list[bytes], *, per_second: int) -> list[float]:
    """Send at an even pace, and measure each answer's time in milliseconds."""
    free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    for _ in range(32):
        free.put_nowait(await asyncio.open_connection(HOST, port))
    taken: list[float] = []

    async def one(request: bytes, due: float) -> None:
        reader, writer = await free.get()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(length(head))
        taken.append((time.perf_counter() - due) * 1000)
        free.put_nowait((reader, writer))

    begun = time.perf_counter()
    tasks: list[asyncio.Task[None]] = []
    for number, request in enumerate(queue):
        due = begun + number / per_second
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(one(request, due)))
    await asyncio.gather(*tasks)
    while not free.empty():
        _, writer = free.get_nowait()
        writer.close()
        await writer.wait_closed()
    return taken


async def junk(port: int, *, per_second: int) -> None:
    """Send requests that nobody signed, at a pace, until cancelled; wait for no answer's end."""
    forged = _post(
        "/events",
        ("x-zm-request-timestamp", "x-zm-signature"),
        ("1654503849", "v0=" + "0" * 64),
        b"{}",
    )
    streams = [await asyncio.open_connection(HOST, port) for _ in range(20)]
    sinks = [asyncio.create_task(_drain(reader)) for reader, _ in streams]
    try:
        while True:
            for _, writer in streams:
                writer.write(forged * (per_second // 20 // 20))
            await asyncio.sleep(0.05)
    finally:
        for sink in sinks:
            sink.cancel()
        for _, writer in streams:
            writer.close()


async def dawdle(port: int) -> None:
    """Open a connection, say a little, and open another when that one is closed."""
    while True:
        reader, writer = await asyncio.open_connection(HOST, port)
        with contextlib.suppress(ConnectionError):
            writer.write(b"POST /events HTTP/1.1\r\nhost: ")
            await reader.read()
        writer.close()


async def _drain(reader: asyncio.StreamReader) -> None:
    while await reader.read(65_536):
        pass


def free_port() -> int:
    """Find a port that nobody has."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port


def wait_for(port: int) -> None:
    """Return when somebody listens."""
    for _ in range(1_600):
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), 0.1):
            return
        time.sleep(0.025)
    raise SystemExit("a server did not start")
