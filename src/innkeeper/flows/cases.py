"""Is there reason to doubt that the app is still installed? Then a case is opened, once.

Zoom's notice of a removal can be lost. What Zoom says otherwise is evidence: a grant that
died, a message that was refused. What anybody else says, such as a notice that Zoom did not
sign, is none; it raises an alarm, and nothing more.
"""

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Final, Protocol

from innkeeper.clock import Clock
from innkeeper.errors import ApiRefused, Fenced, InnkeeperError, NeedsReauth
from innkeeper.flows.evidence import speaks_of_removal
from innkeeper.flows.log import Log
from innkeeper.flows.speak import Place
from innkeeper.ids import InstallationId
from innkeeper.store.base import CaseStore, GrantStore, InstallationStore
from innkeeper.store.records import Case, Outcome

QUIET: Final = timedelta(days=1)
"""How long a refusal that repeats opens no second case."""
KEPT_FOR: Final = timedelta(days=30)
"""How long "keep" holds against refused messages, and settled cases are remembered."""
NOT_INSTALLED: Final = 7004
"""Zoom's number for a message to somebody who has not installed the app."""


class Reason(StrEnum):
    """Why a case was opened."""

    GRANT_DIED = "grant_died"
    SEND_REFUSED = "send_refused"
    REMOVED_BEFORE = "deauthorization_before_authorization"
    REMOVAL_REFUSED = "deauthorization_refused"
    UNREADABLE = "deauthorization_unreadable"
    ORDERED = "revoke_ordered"


EVIDENCE: Final = frozenset({Reason.GRANT_DIED, Reason.SEND_REFUSED})
"""What Zoom itself has said; it ends in a purge unless somebody or something speaks against it."""


class Doubtful(CaseStore, InstallationStore, GrantStore, Protocol):
    """What opening cases reads and writes."""


class Cases:
    """Opens cases, each with one alarm."""

    def __init__(self, *, store: Doubtful, clock: Clock, log: Log) -> None:
        self._store = store
        self._clock = clock
        self._log = log
        self._removal_refused = False

    async def open(self, reason: Reason, installation_id: InstallationId | None) -> None:
        """Open a case, unless the same is open.

        Raises:
            Fenced: If the installation is gone or being purged.
            StoreUnavailable: If it could not be kept.
        """
        now = self._clock.now()
        case = await self._store.open_case(reason, installation_id=installation_id, now=now)
        if case.opened_at == now:
            self._log.error(
                "case.opened", case=case.id, installation=installation_id, reason=reason.value
            )

    async def grant_died(self, installation_id: InstallationId, refusal: NeedsReauth) -> None:
        """Take it as evidence if Zoom has ended a person's tokens before their time.

        Call it before the grant is marked as dead, so that a crash between loses nothing.

        Raises:
            StoreUnavailable: If it could not be kept.
        """
        grant = await self._store.find_grant(str(installation_id))
        if grant is None or not speaks_of_removal(refusal, grant, now=self._clock.now()):
            return
        if not _open_evidence(await self._store.cases_of(installation_id)):
            await self._suspect(Reason.GRANT_DIED, installation_id)

    async def send_refused(self, place: Place, refusal: ApiRefused) -> None:
        """Take it as evidence that the very person who installed the app may not be written to.

        A channel that refuses a message says nothing about the installation. Never raises:
        whoever sent the message is told of its refusal, and the next one is refused as well.
        """
        if refusal.zoom_code != NOT_INSTALLED or place.installation_id is None:
            return
        try:
            if await self._is_news(place, place.installation_id):
                await self._suspect(Reason.SEND_REFUSED, place.installation_id)
        except InnkeeperError as error:
            self._log.error("case.not_opened", code=error.code, installation=place.installation_id)

    async def _is_news(self, place: Place, installation_id: InstallationId) -> bool:
        installation = await self._store.get_installation(installation_id)
        if installation is None or not _is_chat_with(installation.person.jid, place.to_jid):
            return False
        now, known = self._clock.now(), await self._store.cases_of(installation_id)
        repeated = any(
            case.reason == Reason.SEND_REFUSED and case.opened_at > now - QUIET for case in known
        )
        kept = any(
            case.outcome is Outcome.KEPT
            and case.closed_at is not None
            and case.closed_at > max(now - KEPT_FOR, installation.authorized_at)
            for case in known
        )
        return not (repeated or kept or _open_evidence(known))

    async def _suspect(self, reason: Reason, installation_id: InstallationId) -> None:
        try:
            await self.open(reason, installation_id)
        except Fenced:
            self._log.info("case.not_needed", installation=installation_id)  # it is purged already

    def removal_refused(self) -> None:
        """Note a notice of removal that named our app and that Zoom did not sign, or too long ago.

        Anybody can send one. So nothing is written here, however many come: one case a day
        is opened by `take_note`, and it names nobody.
        """
        self._removal_refused = True

    async def take_note(self) -> None:
        """Open a case for the refused notices there were, unless there was one within a day.

        Raises:
            StoreUnavailable: If it could not be kept.
        """
        if not self._removal_refused:
            return
        now = self._clock.now()
        known = [
            case
            for case in await self._store.cases_of(None)
            if case.reason == Reason.REMOVAL_REFUSED
        ]
        if all(case.closed_at is not None and case.opened_at <= now - QUIET for case in known):
            await self.open(Reason.REMOVAL_REFUSED, None)
        self._removal_refused = False


def _open_evidence(known: Sequence[Case]) -> bool:
    return any(case.reason in EVIDENCE and case.closed_at is None for case in known)


def _is_chat_with(jid: str, to_jid: str) -> bool:
    """Tell whether an address is a person's own, also with the bot behind a slash."""
    return bool(jid) and to_jid.partition("/")[0] == jid and "@conference." not in to_jid
