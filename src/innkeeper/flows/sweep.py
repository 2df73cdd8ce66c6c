"""What becomes of a doubt? It is settled: by a sign of life, by a person, or by a purge.

Evidence of a removal that nothing and nobody speaks against ends in a purge, so that a notice
that was lost is not the end of it. A case without evidence waits for a person.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from innkeeper.clock import Clock
from innkeeper.errors import InnkeeperError
from innkeeper.flows.cases import EVIDENCE, KEPT_FOR, Cases, Doubtful, Reason
from innkeeper.flows.log import Log
from innkeeper.flows.purge import Forgetter
from innkeeper.flows.schedule import issued_at
from innkeeper.ids import InstallationId
from innkeeper.store.base import PurgeStore
from innkeeper.store.records import Case, Installation, InstallationStatus, Outcome

ANSWER_WITHIN: Final = timedelta(hours=48)
"""How long evidence waits to be spoken against. Tokens are asked for daily, so at most 72
hours lie between a removal and its purge."""
LISTENED_FOR: Final = timedelta(hours=2)
"""How long this process must have heard Zoom before silence counts: as long as Zoom retries."""
COUNT_EVERY: Final = timedelta(minutes=1)
ALARM_EVERY: Final = timedelta(days=1)

_FEW: Final = 10
_SHARE: Final = 10
_PAGE: Final = 500
_NEVER: Final = datetime.min.replace(tzinfo=UTC)


class Swept(Doubtful, PurgeStore, Protocol):
    """What settling cases reads and writes."""


class Sweeper:
    """Settles cases. Every step can be repeated, by this process or by another one.

    Args:
        revoke: Has Zoom end a person's tokens.
    """

    def __init__(
        self,
        *,
        store: Swept,
        cases: Cases,
        forgetter: Forgetter,
        revoke: Callable[[InstallationId], Awaitable[bool]],
        clock: Clock,
        log: Log,
    ) -> None:
        self._store = store
        self._cases = cases
        self._forgetter = forgetter
        self._revoke = revoke
        self._clock = clock
        self._log = log
        self._seen: dict[InstallationId, datetime] = {}
        self._listening_since: datetime | None = None
        self._alarmed_at: datetime | None = None
        self._rests_until: datetime | None = None

    def saw(self, installation_id: InstallationId, at: datetime) -> None:
        """Note that Zoom has sent an event of an installation: the app was installed then."""
        known = self._seen.get(installation_id)
        if known is None or at > known:
            self._seen[installation_id] = at

    async def sweep(self) -> int:
        """Settle what can be settled now; say how many purges were begun.

        Raises:
            StoreUnavailable: If the store cannot be used; nothing that was noted is lost.
        """
        await self._cases.take_note()
        await self.spare_the_living()
        begun = 0
        held: bool | None = None
        async for case in self._unsettled(opened_by=self._due_by()):
            if case.decided:
                begun += await self._bury(case)
            elif case.reason in EVIDENCE:
                held = await self._too_many() if held is None else held
                begun += 0 if held else await self._end(case)
        return begun

    async def spare_the_living(self) -> None:
        """Settle the cases of those from whom an event has come that is newer.

        Raises:
            StoreUnavailable: If the store cannot be used; what was noted is kept.
        """
        seen, self._seen = self._seen, {}
        if not seen:
            return
        try:
            async for case in self._unsettled_of(seen):
                if _is_newer(seen, case):
                    await self._close(case, Outcome.LIVES)
        except InnkeeperError:
            for installation_id, at in seen.items():
                self.saw(installation_id, at)
            raise

    async def expire(self) -> int:
        """Forget what was settled long ago."""
        return await self._store.expire_cases(closed_before=self._clock.now() - KEPT_FOR)

    async def _unsettled(self, *, opened_by: datetime) -> AsyncIterator[Case]:
        after = ""
        while page := await self._store.unsettled_cases(
            opened_by=opened_by, after=after, limit=_PAGE
        ):
            for case in page:
                yield case
            after = page[-1].id

    async def _unsettled_of(self, seen: Iterable[InstallationId]) -> AsyncIterator[Case]:
        """Find the cases of some: among all where these are few, else one after the other."""
        page = await self._store.unsettled_cases(limit=_PAGE)
        for case in page:
            yield case
        if len(page) == _PAGE:
            for installation_id in seen:
                for case in await self._store.cases_of(installation_id):
                    yield case

    def _due_by(self) -> datetime:
        """Say by when a case must have been opened, to be due now."""
        now = self._clock.now()
        since = self._listening_since = self._listening_since or now
        rests = self._rests_until is not None and now < self._rests_until
        return _NEVER if rests or now < since + LISTENED_FOR else now - ANSWER_WITHIN

    async def _end(self, case: Case) -> int:
        """Settle a case that nobody has spoken about in time."""
        grant = await self._store.find_grant(str(case.installation_id))
        renewed = grant is not None and not grant.dead and issued_at(grant) > case.opened_at
        lives = renewed or _is_newer(self._seen, case)
        await self._close(case, Outcome.LIVES if lives else Outcome.UNANSWERED)
        settled = await self._store.get_case(case.id)
        return await self._bury(settled) if settled is not None and settled.decided else 0

    async def _close(self, case: Case, outcome: Outcome) -> None:
        if await self._store.close_case(case.id, outcome=outcome, now=self._clock.now()):
            self._log.info(
                "case.closed",
                case=case.id,
                installation=case.installation_id,
                outcome=outcome.value,
            )

    async def _too_many(self) -> bool:
        """Tell whether so many are in doubt at once that rather Zoom, or we, are wrong."""
        doubtful, living = await self._store.count_doubtful()
        if doubtful <= max(_FEW, living // _SHARE):
            return False
        now = self._clock.now()
        self._rests_until = now + COUNT_EVERY
        if self._alarmed_at is None or now >= self._alarmed_at + ALARM_EVERY:
            self._alarmed_at = now
            self._log.error("case.too_many", doubtful=doubtful, living=living)
        return True

    async def _bury(self, case: Case) -> int:
        """Begin the purge that a case was decided to end in; its rows go with it."""
        if case.installation_id is None:
            return 0
        installation = await self._store.get_installation(case.installation_id)
        if installation is None or await self._is_begun(installation):
            return 0
        if case.reason == Reason.ORDERED:
            with suppress(InnkeeperError):  # as far as Zoom can be had for it
                await self._revoke(installation.id)
        # Whoever authorizes after the decision gets a new installation: this one ends for sure.
        removed_at = max(self._removed_at(case), installation.authorized_at)
        await self._forgetter.begin(installation, removed_at=removed_at)
        self._log.error(
            "case.purge_begun", case=case.id, installation=installation.id, reason=case.reason
        )
        return 1

    def _removed_at(self, case: Case) -> datetime:
        """Say when an installation ended, as far as that is known."""
        if case.outcome is Outcome.UNANSWERED:
            return case.opened_at  # what came after the evidence is newer than the removal
        if case.reason == Reason.ORDERED or case.closed_at is None:
            return self._clock.now()  # Zoom may send the removal that revoking the tokens is
        return case.closed_at

    async def _is_begun(self, installation: Installation) -> bool:
        if installation.status is not InstallationStatus.PURGING:
            return False
        return any(each.installation_id == installation.id for each in await self._store.purges())


def _is_newer(seen: Mapping[InstallationId, datetime], case: Case) -> bool:
    """Tell whether somebody was seen after the evidence that she was gone."""
    at = seen.get(case.installation_id) if case.installation_id else None
    return at is not None and at > case.opened_at
