"""What does a bot's author write against? `App`: decorators to register, ASGI to serve.

It only wires: what happens is in `flows`, what is answered in `web`.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import structlog

from innkeeper.bot.contexts import (
    Action,
    Command,
    Deauthorized,
    Happened,
    Installed,
    Selected,
)
from innkeeper.bot.routing import Forget, Handler, RoutedBot, Routes
from innkeeper.clock import Clock, MovableClock, SystemClock
from innkeeper.errors import BotRefused, InnkeeperError, SettingsRefused
from innkeeper.flows.deauthorize import Forgetter, Scope
from innkeeper.flows.dispatch import Dispatcher, Us
from innkeeper.flows.endpoint import Credentials
from innkeeper.flows.grants import Grants
from innkeeper.flows.install import Installer
from innkeeper.flows.installations import Registry
from innkeeper.flows.receive import Receiver
from innkeeper.flows.speak import Speaker
from innkeeper.follow import FollowingTransport
from innkeeper.net.inbound import send_answer
from innkeeper.net.outbound import AsgiApp, HttpTransport, Receive, Send, Transport
from innkeeper.net.outbound import Scope as AsgiScope
from innkeeper.secret import Secret
from innkeeper.settings import Settings
from innkeeper.store.records import Installation, InstallationStatus
from innkeeper.store.sqlite import SqliteStore
from innkeeper.store.vault import SqliteVault
from innkeeper.web import WEBHOOKS, Web, relative_path
from innkeeper.wire.signature import Verifier
from innkeeper.work import Parts, Worker

_NOT_STARTED = b'{"error":"unavailable"}'

_H = TypeVar("_H", bound=Callable[..., Any])


class App:
    """A Zoom Team Chat app: register handlers, then serve it with any ASGI server.

    Making one does no I/O; settings are read when it starts, which is at the server's
    lifespan, or at the first request where the server has none.

    Args:
        name: What its pages call it.
        description: One sentence for its first page.
        settings: What was configured; read from the environment when omitted.

    Example:
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
    ) -> None:
        self.name = name
        self.description = description
        self.routes = Routes()
        self._settings = settings
        self._transport: Transport | None = None
        self._clock: Clock | None = None
        self._parts: Parts | None = None
        self._worker: Worker | None = None
        self._web: Web | None = None
        self._pages: AsgiApp | None = None
        self._starting: asyncio.Lock | None = None

    # what a bot registers

    def on_install(self, handler: Handler[Installed]) -> Handler[Installed]:
        """Answer to being added; what it returns is the welcome message, once.

        Raises:
            BotRefused: If there is one already, or it can be no handler.
        """
        return self.routes.put(self.routes.installed, "", handler, "on_install")

    def on_deauthorize(self, handler: Handler[Deauthorized]) -> Handler[Deauthorized]:
        """Hear that somebody removed the app; their data is deleted without your help.

        Raises:
            BotRefused: If there is one already, or it can be no handler.
        """
        return self.routes.put(self.routes.deauthorized, "", handler, "on_deauthorize")

    def command(self, words: str = "") -> Callable[[Handler[Command]], Handler[Command]]:
        """Take a slash command that begins with these words; without words, any other."""
        key = " ".join(words.split())
        return lambda handler: self.routes.put(self.routes.commands, key, handler, "command")

    def action(self, value: str = "") -> Callable[[Handler[Action]], Handler[Action]]:
        """Take the press of the button with this value; without a value, any other."""
        return lambda handler: self.routes.put(self.routes.actions, value, handler, "action")

    def select(self, handler: Handler[Selected]) -> Handler[Selected]:
        """Take a choice in a dropdown.

        Raises:
            BotRefused: If there is one already, or it can be no handler.
        """
        return self.routes.put(self.routes.selects, "", handler, "select")

    def event(self, name: str) -> Callable[[Handler[Happened]], Handler[Happened]]:
        """Take any event by Zoom's name for it, unless a more special handler does."""
        return lambda handler: self.routes.put(self.routes.events, name, handler, "event")

    def purge(
        self, name: str, *, verify: Callable[[Scope], Any] | None = None
    ) -> Callable[[Forget], Forget]:
        """Delete the bot's own data of somebody who removed the app.

        The step says how many things it deleted. It may be run again, and is, until it
        succeeds and `verify`, if given, says that everything is gone.
        """

        def register(delete: Forget) -> Forget:
            self.routes.add_purge(name, delete, verify)
            return delete

        return register

    # serving

    def configure(
        self,
        settings: Settings,
        *,
        transport: Transport | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Say before the start what else would be read from the environment."""
        self._settings, self._transport, self._clock = settings, transport, clock

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Serve ASGI."""
        if scope["type"] == "http":
            await self._answer(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close"})  # nothing here talks so

    async def _answer(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        try:
            web = self._web or await self._started()
        except InnkeeperError as error:
            structlog.get_logger("innkeeper").error(
                "app.not_started", code=error.code, why=_told(error)
            )
            await send_answer(send, 503, _NOT_STARTED)
            return
        if relative_path(scope) in WEBHOOKS:
            await web.webhook(scope, receive, send)
        elif self._pages is not None:
            await self._pages(scope, receive, send)

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

    async def _started(self) -> Web:
        await self.start()
        if self._web is None:
            raise BotRefused("the app", "was stopped")
        return self._web

    async def start(self, *, background: bool = True) -> Parts:
        """Open the store and begin to work; starting twice is starting once.

        Raises:
            SettingsRefused: With everything that is wrong in the configuration.
            StoreUnavailable: If the database cannot be opened.
            KeyMissing: If the key ring lacks a key that is needed.
        """
        self._starting = self._starting or asyncio.Lock()
        async with self._starting:
            if self._parts is None:
                parts = self._wire(self._settings or Settings.load(Path.cwd()))
                try:
                    await parts.open()
                except BaseException:
                    await parts.close()  # or the next try would find the files locked
                    raise
                self._parts, self._worker = parts, Worker(parts)
                self._web = Web(parts, self.name, self.description)
                self._pages = self._web.pages()
                if background:
                    self._worker.start()
            return self._parts

    async def stop(self) -> None:
        """Let handlers end, at most ten seconds, and let go of everything."""
        parts, worker = self._parts, self._worker
        self._parts = self._worker = self._web = self._pages = None
        if worker is not None:
            await worker.stop()
        if parts is not None:
            await parts.close()

    @property
    def worker(self) -> Worker:
        """The background work of a started app.

        Raises:
            BotRefused: If the app was not started.
        """
        if self._worker is None:
            raise BotRefused("the app", "was not started")
        return self._worker

    def _wire(self, settings: Settings) -> Parts:
        log = structlog.get_logger("innkeeper")
        for warning in settings.warnings:
            log.warning("settings.warning", text=warning)
        clock, transport = self._edges(settings)
        vault = SqliteVault(str(settings.vault), settings.keys, app=settings.client_id)
        store = SqliteStore(str(settings.database), vault=vault, app=settings.client_id)
        registry = Registry(store, vault, per_account=settings.management == "admin")
        grants = Grants(
            store,
            transport=transport,
            clock=clock,
            credentials=credentials_of(settings),
            on_needs_reauth=partial(store.set_status, status=InstallationStatus.NEEDS_REAUTH),
            on_recovered=partial(store.set_status, status=InstallationStatus.LIVE),
        )

        def forget(installation: Installation) -> None:
            registry.forget(installation.owner)
            grants.forget(installation.id)

        speaker = Speaker(transport=transport, grants=grants, robot_jid=settings.bot_jid)
        forgetter = Forgetter(
            store=store,
            vault=vault,
            registry=registry,
            steps=self.routes.purges,
            clock=clock,
            log=log,
            forget=forget,
        )
        bot = RoutedBot(self.routes, _Services(speaker, store))
        dispatcher = Dispatcher(
            store=store,
            bot=bot,
            registry=registry,
            speaker=speaker,
            forgetter=forgetter,
            clock=clock,
            log=log,
            us=Us(settings.client_id, settings.bot_jid),
        )
        receiver = Receiver(
            verifier=Verifier(settings.secret_tokens),
            inbox=store,
            desk=dispatcher,
            client_id=settings.client_id,
            clock=clock,
            owner_of=registry.owner_of,
            refused=lambda reason: log.warning("webhook.refused", reason=reason),
        )
        installer = Installer(
            settings=settings,
            store=store,
            registry=registry,
            grants=grants,
            transport=transport,
            clock=clock,
        )
        return Parts(
            settings=settings,
            clock=clock,
            transport=transport,
            store=store,
            vault=vault,
            grants=grants,
            speaker=speaker,
            forgetter=forgetter,
            dispatcher=dispatcher,
            receiver=receiver,
            installer=installer,
            log=log,
            follows=isinstance(transport, FollowingTransport),
        )

    def _edges(self, settings: Settings) -> tuple[Clock, Transport]:
        transport = self._transport or HttpTransport()
        if self._clock is not None:
            return self._clock, transport
        if settings.development:
            clock = MovableClock()
            return clock, FollowingTransport(transport, clock)
        return SystemClock(), transport


def credentials_of(settings: Settings) -> Credentials:
    """Pick what Zoom knows us by."""
    return Credentials(
        oauth_url=settings.oauth_url,
        api_url=settings.api_url,
        client_id=settings.client_id,
        client_secret=settings.client_secret,
        account_id=settings.account_id or "",
        s2s_client_id=settings.s2s_client_id or "",
        s2s_client_secret=settings.s2s_client_secret or Secret(""),
    )


class _Services:
    """What contexts are made of."""

    def __init__(self, speaker: Speaker, state: SqliteStore) -> None:
        self.speaker = speaker
        self.state = state


def _told(error: Exception) -> str:
    if isinstance(error, SettingsRefused):
        return "\n".join(f"{fault.name} {fault.why}. {fault.fix}" for fault in error.faults)
    return str(error) or type(error).__name__
