"""Who handles an accepted event, and what if that fails? From the inbox to the bot.

Events come straight from the receiver, or, after a failure or a restart, from the
inbox. Each ends done, ignored, dropped, quarantined or dead; none is forgotten.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from traceback import extract_tb
from typing import Any, Protocol, cast

import msgspec

from innkeeper.clock import Clock
from innkeeper.errors import BodyRefused, Fenced, MessageUnconfirmed, StoreUnavailable
from innkeeper.flows.deauthorize import Forgetter, Log
from innkeeper.flows.installations import Registry, person_of, who
from innkeeper.flows.speak import Place, Speaker
from innkeeper.ids import InstallationId, Jid, MessageId
from innkeeper.store.base import InboxStore, InstallationStore
from innkeeper.store.records import EventState, InboxEvent, Installation
from innkeeper.wire.events import Event, decode
from innkeeper.wire.messages import Card
from innkeeper.wire.payloads import AppDeauthorized, BotInstalled, Payload

WELCOME_SECONDS = 2.5
"""Of the three seconds that Zoom waits for the welcome message."""

BACKOFF = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=30),
)
"""How long a failed event waits before it is tried again; then it is dead-lettered."""

_MOST_WORKERS = 20_000
_IDLE_KEPT = 16
_IN_ONE_GO = 128

Say = Callable[[Card], Awaitable[None]]


@dataclass(slots=True)
class Happening:
    """An event on its way to the bot: what happened, and to whose installation."""

    event: Event[Payload]
    installation: Installation | None
    arrival: InboxEvent
    """How it came: its id in the inbox, when, and for the how manieth time."""


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


class InboxAndInstallations(InboxStore, InstallationStore, Protocol):
    """What dispatching reads and writes."""


class _Welcome:
    """The first card of `bot_installed`: the HTTP answer if in time, else a message."""

    def __init__(self) -> None:
        self.first: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()

    def take(self, card: Card) -> bool:
        if self.first.done():
            return False
        body: dict[str, Any] = {"content": card.content()}
        if card.markdown:
            body["is_markdown_support"] = True
        self.first.set_result(msgspec.json.encode(body))
        return True

    def end(self) -> None:
        if not self.first.done():
            self.first.set_result(None)


class Dispatcher:
    """Hands events to the bot, many at once, and sees each to its end."""

    def __init__(
        self,
        *,
        store: InboxAndInstallations,
        bot: Bot,
        registry: Registry,
        speaker: Speaker,
        forgetter: Forgetter,
        clock: Clock,
        log: Log,
        us: Us,
    ) -> None:
        self._store = store
        self._bot = bot
        self._registry = registry
        self._speaker = speaker
        self._forgetter = forgetter
        self._clock = clock
        self._log = log
        self._us = us
        self._queue: deque[tuple[InboxEvent, _Welcome | None]] = deque()
        self._workers: set[asyncio.Task[None]] = set()
        self._idle: list[asyncio.Future[None]] = []
        self._called = False
        self._quiet: asyncio.Event = asyncio.Event()
        self._quiet.set()
        self._busy = 0
        self._unheard: set[str] = set()
        self._stranded: list[InboxEvent] = []

    # taking events in

    def take(self, event: InboxEvent) -> None:
        """Handle an event, in time."""
        self._queue.append((event, None))
        self._call()

    async def answer(self, event: InboxEvent) -> bytes | None:
        """Handle `bot_installed` now, and give its answer if it came in time."""
        welcome = _Welcome()
        self._queue.append((event, welcome))
        self._call()
        await asyncio.wait({welcome.first}, timeout=WELCOME_SECONDS)
        welcome.end()  # from here on the welcome goes out as a message
        return welcome.first.result()

    async def take_due(self, *, limit: int = 256) -> int:
        """Claim what waits in the inbox and is due; say how much that was."""
        claimed = await self._store.claim(now=self._clock.now(), limit=limit)
        events = [*self._stranded, *claimed]
        self._stranded = []
        for event in events:
            self.take(event)
        return len(events)

    async def settled(self) -> None:
        """Return when nothing is queued or being handled."""
        await self._quiet.wait()

    async def close(self, *, grace_seconds: float) -> None:
        """Let handlers end, then cancel what still runs; it is claimed again at the next start."""
        try:
            async with asyncio.timeout(grace_seconds):
                await self.settled()
        except TimeoutError:
            self._log.error("dispatch.cut_off", events=self._busy + len(self._queue))
        for worker in list(self._workers):
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)

    # workers: one drains the queue until a handler waits; then the next one goes on

    def _call(self) -> None:
        self._quiet.clear()
        if not self._called:
            self._called = True
            asyncio.get_running_loop().call_soon(self._wake)

    def _wake(self) -> None:
        self._called = False
        if not self._queue:
            return
        if self._idle:
            self._idle.pop().set_result(None)
        elif len(self._workers) < _MOST_WORKERS:
            worker = asyncio.create_task(self._work())
            self._workers.add(worker)
            worker.add_done_callback(self._workers.discard)

    async def _work(self) -> None:
        while True:
            await self._drain()
            if self._queue:
                await asyncio.sleep(0)
                continue
            if len(self._idle) >= _IDLE_KEPT:
                return
            turn = asyncio.get_running_loop().create_future()
            self._idle.append(turn)
            await turn

    async def _drain(self) -> None:
        for _ in range(_IN_ONE_GO):
            if not self._queue:
                break
            event, welcome = self._queue.popleft()
            if self._queue:
                self._call()
            self._busy += 1
            try:
                await self._see_to(event, welcome)
            except StoreUnavailable as error:
                self._stranded.append(event)  # taken up again with what is due
                self._log.error("dispatch.store_unavailable", event_id=event.id, why=error.why)
            finally:
                self._busy -= 1
                if welcome is not None:
                    welcome.end()
                if not self._busy and not self._queue:
                    self._quiet.set()

    # one event

    async def _see_to(self, event: InboxEvent, welcome: _Welcome | None) -> None:
        known: InstallationId | None = None
        try:
            parsed = self._understood(event)
            if isinstance(parsed.payload, AppDeauthorized):
                await self._deauthorize(event, cast("Event[AppDeauthorized]", parsed))
                return
            installation = await self._admitted(parsed, event)
            known = installation.id if installation else None
            await self._deliver(event, parsed, installation, welcome)
        except BodyRefused as refusal:
            await self._end(event, EventState.QUARANTINED, refusal.reason, known)
        except (_Dropped, Fenced):
            await self._end(event, EventState.DROPPED, "removed", None)
        except StoreUnavailable:
            raise
        except MessageUnconfirmed as lost:
            await self._end(event, EventState.DEAD, lost.code, known)
        except Exception as error:  # whatever a handler raises, its event is not lost
            await self._failed(event, error, known)

    def _understood(self, event: InboxEvent) -> Event[Payload]:
        parsed = decode(event.body)
        robot = getattr(parsed.payload, "robot_jid", None)
        if robot is not None and robot != self._us.robot_jid:
            raise BodyRefused("wrong_robot")
        payload = parsed.payload
        if isinstance(payload, AppDeauthorized) and payload.client_id != self._us.client_id:
            raise BodyRefused("wrong_client")
        return parsed

    async def _admitted(self, parsed: Event[Payload], event: InboxEvent) -> Installation | None:
        account, user = who(parsed)
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
        event: InboxEvent,
        parsed: Event[Payload],
        installation: Installation | None,
        welcome: _Welcome | None,
    ) -> None:
        run = self._bot.find(parsed)
        if run is None:
            self._unheard_of(parsed)
            await self._end(event, EventState.IGNORED, "unhandled", None)
            return
        if isinstance(parsed.payload, BotInstalled) and not await self._first_welcome(
            event, installation
        ):
            await self._end(event, EventState.IGNORED, "welcomed_before", None)
            return
        await run(Happening(parsed, installation, event), self._voice(parsed, welcome))
        answer = _result(welcome)
        if answer is None or installation is None:
            self._store.finish_soon(event.id, EventState.DONE)
        else:
            await self._store.finish(
                event.id,
                EventState.DONE,
                now=self._clock.now(),
                installation_id=installation.id,
                answer=answer,
            )

    def _voice(self, parsed: Event[Payload], welcome: _Welcome | None) -> Say:
        async def say(card: Card) -> None:
            if welcome is not None and welcome.take(card):
                return
            place = place_of(parsed)
            if place is not None:
                await self._speaker.send(place, card)

        return say

    async def _first_welcome(self, event: InboxEvent, installation: Installation | None) -> bool:
        if installation is None or event.attempts > 1:
            return installation is not None
        self._registry.forget(installation.owner)
        return await self._store.mark_welcomed(installation.id)

    async def _deauthorize(self, event: InboxEvent, parsed: Event[AppDeauthorized]) -> None:
        ruling = await self._forgetter.hear(parsed, received_at=event.received_at)
        await self._end(event, ruling.state, ruling.reason, None)
        if ruling.purge is None:
            return
        run = self._bot.find(parsed)
        if run is not None:
            await run(Happening(parsed, None, event), _mute)
        await self._forgetter.run(ruling.purge)

    async def _failed(
        self, event: InboxEvent, error: Exception, installation_id: InstallationId | None
    ) -> None:
        self._log.error(
            "dispatch.handler_failed",
            event_id=event.id,
            name=event.name,
            error=type(error).__name__,
            where=[f"{frame.filename}:{frame.lineno}" for frame in extract_tb(error.__traceback__)][
                -3:
            ],
            attempt=event.attempts,
            installation=installation_id,
        )
        if event.attempts > len(BACKOFF):
            await self._end(event, EventState.DEAD, type(error).__name__, installation_id)
            return
        until = self._clock.now() + BACKOFF[event.attempts - 1]
        await self._store.defer(
            event.id, until=until, reason=type(error).__name__, installation_id=installation_id
        )

    async def _end(
        self,
        event: InboxEvent,
        state: EventState,
        reason: str,
        installation_id: InstallationId | None,
    ) -> None:
        if state in {EventState.DEAD, EventState.QUARANTINED}:
            self._log.error("dispatch.kept_aside", event_id=event.id, state=state, reason=reason)
        await self._store.finish(
            event.id,
            state,
            now=self._clock.now(),
            reason=reason,
            installation_id=installation_id,
        )

    def _unheard_of(self, parsed: Event[Payload]) -> None:
        if parsed.name not in self._unheard and len(self._unheard) < _IN_ONE_GO:
            self._unheard.add(parsed.name)
            self._log.info("dispatch.unhandled", name=parsed.name, add=self._bot.hint(parsed))


class _Dropped(Exception):  # never leaves this module
    """The event is older than the owner's removal."""


async def _mute(_card: Card) -> None:
    """Say nothing: the installation is gone."""


def _result(welcome: _Welcome | None) -> bytes | None:
    return welcome.first.result() if welcome is not None and welcome.first.done() else None


def place_of(event: Event[Payload]) -> Place | None:
    """Find where an answer to an event goes: the conversation it came from.

    An event's `toJid` is answered unchanged; `bot_installed` has none, so its user is.
    Source: https://developers.zoom.us/docs/chat/send-edit-and-delete-messages/
    """
    payload = event.payload
    account = getattr(payload, "account_id", None)
    user_jid: Jid | None = getattr(payload, "user_jid", None)
    to_jid: Jid | None = getattr(payload, "to_jid", None) or user_jid
    if not account or not to_jid:
        return None
    return Place(account, to_jid, user_jid)


def message_of(event: Event[Payload]) -> MessageId | None:
    """Find which message an event is about."""
    return getattr(event.payload, "message_id", None)
