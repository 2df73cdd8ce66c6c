"""How do webhooks get in past ASGI? Judged by their heads, read whole, answered in one write.

uvicorn serves everything else. A delivery needs none of what ASGI makes for each request
(a scope, two channels, an event), and more than ASGI tells: how the request was framed,
and what came after its end.
"""

import asyncio
import resource
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, NamedTuple, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from innkeeper.net.inbound import ALSO, BODY_LIMIT_BYTES, JSON_HEADERS, Headers, declared_bytes
from innkeeper.net.intake import Intake, Reply, Take
from innkeeper.net.patience import PatientProtocol

HEAD_LIMIT_BYTES: Final = 17_408
MOST_FIELDS: Final = 64
MOST_CONNECTIONS: Final = 2_048
"""And no more than half of the files that the process may have open: others need some too."""
MOST_DELIVERIES: Final = 2_048
"""How many are seen to at a time; whoever comes next is asked to come again."""
MOST_HELD_BYTES: Final = 64 * 1_048_576
"""How much of bodies is held at a time."""
ANSWER_SECONDS: Final = 2.8
"""How long a delivery may take: Zoom waits for three seconds, and then asks again anyway."""

_VERSIONS: Final = frozenset({"1.0", "1.1"})


class _Refusal(NamedTuple):
    status: int
    body: bytes


_LARGE: Final = _Refusal(413, b'{"error":"body_too_large"}')
_FULL: Final = _Refusal(503, b'{"error":"unavailable"}')
_HEAD_TOO_LARGE: Final = 431
_MALFORMED: Final = 400


