"""One running app, asked over ASGI as a server would ask it."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from innkeeper.app import App
from innkeeper.clock import MovableClock
from innkeeper.errors import Unreachable
from innkeeper.ids import Jid
from innkeeper.net.outbound import Request, Response
from innkeeper.secret import Secret
from innkeeper.settings import Settings
from innkeeper.store.seal import KeyRing
from innkeeper.work import Parts

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LOCAL = "http://127.0.0.1:8701"

Header = tuple[bytes, bytes]


class NoZoom:
    """A Zoom that cannot be reached; it remembers what was asked of it."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.closed = 0

    async def send(
        self, request: Request, *, deadline: float = 10.0, limit_bytes: int = 65_536
    ) -> Response:
        self.asked.append(f"{request.url} within {deadline} s and {limit_bytes} bytes")
        raise Unreachable("no Zoom here")

    async def aclose(self) -> None:
        self.closed += 1


@dataclass(frozen=True)
class Answer:
    """What a client sees."""

    status: int
    headers: dict[str, list[str]]
    body: bytes
    error: Exception | None = None
    """What was left to the server to log."""

    def __getitem__(self, name: str) -> str:
        """Give a header that stands there once, or nothing."""
        [*values] = self.headers.get(name, [])
        assert len(values) <= 1
        return values[0] if values else ""

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass(frozen=True)
class Door:
    """The way to an app."""

    app: App
    host: str

    async def get(self, path: str, *headers: Header, **how: Any) -> Answer:
        return await self.ask("GET", path, headers, **how)

    async def ask(
        self,
        method: str,
        path: str,
        headers: Sequence[Header] = (),
        *,
        body: Sequence[bytes] = (b"",),
        host: str | None = None,
        root_path: str = "",
    ) -> Answer:
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": root_path + unquote(path.partition("?")[0]),
            "raw_path": (root_path + path.partition("?")[0]).encode("utf-8", "replace"),
            "query_string": path.partition("?")[2].encode("latin-1", "replace"),
            "root_path": root_path,
            "headers": [(b"host", (self.host if host is None else host).encode()), *headers],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 8701),
        }
        answer = await spoken(self.app, scope, body)
        assert answer.error is None or answer.status == 500
        return answer


async def spoken(app: App, scope: dict[str, Any], body: Sequence[bytes] = ()) -> Answer:
    """Carry one request through an application; after its body the client hangs up."""
    waiting = [
        {"type": "http.request", "body": part, "more_body": place < len(body)}
        for place, part in enumerate(body, start=1)
    ]
    sent: list[Any] = []

    async def receive() -> Any:
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    error = None
    try:
        await app(scope, receive, send)
    except Exception as raised:
        error = raised
    if not sent:
        return Answer(0, {}, b"", error)
    headers: dict[str, list[str]] = {}
    for name, value in sent[0]["headers"]:
        headers.setdefault(name.decode(), []).append(value.decode())
    content = b"".join(each["body"] for each in sent[1:])
    return Answer(sent[0]["status"], headers, content, error)


def settings_at(public_url: str, directory: Path, **changes: Any) -> Settings:
    values: dict[str, Any] = {
        "client_id": "client-at-the-door",
        "client_secret": Secret("a-client-secret-at-the-door"),
        "bot_jid": Jid("v1porter@xmpp.zoom.us"),
        "secret_tokens": (Secret("a-secret-token-at-the-door"),),
        "management": "user",
        "public_url": public_url,
        "keys": KeyRing.parse(KeyRing.generate()),
        "database": directory / "innkeeper.db",
        "vault": directory / "innkeeper.vault.db",
        **changes,
    }
    return Settings(**values)


def door_of(app: App, public_url: str) -> Door:
    return Door(app, urlsplit(public_url).netloc)


@asynccontextmanager
async def opened(
    directory: Path, public_url: str = LOCAL, app: App | None = None, **changes: Any
) -> AsyncGenerator[tuple[Door, Parts]]:
    """Run an app without a Zoom; time stands still."""
    app = app or App("Porter", description="Carries what is heavy.")
    clock = MovableClock(NOW, frozen=True)
    settings = settings_at(public_url, directory, **changes)
    app.configure(settings, transport=NoZoom(), clock=clock)
    parts = await app.start(background=False)
    try:
        yield door_of(app, public_url), parts
    finally:
        await app.stop()
