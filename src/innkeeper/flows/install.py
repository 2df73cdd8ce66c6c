"""How does an installation come about? From `/install` through Zoom and back.

State, cookie and PKCE bind one attempt to one browser; the state is consumed before
the code goes anywhere.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from innkeeper.clock import Clock
from innkeeper.errors import (
    CallbackMalformed,
    CodeMissing,
    CookieMissing,
    InstallRefused,
    InstallUnavailable,
    IssuerMismatch,
    StateDropped,
    StateExpired,
    StateUnknown,
    StoreUnavailable,
)
from innkeeper.flows.admission import Admission
from innkeeper.flows.attempts import Attempts, UnderWay
from innkeeper.flows.invitations import Invitation, Invitations
from innkeeper.ids import random_token
from innkeeper.secret import Secret
from innkeeper.store.base import InstallationStore
from innkeeper.store.records import PendingInstall
from innkeeper.wire.oauth import AuthorizeRequest, challenge_of

ATTEMPT_LIFETIME = timedelta(minutes=10)
MARKER_LIFETIME = timedelta(minutes=2)
MOST_ATTEMPTS = 8
"""How many attempts one browser may have open."""

CLOCKS_DIFFER = timedelta(minutes=1)
"""How far the clocks of two machines may lie apart, if one begins and one finishes."""

Query = Mapping[str, Sequence[str]]
Cookies = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Begun:
    """An attempt under way: where the browser goes, and the cookie it carries."""

    url: str
    cookie: str
    cookie_value: str
    stale_cookies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Installed:
    """The app is installed; its receipt will stand at this id one day."""

    receipt_id: str
    cookie: str
    cookie_value: str
    """Replaces the attempt's, so that a reload of the callback leads to the launch page."""
    return_to: str = ""
    """Where whoever made the link wants them to go; empty for the launch page."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The person declined."""

    cookie: str = ""
    invitation: str = ""
    return_to: str = ""


@dataclass(frozen=True, slots=True)
class Working:
    """Zoom takes its time. Who asks for the same address again is told how it ended."""


@dataclass(frozen=True, slots=True)
class Restart:
    """The install began at Zoom, so without a state of ours: begin it properly."""


@dataclass(frozen=True, slots=True)
class Launch:
    """A chatbot-only app needs no code: the first event opens the installation."""


Outcome = Installed | Cancelled | Working | Restart | Launch


class InstallSettings(Protocol):
    """What installing needs to be told."""

    @property
    def client_id(self) -> str:
        """The app's client id."""
        ...

    @property
    def oauth_url(self) -> str:
        """Where Zoom authorizes."""
        ...

    @property
    def redirect_uri(self) -> str:
        """Where Zoom sends the browser back to."""
        ...

    @property
    def user_oauth(self) -> bool:
        """Whether users' tokens are wanted; a chatbot alone needs none."""
        ...

    @property
    def secure(self) -> bool:
        """Whether the app is reached over https."""
        ...


