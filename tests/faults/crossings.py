"""Who may meet a purge? A refresh, a handler, a reinstall, and another purge.

One stage serves a whole enumeration: each run is played by somebody new, who has installed
the app, and everybody else is a bystander.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, cast

from innkeeper.clock import Clock, epoch_ms
from innkeeper.emulator.oauth.tokens import revoke_installation
from innkeeper.emulator.world import User
from innkeeper.errors import Fenced, NeedsReauth
from innkeeper.ids import AccountId, InstallationId, UserId
from innkeeper.net.outbound import AsgiTransport
from innkeeper.store.base import Store, Vault
from innkeeper.store.records import InstallationStatus, Owner
from innkeeper.testing import sign
from innkeeper.testing.workers import copies, lend
from innkeeper.wiring import Shelf
from innkeeper.work import Parts
from tests.faults.edges import Plan, WatchedPart, WatchedTransport
from tests.faults.interleaving import Choices, Scheduler, Steps, Turns, Within
from tests.faults.oracle import Violated
from tests.faults.shelves import Row, Shelves
from tests.faults.town import Town

PURGE: Final = (
    "store.find_installation:before",
    "vault.bury:before",
    "store.begin_purge:before",
    "store.erase[grants]:before",
    "store.erase[state]:before",
    "store.erase[inbox]:before",
    "store.erase_installation:before",
    "vault.destroy_key:before",
    "store.end_purge:before",
)
"""What a purge does that somebody else could notice."""
REFRESH: Final = (
    "store.find_grant:before",
    "store.lease_grant:before",
    "store.journal_grant:before",
    "transport.token:before",
    "store.save_grant:before",
    "store.save_grant>vault.find_key:after",
)
HANDLER: Final = (
    "store.accept:before",
    "store.find_installation:before",
    "store.set_state:before",
    "store.set_state>vault.find_key:after",
    "transport.messages:before",
)
REINSTALL: Final = (
    "store.consume_state:before",
    "transport.token:before",
    "store.open_installation:before",
    "store.open_installation>vault.find_tombstone:after",
    "store.replace_grant:before",
    "store.replace_grant>vault.find_key:after",
)
FENCE: Final = (
    "store.begin_purge:before",
    "store.erase[grants]:before",
    "store.erase_installation:before",
    "vault.destroy_key:before",
)
"""The steps of a purge that no enumeration leaves out."""

_ON_ONE_STAGE: Final = 200
"""Then the next stage is set: the longer somebody plays, the more there is to look through."""
_NAMES: Final = ("purge", "other", "third", "fourth", "fifth", "sixth", "seventh", "eighth")


class StandingClock:
    """A worker's view of the clock: whoever waits gives way, and no time passes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> datetime:
        """Tell the time."""
        return self._clock.now()

    async def sleep(self, seconds: float) -> None:  # noqa: ARG002  # a clock's signature
        """Give way to everybody else."""
        await asyncio.sleep(0)


@dataclass(frozen=True, slots=True)
class Guest:
    """Whoever plays one run."""

    user: User
    installation_id: InstallationId

    @property
    def owner(self) -> Owner:
        """What her installation is found by."""
        return Owner(AccountId(self.user.account_id), UserId(self.user.id))


