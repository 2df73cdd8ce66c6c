"""What is one HTTP exchange, and who carries it? A request, an answer, a transport."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Protocol

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

DEADLINE_SECONDS = 10.0
ANSWER_LIMIT_BYTES = 65_536
DEADLINE = "innkeeper.deadline"
"""The ASGI extension that says, in process, how many seconds the client would wait."""


@dataclass(slots=True)  # not frozen: one is made for each call, and freezing costs more
class Request:
    """One HTTP request. Headers and body may hold secrets, so neither is printed."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(slots=True)  # not frozen, for the same reason
class Response:
    """One HTTP answer; header names are in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    body: bytes = field(default=b"", repr=False)

    @property
    def content_type(self) -> str:
        """The answer's media type, or nothing."""
        return self.headers.get("content-type", "")


class Transport(Protocol):
    """Carries one request and brings its answer."""

    async def send(
        self,
        request: Request,
        *,
        deadline: float = DEADLINE_SECONDS,
        limit_bytes: int = ANSWER_LIMIT_BYTES,
    ) -> Response:
        """Send a request and read its whole answer within `deadline` seconds.

        Raises:
            Unreachable: If the request cannot have taken effect.
            AnswerLost: If it may have: the answer timed out, broke off, or was too large.
        """
        ...

    async def aclose(self) -> None:
        """Let go of every connection."""
        ...


def joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Lower the names, and put a repeated header's values on a line each."""
    found: dict[str, str] = {}
    for name, value in pairs:
        key = name.lower()
        found[key] = f"{found[key]}\n{value}" if key in found else value
    return found


def shown_address(url: str) -> str:
    """Write where a request went without what may be secret in it."""
    return url.partition("?")[0][:200]
