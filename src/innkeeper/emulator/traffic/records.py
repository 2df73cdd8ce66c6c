"""What went over the wire? Every request both ways, numbered, with the rule behind a refusal.

Secrets are hidden before anything is kept, so no page, log or export can show one.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from time import perf_counter
from typing import Any, Final, Literal

from innkeeper.emulator.faultrules import Applied
from innkeeper.emulator.traffic.checks import CHECKS
from innkeeper.emulator.traffic.masking import Mask
from innkeeper.emulator.world import World
from innkeeper.net.outbound import AsgiApp, Message, Receive, Request, Response, Scope, Send

RECORDS_LIMIT: Final = 10_000
SHOWN_CHARACTERS: Final = 8_192
READ_LIMIT_BYTES: Final = 262_144
RECORDED: Final = ("/oauth/", "/oauth_device", "/v2/", "/.well-known/")
REFUSAL: Final = "emulator.refusal"
"""The scope's key where a handler leaves its `Refusal`."""
NOTES: Final = "emulator.notes"
"""The scope's key where a handler leaves what Zoom might have minded, as a list."""
CLIENT: Final = "emulator.client"
"""The scope's key where the app that asks is named, by its client id, once it is known."""
FAULT: Final = "emulator.fault"
"""The scope's key where the fault that was done to an exchange is left."""
REFUSED_HEADER: Final = b"x-emulator-refused"
ACCEPTS_HEADER: Final = b"x-emulator-accepts"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request was refused: a rule's stable name, and what broke it."""

    rule: str
    why: str

    @property
    def accepts(self) -> str:
        """What would have been accepted instead."""
        return CHECKS[self.rule]

    def json(self) -> dict[str, str]:
        """Write the refusal as the control API gives it."""
        return {"rule": self.rule, "why": self.why, "accepts": self.accepts}


@dataclass(frozen=True, slots=True)
class Half:
    """A request or an answer, as it may be shown."""

    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """One exchange: `in` when somebody asked us, `out` when we posted to an app.

    `status` is 0 when there was no answer; `error` then says why.
    """

    number: int
    at: datetime
    direction: Literal["in", "out"]
    method: str
    url: str
    request: Half
    answer: Half
    status: int
    ms: float
    error: str = ""
    refusal: Refusal | None = None
    notes: tuple[str, ...] = ()
    delivery_id: str = ""
    client_id: str = ""
    fault: Applied | None = None
    """What was done to it on purpose."""

    @property
    def words(self) -> str:
        """All that a search looks through, without regard to case."""
        rule = f"{self.refusal.rule} {self.refusal.why}" if self.refusal else ""
        parts = (self.method, self.url, str(self.status), rule, self.error, *self.notes)
        bodies = (self.request.body, self.answer.body)
        return " ".join((*parts, *bodies, self.delivery_id)).casefold()

    def json(self) -> dict[str, Any]:
        """Write the record as the control API gives it."""
        refusal = self.refusal
        return {
            "seq": self.number,
            "at": self.at.isoformat(),
            "direction": self.direction,
            "method": self.method,
            "url": self.url,
            "request": {"headers": dict(self.request.headers), "body": self.request.body},
            "answer": {"headers": dict(self.answer.headers), "body": self.answer.body},
            "status": self.status,
            "ms": round(self.ms, 2),
            "error": self.error,
            "refusal": refusal.json() if refusal else None,
            "notes": list(self.notes),
            "delivery_id": self.delivery_id,
            "client_id": self.client_id,
            "fault": self.fault.json() if self.fault else None,
        }


