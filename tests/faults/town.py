"""Where do the scenes take place? In the harness, with every edge of the bot watched."""

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from innkeeper import App, Command, SentMessage
from innkeeper.emulator.oauth.tokens import issue
from innkeeper.emulator.world import Code, User
from innkeeper.errors import InnkeeperError
from innkeeper.flows.installations import whole_ms
from innkeeper.ids import AccountId, InstallationId, Jid, UserId
from innkeeper.net.outbound import Transport
from innkeeper.secret import Secret
from innkeeper.store.records import Owner, Person
from innkeeper.testing import BOT_URL, Visitor, Zoom
from innkeeper.testing.clocks import PassingClock
from innkeeper.wire.oauth import Tokens
from innkeeper.work import Parts
from tests.faults.edges import CutOff, Mortal, Plan, WatchedTransport
from tests.faults.shelves import Remains, Shelves, SqliteShelves
from tests.journeys.bots import Notes, porter


def bot(notes: Notes) -> App:
    """Make the bot of the scenes: it keeps notes, books once, and asks with people's own tokens."""
    app = porter(notes)

    @app.command("me")
    async def me(ctx: Command) -> str:
        return f"You are {(await ctx.client.users.me()).email}"

    @app.command("book")
    async def book(ctx: Command) -> None:
        async def write() -> None:
            notes.add(ctx.user.id, "booked")

        await ctx.once("book", write)
        await ctx.once("tell", lambda: ctx.reply("Booked"), shape=SentMessage)

    return app


@dataclass(frozen=True, slots=True)
class Callback:
    """What a browser brings back from Zoom."""

    query: Mapping[str, Sequence[str]]
    cookies: Mapping[str, Sequence[str]]

    async def to(self, parts: Parts) -> bool:
        """Bring it to a worker; say whether the app is installed."""
        try:
            await parts.installer.finish(self.query, self.cookies)
        except InnkeeperError:
            return False
        return True


class Town(Zoom):
    """The harness around a bot whose edges are watched, and which can die.

    Args:
        plan: What happens at the edges.
        shelves: The kind of store.
        notes: The bot's own table.
    """

    def __init__(
        self, plan: Plan, *, shelves: Shelves | None = None, notes: Notes | None = None
    ) -> None:
        self.notes = notes or Notes()
        super().__init__(bot(self.notes))
        self.plan = plan
        self.shelves = shelves or SqliteShelves()
        self.crashes = 0
        self.transport.apps[BOT_URL] = Mortal(self.transport.apps[BOT_URL], plan)
        self._left: Mapping[str, bytes] | None = None

    async def _start(self) -> None:
        (app,) = self._apps
        app.configure(
            self._settings,
            transport=self.way_out(self.plan),
            clock=PassingClock(self._clock),
            shelf=self.shelves.shelf(self._settings, self.plan),
        )
        self._running.append(await app.start(background=False))

    def way_out(self, plan: Plan) -> Transport:
        """Make what leads from the bot to Zoom."""
        return WatchedTransport(self.transport, plan)

    async def people(self) -> tuple[Visitor, Visitor]:
        """Find Ana, to whom it happens, and Ben, to whom nothing must."""
        return await self.user("Ana"), await self.user("Ben")

    async def admit(self, user: User, *, expires_in: int = 3600) -> InstallationId:
        """Have somebody installed already, without a browser."""
        parts = self.parts
        owner = Owner(AccountId(user.account_id), UserId(user.id))
        person = Person(*(owner.account_id, UserId(user.id)), Jid(user.jid), user.name, user.email)
        at = whole_ms(self.clock.now())
        opened, _ = await parts.store.open_installation(owner, person, authorized_at=at)
        await parts.store.mark_welcomed(opened.id)
        await parts.grants.adopt(opened.id, self.authorize(user, expires_in=expires_in))
        return opened.id

    def authorize(self, user: User, *, expires_in: int) -> Tokens:
        """Have Zoom note that somebody authorized the app."""
        world, app = self.emulator.world, self.record
        world.install(app, user)
        account_id, scopes = user.account_id, app.scopes
        given = issue(world, app, "user", account_id=account_id, scopes=scopes, user_id=user.id)
        refresh = Secret(given.refresh or "")
        return Tokens(Secret(given.access), expires_in, frozenset(scopes), refresh)

    async def authorized_anew(self, user: User) -> "Callback":
        """Bring somebody through the consent page, so that only the callback is left."""
        begun = await self.parts.installer.begin({})
        asked = {name: values[0] for name, values in parse_qs(urlsplit(begun.url).query).items()}
        world, app = self.emulator.world, self.record
        world.install(app, user)
        code = world.new_id()
        world.codes[code] = Code(
            value=code,
            client_id=app.client_id,
            user_id=user.id,
            redirect_uri=asked["redirect_uri"],
            redirect_uri_given=True,
            challenge=asked["code_challenge"],
            method=asked["code_challenge_method"],
            issued_at=self.clock.now(),
            scopes=list(app.scopes),
        )
        query = {"code": [code], "state": [asked["state"]]}
        return Callback(query, {begun.cookie: [begun.cookie_value]})

    def lapse(self, *, hours: float) -> None:
        """Let time pass in which nobody does anything, the bot included."""
        self._clock.advance(hours * 3600)

    def outside(self) -> object:
        """Give what compares equal while neither the disk nor Zoom has changed."""
        return self.shelves.mark(self.directory), self.emulator.traffic.newest

    def leave(self) -> None:
        """Keep the disk as it is at this moment: so the next process finds it."""
        self._left = self.shelves.copy(self.directory)

    async def rise(self) -> None:
        """Start again on what a dead process left behind."""
        self.crashes += 1
        with suppress(CutOff):
            await self._stop()
        self._running = []
        if self._left is not None:
            self.shelves.put_back(self.directory, self._left)
            self._left = None
        self.plan.rise()
        await self.begin_anew()

    async def begin_anew(self) -> None:
        """Start on what is there; nothing has happened yet."""
        await self._start()

    def remains(self) -> Remains:
        """Look at what lies on the disk now, or lay there when the process died."""
        copied = self._left if self._left is not None else self.shelves.copy(self.directory)
        place = Path(tempfile.mkdtemp(dir=self.directory.parent))
        try:
            return self.shelves.remains(copied, place / "copy")
        finally:
            shutil.rmtree(place)
