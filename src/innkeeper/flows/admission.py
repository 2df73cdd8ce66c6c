"""Who is let in, once Zoom has said who it is? From the code to an installation.

Nothing is kept of somebody who is refused, and Zoom is asked to end the tokens. Who has
the app already is never put out by an authorization that was refused: authorizing anew has
ended their older tokens at Zoom, so the new ones are kept, and nothing else comes of it.
"""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from innkeeper.clock import Clock
from innkeeper.errors import (
    AccountMismatch,
    AccountNotAllowed,
    GrantRefused,
    InnkeeperError,
    InstallRefused,
    InstallUnavailable,
    ScopeMissing,
    StoreUnavailable,
    TokenExchangeFailed,
)
from innkeeper.flows.grants import Grants
from innkeeper.flows.installations import Registry, whole_ms
from innkeeper.flows.invitations import Invitation
from innkeeper.flows.log import Log
from innkeeper.net.outbound import Transport
from innkeeper.store.base import InstallationStore
from innkeeper.store.records import Installation, InstallationStatus, Owner, PendingInstall, Person
from innkeeper.wire.oauth import Tokens, trusted_api_url
from innkeeper.zoom import users

_NOTHING: Mapping[str, Any] = {}


class Tell(Protocol):
    """Tells the bot who has authorized it."""

    def __call__(
        self, installation: Installation, person: Person, *, attempt: str, said: Mapping[str, Any]
    ) -> Awaitable[None]:
        """Tell it, and return when that cannot be lost any more."""
        ...


@dataclass(frozen=True, slots=True)
class House:
    """What whoever comes is let in by."""

    redirect_uri: str
    api_url: str
    scopes: frozenset[str] = frozenset()
    """What the bot cannot do without."""
    tell: Tell | None = None
    """None if the bot does not want to hear of it."""


class Admission:
    """Trades a code for tokens, and lets in whom they are of, or not."""

    def __init__(
        self,
        house: House,
        *,
        store: InstallationStore,
        registry: Registry,
        grants: Grants,
        transport: Transport,
        clock: Clock,
        log: Log,
    ) -> None:
        self._house = house
        self._store = store
        self._registry = registry
        self._grants = grants
        self._transport = transport
        self._clock = clock
        self._log = log

    async def admit(
        self, code: str, pending: PendingInstall, invitation: Invitation | None
    ) -> Installation:
        """Trade a code, once, and open or renew the installation of whoever it is of.

        Raises:
            InstallRefused: Of the subclass that says why they are not let in.
        """
        tokens = await self._trade(code, pending)
        newcomer = True
        try:
            person, owner = await self._who(tokens)
            newcomer = not await self._is_installed(owner)
            objection = self._objection(person, tokens, invitation)
            if objection is not None and newcomer:
                raise objection
            installation = await self._open(owner, person, tokens)
            if objection is None and self._house.tell is not None:
                said = invitation.metadata if invitation is not None else _NOTHING
                await self._house.tell(installation, person, attempt=pending.attempt, said=said)
        except AccountNotAllowed:
            await self._grants.give_back(tokens)
            raise
        except InnkeeperError as error:
            if newcomer:
                await self._grants.give_back(tokens)
            if isinstance(error, InstallRefused):
                raise
            raise _refusal(error) from error
        if objection is not None:
            raise objection
        self._log.info("install.finished", installation=installation.id, newcomer=newcomer)
        return installation

    async def _trade(self, code: str, pending: PendingInstall) -> Tokens:
        try:
            return await self._grants.exchange(
                code, redirect_uri=self._house.redirect_uri, verifier=pending.verifier.reveal()
            )
        except InnkeeperError as error:
            raise TokenExchangeFailed("code refused", _reason(error)) from error

    async def _who(self, tokens: Tokens) -> tuple[Person, Owner]:
        api_url = trusted_api_url(tokens.api_url, default=self._house.api_url)
        person = await users.me(self._transport, api_url=api_url, token=tokens.access_token)
        if not self._registry.allows(person.account_id):
            raise AccountNotAllowed("install refused", "INNKEEPER_ACCOUNTS does not list it")
        owner = self._registry.owner(person.account_id, person.user_id)
        if owner is None:
            raise GrantRefused("nobody to install for", "Zoom named no account")
        return person, owner

    async def _is_installed(self, owner: Owner) -> bool:
        found = await self._store.find_installation(owner)
        return found is not None and found.status is not InstallationStatus.PURGING

    def _objection(
        self, person: Person, tokens: Tokens, invitation: Invitation | None
    ) -> InstallRefused | None:
        """Say what speaks against letting them in, if anything does."""
        if invitation is not None and not invitation.is_for(person.account_id, person.user_id):
            return AccountMismatch("install refused", "the link was made for somebody else")
        wanted, granted = self._house.scopes, tokens.scope
        if wanted and granted:  # right after an app was made, Zoom leaves them out for a while
            if wanted - granted:
                return ScopeMissing(
                    "install refused", f"lacks {' '.join(sorted(wanted - granted))}"
                )
            if granted - wanted:
                self._log.warning("install.more_scopes", scopes=sorted(granted - wanted))
        return None

    async def _open(self, owner: Owner, person: Person, tokens: Tokens) -> Installation:
        installation, _ = await self._store.open_installation(
            owner, person, authorized_at=whole_ms(self._clock.now())
        )
        self._registry.forget(owner)
        await self._grants.adopt(installation.id, tokens)
        return installation


def _refusal(error: InnkeeperError) -> InstallRefused:
    if isinstance(error, StoreUnavailable):
        return InstallUnavailable("install not saved", "the store took no write")
    return TokenExchangeFailed("install not finished", _reason(error))


def _reason(error: InnkeeperError) -> str:
    return f"{error.code}: {error.why}" if isinstance(error, GrantRefused) else error.code