class Stage(Town):
    """Workers on one store, each of which stops where the schedule wants it."""

    def __init__(self, *, shelves: Shelves | None = None, workers: int = 2) -> None:
        self.scheduler = Scheduler()
        super().__init__(Plan(), shelves=shelves)
        self._apps = copies(self.app, workers)
        self._guests = 0
        self._doors = AsgiTransport(
            {f"http://{name}": app for name, app in zip(_NAMES, self._apps, strict=False)}
        )

    async def _start(self) -> None:
        owned: Shelf | None = None
        for name, app in zip(_NAMES, self._apps, strict=False):
            turns = Turns(name, self.scheduler)
            if owned is None or not self.shelves.one_writer:
                owned = self.shelves.shelf(self._settings, Within())
            elif not self._running[1:]:
                owned = lend(cast("Parts", owned))
            app.configure(
                self._settings,
                transport=WatchedTransport(self.transport, turns),
                clock=StandingClock(self._clock),
                shelf=Shelf(
                    cast("Store", WatchedPart("store", owned.store, turns)),
                    cast("Vault", WatchedPart("vault", owned.vault, turns)),
                ),
            )
            self._running.append(await app.start(background=False))

    @property
    def workers(self) -> Sequence[Parts]:
        """The one that purges, and the others."""
        return self._running

    async def guest(self) -> Guest:
        """Let somebody come who has installed the app, and whose token has expired."""
        self._guests += 1
        user = self.new_person(f"Guest {self._guests}").user
        installation_id = await self.admit(user, expires_in=1)
        self.lapse(hours=1 / 3600)
        return Guest(user, installation_id)

    def remove(self, guest: Guest) -> datetime:
        """Have Zoom note that somebody removed the app; the bot is not told yet."""
        world, app = self.emulator.world, self.record
        installation = world.installation_for(app, guest.user)
        if installation is not None:
            del world.installations[installation.id]
            revoke_installation(world, installation, whole_account=False)
        return self.clock.now()

    async def deauthorize(self, guest: Guest, at: datetime, *, worker: int = 0) -> None:
        """Tell a worker that somebody removed the app then, and wait for what it does."""
        payload = {
            "account_id": guest.user.account_id,
            "user_id": guest.user.id,
            "client_id": self.record.client_id,
            "signature": f"{worker}",  # two deliveries, not one twice
            "deauthorization_time": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }
        event = {"event": "app_deauthorized", "event_ts": epoch_ms(at), "payload": payload}
        await self._post(worker, event)

    async def command(self, guest: Guest, text: str) -> None:
        """Have the other worker handle a command."""
        payload = {
            "accountId": guest.user.account_id,
            "channelName": "Front desk",
            "cmd": text,
            "robotJid": self.record.bot_jid,
            "timestamp": epoch_ms(self.clock.now()),
            "toJid": guest.user.jid,
            "userId": guest.user.id,
            "userJid": guest.user.jid,
            "userName": guest.user.name,
        }
        await self._post(1, {"event": "bot_notification", "payload": payload})

    async def _post(self, worker: int, event: dict[str, Any]) -> None:
        signed = sign(event, secret=self.record.secret_token, at=self.clock.now())
        answer = await self._doors.send(signed.to(f"http://{_NAMES[worker]}/events"))
        if answer.status != 200:
            message = f"a delivery was answered {answer.status}"
            raise Violated(message)
        await self.workers[worker].dispatcher.settled()

    async def finish_purges(self) -> None:
        """Let what was put off be tried again."""
        for _ in range(5):
            self.lapse(hours=1)
            for parts in self.workers:
                await parts.forgetter.run_due()
        left = await self.workers[0].store.purges()
        if left:
            raise Violated("I8: a purge does not come to its end")


@dataclass(frozen=True, slots=True)
class Crossing:
    """Two things that happen at the same time."""

    name: str
    steps: Steps
    play: Callable[["Meeting"], Awaitable[None]]


@dataclass(slots=True)
class Meeting:
    """One run of a crossing."""

    stage: Stage
    guest: Guest
    crossing: Crossing
    choices: Choices
    rows: set[tuple[str, Row]] | None = None
    """What was kept of the guest at the last step, once she was being purged."""

    async def hold(self, actors: dict[str, Awaitable[object]]) -> None:
        """Let two actors meet, and hold the fence to what it promises all the while."""
        steps, choices = self.crossing.steps, self.choices
        await self.stage.scheduler.run(actors, steps=steps, choices=choices, watch=self._watch)

    async def _watch(self) -> None:
        settings, gone = self.stage.parts.settings, self.guest.installation_id
        before, self.rows = self.rows, await self.stage.shelves.purging(settings, gone)
        if before is not None and self.rows is not None and self.rows - before:
            came = sorted({table for table, _ in self.rows - before})
            raise Violated(f"I9: rows came to {', '.join(came)} after the fence")


async def _gone(stage: Stage, guest: Guest) -> None:
    """Find nothing of a guest but one receipt."""
    await stage.finish_purges()
    store, vault = stage.workers[0].store, stage.workers[0].vault
    if await store.get_installation(guest.installation_id) is not None:
        raise Violated("I7: the installation is still there")
    if await vault.find_key(guest.installation_id) is not None:
        raise Violated("I7: the data key is still there")
    if await store.find_grant(guest.installation_id) is not None:
        raise Violated("I7: tokens are still there")
    if stage.notes.kept.get(guest.user.id):
        raise Violated("I7: the bot's own step left something")
    proven = [each for each in await store.receipts(limit=100_000) if _is_of(each.document, guest)]
    if len(proven) != 1:
        raise Violated(f"I8: {len(proven)} receipts of one purge")


def _is_of(document: bytes, guest: Guest) -> bool:
    return guest.installation_id.encode() in document


async def _with_refresh(meeting: "Meeting") -> None:
    stage, guest = meeting.stage, meeting.guest
    other = stage.workers[1]

    async def refresh() -> None:
        with suppress(Fenced, NeedsReauth):
            await other.grants.user(guest.installation_id)

    removal = stage.deauthorize(guest, stage.clock.now())
    await meeting.hold({"purge": removal, "other": refresh()})
    await _gone(stage, guest)
    with suppress(Fenced, NeedsReauth):
        await stage.workers[0].grants.user(guest.installation_id)
        raise Violated("I9: a token is given out for who is gone")


