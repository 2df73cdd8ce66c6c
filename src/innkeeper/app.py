"""What does a bot's author write against? `App`: decorators to register, ASGI to serve.

Nothing is decided here: what happens is in `flows`, what is answered in `web`, and how all of
it is put together in `wiring`. Those are imported when an app starts: a file that registers
handlers, and a test that looks at them, wait for none of it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from innkeeper.bot.functions import Function
from innkeeper.bot.inject import Dependency, overridden
from innkeeper.bot.routing import Router
from innkeeper.bot.table import Route, Table
from innkeeper.bot.threads import MOST_THREADS, Threads
from innkeeper.errors import BotRefused, InnkeeperError, LambdaNeedsPostgresql, SettingsRefused
from innkeeper.flows.dispatch import PATIENCE, Manner

if TYPE_CHECKING:
    from innkeeper.aws import AwsLambda
    from innkeeper.bot.client import Client
    from innkeeper.clock import Clock
    from innkeeper.ids import AccountId, UserId
    from innkeeper.net.intake import Intake
    from innkeeper.net.outbound import AsgiApp, Receive, Send, Transport
    from innkeeper.net.outbound import Scope as AsgiScope
    from innkeeper.settings import Settings
    from innkeeper.shelf import Shelf
    from innkeeper.ui.theme import Pages
    from innkeeper.work import Parts, Worker
    from innkeeper.wsgi import Wsgi

_NOT_STARTED = b'{"error":"unavailable"}'

Ordering = Literal["free", "conversation"]
"""Whether events of one conversation may be handled at the same time."""


class App(Router):
    """A Zoom Team Chat app: register handlers, then serve it with any ASGI server.

    Making one does no I/O; settings are read when it starts, which is at the server's
    lifespan, or at the first request where the server has none.

    Args:
        name: What its pages call it.
        description: One sentence for its first page.
        settings: What was configured; read from the environment when omitted.
        ordering: `conversation` handles the events of one conversation one after the
            other, in the order of their arrival, within one process; `free` handles all
            at once.
        patience: How long a handler may take; then it is cut off and tried again later.
        threads: How many sync handlers may run at a time.
        scopes: What the bot cannot do without: an authorization that lacks one is refused.
        pages: How its pages look and what they say, where that is not ours.

    Example:
        >>> from innkeeper import Command
        >>> app = App()
        >>> @app.command("help")
        ... def help_(ctx: Command) -> str:
        ...     return "Try `due friday ship it`"
    """

    def __init__(
        self,
        name: str = "This app",
        *,
        description: str = "",
        settings: Settings | None = None,
        ordering: Ordering = "free",
        patience: timedelta = PATIENCE,
        threads: int = MOST_THREADS,
        scopes: Sequence[str] = (),
        pages: Pages | None = None,
    ) -> None:
        super().__init__()
        self.name = name
        self.description = description
        self._ordering = ordering
        self._patience = patience
        self._scopes = frozenset(scopes)
        self._pages = pages
        self._most_threads = threads
        self._threads = Threads(threads)
        self._overrides: dict[Function, Dependency] = {}
        self._settings = settings
        self._transport: Transport | None = None
        self._clock: Clock | None = None
        self._shelf: Shelf | None = None
        self._parts: Parts | None = None
        self._worker: Worker | None = None
        self._site: AsgiApp | None = None
        self._intake: Intake | None = None
        self._starting: asyncio.Lock | None = None
        self._stopping = False
        self._caretaker: asyncio.Task[None] | None = None
        self._wsgi: Wsgi | None = None
        self._aws_lambda: AwsLambda | None = None
        self._process = 0
        self._inherited: list[object] = []

    # what a bot is made of

    def routes(self) -> Sequence[Route]:
        """List the handlers, in the order of their registration, with those included.

        Raises:
            BotRefused: With all that is wrong with the handlers, by file and line.
        """
        return Table(self).routes()

    @contextmanager
    def override(self, provider: Callable[..., Any], by: Callable[..., Any]) -> Generator[None]:
        """Have `by` called where a handler depends on `provider`; for tests.

        Raises:
            BotRefused: If `by` needs what nothing fills.
        """
        with overridden(self._overrides, provider, by):
            yield

    # who comes in

    def install_url(
        self,
        *,
        metadata: Mapping[str, Any] | None = None,
        return_to: str = "",
        account_id: AccountId | None = None,
        user_id: UserId | None = None,
        lifetime: timedelta | None = None,
    ) -> str:
        """Make a link to `/install`. What it carries can be neither read nor altered by others.

        It calls nobody and keeps nothing; an app that was not started yet reads its settings.
        Whoever has the link can follow it, as often as they like, until its time is over.

        Args:
            metadata: Handed to `@app.on_authorized` when somebody who followed the link has
                authorized the app: JSON of at most 2 KiB.
            return_to: Where the browser goes then: a path beginning with `/` on the public
                URL's host, or an address at an origin of `INNKEEPER_RETURN_TO`.
            account_id: The only Zoom account that is let in by this link.
            user_id: The only Zoom user that is.
            lifetime: For how long it can be followed: a day when omitted, at most 30. A link
                that carries nothing can be followed for ever.

        Raises:
            BotRefused: If one of them cannot be carried, or `INNKEEPER_USER_OAUTH` is off, so
                that nobody learns who has authorized the app.
            SettingsRefused: If the app was not started, and cannot be.
        """
        from innkeeper.clock import SystemClock  # noqa: PLC0415  # see above
        from innkeeper.flows.invitations import PARAMETER  # noqa: PLC0415
        from innkeeper.wire.links import with_query  # noqa: PLC0415
        from innkeeper.wiring import invitations_of  # noqa: PLC0415

        settings = self._parts.settings if self._parts else self._read_settings()
        clock = self._parts.clock if self._parts else self._clock or SystemClock()
        invitation = None
        if metadata or return_to or account_id or user_id or lifetime is not None:
            invitation = invitations_of(settings).write(
                metadata=metadata or {},
                return_to=return_to,
                account_id=account_id,
                user_id=user_id,
                lifetime=timedelta(days=1) if lifetime is None else lifetime,
                now=clock.now(),
            )
        return with_query(f"{settings.public_url}/install", **{PARAMETER: invitation})

    def _read_settings(self) -> Settings:
        from innkeeper.environment import load_settings  # noqa: PLC0415  # see above

        self._settings = self._settings or load_settings(Path.cwd())
        return self._settings

    # serving

    def configure(
        self,
        settings: Settings,
        *,
        transport: Transport | None = None,
        clock: Clock | None = None,
        shelf: Shelf | None = None,
    ) -> None:
        """Say before the start what else would be read from the environment.

        Args:
            shelf: Where everything is kept; opened and closed with the app.
        """
        self._settings, self._transport, self._clock = settings, transport, clock
        self._shelf = shelf

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Serve ASGI."""
        if scope["type"] == "http":
            await self._answer(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close"})  # nothing here talks so

    def wsgi(self) -> Wsgi:
        """Give the app as a WSGI application; it starts in each process by itself.

        Serve it from one process with threads: one process at a time writes to a SQLite
        database, and another answers 503 and says so in its log.

        Example:
            >>> application = App().wsgi()
        """
        from innkeeper.wsgi import Wsgi  # noqa: PLC0415  # see above

        self._wsgi = self._wsgi or Wsgi(self)
        return self._wsgi

    def aws_lambda(self) -> AwsLambda:
        """Give the app as a handler for AWS Lambda, behind a function URL or API Gateway.

        It only takes events in: `innkeeper worker` handles them, on the same PostgreSQL. On
        SQLite it refuses to start, at the first request.

        Example:
            >>> handler = App().aws_lambda()
        """
        from innkeeper.aws import AwsLambda  # noqa: PLC0415  # see above

        self._aws_lambda = self._aws_lambda or AwsLambda(self, self._take_in_only)
        return self._aws_lambda

    async def _take_in_only(self) -> Parts:
        """Start with no handler and no background work: whoever is frozen can do neither."""
        settings = self._read_settings()
        if isinstance(settings.database, Path):
            raise LambdaNeedsPostgresql(
                "the app cannot run on AWS Lambda", "its database is SQLite"
            )
        self._settings = replace(settings, handles_events=False, handles_installs=False)
        return await self.start(background=False)

    async def _answer(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        self._leave_to_parent()
        if self._stopping:
            await _unavailable(send)
            return
        try:
            site = self._site or await self._started()
        except InnkeeperError as error:
            _log().error("app.not_started", code=error.code, why=_told(error))
            await _unavailable(send)
            return
        await site(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self.start()
        except Exception as error:  # the server must be told, whatever it is
            await send({"type": "lifespan.startup.failed", "message": _told(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _started(self) -> AsgiApp:
        await self.start()
        if self._site is None:
            raise BotRefused("the app", "was stopped")
        if self._caretaker is None:
            self._caretaker = asyncio.create_task(self._end_with_loop())
        return self._site

    async def _end_with_loop(self) -> None:
        """Stop when the loop ends, for a server that tells nobody: it cancels what still runs."""
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            if self._caretaker is asyncio.current_task():
                await self.stop()
                self._starting = None  # a lock belongs to its loop

    def _leave_to_parent(self) -> None:
        """Begin anew in a process that was forked: what was opened before is the parent's.

        It is kept, and not closed: closing a database that another process has open would
        meddle with it.
        """
        if self._process != os.getpid():
            self._inherited += [self._parts, self._worker, self._caretaker]
            self._parts = self._worker = self._site = self._intake = None
            self._starting = self._caretaker = None
            self._stopping = False
            self._threads = Threads(self._most_threads)
            self._process = os.getpid()

    @asynccontextmanager
    async def lifespan(self, _host: object = None) -> AsyncGenerator[None]:
        """Start and stop with the application that this one is mounted in.

        Example:
            >>> from starlette.applications import Starlette
            >>> from starlette.routing import Mount
            >>> bot = App()
            >>> site = Starlette(routes=[Mount("/zoom", bot)], lifespan=bot.lifespan)
        """
        async with self:
            yield

    async def __aenter__(self) -> Self:
        """Start, until the block ends.

        Raises:
            InnkeeperError: As `start`.
        """
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop."""
        await self.stop()

    async def start(self, *, background: bool = True) -> Parts:
        """Open the store and begin to work; starting twice is starting once.

        Raises:
            BotRefused: With everything that is wrong with the handlers.
            SettingsRefused: With everything that is wrong in the configuration.
            StoreUnavailable: If the database cannot be opened.
            KeyMissing: If the key ring lacks a key that is needed.
        """
        self._leave_to_parent()
        self._starting = self._starting or asyncio.Lock()
        async with self._starting:
            if self._parts is None:
                await self._open(background=background)
            if self._parts is None:
                raise BotRefused("the app", "was stopped")
            return self._parts

    async def _open(self, *, background: bool) -> None:
        from innkeeper.ui.theme import Pages, Theme  # noqa: PLC0415  # see above
        from innkeeper.web import Web  # noqa: PLC0415
        from innkeeper.wiring import Edges, Handling, wire  # noqa: PLC0415
        from innkeeper.work import Worker  # noqa: PLC0415

        theme = Theme(self._pages or Pages())
        manner = Manner(self._patience, ordered=self._ordering == "conversation")
        parts = wire(
            self._read_settings(),
            Table(self),
            handling=Handling(self._threads, self._overrides, manner),
            edges=Edges(self._transport, self._clock, self._shelf),
            scopes=self._scopes,
        )
        try:
            await parts.open()
        except BaseException:
            await parts.close()  # or the next try would find the files locked
            raise
        for language, keys in theme.untranslated.items():
            parts.log.warning("pages.untranslated", language=language, texts=len(keys))
        self._parts, self._worker = parts, Worker(parts)
        web = Web(parts, self.name, self.description, theme)
        self._site, self._intake = web.site(), web.intake()
        self._close_notes(closed=True)
        if background:
            self._worker.start()

    async def for_install(self, *, account_id: AccountId, user_id: UserId | None = None) -> Client:
        """Give Zoom's API for an installation, to speak when nothing has happened.

        Args:
            user_id: Whose it is; an app that an admin installs for the account needs none.

        Raises:
            NotInstalled: If the app is not installed there.
            SettingsRefused: If the app was not started, and cannot be.
            StoreUnavailable: If the database cannot be read.
        """
        parts = self._parts or await self.start()
        return await parts.clients.find(account_id, user_id)

    async def stop(self) -> None:
        """Let handlers end, at most ten seconds, and let go of everything."""
        parts, worker, caretaker = self._parts, self._worker, self._caretaker
        self._stopping = True  # a request that comes now must not start it again
        self._caretaker = None
        if caretaker is not None and caretaker is not asyncio.current_task():
            caretaker.cancel()
        try:
            if worker is not None:
                await worker.stop()
            if parts is not None:
                await parts.close()
        finally:
            self._parts = self._worker = self._site = self._intake = None
            self._stopping = False
        self._threads.close()
        self._close_notes(closed=False)

    def _close_notes(self, *, closed: bool) -> None:
        for router in self.family():
            router.noted.closed = closed

    @property
    def intake(self) -> Intake:
        """Where our own server takes the webhooks of a started app, past ASGI.

        Raises:
            BotRefused: If the app was not started.
        """
        if self._intake is None:
            raise BotRefused("the app", "was not started")
        return self._intake

    @property
    def worker(self) -> Worker:
        """The background work of a started app.

        Raises:
            BotRefused: If the app was not started.
        """
        if self._worker is None:
            raise BotRefused("the app", "was not started")
        return self._worker


def _log() -> Any:
    import structlog  # noqa: PLC0415  # see above

    return structlog.get_logger("innkeeper")


async def _unavailable(send: Send) -> None:
    from innkeeper.net.inbound import send_reply  # noqa: PLC0415  # see above

    await send_reply(send, 503, _NOT_STARTED)


def _told(error: Exception) -> str:
    if isinstance(error, SettingsRefused):
        return "\n".join(f"{fault.name} {fault.why}. {fault.fix}" for fault in error.faults)
    return str(error) or type(error).__name__
