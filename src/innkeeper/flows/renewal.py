"""How is one version of a grant replaced by the next, once, whoever asks?

What keeps tokens safe is the commit: it names the version it replaces. The lease
only saves calls, the journal only explains, and neither may be trusted for more.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from innkeeper.clock import Clock
from innkeeper.errors import (
    Fenced,
    GrantRefused,
    InnkeeperError,
    NeedsReauth,
    StoreUnavailable,
    Unreachable,
)
from innkeeper.flows.endpoint import Subject, TokenEndpoint
from innkeeper.flows.log import Log
from innkeeper.flows.schedule import issued_at, scheduled
from innkeeper.flows.turns import PATIENCE, PAUSE
from innkeeper.ids import InstallationId, new_id
from innkeeper.metrics import Metrics
from innkeeper.secret import Secret
from innkeeper.store.base import GrantStore
from innkeeper.store.records import Grant, GrantKind
from innkeeper.wire.oauth import REFRESH_LIFETIME, Tokens, trusted_api_url

MARGIN = timedelta(seconds=60)
"""A token is renewed when no more than this is left of it."""
LEASE = timedelta(seconds=30)
"""Outlives two calls, so that a holder who is alive never loses it."""
POLL_SECONDS = 0.25

Death = Callable[[InstallationId, NeedsReauth], Awaitable[None]]
"""Told when a grant has died, and what Zoom said to it."""
Recovery = Callable[[InstallationId], Awaitable[None]]
"""Told when a grant lives again that may have been given up."""


@dataclass(frozen=True, slots=True)
class Live:
    """A grant that can be used, and from when on it should be renewed."""

    grant: Grant
    renew_at: datetime


@dataclass(frozen=True, slots=True)
class Want:
    """Whose token is wanted, and which will not do."""

    subject: Subject
    stale: Callable[[Live], bool]
    """Whether it should be renewed, though it may not have expired yet."""
    refused: Secret | None = None
    """A token that Zoom no longer takes, whatever its lifetime says."""
    used: bool = True
    """Whether somebody is about to use it; not so when it is renewed ahead."""


@dataclass(frozen=True, slots=True)
class _Obtained:
    subject: Subject
    grant: Grant
    replaces: int
    at: datetime


def make_grant(subject: Subject, tokens: Tokens, *, at: datetime, api_url: str, log: Log) -> Grant:
    """Turn what Zoom gave at a moment into a grant; `api_url` is the configured one."""
    followed = trusted_api_url(tokens.api_url, default=api_url)
    offered = (tokens.api_url or api_url).rstrip("/").lower()
    if offered not in {followed, api_url.lower()}:
        log.warning("grant.api_url_ignored", grant=subject.id)
    if "expires_in" in tokens.left_out:
        log.warning("grant.lifetime_assumed", grant=subject.id, seconds=tokens.expires_in)
    refreshable = tokens.refresh_token is not None
    return Grant(
        id=subject.id,
        kind=subject.kind,
        installation_id=subject.installation_id,
        version=0,
        access_token=tokens.access_token,
        refresh_token=tokens.refresh_token,
        expires_at=at + timedelta(seconds=tokens.expires_in),
        refresh_expires_at=at + timedelta(seconds=REFRESH_LIFETIME) if refreshable else None,
        scope=tokens.scope,
        api_url=followed,
        used_at=at,
    )


class Renewal:
    """Gives a grant that can be used now: somebody else's if there is one, else a new one.

    Args:
        on_needs_reauth: Told when a user's grant has died for good, before it is marked as
            dead: where a crash or a failure comes between, it is told again.
        on_recovered: Told when a late answer brought a grant back that may have been
            marked as dead.
    """

    def __init__(
        self,
        store: GrantStore,
        *,
        endpoint: TokenEndpoint,
        clock: Clock,
        on_needs_reauth: Death | None,
        on_recovered: Recovery | None,
        log: Log,
        metrics: Metrics | None = None,
    ) -> None:
        self._store = store
        self._log = log
        self._count = (metrics or Metrics()).renewals.add
        self._endpoint = endpoint
        self._clock = clock
        self._on_needs_reauth = on_needs_reauth
        self._on_recovered = on_recovered
        self._holder = new_id("prc")
        self._unsaved: dict[str, _Obtained] = {}

    async def renew(self, want: Want) -> Live:
        """Return a grant that is not stale, renewing it if nobody else does.

        While Zoom or the holder of the lease keeps us waiting, one that has not yet
        expired will do, unless its token was refused.

        Only Zoom's word ends a grant. If the answer is lost twice the old token stays, and
        with it the journal's note, for whoever asks next: silence may be an outage, and
        an outage must not send everybody back to the consent page.

        Raises:
            NeedsReauth: If the person must authorize the app again.
            GrantRefused: If Zoom refuses to give tokens.
            Unreachable: If Zoom cannot be asked, or another process does not finish.
            Fenced: If the installation is gone.
            StoreUnavailable: If the store cannot be used.
        """
        subject = want.subject
        give_up = self._clock.now() + PATIENCE
        met: int | None = None
        while True:
            await self._save_late(subject)
            grant = await self._find(subject)
            version = 0 if grant is None else grant.version
            live = None if grant is None else self._look(grant, met)
            met = version if met is None else met
            if live is not None and live.grant.access_token == want.refused:
                live = None
            if live is not None and not want.stale(live):
                return live
            renewed = await self._attempt(want, grant, self._spare(live))
            if renewed is not None:
                return renewed
            if self._clock.now() >= give_up:
                raise Unreachable("no token in time", "another process holds the lease")

    async def _find(self, subject: Subject) -> Grant | None:
        grant = await self._store.find_grant(subject.id)
        if subject.kind is not GrantKind.USER:
            return grant
        if grant is None:
            raise NeedsReauth("no tokens for this installation")
        if grant.dead:
            raise NeedsReauth("the grant is over")
        installation_id = InstallationId(subject.id)
        if not await self._store.live_among([installation_id]):
            raise Fenced("no token is given out", "the installation is over")
        return grant

    def _look(self, grant: Grant, met: int | None) -> Live:
        # A version that came while we waited was issued just now, whatever is left of it.
        came = met is not None and met != grant.version
        return _live(grant, issued=self._clock.now() if came else issued_at(grant))

    def _spare(self, live: Live | None) -> Live | None:
        if live is None:
            return None
        now, ends = self._clock.now(), live.grant.expires_at
        return Live(live.grant, min(ends, now + PAUSE)) if now < ends else None

    async def _attempt(self, want: Want, old: Grant | None, spare: Live | None) -> Live | None:
        """Renew unless somebody else does; None says: look at the store again."""
        turns = self._endpoint.turns
        if spare is not None and want.used and turns.paused:
            return spare
        async with turns.take() as probing:
            if await self._lease(want.subject, old):
                return await self._renew_alone(want, old, spare, probing=probing)
        if spare is None:
            await self._clock.sleep(POLL_SECONDS)
        return spare

    async def _renew_alone(
        self, want: Want, old: Grant | None, spare: Live | None, *, probing: bool
    ) -> Live | None:
        subject = want.subject
        try:
            return await self._obtain(want, old, probing=probing)
        except InnkeeperError as error:
            if subject.id not in self._unsaved:  # what is to be saved yet stays ours
                await self._release(subject)
            if spare is None or isinstance(error, (NeedsReauth, Fenced)):
                raise
            self._log.warning("grant.renewal_failed", grant=subject.id, code=error.code)
            return spare

    async def _lease(self, subject: Subject, old: Grant | None) -> bool:
        now = self._clock.now()
        version = 0 if old is None else old.version
        return await self._store.lease_grant(
            subject.id, version, holder=self._holder, now=now, until=now + LEASE
        )

    async def _obtain(self, want: Want, old: Grant | None, *, probing: bool) -> Live | None:
        subject, now = want.subject, self._clock.now()
        version = 0 if old is None else old.version
        if old is not None and subject.kind is GrantKind.USER:
            if not await self._store.journal_grant(subject.id, version, at=now):
                return None
            if old.attempted_at is not None:
                self._log.warning("grant.renewal_repeated", grant=subject.id)
        try:
            tokens = await self._ask(subject, old, probing=probing)
        except NeedsReauth as refusal:
            refusal.spent |= old is not None and old.attempted_at is not None
            if not await self._bury(subject, version, refusal):
                return None  # it was rotated or authorized anew meanwhile
            raise
        except GrantRefused as refusal:
            self._log.error("grant.refused", grant=subject.id, code=refusal.code, why=refusal.why)
            raise
        grant = make_grant(
            subject, tokens, at=now, api_url=self._endpoint.credentials.api_url, log=self._log
        )
        if old is not None:
            grant = replace(
                grant,
                scope=grant.scope or old.scope,  # left out means unchanged (RFC 6749, 5.1)
                used_at=now if want.used else old.used_at,
            )
        return await self._save(_Obtained(subject, scheduled(grant, now=now), version, now))

    async def _ask(self, subject: Subject, old: Grant | None, *, probing: bool) -> Tokens:
        try:
            tokens = await self._endpoint.renew(subject, old, probing=probing)
        except NeedsReauth:
            self._count(subject.kind, "died")
            raise
        except GrantRefused:
            self._count(subject.kind, "refused")
            raise
        except Unreachable:
            self._count(subject.kind, "unreachable")
            raise
        self._count(subject.kind, "renewed")
        return tokens

    async def _save(self, obtained: _Obtained) -> Live | None:
        """Commit before use; None if another version stands there now."""
        subject, grant = obtained.subject, obtained.grant
        now = self._clock.now()
        try:
            saved = await self._store.save_grant(grant, replaces=obtained.replaces, now=now)
        except StoreUnavailable:
            self._unsaved[subject.id] = obtained
            raise
        except Fenced:
            revoked = await self._endpoint.try_revoke(grant.access_token)
            self._log.info("grant.fenced", grant=subject.id, revoked=revoked)
            raise
        if saved is None:
            return None
        if now >= obtained.at + LEASE:  # somebody may have given it up meanwhile
            await self.recovered(subject)
        return _live(saved, issued=obtained.at)

    async def _save_late(self, subject: Subject) -> None:
        """Commit what an earlier renewal obtained and the store would not take then."""
        obtained = self._unsaved.pop(subject.id, None)
        if obtained is not None:
            await self._save(obtained)

    async def _release(self, subject: Subject) -> None:
        with suppress(InnkeeperError):  # it runs out by itself
            await self._store.release_grant(subject.id, holder=self._holder)

    async def recovered(self, subject: Subject) -> None:
        """Tell that a grant lives, which may have been given up."""
        if self._on_recovered is not None and subject.installation_id is not None:
            await self._told(self._on_recovered(subject.installation_id), subject)

    async def _bury(self, subject: Subject, version: int, refusal: NeedsReauth) -> bool:
        """Tell of a death, then mark the grant; False if another version stands there now."""
        grant = await self._store.find_grant(subject.id)
        if grant is None or grant.version != version:
            return False
        self._log.error("grant.died", grant=subject.id, zoom_code=refusal.zoom_code)
        hook = self._on_needs_reauth
        if hook is not None and subject.installation_id is not None:
            told = await self._told(hook(subject.installation_id, refusal), subject)
            if not told:  # left alive, so that whoever asks next tells again
                return True
        if await self._store.kill_grant(subject.id, version):
            return True
        await self.recovered(subject)
        return False

    async def _told(self, telling: Awaitable[None], subject: Subject) -> bool:
        try:
            await telling
        except Exception as error:  # whatever it is, it hides no death and no token
            self._log.error("grant.hook_failed", grant=subject.id, error=type(error).__name__)
            return False
        return True


def _live(grant: Grant, *, issued: datetime) -> Live:
    margin = min(MARGIN, (grant.expires_at - issued) / 2)
    return Live(grant, grant.expires_at - margin)
