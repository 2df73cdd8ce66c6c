"""Who handles an accepted event, and what if that fails? From the inbox to the bot.

Events come straight from the receiver, or, after a failure or a restart, from the
inbox. Each ends done, ignored, dropped, quarantined or dead; none is forgotten.
"""

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from traceback import extract_tb
from typing import Protocol, cast

from innkeeper.clock import Clock
from innkeeper.errors import (
    ActionConsumed,
    BodyRefused,
    BotRefused,
    CardRefused,
    EffectUnconfirmed,
    Fenced,
    InnkeeperError,
    MessageUnconfirmed,
    StoreUnavailable,
)
from innkeeper.flows.authorized import AUTHORIZED, as_authorization
from innkeeper.flows.crew import Crew, Task
from innkeeper.flows.deauthorize import REMOVED, Judge
from innkeeper.flows.installations import Registry, person_of, who
from innkeeper.flows.log import Log
from innkeeper.flows.places import place_of, trigger_of
from innkeeper.flows.purge import Forgetter
from innkeeper.flows.queue import Queue, Waiting
from innkeeper.flows.reauth import OURS, REAUTH_NEEDED, as_notice
from innkeeper.flows.schedule import share_of
from innkeeper.flows.speak import Speaker
from innkeeper.flows.welcome import Welcome
from innkeeper.ids import InstallationId, Jid
from innkeeper.metrics import OTHER, Metrics
from innkeeper.spans import Tracer
from innkeeper.store.base import InboxStore, InstallationStore
from innkeeper.store.records import EventState, InboxEvent, Installation
from innkeeper.wire.events import Event, decode
from innkeeper.wire.messages import Card
from innkeeper.wire.payloads import AppDeauthorized, BotInstalled, Payload, UnknownEvent

BACKOFF = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=30),
)
"""How long a failed event waits, at most, before it is tried again; then it is dead-lettered."""
_SPREAD = 0.2
"""By how much of it, at most, it waits less: what failed together does not come back together."""

PATIENCE = timedelta(minutes=5)
"""How long a handler may take, unless the bot says otherwise."""

_HOPELESS = (BotRefused, CardRefused)
"""What the bot's own code does wrong each time: it is dead-lettered at once."""
_NAMES_KEPT = 128
_OURS = __file__.rpartition("/flows/")[0]
"""Where this package lies: what stands elsewhere is the bot's."""

Say = Callable[[Card], Awaitable[None]]
Saw = Callable[[InstallationId, datetime], None]
"""Told of each event that Zoom has sent of an installation, and when that happened."""


@dataclass(slots=True)
class Happening:
    """An event on its way to the bot: what happened, and to whose installation."""

    event: Event[Payload]
    installation: Installation | None
    arrival: InboxEvent
    """How it came: its id in the inbox, when, and for the how manieth time."""
    deadline: datetime
    """When its handler is cut off."""


Run = Callable[[Happening, Say], Awaitable[None]]
"""Runs a handler; what it answers goes through `Say`."""


class Bot(Protocol):
    """What the flows see of a bot."""

    def find(self, event: Event[Payload]) -> Run | None:
        """Find what is to be done with an event; None if no handler waits for it."""
        ...

    def hint(self, event: Event[Payload]) -> str:
        """Write the handler that would have taken this event, to paste."""
        ...


@dataclass(frozen=True, slots=True)
class Us:
    """What an event must name to be meant for this app."""

    client_id: str
    robot_jid: Jid


@dataclass(frozen=True, slots=True)
class Manner:
    """How the bot wants its events handled."""

    patience: timedelta = PATIENCE
    """How long a handler may take; then it is cut off, which is a failure."""
    ordered: bool = False
    """Whether the events of one conversation are handled one after the other."""


class InboxAndInstallations(InboxStore, InstallationStore, Protocol):
    """What dispatching reads and writes."""


