"""What if a person must authorize the app again? They are told, once, from the inbox.

The notice is an event of our own. It is kept like one of Zoom's, so it survives a crash,
is tried again where it fails, and can be handled by the bot.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from innkeeper.clock import Clock, epoch_ms
from innkeeper.errors import BodyRefused, Fenced
from innkeeper.ids import AccountId, InstallationId, Jid, UserId
from innkeeper.store.base import InboxStore, InstallationStore
from innkeeper.store.records import InboxEvent, InstallationStatus
from innkeeper.wire.events import Event
from innkeeper.wire.payloads import Camel, Payload

OURS: Final = "innkeeper."
"""How the names of our own events begin. No name that Zoom gives: its own are a product's."""
REAUTH_NEEDED: Final = f"{OURS}reauth_needed"
_ASKED_KEPT: Final = 10_000


class ReauthDue(Camel, frozen=True, kw_only=True):
    """Who must authorize the app again, as they were known when they did."""

    account_id: AccountId
    user_id: UserId
    user_jid: Jid
    user_name: str = ""
    timestamp: int = 0
    scopes: tuple[str, ...] = ()
    """What they have not allowed yet; none if their tokens have died."""


def as_notice(event: Event[Payload]) -> Event[Payload]:
    """Read an event of this name as the notice it is.

    Raises:
        BodyRefused: If it is none of ours.
    """
    try:
        due = msgspec.convert(event.raw.get("payload"), ReauthDue)
    except msgspec.ValidationError:
        raise BodyRefused("not_a_notice") from None
    return Event(event.name, due, event.at, event.raw)


class Notices:
    """Puts a notice into the inbox when somebody must authorize the app again.

    Args:
        take: Where a fresh notice goes on to.
    """

    def __init__(
        self,
        *,
        inbox: InboxStore,
        installations: InstallationStore,
        clock: Clock,
        take: Callable[[InboxEvent], None],
    ) -> None:
        self._inbox = inbox
        self._installations = installations
        self._clock = clock
        self._take = take
        self._asked: set[bytes] = set()

    async def needs_reauth(self, installation_id: InstallationId) -> None:
        """Tell an installation's person, once for each authorization, then mark it.

        Raises:
            Fenced: If the installation is gone or being purged.
            StoreUnavailable: If it could not be kept.
        """
        await self._tell(installation_id)
        await self._installations.set_status(installation_id, InstallationStatus.NEEDS_REAUTH)

    async def scopes_missing(self, installation_id: InstallationId, scopes: Sequence[str]) -> None:
        """Ask an installation's person for scopes that they have not granted.

        Once for each authorization, and again after a restart: their tokens are good, and
        every call that needs those scopes ends up here.

        Raises:
            Fenced: If the installation is gone or being purged.
            StoreUnavailable: If it could not be kept.
        """
        await self._tell(installation_id, tuple(sorted(scopes)))

    async def _tell(self, installation_id: InstallationId, scopes: tuple[str, ...] = ()) -> None:
        found = await self._installations.get_installation(installation_id)
        if found is None:
            raise Fenced("nobody is told", "the installation is gone")
        now, person = self._clock.now(), found.person
        mark = f"{REAUTH_NEEDED}:{installation_id}:{epoch_ms(found.authorized_at)}"
        key = hashlib.sha256(" ".join([mark, *scopes]).encode()).digest()
        if scopes and key in self._asked:
            return
        due = ReauthDue(
            account_id=person.account_id,
            user_id=person.user_id,
            user_jid=person.jid,
            user_name=person.name,
            timestamp=epoch_ms(now),
            scopes=scopes,
        )
        body = msgspec.json.encode({"event": REAUTH_NEEDED, "payload": due})
        accepted = await self._inbox.accept(
            key=key, name=REAUTH_NEEDED, body=body, owner=found.owner, now=now
        )
        if len(self._asked) >= _ASKED_KEPT:
            self._asked.clear()
        self._asked.add(key)
        if accepted.fresh:
            self._take(InboxEvent(accepted.id, REAUTH_NEEDED, body, now, 1))
