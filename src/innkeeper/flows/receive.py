"""Is this delivery Zoom's, is it new, and is it safe? Then answer.

The order is the point: size, headers, MAC over the raw bytes, window, custom headers, then
the inbox; nothing is parsed for its meaning before it is durable, and nothing here calls out.
"""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Protocol

import msgspec

from innkeeper.clock import Clock
from innkeeper.errors import ChallengeMalformed, SignatureRefused, StoreUnavailable
from innkeeper.flows.customheaders import CustomHeaders
from innkeeper.metrics import Metrics
from innkeeper.net.inbound import Headers
from innkeeper.secret import Secret
from innkeeper.store.base import InboxStore
from innkeeper.store.records import Accepted, EventState, InboxEvent, Owner
from innkeeper.wire.events import Glimpse, glimpse
from innkeeper.wire.signature import URL_VALIDATION, Claim, Verifier, answer_challenge, read_claim


@dataclass(frozen=True, slots=True)
class Answer:
    """What Zoom is told."""

    status: int
    body: bytes


Take = Callable[[bytes], Awaitable[Answer]]
"""Takes a delivery's body, once its head was found good."""

TAKEN = Answer(200, b"{}")
UNAUTHORIZED = Answer(401, b'{"error":"unauthorized"}')
MALFORMED = Answer(400, b'{"error":"challenge_malformed"}')
UNAVAILABLE = Answer(503, b'{"error":"unavailable"}')

INSTALLED = "bot_installed"
REMOVED = b"app_deauthorized"


class Desk(Protocol):
    """Where accepted events go on to."""

    def take(self, event: InboxEvent) -> None:
        """Handle an event, in time."""
        ...

    async def answer(self, event: InboxEvent) -> bytes | None:
        """Handle `bot_installed` now, and give its answer if it came in time."""
        ...


class Receiver:
    """Takes deliveries in.

    Args:
        owner_of: Says whose event it seems to be, from what little is read of it.
        refused: Told why a delivery was turned away; for logs and meters only.
        removal_refused: Told that one was turned away which looks like our app's removal.
        handled_here: Otherwise events are left to workers, but for what waits for its answer.
        welcomes_here: Otherwise workers handle that as well, and no welcome is an answer.
        custom: What is required beside the signature; nothing when omitted.
    """

    def __init__(  # noqa: PLR0913  # its parts, each by its name
        self,
        *,
        verifier: Verifier,
        inbox: InboxStore,
        desk: Desk,
        client_id: str,
        clock: Clock,
        owner_of: Callable[[Glimpse], Owner | None],
        refused: Callable[[str], None],
        removal_refused: Callable[[], None],
        handled_here: bool = True,
        welcomes_here: bool = True,
        custom: CustomHeaders | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self._verifier = verifier
        self._inbox = inbox
        self._desk = desk
        self._clock = clock
        self._owner_of = owner_of
        self._refused = refused
        self._removal_refused = removal_refused
        self._handled_here = handled_here
        self._welcomes_here = welcomes_here
        self._custom = custom
        self._client_id = client_id.encode()
        self._dedup = hashlib.sha256(client_id.encode())
        self._metrics = metrics or Metrics()
        self.challenged_at: datetime | None = None
        """When this process last answered a URL validation."""

    def look(
        self, timestamps: Sequence[bytes], signatures: Sequence[bytes], headers: Headers = ()
    ) -> Answer | Take:
        """Look at a delivery's head: turn it away, or say what takes its body.

        Args:
            timestamps: Every value of the header that tells when it was signed.
            signatures: Every value of the one that holds the signature.
            headers: All headers, where more than the signature is required.
        """
        try:
            claim = read_claim(timestamps, signatures)
        except SignatureRefused as refusal:
            self._refused(refusal.reason)
            self._metrics.deliveries.add("unauthorized")
            return UNAUTHORIZED
        if self._custom is None:
            return partial(self._receive, claim)
        return partial(self._receive, claim, fault=self._custom.fault(headers))

    async def _receive(self, claim: Claim, body: bytes, *, fault: str = "") -> Answer:
        """Verify a delivery, keep it, and say what Zoom is told. Never raises for bad input."""
        now = self._clock.now()
        try:
            secret = self._verifier.check(claim, body, now=now)
        except SignatureRefused as refusal:
            answer, outcome = self._turned_away(body, refusal.reason)
        else:
            seen = glimpse(body)
            if fault and self._custom is not None and self._custom.refuses(seen.event, fault):
                answer, outcome = self._turned_away(body, fault)
            elif seen.event == URL_VALIDATION:
                answer, outcome = self._challenged(body, secret, now)
            else:
                answer, outcome = await self._keep(body, seen, now)
        self._metrics.deliveries.add(outcome)
        self._metrics.ack_seconds.observe(self._clock.now() - now)
        return answer

    def _turned_away(self, body: bytes, reason: str) -> tuple[Answer, str]:
        self._refused(reason)
        if REMOVED in body and self._client_id in body:  # looked for, and not read
            self._removal_refused()
        return UNAUTHORIZED, "unauthorized"

    def _challenged(self, body: bytes, secret: Secret, now: datetime) -> tuple[Answer, str]:
        answer = _prove(body, secret)
        if answer is MALFORMED:
            return answer, "malformed"
        self.challenged_at = now
        return answer, "challenge"

    async def _keep(self, body: bytes, seen: Glimpse, now: datetime) -> tuple[Answer, str]:
        key = self._dedup.copy()
        key.update(body)
        ours = self._handled_here or (self._welcomes_here and seen.event == INSTALLED)
        try:
            accepted = await self._inbox.accept(
                key=key.digest(),
                name=seen.event,
                body=body,
                owner=self._owner_of(seen),
                now=now,
                claimed=ours,
            )
        except StoreUnavailable:
            self._refused("StoreUnavailable")
            return UNAVAILABLE, "unavailable"
        if not accepted.fresh:
            return _repeated(accepted, seen.event), "repeated"
        if not ours:
            return TAKEN, "taken"
        event = InboxEvent(accepted.id, seen.event, body, now, 1)
        if seen.event == INSTALLED:
            answer = await self._desk.answer(event)
            return (TAKEN if answer is None else Answer(200, answer)), "taken"
        self._desk.take(event)
        return TAKEN, "taken"


def _prove(body: bytes, secret: Secret) -> Answer:
    try:
        return Answer(200, msgspec.json.encode(answer_challenge(body, secret=secret)))
    except ChallengeMalformed:
        return MALFORMED


def _repeated(first: Accepted, name: str) -> Answer:
    if name != INSTALLED:
        return TAKEN
    if first.state is EventState.CLAIMED:
        return UNAVAILABLE
    return TAKEN if first.answer is None else Answer(200, first.answer)