async def _with_handler(meeting: "Meeting") -> None:
    stage, guest = meeting.stage, meeting.guest
    removed = stage.remove(guest)
    command = stage.command(guest, "due friday ship it")
    removal = stage.deauthorize(guest, removed)
    await meeting.hold({"purge": removal, "other": command})
    await _gone(stage, guest)


async def _with_purge(meeting: "Meeting") -> None:
    stage, guest = meeting.stage, meeting.guest
    removed = stage.remove(guest)
    first = stage.deauthorize(guest, removed)
    second = stage.deauthorize(guest, removed, worker=1)
    await meeting.hold({"purge": first, "other": second})
    await _gone(stage, guest)


async def _with_reinstall(meeting: "Meeting") -> None:
    stage, guest = meeting.stage, meeting.guest
    removed = stage.remove(guest)
    stage.lapse(hours=1 / 3600)
    callback = await stage.authorized_anew(guest.user)
    welcome: list[bool] = []

    async def reinstall() -> None:
        welcome.append(await callback.to(stage.workers[1]))

    removal = stage.deauthorize(guest, removed)
    await meeting.hold({"purge": removal, "other": reinstall()})
    await stage.finish_purges()
    store, vault = stage.workers[0].store, stage.workers[0].vault
    found = await store.find_installation(guest.owner)
    if found is not None and found.status is InstallationStatus.PURGING:
        raise Violated("I8: a purge does not come to its end")
    stone = (await vault.tombstones()).get(found.id) if found is not None else None
    if found is not None and stone is not None and found.authorized_at <= stone.at:
        raise Violated("I9: a live installation has a tombstone")
    if not welcome[0]:
        return
    if found is None:
        raise Violated("I9: she was told that the app is installed, and the purge took it")
    grant = await store.find_grant(found.id)
    mine = [t for t in stage.emulator.world.tokens if t.user_id == guest.user.id and not t.revoked]
    if grant is None or grant.refresh_token is None or len(mine) != 1:
        raise Violated("I5: an installation without tokens")
    if grant.refresh_token.reveal() != mine[0].refresh:
        raise Violated("I5: not the newest refresh token is kept")


def crossings(*, whole: bool) -> tuple[Crossing, ...]:
    """List what may meet a purge.

    Args:
        whole: Stop at every step that could be noticed; otherwise where it matters most.
    """
    purge = PURGE if whole else FENCE
    judged = PURGE if whole else (*PURGE[:3], *FENCE[2:])
    again = (*PURGE[:3], *PURGE[6:]) if whole else FENCE
    reinstall = REINSTALL if whole else REINSTALL[1:]
    return (
        Crossing("refresh", {"purge": purge, "other": REFRESH}, _with_refresh),
        Crossing("handler", {"purge": purge, "other": HANDLER}, _with_handler),
        Crossing("reinstall", {"purge": judged, "other": reinstall}, _with_reinstall),
        Crossing("purge", {"purge": again, "other": again}, _with_purge),
    )


@dataclass(slots=True)
class Enumerated:
    """What an enumeration met."""

    orders: int = 0
    violations: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """What did not hold, and in which order of steps first."""


def enumerate_orders(crossing: Crossing, *, shelves: Shelves | None = None) -> Enumerated:
    """Play a crossing in every order there is."""
    found = Enumerated()
    for order, wrong in orders(crossing, shelves=shelves):
        found.orders += 1
        if wrong:
            found.violations.setdefault(wrong, order)
    return found


def orders(
    crossing: Crossing, *, shelves: Shelves | None = None
) -> Iterator[tuple[list[str], str]]:
    """Play a crossing in every order there is.

    Yields:
        The order in which the steps were taken, and what did not hold, if anything.
    """
    wanted: list[int] | None = []
    while wanted is not None:
        with asyncio.Runner() as runner:
            stage = Stage(shelves=shelves)
            runner.run(stage.__aenter__())
            try:
                for _ in range(_ON_ONE_STAGE):
                    choices = Choices(wanted)
                    wrong = runner.run(_play(stage, crossing, choices))
                    yield stage.scheduler.order, wrong
                    wanted = choices.following()
                    if wanted is None:
                        break
            finally:
                runner.run(stage.__aexit__(None, None, None))


async def _play(stage: Stage, crossing: Crossing, choices: Choices) -> str:
    guest = await stage.guest()
    try:
        await crossing.play(Meeting(stage, guest, crossing, choices))
    except Violated as violated:
        return str(violated)
    return ""