class Traffic:
    """Keeps the last exchanges; numbers go on where older ones were dropped."""

    def __init__(self, world: World, *, limit: int = RECORDS_LIMIT) -> None:
        self._world = world
        self._records: deque[Record] = deque(maxlen=limit)
        self._last = 0
        self.mask = Mask(world)

    @property
    def newest(self) -> int:
        """The number of the newest exchange, 0 before the first."""
        return self._last

    def records(self, *, after: int = 0) -> list[Record]:
        """List what was kept since a number, oldest first."""
        return [record for record in self._records if record.number > after]

    def clear(self) -> None:
        """Forget everything; numbers go on."""
        self._records.clear()

    def posted(
        self,
        request: Request,
        response: Response | None,
        *,
        ms: float,
        error: str = "",
        delivery_id: str = "",
        client_id: str = "",
        fault: Applied | None = None,
    ) -> int:
        """Keep what we sent to an app, and its answer if there was one; give its number."""
        answer = response or Response(0)
        return self._keep(
            at=self._world.now(),
            direction="out",
            method=request.method,
            url=self.mask.text(request.url),
            request=self._half(request.headers.items(), request.body),
            answer=self._half(answer.headers.items(), answer.body),
            status=answer.status,
            ms=ms,
            error=error,
            delivery_id=delivery_id,
            client_id=client_id,
            fault=fault,
        )

    def asked(self, scope: Scope, tap: "Tap", *, at: datetime) -> None:
        """Keep what somebody asked us at a time, and what we answered."""
        query = scope["query_string"].decode("latin-1")
        path: str = scope["path"]
        self._keep(
            at=at,
            direction="in",
            method=scope["method"],
            url=self.mask.text(f"{path}?{query}" if query else path),
            request=self._half(_decoded(scope["headers"]), tap.request_body),
            answer=self._half(_decoded(tap.answer_headers), tap.answer_body),
            status=tap.status,
            ms=tap.ms,
            error="" if tap.status else "no answer was given",
            refusal=scope.get(REFUSAL),
            notes=tuple(scope.get(NOTES, ())),
            client_id=scope.get(CLIENT, ""),
            fault=scope.get(FAULT),
        )

    def _keep(self, **parts: Any) -> int:
        self._last += 1
        record = Record(number=self._last, **parts)
        self._records.append(record)
        self._world.announce("traffic", record)
        return record.number

    def _half(self, headers: Iterable[tuple[str, str]], body: bytes) -> Half:
        shown = self.mask.headers(headers)
        return Half(shown, self._shown(body, shown.get("content-type", "")))

    def _shown(self, body: bytes, content_type: str) -> str:
        if "html" in content_type.lower():
            return f"({len(body)} bytes of HTML)"
        text = self.mask.text(body.decode("utf-8", "replace"))
        if len(text) > SHOWN_CHARACTERS:
            return f"{text[:SHOWN_CHARACTERS]}… ({len(body)} bytes)"
        return text


def _decoded(headers: Iterable[tuple[bytes, bytes]]) -> Iterable[tuple[str, str]]:
    return ((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers)


class Tap:
    """Listens to one exchange of an ASGI application while it takes place."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._began = perf_counter()
        self.request_body = b""
        self.answer_headers: list[tuple[bytes, bytes]] = []
        self.answer_body = b""
        self.status = 0

    @property
    def ms(self) -> float:
        """How long it has taken so far."""
        return (perf_counter() - self._began) * 1000

    async def receive(self) -> Message:
        """Pass a part of the request on."""
        message = await self._receive()
        if message["type"] == "http.request" and len(self.request_body) < READ_LIMIT_BYTES:
            self.request_body += message.get("body", b"")
        return message

    async def send(self, message: Message) -> None:
        """Pass a part of the answer on; one that refuses says by which rule."""
        if message["type"] == "http.response.start":
            refusal = self._scope.get(REFUSAL)
            if refusal is not None:
                said = (
                    (REFUSED_HEADER, refusal.rule.encode()),
                    (ACCEPTS_HEADER, refusal.accepts.encode()),
                )
                headers = [*message.get("headers", ()), *said]
                message = {**message, "headers": headers}
            self.status = message["status"]
            self.answer_headers = list(message.get("headers", ()))
        elif len(self.answer_body) < READ_LIMIT_BYTES:
            self.answer_body += message.get("body", b"")
        await self._send(message)


class TrafficRecorder:
    """ASGI middleware around the whole emulator: keeps what is asked of Zoom's own paths."""

    def __init__(self, app: AsgiApp, traffic: Traffic, world: World) -> None:
        self._app = app
        self._traffic = traffic
        self._world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and keep it with its answer if its path is one of Zoom's."""
        if scope["type"] != "http" or not scope["path"].startswith(RECORDED):
            await self._app(scope, receive, send)
            return
        tap, at = Tap(scope, receive, send), self._world.now()
        try:
            await self._app(scope, tap.receive, tap.send)
        finally:
            self._traffic.asked(scope, tap, at=at)
