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
    GrantRefused,
    InnkeeperError,
    InstallUnavailable,
    IssuerMismatch,
    StateDropped,
    StateExpired,
    StateUnknown,
    StoreUnavailable,
    TokenExchangeFailed,
)
from innkeeper.flows.grants import Grants
from innkeeper.flows.installations import Registry, whole_ms
from innkeeper.ids import random_token
from innkeeper.net.outbound import Transport
from innkeeper.secret import Secret
from innkeeper.store.base import InstallationStore
from innkeeper.store.records import Installation, PendingInstall, Person
from innkeeper.wire.oauth import AuthorizeRequest, Tokens, challenge_of, trusted_api_url
from innkeeper.zoom import users

ATTEMPT_LIFETIME = timedelta(minutes=10)
MARKER_LIFETIME = timedelta(minutes=2)
MOST_ATTEMPTS = 8
"""How many attempts one browser may have open."""

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
    """Replaces the attempt's, so that a reload of the callback leads to the same place."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The person declined."""

    cookie: str = ""


@dataclass(frozen=True, slots=True)
class Restart:
    """The install began at Zoom, so without a state of ours: begin it properly."""


@dataclass(frozen=True, slots=True)
class Launch:
    """A chatbot-only app needs no code: the first event opens the installation."""


Outcome = Installed | Cancelled | Restart | Launch


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
    def api_url(self) -> str:
        """Where Zoom's API is."""
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
        registry: Registry,
        grants: Grants,
        transport: Transport,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._store = store
        self._registry = registry
        self._grants = grants
        self._transport = transport
        self._clock = clock
        prefix = "__Host-" if settings.secure else ""
        self._prefix = f"{prefix}innkeeper-"
        self.marker = f"{prefix}innkeeper_restarted"
        """Names the cookie that stops a loop of installs without a state."""

    async def begin(self, cookies: Cookies) -> Begun:
        """Start an attempt: a fresh state and PKCE verifier, kept for ten minutes.

        Raises:
            InstallUnavailable: If the attempt cannot be kept.
        """
        state, verifier = random_token(), random_token(384)
        pending = PendingInstall(
            attempt=_attempt(state),
            verifier=Secret(verifier),
            expires_at=self._clock.now() + ATTEMPT_LIFETIME,
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
            InstallRefused: Of the subclass that says what is wrong; nothing was stored.
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
        pending = await self._consume(state, cookies)
        self._check_issuer(_single(query, "iss"))
        if error is not None:
            return Cancelled(self._cookie_of(state))
        if not code:
            raise CodeMissing("callback refused", "no code")
        installation = await self._exchange(code, pending)
        receipt = installation.receipt_id
        return Installed(receipt, self._cookie_of(state), f"{_finished(state)}.{receipt}")

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
        waiting = await self._store.peek_state(state)
        if waiting is None:
            raise StateUnknown("callback refused", "never begun here, or finished already")
        if waiting.expires_at <= self._clock.now():
            await self._store.consume_state(state)
            raise StateExpired("callback refused", "ten minutes are over")
        held = cookies.get(self._cookie_of(state), ())
        if len(held) != 1 or not hmac.compare_digest(held[0].encode(), _binding(state).encode()):
            others = any(name.startswith(self._prefix) for name in cookies)
            if others:
                raise StateUnknown("callback refused", "the cookie is of another attempt")
            raise CookieMissing("callback refused", "no cookie of this attempt")
        pending = await self._store.consume_state(state)
        if pending is None:
            raise StateUnknown("callback refused", "finished already")
        return pending

    async def _exchange(self, code: str, pending: PendingInstall) -> Installation:
        try:
            tokens = await self._grants.exchange(
                code, redirect_uri=self._settings.redirect_uri, verifier=pending.verifier.reveal()
            )
        except InnkeeperError as error:
            raise TokenExchangeFailed("code refused", _reason(error)) from error
        try:
            person = await self._who(tokens)
            return await self._save(person, tokens)
        except InnkeeperError as error:
            await self._grants.give_back(tokens)
            if isinstance(error, StoreUnavailable):
                raise InstallUnavailable("install not saved", "the store took no write") from error
            raise TokenExchangeFailed("install not finished", _reason(error)) from error

    async def _who(self, tokens: Tokens) -> Person:
        api_url = trusted_api_url(tokens.api_url, default=self._settings.api_url)
        return await users.me(self._transport, api_url=api_url, token=tokens.access_token)

    async def _save(self, person: Person, tokens: Tokens) -> Installation:
        owner = self._registry.owner(person.account_id, person.user_id)
        if owner is None:
            raise GrantRefused("nobody to install for", "Zoom named no account")
        installation, _ = await self._store.open_installation(
            owner, person, authorized_at=whole_ms(self._clock.now())
        )
        self._registry.forget(owner)
        await self._grants.adopt(installation.id, tokens)
        return installation

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


def _reason(error: InnkeeperError) -> str:
    return f"{error.code}: {error.why}" if isinstance(error, GrantRefused) else error.code