class Dispatcher:
    """Hands events to the bot, many at once, and sees each to its end."""

    def __init__(  # noqa: PLR0913  # its parts, each by its name
        self,
        *,
        store: InboxAndInstallations,
        bot: Bot,
        registry: Registry,
        speaker: Speaker,
        judge: Judge,
        forgetter: Forgetter,
        saw: Saw,
        clock: Clock,
        log: Log,
        us: Us,
        manner: Manner | None = None,
        keeps_handled: bool = False,
        metrics: Metrics | None = None,
        tracer: Tracer | None = None,
    ) -> None:
        self._store = store
        self._bot = bot
        self._registry = registry
        self._speaker = speaker
        self._judge = judge
        self._forgetter = forgetter
        self._saw = saw
        self._clock = clock
        self._log = log
        self._us = us
        self._keeps_handled = keeps_handled
        self._metrics = metrics or Metrics()
        self._tracer = tracer
        self._patience = (manner or Manner()).patience
        self._queue = Queue(ordered=(manner or Manner()).ordered)
        self._crew = Crew(self._queue, handle=self._take_up, log=log)
        self._unheard: set[str] = set()
        self._stranded: list[InboxEvent] = []

    # taking events in

    def take(self, event: InboxEvent) -> None:
        """Handle an event, in time."""
        self._crew.put(Waiting(event))

    async def answer(self, event: InboxEvent) -> bytes | None:
        """Handle `bot_installed` now, and give its answer if it came in time."""
        welcome = Welcome()
        self._crew.put(Waiting(event, welcome))
        return await welcome.wait()

    async def take_due(self, *, limit: int = 256) -> int:
        """Claim what waits in the inbox and is due, as far as there is room; say how much."""
        limit = min(limit, self._crew.room)
        claimed = await self._store.claim(now=self._clock.now(), limit=limit)
        events = [*self._stranded, *claimed]
        self._stranded = []
        for event in events:
            self.take(event)
        return len(events)

    async def take_all_due(self, *, at_once: int) -> int:
        """Claim all that is due, waiting for room where that is much; say how much it was."""
        count = 0
        while True:
            await self._crew.has_room()
            limit = min(at_once, self._crew.room)
            taken = await self.take_due(limit=limit)
            count += taken
            if taken < limit:
                return count

    def cut_overdue(self) -> int:
        """Cut off handlers whose time is up; say how many. Called every second or so."""
        return self._crew.cut_overdue(self._clock.now())

    def backlog(self) -> tuple[int, datetime | None]:
        """Count the events that wait for a worker here, and tell since when the first does."""
        return len(self._queue), self._queue.oldest()

    async def settled(self) -> None:
        """Return when nothing is queued or being handled."""
        await self._crew.settled()

    async def close(self, *, grace_seconds: float) -> None:
        """Let handlers end, then cancel what still runs; it is claimed again at the next start."""
        await self._crew.close(grace_seconds=grace_seconds)

    # one event

    async def _take_up(self, waiting: Waiting, task: Task) -> bool:
        event = waiting.event
        try:
            parsed = self._understood(event)
            admitted = self._queue.admit(waiting, parsed)
            if admitted is None:
                return False
            seen_to = self._see_to(parsed, admitted, task)
            try:
                if self._tracer is None:
                    await seen_to
                else:
                    with _span(self._tracer, event, parsed):
                        await seen_to
            finally:
                self._queue.leave(admitted)
        except BodyRefused as refusal:
            await self._quarantine(event, refusal)
        except StoreUnavailable as error:
            self._strand(event, error)
        finally:
            if waiting.welcome is not None:
                waiting.welcome.end()
        return True

    def _strand(self, event: InboxEvent, error: StoreUnavailable) -> None:
        self._stranded.append(event)  # taken up again with what is due
        self._log.error("dispatch.store_unavailable", event_id=event.id, why=error.why)

    async def _see_to(self, parsed: Event[Payload], waiting: Waiting, task: Task) -> None:
        event = waiting.event
        known: InstallationId | None = None
        try:
            if event.attempts > len(BACKOFF) + 1:  # it never came back: it ends the process
                await self._end(event, EventState.DEAD, "never_ended", None)
                return
            if isinstance(parsed.payload, AppDeauthorized):
                await self._deauthorize(event, cast("Event[AppDeauthorized]", parsed), task)
                return
            installation = await self._admitted(parsed, event)
            known = installation.id if installation else None
            if known is not None and not parsed.name.startswith(OURS):
                self._saw(known, min(parsed.at or event.received_at, event.received_at))
            await self._deliver(waiting, parsed, installation, task)
        except (_Unwanted, Fenced) as error:
            await self._turned_away(event, parsed, error, known)
        except StoreUnavailable:
            raise
        except (ActionConsumed, EffectUnconfirmed, MessageUnconfirmed) as told:
            late = isinstance(told, ActionConsumed)
            state = EventState.IGNORED if late else EventState.DEAD
            await self._end(event, state, told.code, known)
        except Exception as error:  # whatever a handler raises, its event is not lost
            await self._failed(event, error, known)

    async def _turned_away(
        self,
        event: InboxEvent,
        parsed: Event[Payload],
        error: "_Unwanted | Fenced",
        known: InstallationId | None,
    ) -> None:
        if isinstance(error, _Foreign):
            await self._end(event, EventState.IGNORED, "unknown_tenant", None)
        elif isinstance(error, Fenced) and await self._is_of_a_later_one(event, parsed, known):
            await self._failed(event, error, None)
        else:
            await self._end(event, EventState.DROPPED, "removed", None)

    async def _is_of_a_later_one(
        self, event: InboxEvent, parsed: Event[Payload], known: InstallationId | None
    ) -> bool:
        """Tell whether another process has opened an installation that we did not know."""
        owner = self._registry.owner(*who(parsed))
        if owner is None:
            return False
        self._registry.forget(owner)
        found = await self._registry.find(owner)
        at = parsed.at or event.received_at
        return found is not None and found.id != known and at > found.authorized_at

    def _understood(self, event: InboxEvent) -> Event[Payload]:
        parsed = decode(event.body)
        if parsed.name == REAUTH_NEEDED:
            return as_notice(parsed)
        if parsed.name == AUTHORIZED:
            return as_authorization(parsed)
        robot = getattr(parsed.payload, "robot_jid", None)
        if robot is not None and robot != self._us.robot_jid:
            raise BodyRefused("wrong_robot")
        payload = parsed.payload
        if isinstance(payload, AppDeauthorized) and payload.client_id != self._us.client_id:
            raise BodyRefused("wrong_client")
        return parsed

    async def _admitted(self, parsed: Event[Payload], event: InboxEvent) -> Installation | None:
        account, user = who(parsed)
        if account and not self._registry.allows(account):
            raise _Foreign
        owner = self._registry.owner(account, user)
        if owner is None:
            return None
        known = self._registry.known(owner) or await self._registry.find(owner)
        if known is not None or getattr(parsed.payload, "robot_jid", None) is None:
            return known
        person = person_of(parsed)
        installation = await self._registry.admit(person, at=parsed.at or event.received_at)
        if installation is None:
            raise _Dropped
        return installation

    async def _deliver(
        self,
        waiting: Waiting,
        parsed: Event[Payload],
        installation: Installation | None,
        task: Task,
    ) -> None:
        event, welcome = waiting.event, waiting.welcome
        whose = installation.id if installation else None
        run = self._bot.find(parsed)
        if run is None:
            self._unheard_of(parsed)
            known = not isinstance(parsed.payload, UnknownEvent)
            reason = "unhandled" if known else "unknown_event"
            await self._end(event, EventState.IGNORED, reason, whose, keep_body=self._keeps_handled)
            return
        if isinstance(parsed.payload, BotInstalled) and not await self._first_welcome(
            event, installation
        ):
            await self._end(event, EventState.IGNORED, "welcomed_before", None)
            return
        begun = self._clock.now()
        happening = Happening(parsed, installation, event, begun + self._patience)
        work = run(happening, self._voice(parsed, welcome, whose))
        handled = self._crew.run(work, task=task, deadline=happening.deadline)
        try:
            if self._tracer is None:
                await handled
            else:
                with self._tracer.span("handler"):
                    await handled
        finally:
            self._metrics.handler_seconds.observe(self._clock.now() - begun)
        answer = welcome.answer if welcome is not None and whose is not None else None
        if answer is None and not self._keeps_handled:
            self._store.finish_soon(event.id, EventState.DONE)
        else:
            await self._store.finish(
                event.id,
                EventState.DONE,
                now=self._clock.now(),
                installation_id=whose,
                answer=answer,
                keep_body=self._keeps_handled,
            )
        self._count(parsed.name, EventState.DONE)

    def _voice(
        self, parsed: Event[Payload], welcome: Welcome | None, whose: InstallationId | None
    ) -> Say:
        trigger = trigger_of(parsed)

        async def say(card: Card) -> None:
            nonlocal trigger
            if welcome is not None and welcome.take(card):
                return
            if trigger is not None:
                spent, trigger = trigger, None  # it is good for one card; the others are messages
                await self._speaker.unfurl(*spent, card)
                return
            place = place_of(parsed)
            if place is not None:
                await self._speaker.send(place._replace(installation_id=whose), card)

        return say

    async def _first_welcome(self, event: InboxEvent, installation: Installation | None) -> bool:
        if installation is None or event.attempts > 1:
            return installation is not None
        self._registry.forget(installation.owner)
        return await self._store.mark_welcomed(installation.id)

    async def _deauthorize(
        self, event: InboxEvent, parsed: Event[AppDeauthorized], task: Task
    ) -> None:
        ruling = await self._judge.hear(parsed, received_at=event.received_at)
        await self._end(event, ruling.state, ruling.reason, None)
        if ruling.state is EventState.QUARANTINED:
            await self._judge.wonder()
        if ruling.purge is None:
            return
        run = self._bot.find(parsed)
        if run is not None:
            happening = Happening(parsed, None, event, self._clock.now() + self._patience)
            try:
                work = run(happening, _mute)
                await self._crew.run(work, task=task, deadline=happening.deadline)
            except Exception as error:  # the bot's own; the purge waits for nobody's repair
                self._blame(event, error, None)
        await self._forgetter.run(ruling.purge)

    async def _failed(
        self, event: InboxEvent, error: Exception, installation_id: InstallationId | None
    ) -> None:
        self._blame(event, error, installation_id)
        if event.attempts > len(BACKOFF) or isinstance(error, _HOPELESS):
            await self._end(event, EventState.DEAD, type(error).__name__, installation_id)
            return
        until = self._clock.now() + pause_after(event)
        await self._store.defer(
            event.id, until=until, reason=type(error).__name__, installation_id=installation_id
        )

    def _blame(
        self, event: InboxEvent, error: Exception, installation_id: InstallationId | None
    ) -> None:
        self._metrics.failures.add(event.name)
        self._log.error(
            "dispatch.handler_failed",
            event_id=event.id,
            name=event.name,
            error=type(error).__name__,
            why=str(error) if isinstance(error, InnkeeperError) else None,
            where=_where(error),
            attempt=event.attempts,
            installation=installation_id,
        )

    async def _quarantine(self, event: InboxEvent, refusal: BodyRefused) -> None:
        try:
            await self._end(event, EventState.QUARANTINED, refusal.reason, None)
            if event.name == REMOVED:
                await self._judge.wonder()
        except StoreUnavailable as error:
            self._strand(event, error)

    async def _end(
        self,
        event: InboxEvent,
        state: EventState,
        reason: str,
        installation_id: InstallationId | None,
        *,
        keep_body: bool = False,
    ) -> None:
        if state in {EventState.DEAD, EventState.QUARANTINED}:
            self._log.error("dispatch.kept_aside", event_id=event.id, state=state, reason=reason)
        await self._store.finish(
            event.id,
            state,
            now=self._clock.now(),
            reason=reason,
            installation_id=installation_id,
            keep_body=keep_body,
        )
        self._count(event.name, state)

    def _count(self, name: str, state: EventState) -> None:
        self._metrics.events.add(name, state)
        if self._tracer is not None:
            self._tracer.tell(state=state.value)

    def _unheard_of(self, parsed: Event[Payload]) -> None:
        if parsed.name not in self._unheard and len(self._unheard) < _NAMES_KEPT:
            self._unheard.add(parsed.name)
            self._log.info("dispatch.unhandled", name=parsed.name, add=self._bot.hint(parsed))


def _span(
    tracer: Tracer, event: InboxEvent, parsed: Event[Payload]
) -> AbstractContextManager[None]:
    known = not isinstance(parsed.payload, UnknownEvent)
    return tracer.span(
        "event",
        since=event.received_at,
        event_id=event.id,
        event=parsed.name if known else OTHER,
        attempt=event.attempts,
    )


class _Unwanted(Exception):  # never leaves this module
    """Nothing is done about the event."""


class _Dropped(_Unwanted):
    """The event is older than the owner's removal."""


class _Foreign(_Unwanted):
    """The app is not for the account that the event is of."""


def pause_after(event: InboxEvent) -> timedelta:
    """Say how long an event waits that has just failed."""
    spared = _SPREAD * share_of(f"{event.id}/{event.attempts}")
    return BACKOFF[event.attempts - 1] * (1 - spared)


async def _mute(_card: Card) -> None:
    """Say nothing: the installation is gone."""


def _where(error: Exception) -> list[str]:
    """Name the lines that an error came through: the bot's own, or the last where it has none."""
    frames = extract_tb(error.__traceback__)
    own = [frame for frame in frames if not frame.filename.startswith(_OURS)]
    return [f"{frame.filename}:{frame.lineno}" for frame in (own or frames)[-3:]]
