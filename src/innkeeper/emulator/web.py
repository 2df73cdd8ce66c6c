"""What is the emulator as a whole? One world, everything that acts on it, and its application."""

import asyncio
import secrets
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from innkeeper.clock import MovableClock
from innkeeper.emulator import answers, snapshot
from innkeeper.emulator.backlog import Backlog
from innkeeper.emulator.chat.api import ChatbotApi
from innkeeper.emulator.chat.client import Chat
from innkeeper.emulator.chat.launch import Launch
from innkeeper.emulator.chat.live import Live
from innkeeper.emulator.chat.lookups import Lookups
from innkeeper.emulator.chat.pages import ChatPages
from innkeeper.emulator.chat.trigger import Trigger
from innkeeper.emulator.chat.unfurls import Unfurls
from innkeeper.emulator.clockpages import ClockPages
from innkeeper.emulator.control import Control
from innkeeper.emulator.courier.rounds import Courier
from innkeeper.emulator.coveragepages import Coverage
from innkeeper.emulator.faults.api import ApiFaults
from innkeeper.emulator.faults.levers import Faults
from innkeeper.emulator.guard import Guard
from innkeeper.emulator.home import Home
from innkeeper.emulator.marketplace.api import MarketplaceApi
from innkeeper.emulator.marketplace.listing import Listing
from innkeeper.emulator.marketplace.localtest import LocalTest, authorization_url
from innkeeper.emulator.marketplace.pages import Marketplace
from innkeeper.emulator.marketplace.removal import Removal, Removed
from innkeeper.emulator.marketplace.validations import Validations
from innkeeper.emulator.oauth.admission import Admission
from innkeeper.emulator.oauth.approval import Approvals
from innkeeper.emulator.oauth.authorization import SentBack
from innkeeper.emulator.oauth.consent import Consent
from innkeeper.emulator.oauth.device_pages import DevicePages
from innkeeper.emulator.oauth.endpoint import TokenEndpoint
from innkeeper.emulator.oauth.users import Users
from innkeeper.emulator.planting import plant
from innkeeper.emulator.rulespages import RulesPages
from innkeeper.emulator.seed import Seed
from innkeeper.emulator.traffic.news import News
from innkeeper.emulator.traffic.records import Traffic, TrafficRecorder
from innkeeper.emulator.trafficpages import TrafficPages
from innkeeper.emulator.tunnels import Tunnels
from innkeeper.emulator.viewer import SignIn
from innkeeper.emulator.world import AppRecord, User, World
from innkeeper.errors import InnkeeperError
from innkeeper.net.inbound import BodyTooLarge, ClientGone
from innkeeper.net.outbound import AsgiApp, AsgiTransport, HttpTransport, Transport

if TYPE_CHECKING:
    from innkeeper.net.resolving import Resolver


class AuthorizationRefused(InnkeeperError):
    """An authorization that Zoom would not take; `why` says which rule it broke."""

    code = "authorization_refused"
    fix = "Correct the request, or the app in the Marketplace."