class Installer:
    """Begins installations and finishes them."""

    def __init__(
        self,
        *,
        settings: InstallSettings,
        store: InstallationStore,
        invitations: Invitations,
        admission: Admission,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._store = store
        self._invitations = invitations
        self._admission = admission
        self._clock = clock
        self.attempts = Attempts(clock)
        """Those whose codes are being traded."""
        prefix = "__Host-" if settings.secure else ""
        self._prefix = f"{prefix}innkeeper-"
        self.marker = f"{prefix}innkeeper_restarted"
        """Names the cookie that stops a loop of installs without a state."""

    async def begin(self, cookies: Cookies, invitation: str | None = None) -> Begun:
        """Start an attempt: a fresh state and PKCE verifier, kept for ten minutes.

        Args:
            invitation: What the link carried, if it carried anything.

        Raises:
            InvitationRefused: If that was altered, or not made by this app.
            InvitationExpired: If its time is over.
            InstallUnavailable: If the attempt cannot be kept.
        """
        now = self._clock.now()
        if invitation is not None:
            self._invitations.read(invitation, now=now)
        state, verifier = random_token(), random_token(384)
        pending = PendingInstall(
            attempt=_attempt(state),
            verifier=Secret(verifier),
            expires_at=now + ATTEMPT_LIFETIME,
            invitation=invitation or "",
        )
        try:
            await self._store.begin_install(state, pending)
        except StoreUnavailable as error:
            raise InstallUnavailable("install not begun", "the store took no write") from error
        request = AuthorizeRequest(
            client_id=self._settings.client_id,
            redirect_uri=self._settings.redirect_uri,
            state=state,
            code_challenge=challenge_of(verifier),
            code_challenge_method="S256",
        )
        open_attempts = [name for name in cookies if name.startswith(self._prefix)]
        return Begun(
            request.url(self._settings.oauth_url),
            self._cookie_of(state),
            _binding(state),
            tuple(open_attempts[: max(0, len(open_attempts) + 1 - MOST_ATTEMPTS)]),
        )

    async def finish(self, query: Query, cookies: Cookies) -> Outcome:
        """Take what the browser brought back from Zoom.

        Raises:
            InstallRefused: Of the subclass that says what is wrong. Its `invitation` is what
                the attempt was begun with, once it is known which one it was.
        """
        state, code, error = (_single(query, name) for name in ("state", "code", "error"))
        if code is not None and error is not None:
            raise CallbackMalformed("callback refused", "both code and error")
        if state is None:
            return self._without_state(error, cookies)
        if not self._settings.user_oauth:
            return Launch()
        done = self._done_before(state, cookies)
        if done is not None:
            return done
        slow = self.attempts.slow(_attempt(state)) if self._is_bound(state, cookies) else None
        pending = slow.pending if slow else await self._consume(state, cookies)
        try:
            return await (self._wait(state, slow) if slow else self._go_on(state, pending, query))
        except InstallRefused as refusal:
            refusal.invitation = pending.invitation
            raise

    async def _go_on(self, state: str, pending: PendingInstall, query: Query) -> Outcome:
        self._check_issuer(_single(query, "iss"))
        invitation = self._invitations.recall(pending.invitation) if pending.invitation else None
        return_to = self._destination(invitation)
        if "error" in query:
            return Cancelled(self._cookie_of(state), pending.invitation, return_to)
        code = _single(query, "code")
        if not code:
            raise CodeMissing("callback refused", "no code")
        work = self._admission.admit(code, pending, invitation)
        begun = self.attempts.begin(pending, work, return_to=return_to)
        return await self._wait(state, begun)

    async def _wait(self, state: str, under_way: UnderWay) -> Outcome:
        installation = await self.attempts.end_of(under_way)
        if installation is None:
            return Working()
        receipt = installation.receipt_id
        value = f"{_finished(state)}.{receipt}"
        return Installed(receipt, self._cookie_of(state), value, under_way.return_to)

    def _destination(self, invitation: Invitation | None) -> str:
        if invitation is None or not invitation.return_to:
            return ""
        return self._invitations.address(invitation.return_to) or ""

    def _done_before(self, state: str, cookies: Cookies) -> Installed | None:
        """Recognise a reload by the browser that finished this very attempt."""
        name = self._cookie_of(state)
        held = cookies.get(name, ())
        mark, dot, receipt = held[0].partition(".") if len(held) == 1 else ("", "", "")
        if dot and hmac.compare_digest(mark.encode(), _finished(state).encode()):
            return Installed(receipt, name, held[0])
        return None

    def _check_issuer(self, issuer: str | None) -> None:
        if issuer is not None and issuer.rstrip("/") != self._settings.oauth_url:
            raise IssuerMismatch("callback refused", "iss is not Zoom")

    def _without_state(self, error: str | None, cookies: Cookies) -> Outcome:
        if error is not None:
            return Cancelled()
        if not self._settings.user_oauth:
            return Launch()
        if self.marker in cookies:
            raise StateDropped("install stopped", "a second callback without a state")
        return Restart()

    async def _consume(self, state: str, cookies: Cookies) -> PendingInstall:
        try:
            return await self._take(state, cookies)
        except StoreUnavailable as error:
            raise InstallUnavailable("install not finished", "the store took no write") from error

    async def _take(self, state: str, cookies: Cookies) -> PendingInstall:
        waiting = await self._store.peek_state(state)
        if waiting is None:
            raise StateUnknown("callback refused", "never begun here, or finished already")
        left = waiting.expires_at - self._clock.now()
        if not timedelta(0) < left <= ATTEMPT_LIFETIME + CLOCKS_DIFFER:
            await self._store.consume_state(state)
            expired = StateExpired("callback refused", "ten minutes are over")
            expired.invitation = waiting.invitation
            raise expired
        if not self._is_bound(state, cookies):
            others = any(name.startswith(self._prefix) for name in cookies)
            if others:
                raise StateUnknown("callback refused", "the cookie is of another attempt")
            raise CookieMissing("callback refused", "no cookie of this attempt")
        pending = await self._store.consume_state(state)
        if pending is None:
            raise StateUnknown("callback refused", "finished already")
        return pending

    def _is_bound(self, state: str, cookies: Cookies) -> bool:
        """Tell whether this is the browser that began the attempt."""
        held = cookies.get(self._cookie_of(state), ())
        return len(held) == 1 and hmac.compare_digest(held[0].encode(), _binding(state).encode())

    def _cookie_of(self, state: str) -> str:
        return self._prefix + _attempt(state)


def _single(query: Query, name: str) -> str | None:
    values = query.get(name, ())
    if len(values) > 1:
        raise CallbackMalformed("callback refused", f"{name} is repeated")
    return values[0] if values else None


def _attempt(state: str) -> str:
    return hashlib.sha256(b"attempt|" + state.encode()).hexdigest()[:16]


def _binding(state: str) -> str:
    return hashlib.sha256(b"cookie|" + state.encode()).hexdigest()


def _finished(state: str) -> str:
    return hashlib.sha256(b"finished|" + state.encode()).hexdigest()
