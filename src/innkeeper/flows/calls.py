"""How long do we try? A call to Zoom until it succeeds, fails for good, or the time is up."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

from innkeeper.clock import Clock
from innkeeper.errors import (
    AnswerLost,
    ApiRefused,
    NeedsReauth,
    ScopeNotGranted,
    Unreachable,
)
from innkeeper.flows.gates import Gates, Quota
from innkeeper.flows.grants import AccessToken, Grants
from innkeeper.metrics import Metrics
from innkeeper.net.outbound import DEADLINE_SECONDS
from innkeeper.spans import Tracer
from innkeeper.store.records import GrantKind

_T = TypeVar("_T")

_STALE: Final = frozenset({124, 7010})
_INVALID: Final = frozenset({0, 124})
"""What Zoom says, with 401, of a token that it does not know."""
_GATEWAY: Final = frozenset({502, 504})
"""What a gateway says that had no answer from whom it asked: it may have been done."""
_FOR_NOW: Final = frozenset({429, 500, 502, 503, 504})
"""What Zoom says that may take the same call later."""
_FIRST_PAUSE_SECONDS: Final = 0.5
_LONGEST_PAUSE_SECONDS: Final = 8.0
_LEAST_SPREAD_SECONDS: Final = 0.25

Token = Callable[[], Awaitable[AccessToken]]
Attempt = Callable[[AccessToken, float], Awaitable[_T]]
"""One call with a token, to be over within so many seconds."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How long one call may take, and how long all attempts together with their pauses."""

    attempt_seconds: float = DEADLINE_SECONDS
    total_seconds: float = 30.0


BUDGET: Final = Budget()


class Caller:
    """Makes calls to Zoom, each as often as it helps.

    Args:
        chance: Draws from 0 to 1, so that many who wait do not all come back at once.
    """

    def __init__(
        self,
        grants: Grants,
        *,
        clock: Clock,
        chance: Callable[[], float] = random.random,
        metrics: Metrics | None = None,
        tracer: Tracer | None = None,
    ) -> None:
        self._grants = grants
        self._clock = clock
        self._chance = chance
        self._calls = (metrics or Metrics()).calls
        self._tracer = tracer
        self._gates = Gates(clock, chance)

    async def call(
        self,
        token: Token,
        attempt: Attempt[_T],
        *,
        quota: Quota,
        repeatable: bool,
        budget: Budget = BUDGET,
    ) -> _T:
        """Make a call; again if it cannot have been done, was refused for now, or may be twice.

        A token that Zoom no longer takes is renewed once. After 429 it waits as Zoom asks,
        and so do all calls against the same quota; whoever has less time left than that is
        told at once.

        Args:
            quota: Whose limits it counts against.
            repeatable: Whether doing it twice does no harm. What does harm is never done
                again once it may have been done.

        Raises:
            ApiRefused: If Zoom would not do it; `ScopeNotGranted` if the token may not.
            AnswerLost: If it may have been done.
            Unreachable: If it was not.
            NeedsReauth: If Zoom takes no token of a user's, not even a new one.
            GrantRefused: If no token is to be had.
        """
        effort = _Effort(self._clock.now(), budget)
        while True:
            passage = await self._gates.enter(quota, until=effort.until)
            try:
                with passage:
                    return await self._attempt(token, attempt, effort)
            except _Again:
                continue
            except ApiRefused as refusal:
                if refusal.status in _GATEWAY and not repeatable:
                    raise AnswerLost("a gateway answered for Zoom", refusal.what) from refusal
                if refusal.status not in _FOR_NOW:
                    raise
                await self._wait(effort, refusal, quota)
            except Unreachable as gone:
                if isinstance(gone, AnswerLost) and not repeatable:
                    raise
                await self._pause(effort, gone, gone.retry_after)

    async def _attempt(self, token: Token, attempt: Attempt[_T], effort: "_Effort") -> _T:
        try:
            access = await token()
        except AnswerLost as lost:  # the answer about a token, not the call's
            raise Unreachable(lost.what, lost.why, retry_after=lost.retry_after) from lost
        left = effort.left(self._clock.now())
        try:
            counted = self._counted(attempt(access, min(effort.budget.attempt_seconds, left)))
            if self._tracer is None:
                return await counted
            with self._tracer.span("api_call", kind=access.kind.value):
                return await counted
        except ApiRefused as refusal:
            stale = refusal.status == 401 or refusal.zoom_code in _STALE
            if not stale or isinstance(refusal, ScopeNotGranted):
                raise
            if not effort.renewed and await self._grants.refused(access):
                effort.renewed = True
                raise _Again from refusal
            unknown = refusal.status == 401 and refusal.zoom_code in _INVALID
            if unknown and access.kind is GrantKind.USER:
                raise NeedsReauth("Zoom's API takes no token", refusal.message) from refusal
            raise

    async def _counted(self, attempt: Awaitable[_T]) -> _T:
        try:
            answer = await attempt
        except ApiRefused as refusal:
            if self._tracer is not None:
                self._tracer.tell(status=refusal.status)
            self._count("limited" if refusal.status == 429 else "refused")
            raise
        except Unreachable as gone:
            self._count("lost" if isinstance(gone, AnswerLost) else "unreachable")
            raise
        self._count("done")
        return answer

    def _count(self, outcome: str) -> None:
        self._calls.add(outcome)
        if self._tracer is not None:
            self._tracer.tell(outcome=outcome)

    async def _wait(self, effort: "_Effort", refusal: ApiRefused, quota: Quota) -> None:
        """Wait as Zoom asks; where it limits the account, all its calls do, at the gate."""
        asked = self._asked(refusal)
        if refusal.status != 429 or asked is None:
            await self._pause(effort, refusal, asked)
            return
        self._gates.close(quota, refusal, asked)
        if asked >= effort.left(self._clock.now()):
            raise refusal

    async def _pause(self, effort: "_Effort", why: Exception, asked: float | None) -> None:
        """Wait before the next attempt, or raise if there is no time for one."""
        growing = min(_FIRST_PAUSE_SECONDS * 2**effort.pauses, _LONGEST_PAUSE_SECONDS)
        effort.pauses += 1
        left = effort.left(self._clock.now())
        if asked is None:
            least, spread = growing / 2, growing / 2
        else:
            least = max(asked, 0.0)
            spread = min(max(least / 2, _LEAST_SPREAD_SECONDS), max(left - least, 0.0))
        seconds = least + spread * self._chance()
        if seconds >= left:
            raise why
        await self._clock.sleep(seconds)

    def _asked(self, refusal: ApiRefused) -> float | None:
        at = refusal.retry_at
        if isinstance(at, datetime):
            return (at - self._clock.now()).total_seconds()
        return at


@dataclass(slots=True)
class _Effort:
    """What one call has cost so far."""

    since: datetime
    budget: Budget
    pauses: int = 0
    renewed: bool = False

    @property
    def until(self) -> datetime:
        return self.since + timedelta(seconds=self.budget.total_seconds)

    def left(self, now: datetime) -> float:
        return (self.until - now).total_seconds()


class _Again(Exception):  # never leaves this module
    """The token was renewed: try at once."""