class Emulator:
    """A Zoom on this machine: state, rules, pages and APIs, as one ASGI application.

    `app` is the application. Where time runs, `start` it; where the clock is frozen,
    nothing happens by itself: `settle` does what was queued and is due, `advance` moves
    the clock.

    Args:
        seed: What the world begins with; three people and one app when omitted.
        clock: Tells the time to everything here.
        transport: Carries events to apps. Through an `AsgiTransport` nothing leaves the
            process, so its applications may be called by made-up names.
        base_url: Where the emulator is reached, without a slash at its end.
        random_seed: Makes ids and tokens repeat; the seed's own when omitted.
        allow_hosts: Hosts beyond this machine that events may be posted to.
    """

    def __init__(
        self,
        *,
        seed: Seed | None = None,
        clock: MovableClock | None = None,
        transport: Transport | None = None,
        base_url: str = "http://127.0.0.1:8700",
        random_seed: int | None = None,
        allow_hosts: Iterable[str] = (),
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._seed = seed or Seed.default()
        drawn = self._seed.document.seed if random_seed is None else random_seed
        if drawn is None:
            drawn = secrets.randbits(128)  # known to nobody, but a reset repeats it
        self.world = World(clock, seed=drawn)
        self.world.base_url = self.base_url
        plant(self._seed, self.world)
        transport = transport or HttpTransport(resolver=_checked)
        self.traffic = Traffic(self.world)
        hosts = {*allow_hosts, *_hosts_in_process(transport)}
        self.courier = Courier(self.world, transport, self.traffic, allow_hosts=hosts)
        self.chat = Chat(self.world, self.courier)
        self.triggers = Trigger(self.world, self.chat, self.courier)
        self.removal = Removal(self.world, self.courier, self.chat)
        self.faults = Faults(self.world)
        self.listing = Listing(self.world, self.courier)
        self.marketplace = Marketplace(self.world, self.listing, origin=self.base_url)
        self._live = Live(self.world)
        self._news = News(self.world, self.traffic)
        self._backlog = Backlog()
        self._admission = Admission(self.world, self._backlog, self.chat)
        self._consent = Consent(self.world, self._admission)
        self._loops: list[asyncio.Task[None]] = []
        self._moving = asyncio.Lock()
        self.app: AsgiApp = self._application()

    def _application(self) -> AsgiApp:
        starlette = Starlette(
            routes=self._routes(),
            exception_handlers={
                HTTPException: _http_fault,
                BodyTooLarge: _too_large,
                ClientGone: _gone,
            },
        )
        starlette.router.redirect_slashes = False
        starlette.state.world = self.world
        host = urlsplit(self.base_url).hostname or ""
        failing = ApiFaults(starlette, self.world)
        return TrafficRecorder(Guard(failing, self.world, hosts=[host]), self.traffic, self.world)

    def _routes(self) -> list[Route]:
        world, users = self.world, Users(self.world)
        endpoint = TokenEndpoint(world, self.removal)
        local_test = LocalTest(world, self.removal)
        coverage = Coverage(world)
        return [
            *endpoint.routes(),
            *ChatbotApi(world, self.chat.conversations).routes(),
            *Unfurls(world, self.chat.conversations).routes(),
            *MarketplaceApi(world, self.removal).routes(),
            *self._consent.routes(),
            *Approvals(world, self.courier).routes(),
            *DevicePages(world, self._admission).routes(),
            *users.routes(),
            *Lookups(world).routes(),
            *Launch(world).routes(),
            *Home(world, origin=self.base_url).routes(),
            *SignIn(world).routes(),
            *self.marketplace.routes(),
            *local_test.routes(),
            *Validations(world, self.courier, self.traffic).routes(),
            *ChatPages(world, self.chat, self._live).routes(),
            *ClockPages(world, self, self.faults).routes(),
            *RulesPages(world).routes(),
            *TrafficPages(world, self.traffic, self.courier, self._news).routes(),
            *coverage.routes(),
            *Control(world, self.listing, self.removal, self).routes(),
            *Tunnels().routes(),
            *self.triggers.routes(),
            *self.faults.routes(),
            *coverage.rest(),
        ]

    async def start(self) -> None:
        """Deliver in the background from now on; with a frozen clock, leave all to `settle`."""
        if not self._loops and not self.world.clock.frozen:
            loops = (self.courier.run(), self._backlog.run())
            self._loops = [asyncio.create_task(loop) for loop in loops]

    @contextmanager
    def serve(self, *, port: int = 0) -> Generator[str]:
        """Serve from a thread while the block runs, for tests that know nothing of asyncio.

        The state is this object's own. While it is served, steer it over the control API:
        its coroutines belong to the thread.

        Args:
            port: On this machine only; a free one when omitted.

        Yields:
            Where it is, without a slash at the end; `base_url` says the same meanwhile.

        Raises:
            PortTaken: If the port is in use.
        """
        from innkeeper.emulator.serving import hosting_in_thread  # noqa: PLC0415  # uvicorn
        from innkeeper.net.serving import LOCAL, bind  # noqa: PLC0415

        listener = bind(LOCAL, port)
        before = self.base_url
        self._move_to(f"http://{LOCAL}:{listener.getsockname()[1]}")
        try:
            with hosting_in_thread(self, listener):
                yield self.base_url
        finally:
            self._move_to(before)

    def _move_to(self, base_url: str) -> None:
        self.base_url = self.world.base_url = base_url
        self.marketplace = Marketplace(self.world, self.listing, origin=base_url)
        self.app = self._application()

    async def aclose(self) -> None:
        """End every stream and loop, and let go of every connection."""
        self._live.close()
        self._news.close()
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        self._loops = []
        await self._backlog.aclose()
        await self.courier.aclose()

    @property
    def quiet(self) -> bool:
        """Whether nothing is queued and nothing is due by now."""
        due = self.courier.next_due()
        return self._backlog.empty and (due is None or due > self.world.now())

    async def settle(self) -> None:
        """Do all that was queued and all that is due, and what follows from that."""
        settled = False
        while not settled:
            await self._backlog.drain()
            await self.courier.run_due()
            settled = self.quiet

    async def advance(self, seconds: float) -> None:
        """Move the clock, stopping on the way wherever something falls due.

        Raises:
            ValueError: When asked to go back.
        """
        async with self._moving:
            clock = self.world.clock
            target = clock.now() + timedelta(seconds=seconds)
            await self.settle()
            while (due := self.courier.next_due()) is not None and clock.now() < due <= target:
                clock.advance((due - clock.now()).total_seconds())
                await self.settle()
            late = (target - clock.now()).total_seconds()
            clock.advance(late if seconds < 0 else max(late, 0.0))
            await self.settle()

    async def reset(self) -> None:
        """Begin again from the seed; the clock stays where it is."""
        self._backlog.clear()
        self.traffic.clear()
        plant(self._seed, self.world)
        self.world.announce("reset", None)

    async def snapshot(self) -> dict[str, Any]:
        """Write everything down as JSON, for `restore`; what was queued is done first."""
        await self._backlog.drain()
        return snapshot.take(self.world)

    async def restore(self, document: Any) -> None:
        """Make everything what a snapshot says, the clock as well; the traffic stays.

        Raises:
            SnapshotRefused: If it is of another version, or no snapshot; nothing changes then.
        """
        snapshot.restore(document, self.world)
        self._backlog.clear()
        self.courier.wake()
        self.world.announce("reset", None)

    async def authorize(self, url: str, user: User) -> str:
        """Open an authorization URL as a user and press Allow.

        Returns:
            Where the browser goes next: the app's redirect URL with a code.

        Raises:
            AuthorizationRefused: If Zoom would refuse it without a redirect.
        """
        outcome = self._consent.allow(urlsplit(url).query, user, origin=self.base_url)
        if isinstance(outcome, SentBack):
            return outcome.location
        if not isinstance(outcome, str):
            raise AuthorizationRefused("authorization refused", outcome.what)
        return outcome

    async def add_app(self, app: AppRecord, user: User) -> str:
        """Add an app as a user does on its Local Test page.

        Returns:
            Where the browser goes next: the app's redirect URL with a code, and no state.

        Raises:
            AuthorizationRefused: If Zoom would refuse it.
        """
        return await self.authorize(authorization_url(app, self.base_url), user)

    async def remove_app(self, installation_id: str, *, by: User | None = None) -> Removed:
        """Remove an app; if it is told, that is queued.

        Raises:
            InstallationUnknown: If there is no such installation.
        """
        return await self.removal.remove(installation_id, by=by)


def _checked() -> "Resolver":
    from innkeeper.net.resolving import CheckedResolver  # noqa: PLC0415  # TLS, once something is sent

    return CheckedResolver()


def _hosts_in_process(transport: Transport) -> set[str]:
    if not isinstance(transport, AsgiTransport):
        return set()
    return {urlsplit(origin).hostname or "" for origin in transport.apps}


async def _http_fault(request: Request, error: Exception) -> Response:
    """Answer what no route takes."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = (error.headers if isinstance(error, HTTPException) else None) or {}
    named = {404: "not_found", 405: "method_not_allowed"}.get(status, "refused")
    answers.refuse(request, f"http.{named}", f"{request.method} {request.url.path}")
    return answers.json_answer({"error": named}, status, headers)


async def _too_large(request: Request, error: Exception) -> Response:
    answers.refuse(request, "http.body_too_large", str(error))
    return answers.json_answer({"error": "body_too_large"}, 413)


async def _gone(_request: Request, _error: Exception) -> Response:
    return Response(status_code=400)