def _most_connections() -> int:
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_CONNECTIONS if most < 0 else min(MOST_CONNECTIONS, most // 2)


@dataclass(slots=True)
class Lobby:
    """What all connections of a server share."""

    intake: Intake
    underway: int = 0
    held_bytes: int = 0
    most_connections: int = field(default_factory=_most_connections)
    silent: "dict[IntakeProtocol, None]" = field(default_factory=dict["IntakeProtocol", None])
    """Connections that owe us a request; first the one that has for the longest time."""

    @property
    def full(self) -> bool:
        """Whether whoever comes next must come again later."""
        return self.underway >= MOST_DELIVERIES or self.held_bytes > MOST_HELD_BYTES


class _Nobody:
    """Whom uvicorn wakes when more of a request has come: here nobody waits for a part."""

    def set(self) -> None: ...


class _Delivery:
    """One delivery, where uvicorn keeps a request and its answer."""

    __slots__ = (
        "disconnected",
        "keep_alive",
        "parts",
        "response_complete",
        "size",
        "take",
        "whole",
    )

    message_event: ClassVar = _Nobody()

    def __init__(self, take: Take | None, *, keep_alive: bool) -> None:
        self.take = take
        self.keep_alive = keep_alive
        self.disconnected = False
        self.response_complete = False
        self.whole = False
        self.parts: list[bytes] = []
        self.size = 0


class IntakeProtocol(PatientProtocol):
    """HTTP for a server whose deliveries come in past ASGI; strict with everybody.

    Args:
        lobby: Shared by all connections of the server.
    """

    head_limit_bytes: ClassVar[int] = HEAD_LIMIT_BYTES

    def __init__(self, lobby: Lobby, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lobby = lobby
        self._delivery: _Delivery | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Make room, at the expense of whoever has been silent for the longest time."""
        super().connection_made(transport)
        if len(self.connections) > self._lobby.most_connections and self._lobby.silent:
            longest = next(iter(self._lobby.silent))
            del self._lobby.silent[longest]  # before it is lost: another may come meanwhile
            longest.transport.abort()
        self._lobby.silent[self] = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget what had come."""
        self._lobby.silent.pop(self, None)
        if self._delivery is not None:
            self._let_go(self._delivery)
        super().connection_lost(exc)

    # the head

    def on_message_begin(self) -> None:
        """Wait for the whole of it."""
        if self.transport.is_closing():
            self._refuse(_MALFORMED)  # it comes after what was refused
        self._begin()
        self._delivery = None
        self.url = b""
        self.headers = []
        self.expect_100_continue = False

    def on_url(self, url: bytes) -> None:
        """Take the address: a path, up to the limit. A whole one is for proxies."""
        if not self.url and not url.startswith(b"/"):
            self._refuse(_MALFORMED)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header, up to the limits. What follows the body is none."""
        if not self._in_head:
            return
        headers = self.headers
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > HEAD_LIMIT_BYTES or len(headers) >= MOST_FIELDS:
            self._refuse(_HEAD_TOO_LARGE)
        headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Look at the head of a delivery; give everything else to ASGI."""
        parser: Any = self.parser  # None once the connection is lost, when nothing is parsed
        version = parser.get_http_version()
        if version not in _VERSIONS:
            self._refuse(_MALFORMED)
        expected = dict(self.headers).get(b"expect", b"")
        self.expect_100_continue = expected.lower() == b"100-continue"
        if not self._is_delivery(parser.get_method()):
            self._give_to_asgi()
            return
        self._in_head = False
        keep_alive = version == "1.1" and parser.should_keep_alive()
        found = self._admit(self.headers)
        take = found if callable(found) else None
        delivery = self._delivery = _Delivery(take, keep_alive=keep_alive)
        self.cycle = cast("Any", delivery)
        if not callable(found):
            delivery.keep_alive = False  # nobody reads its body
            self._answer(delivery, found)
        elif self.expect_100_continue:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _is_delivery(self, method: bytes) -> bool:
        """Tell whether ASGI may be passed by: not while an answer before this one is due."""
        before: Any = self.cycle  # None at first, whatever uvicorn says
        if before is not None and not before.response_complete:
            return False
        path = self.url.partition(b"?")[0]
        return path in self._lobby.intake.paths and method == b"POST"

    def _admit(self, headers: Headers) -> Reply | Take:
        if self._lobby.full:
            return _FULL
        if declared_bytes(headers) > BODY_LIMIT_BYTES:
            return _LARGE
        return self._lobby.intake.look(headers)

    def _give_to_asgi(self) -> None:
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers.extend(headers)
        super().on_headers_complete()

    # the body

    def on_body(self, body: bytes) -> None:
        """Take a part of the body, up to the limit."""
        delivery = self._delivery
        if delivery is None:
            super().on_body(body)
        elif not delivery.response_complete:
            delivery.parts.append(body)
            delivery.size += len(body)
            self._lobby.held_bytes += len(body)
            if delivery.size > BODY_LIMIT_BYTES:
                delivery.keep_alive = False
                self._answer(delivery, _LARGE)

    def on_message_complete(self) -> None:
        """See to a delivery that is whole."""
        self._lobby.silent.pop(self, None)
        delivery = self._delivery
        if delivery is None:
            super().on_message_complete()
        elif delivery.take is not None and not delivery.response_complete:
            delivery.whole = True
            self._expect(ANSWER_SECONDS)
            self._lobby.underway += 1
            task = self.loop.create_task(self._see_to(delivery, delivery.take))
            self.tasks.add(task)
            task.add_done_callback(self._seen_to)

    async def _see_to(self, delivery: _Delivery, take: Take) -> None:
        parts = delivery.parts
        try:
            reply = await take(parts[0] if len(parts) == 1 else b"".join(parts))
        except Exception as error:  # whatever it is, Zoom is asked to come again
            self.logger.error("a delivery failed: %s", type(error).__name__)  # noqa: TRY400  # a traceback may quote it
            reply = _FULL
        self._answer(delivery, reply)

    def _seen_to(self, task: "asyncio.Task[None]") -> None:
        self._lobby.underway -= 1
        self.tasks.discard(task)

    def _let_go(self, delivery: _Delivery) -> None:
        self._lobby.held_bytes -= delivery.size
        delivery.size, delivery.parts = 0, []

    # the answer

    def on_response_complete(self) -> None:
        """Wait for the next request, unless its connection was lost meanwhile."""
        if self in self.connections:
            self._lobby.silent[self] = None
        super().on_response_complete()

    def _answer(self, delivery: _Delivery, reply: Reply) -> None:
        self._let_go(delivery)
        if delivery.response_complete or delivery.disconnected:
            return
        delivery.response_complete = True
        status, body = reply.status, reply.body
        ours = b"".join([b"%b: %b\r\n" % header for header in self.server_state.default_headers])
        close = b"" if delivery.keep_alive else b"connection: close\r\n"
        self.transport.write(
            b"%b%b%b%bcontent-length: %d\r\n\r\n%b"
            % (STATUS_LINE[status], ours, _HEADERS[status], close, len(body), body)
        )
        if not delivery.keep_alive:
            self.transport.close()
        self.on_response_complete()

    def shutdown(self) -> None:
        """End soon: after the delivery that is under way, or as everybody does."""
        if self._underway is None:
            super().shutdown()
        else:
            self._underway.keep_alive = False

    def _overdue(self) -> None:
        """Ask to come again, before Zoom thinks so by itself; break off what does not come."""
        if self._underway is None:
            super()._overdue()
        else:
            self._answer(self._underway, _FULL)

    @property
    def _underway(self) -> _Delivery | None:
        """The delivery that has come and has no answer yet."""
        delivery = self._delivery
        if delivery is None or delivery.response_complete or not delivery.whole:
            return None
        return delivery


def _written(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    return b"".join(b"%b: %b\r\n" % header for header in headers)


_HEADERS: Final = {
    status: _written((*JSON_HEADERS, *ALSO.get(status, ()))) for status in STATUS_LINE
}
