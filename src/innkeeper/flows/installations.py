"""Whose event is this, and may anything be done for them? The way to an installation."""

from collections.abc import Set
from datetime import datetime, timedelta

from innkeeper.clock import Clock
from innkeeper.ids import AccountId, Jid, UserId
from innkeeper.store.base import InstallationStore, Vault
from innkeeper.store.records import Installation, InstallationStatus, Owner, Person
from innkeeper.wire.events import Event, Glimpse
from innkeeper.wire.payloads import Camel, Payload

_CACHE_SIZE = 10_000
LOOKED_AT_EVERY = timedelta(seconds=5)
"""An installation is remembered no longer than this without a look at the store.

Another process may have purged it, or had it authorized anew.
"""


class Registry:
    """Finds installations, and opens one for the first event of somebody new.

    Args:
        per_account: Whether an admin installs the app for the whole account.
        accounts: Whom the app is for; everybody where it is empty.
    """

    def __init__(
        self,
        store: InstallationStore,
        vault: Vault,
        *,
        clock: Clock,
        per_account: bool,
        accounts: Set[AccountId] = frozenset(),
    ) -> None:
        self._store = store
        self._vault = vault
        self._clock = clock
        self._per_account = per_account
        self._accounts = accounts
        self._known: dict[Owner, tuple[Installation, datetime]] = {}

    def allows(self, account_id: AccountId) -> bool:
        """Tell whether the app is for this account."""
        return not self._accounts or account_id in self._accounts

    def owner(self, account_id: AccountId, user_id: UserId | None) -> Owner | None:
        """Say who owns what is done by this person; None if that cannot be told."""
        if not account_id:
            return None
        if self._per_account:
            return Owner(account_id)
        return Owner(account_id, user_id) if user_id else None

    def owner_of(self, seen: Glimpse) -> Owner | None:
        """Say whose event it seems to be, from what little is read of it at first."""
        return self.owner(seen.account_id, seen.user_id)

    def known(self, owner: Owner) -> Installation | None:
        """Find the owner's live installation among those looked at just now."""
        known = self._known.get(owner)
        return known[0] if known is not None and self._clock.now() < known[1] else None

    async def find(self, owner: Owner) -> Installation | None:
        """Find the owner's live installation."""
        known = self.known(owner)
        if known is None:
            known = await self._store.find_installation(owner)
            if known is None or known.status is InstallationStatus.PURGING:
                self.forget(owner)
                return None
            self._remember(known)
        return known

    async def admit(self, person: Person, *, at: datetime) -> Installation | None:
        """Find the person's installation, or open it; None if `at` is before their removal.

        An event that is not newer than the owner's last tombstone was under way when
        the app was removed: it must not bring anything back.
        """
        owner = self.owner(person.account_id, person.user_id)
        if owner is None:
            return None
        known = await self.find(owner)
        if known is not None:
            return known
        tombstone = await self._vault.find_tombstone(owner)
        if tombstone is not None and at <= tombstone.at:
            return None
        opened, _ = await self._store.open_installation(owner, person, authorized_at=whole_ms(at))
        self._remember(opened)
        return opened

    def forget(self, owner: Owner) -> None:
        """Drop what is remembered of an owner: it changed, or it is gone."""
        self._known.pop(owner, None)

    def _remember(self, installation: Installation) -> None:
        if len(self._known) >= _CACHE_SIZE:
            self._known.clear()
        self._known[installation.owner] = installation, self._clock.now() + LOOKED_AT_EVERY


def who(event: Event[Payload]) -> tuple[AccountId, UserId]:
    """Read in which account something was done and by whom; empty where the event is silent."""
    payload = event.payload
    if isinstance(payload, Camel):
        account, user = getattr(payload, "account_id", ""), getattr(payload, "user_id", "")
    else:
        account = getattr(payload, "account_id", None) or ""
        user = getattr(payload, "user_id", None) or getattr(payload, "operator_id", None) or ""
    return AccountId(account), UserId(user)


def person_of(event: Event[Payload]) -> Person:
    """Read who did something, as far as its event says."""
    payload = event.payload
    account, user = who(event)
    jid = getattr(payload, "user_jid", None) or getattr(payload, "operator_jid", None) or ""
    return Person(account, user, Jid(jid), getattr(payload, "user_name", None) or "")


def whole_ms(moment: datetime) -> datetime:
    """Cut a moment to the millisecond, as finely as Zoom's own stamps tell."""
    return moment - timedelta(microseconds=moment.microsecond % 1000)
