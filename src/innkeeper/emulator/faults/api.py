"""How does Zoom's side of an exchange fail? As the first rule that matches says.

A fault either stands in for the answer, and then nothing takes effect, or befalls the
answer after all has taken effect. Over our own server the client sees the real thing on
its connection; where there is no connection, what its transport would make of it.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Final, cast

from innkeeper.emulator import faultrules as kinds
from innkeeper.emulator.faults.asked import Replay, facts
from innkeeper.emulator.faults.limits import judge_wait, note_wait, too_many
from innkeeper.emulator.traffic.records import FAULT, NOTES, RECORDED
from innkeeper.emulator.world import World
from innkeeper.errors import AnswerLost
from innkeeper.net.connection import WIRE, Wire
from innkeeper.net.outbound import DEADLINE, AsgiApp, Message, Receive, Scope, Send

PAGE: Final = b"<html><head><title>%d</title></head><body><h1>%d</h1></body></html>"
GARBAGE: Final = b"\x16\x03\x01 this is no HTTP\r\n\r\n"
HALF_JSON: Final = b'{"message_id": "2026'


class ApiFaults:
    """ASGI middleware: lets what is asked of Zoom's own paths fail, and notes who waits."""

    def __init__(self, app: AsgiApp, world: World) -> None:
        self._app = app
        self._world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or do to it what the first matching rule says.

        Raises:
            AnswerLost: Where there is no connection to break.
        """
        if scope["type"] != "http" or not scope["path"].startswith(RECORDED):
            await self._app(scope, receive, send)
            return
        client, fault, replay = "", None, Replay(receive)
        if self._world.faults or self._world.waits:
            about = facts(self._world, scope, await replay.read())
            client = about["client_id"]
            said = judge_wait(self._world, client)
            if said:
                scope.setdefault(NOTES, []).append(said)
            fault = kinds.first(self._world.faults, about, kinds.API_KINDS)

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 429:
                known = client or facts(self._world, scope, replay.body)["client_id"]
                note_wait(self._world, known, message.get("headers", ()))
            await send(message)

        if fault is None:
            await self._app(scope, replay.receive, watched)
            return
        scope[FAULT] = kinds.Applied(fault.kind, fault.number)
        self._world.announce("fault", fault)
        exchange = _Exchange(self._world, scope, replay.receive, watched, act=self._app)
        await exchange.fail(cast("kinds.ApiKind", fault.order.do))


_Answer = tuple[int, dict[str, str], bytes]


def _instead(
    fault: kinds.Status | kinds.Html | kinds.BadJson | kinds.Redirect, world: World
) -> _Answer:
    """Write what is answered where nothing takes effect."""
    match fault:
        case kinds.Status():
            return _status(fault, world)
        case kinds.Html():
            page = PAGE % (fault.status, fault.status)
            return fault.status, {"content-type": "text/html"}, page
        case kinds.BadJson():
            return 200, {"content-type": "application/json"}, HALF_JSON
        case kinds.Redirect():
            return fault.status, {"location": fault.location}, b""


def _status(fault: kinds.Status, world: World) -> _Answer:
    given = {name.lower(): value for name, value in fault.headers.items()}
    if fault.status == 429 and not fault.body:
        headers, body = too_many(fault.limit, world.now(), fault.wait)
        return 429, headers | given, body
    body = b"" if fault.status in {204, 304} else fault.body.encode()
    return fault.status, {"content-type": "application/json"} | given, body


class _Exchange:
    """One request, and the ways in which its answer can go wrong."""

    def __init__(
        self, world: World, scope: Scope, receive: Receive, send: Send, *, act: AsgiApp
    ) -> None:
        self._app = act
        self._world = world
        self._scope = scope
        self._receive = receive
        self._send = send
        extensions: Mapping[str, Mapping[str, Any]] = scope.get("extensions") or {}
        self._wire: Wire | None = extensions.get(WIRE, {}).get("wire")
        self._deadline: float | None = extensions.get(DEADLINE, {}).get("seconds")

    async def fail(self, fault: kinds.ApiKind) -> None:
        """Do what the fault says."""
        match fault:
            case kinds.Slow():
                await self._slowly(fault.seconds)
            case kinds.Dribble():
                await self._bytewise(fault.seconds)
            case kinds.Truncate() | kinds.LostAnswer():
                await self._acted_and_lost(fault)
            case kinds.Reset() | kinds.Empty() | kinds.Garbage():
                await self._broken(fault)
            case _:
                await self._answer(*_instead(fault, self._world))

    async def _answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
        if status not in {204, 304} and "content-length" not in headers:
            pairs.append((b"content-length", str(len(body)).encode()))
        await self._send({"type": "http.response.start", "status": status, "headers": pairs})
        await self._send({"type": "http.response.body", "body": body})

    async def _acted(self) -> tuple[Message, bytes]:
        """Do what was asked, and keep the answer back."""
        start: Message = {}
        body = bytearray()

        async def keep(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            else:
                body.extend(message.get("body", b""))

        await self._app(self._scope, self._receive, keep)
        return start, bytes(body)

    async def _slowly(self, seconds: float) -> None:
        start, body = await self._acted()
        if self._deadline is not None and seconds >= self._deadline:
            raise AnswerLost("no answer in time")
        if not await self._gone_before(seconds):
            await self._send(start)
            await self._send({"type": "http.response.body", "body": body})

    async def _bytewise(self, seconds: float) -> None:
        start, body = await self._acted()
        if self._deadline is not None and seconds * len(body) >= self._deadline:
            raise AnswerLost("no answer in time")
        await self._send(start)
        for place in range(len(body)):
            if await self._gone_before(seconds):
                return
            part = body[place : place + 1]
            await self._send({"type": "http.response.body", "body": part, "more_body": True})
        await self._send({"type": "http.response.body", "body": b""})

    async def _gone_before(self, seconds: float) -> bool:
        """Let time pass by the world's clock, and tell whether the client has left meanwhile.

        In process, a clock that stands still is not waited for: nobody could move it.
        """
        if self._deadline is not None and self._world.clock.frozen:
            return False
        slept = asyncio.ensure_future(self._world.clock.sleep(seconds))
        left = asyncio.ensure_future(self._left())
        try:
            await asyncio.wait([slept, left], return_when=asyncio.FIRST_COMPLETED)
            return left.done() and not slept.done()
        finally:
            slept.cancel()
            left.cancel()

    async def _acted_and_lost(self, fault: kinds.Truncate | kinds.LostAnswer) -> None:
        start, body = await self._acted()
        if isinstance(fault, kinds.Truncate):
            named = [
                pair
                for pair in start.get("headers", ())
                if pair[0].lower() not in {b"content-length", b"transfer-encoding"}
            ]
            named.append((b"content-length", str(len(body) + 1).encode()))
            await self._send({**start, "headers": named})
            half = {"type": "http.response.body", "body": body[: len(body) // 2]}
            await self._send({**half, "more_body": True})
        await self._broken(fault)

    async def _broken(self, fault: kinds.ApiKind) -> None:
        """Break the connection, or say what a client would see of that.

        Raises:
            AnswerLost: Where there is no connection.
        """
        if self._wire is None:
            raise AnswerLost(f"the answer broke off ({type(fault).__name__})")
        if isinstance(fault, kinds.Garbage):
            self._wire.write(GARBAGE)
        if isinstance(fault, kinds.Reset | kinds.LostAnswer):
            self._wire.reset()
        else:
            self._wire.close()
        await self._left()

    async def _left(self) -> None:
        """Return when the client is gone; the rest of a body that nobody reads is let pass."""
        while (await self._receive())["type"] != "http.disconnect":
            pass
