"""Which tokens are at hand? What this process remembers, and the renewals it shares."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from innkeeper.clock import Clock
from innkeeper.errors import (
    Fenced,
    GrantRefused,
    InnkeeperError,
    NeedsReauth,
    StoreUnavailable,
    Unreachable,
)
from innkeeper.flows.endpoint import Subject
from innkeeper.flows.log import Log
from innkeeper.flows.renewal import Live, Renewal, Want
from innkeeper.flows.schedule import RETRY_AFTER, in_use, scheduled
from innkeeper.flows.turns import PAUSE
from innkeeper.secret import Secret
from innkeeper.store.base import GrantStore
from innkeeper.store.records import Grant, GrantKind
from innkeeper.wire.oauth import trusted_api_url

FORCED_EVERY = timedelta(seconds=60)
"""Zoom refusing our tokens makes us ask for another no oftener than this."""
LOOKED_AT_EVERY = timedelta(seconds=5)
"""A token is given out no longer than this without a look at the store.

Another process may have purged the installation, or had it authorized anew.
"""
UNSEEN = timedelta(seconds=60)
"""While the store cannot be read, a user's token is given out no longer than this."""
PARALLEL = 4
"""How many renewals the background has under way; callers are not held up by it."""
LISTED = 100
"""How many the background looks up at a time: opening their seals takes a while, too."""

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token, and where to call the API with it. Use it at once; ask again for the next call."""

    token: Secret
    api_url: str
    expires_at: datetime
    scope: frozenset[str]
    grant_id: str
    kind: GrantKind


@dataclass(slots=True)
class _Known:
    """What this process knows of one subject."""

    subject: Subject
    access: AccessToken | None = None
    renew_at: datetime = _LONG_AGO
    seen_at: datetime = _LONG_AGO
    look_at: datetime = _LONG_AGO
    flight: asyncio.Task[AccessToken] | None = None
    epoch: int = 0
    refused: Secret | None = None
    forced_at: datetime = _LONG_AGO
    refusal: GrantRefused | None = None
    rests_until: datetime = _LONG_AGO


class TokensAtHand:
    """Remembers the tokens in use; of all who miss one at the same time, one asks for it."""

    def __init__(
        self, store: GrantStore, *, renewal: Renewal, clock: Clock, api_url: str, log: Log
    ) -> None:
        self._store = store
        self._log = log
        self._renewal = renewal
        self._clock = clock
        self._api_url = api_url
        self._known: dict[str, _Known] = {}

    def cached(self, grant_id: str) -> AccessToken | None:
        """Give a token that was looked at just now and is not to be renewed, if one is at hand."""
        known = self._known.get(grant_id)
        if known is None or self._clock.now() >= known.look_at:
            return None
        return known.access

    async def renewed(self, subject: Subject) -> AccessToken:
        """Find or obtain a token; one that has not expired will do if that fails for now.

        Raises:
            NeedsReauth: If the person must authorize the app again.
            GrantRefused: If Zoom refuses to give tokens.
            Unreachable: If Zoom could not be asked.
            Fenced: If the installation is gone.
            StoreUnavailable: If the store cannot be used.
        """
        known = self._known.setdefault(subject.id, _Known(subject))
        flight = known.flight or self._start(known, self._fly(known))
        try:
            return await asyncio.shield(flight)
        except (NeedsReauth, Fenced):
            known.access = None
            raise
        except (GrantRefused, Unreachable, StoreUnavailable) as error:
            access = known.access
            if access is None or self._clock.now() >= self._good_until(known, access, error):
                raise
            return access

    def _good_until(self, known: _Known, access: AccessToken, error: InnkeeperError) -> datetime:
        if isinstance(error, StoreUnavailable) and access.kind is GrantKind.USER:
            return min(access.expires_at, known.seen_at + UNSEEN)
        return access.expires_at

    def refused(self, access: AccessToken) -> bool:
        """Forget a token that the API refused; say whether asking again gives another.

        At most once a minute a token is given up for being refused: where Zoom refuses
        each new one too, another would not help.
        """
        known = self._known.get(access.grant_id)
        if known is None:
            return True
        if known.refused == access.token:
            return True
        if known.access is not None and known.access.token != access.token:
            return True
        now = self._clock.now()
        if now - known.forced_at < FORCED_EVERY:
            return False
        known.forced_at, known.refused, known.access = now, access.token, None
        return True

    def forget(self, grant_id: str) -> None:
        """Drop what this process remembers of a subject's tokens."""
        known = self._known.get(grant_id)
        if known is not None:
            known.access = None
            known.epoch += 1

    async def renew_ahead(self, now: datetime) -> int:
        """Renew what is used and ends soon, and what idles and would end for good.

        Run it every few seconds in the background. A pass ends early where Zoom cannot
        be reached; failures of single grants are logged. Returns how many were renewed.

        Raises:
            StoreUnavailable: If the store cannot be used.
        """
        self._prune(now)
        renewed = 0
        while True:
            listed = await self._store.renewable_grants(now=now, limit=LISTED)
            due = iter(listed)
            done = sum(await asyncio.gather(*(self._renew_each(due) for _ in range(PARALLEL))))
            renewed += done
            if len(listed) < LISTED or not done:
                return renewed

    async def aclose(self) -> None:
        """Let the renewals under way finish, so that no answer is thrown away."""
        flights = [known.flight for known in self._known.values() if known.flight is not None]
        await asyncio.gather(*flights, return_exceptions=True)

    def _start(
        self, known: _Known, flight: Coroutine[None, None, AccessToken]
    ) -> asyncio.Task[AccessToken]:
        """Run a renewal that outlives whoever asked for it."""

        def land(task: asyncio.Task[AccessToken]) -> None:
            known.flight = None
            with suppress(asyncio.CancelledError):
                task.exception()  # looked at, for there may be nobody left to raise it to

        known.flight = asyncio.create_task(flight, name=f"renew {known.subject.id}")
        known.flight.add_done_callback(land)
        return known.flight

    async def _fly(self, known: _Known) -> AccessToken:
        """Find or obtain a token for a caller, and remember it."""
        if known.refusal is not None and self._clock.now() < known.rests_until:
            raise known.refusal.with_traceback(None)
        epoch = known.epoch
        want = Want(
            known.subject,
            stale=lambda live: self._clock.now() >= self._renew_at(known, live),
            refused=known.refused,
        )
        try:
            live = await self._renewal.renew(want)
        except NeedsReauth:
            raise
        except GrantRefused as refusal:
            known.refusal, known.rests_until = refusal, self._clock.now() + PAUSE
            raise
        access = self._access(live.grant)
        if known.epoch == epoch:
            now = self._clock.now()
            known.renew_at = self._renew_at(known, live)
            known.access, known.seen_at = access, now
            known.look_at = min(known.renew_at, now + LOOKED_AT_EVERY)
        if not in_use(live.grant):
            with suppress(InnkeeperError):  # it only helps to renew ahead
                await self._note_use(live.grant)
        return access

    def _renew_at(self, known: _Known, live: Live) -> datetime:
        """Say when it is time; of a token at hand we know better than the store does."""
        at_hand = known.access is not None and known.access.token == live.grant.access_token
        return known.renew_at if at_hand and self._clock.now() < known.renew_at else live.renew_at

    async def _note_use(self, grant: Grant) -> None:
        now = self._clock.now()
        renew_at = scheduled(replace(grant, used_at=now), now=now).renew_at
        await self._store.touch_grant(grant.id, grant.version, used_at=now, renew_at=renew_at)

    async def _fly_ahead(self, known: _Known, listed: Grant) -> AccessToken:
        """Replace a listed version. The next caller reads it, which notes that it is used."""
        want = Want(
            known.subject,
            stale=lambda live: live.grant.version == listed.version,
            refused=known.refused,
            used=False,
        )
        live = await self._renewal.renew(want)
        known.access = None
        return self._access(live.grant)

    def _access(self, grant: Grant) -> AccessToken:
        return AccessToken(
            token=grant.access_token,
            api_url=trusted_api_url(grant.api_url, default=self._api_url),
            expires_at=grant.expires_at,
            scope=grant.scope,
            grant_id=grant.id,
            kind=grant.kind,
        )

    async def _renew_each(self, due: Iterator[Grant]) -> int:
        renewed = 0
        for grant in due:  # shared with the others who work on it
            subject = Subject(grant.id, grant.kind, grant.installation_id)
            known = self._known.setdefault(grant.id, _Known(subject))
            if known.flight is not None:
                continue
            try:
                access = await asyncio.shield(self._start(known, self._fly_ahead(known, grant)))
                renewed += access.token != grant.access_token
            except Unreachable:
                break
            except InnkeeperError as error:
                self._log.warning("grant.not_renewed_ahead", grant=grant.id, code=error.code)
                later = self._clock.now() + RETRY_AFTER
                with suppress(InnkeeperError):  # then it is tried in the next pass
                    await self._store.touch_grant(
                        grant.id, grant.version, used_at=grant.used_at, renew_at=later
                    )
        return renewed

    def _prune(self, now: datetime) -> None:
        quiet = now - FORCED_EVERY
        self._known = {
            grant_id: known
            for grant_id, known in self._known.items()
            if known.flight is not None
            or (known.access is not None and known.access.expires_at > now)
            or max(known.forced_at, known.rests_until) > quiet
        }
