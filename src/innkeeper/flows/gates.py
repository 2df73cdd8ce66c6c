"""May an account's API be called now? After a 429 all its calls wait, instead of each finding out.

Zoom's limits are an account's, whoever of its apps calls. So is the gate: the 429 of any
call closes it, and when its time has come one call goes ahead. If that one is let in, the
others follow as fast as the limit allows, and not all at once.

Source: https://developers.zoom.us/docs/api/rate-limits/
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from innkeeper.clock import Clock
from innkeeper.errors import ApiRefused
from innkeeper.ids import AccountId

_SHORT: Final = timedelta(minutes=1)
"""What is waited for longer is no limit of a second, and not every call's."""
_LONGEST: Final = timedelta(minutes=5)
"""Then one call asks again, whatever Zoom said: the account may have another plan by now."""
_FOREVER: Final = timedelta(days=366)
_PER_SECOND: Final = 10
"""How many follow in a second where Zoom does not say how many it takes."""
_LEAST_SPREAD: Final = timedelta(seconds=0.25)
_MOST_SPREAD: Final = timedelta(seconds=5)
_OPEN: Final = nullcontext()
"""What is left where nobody is limited."""


class Quota(NamedTuple):
    """Whose limits a call counts against, and which calls share the limit of a day with it."""

    account_id: AccountId
    kind: str


@dataclass(slots=True, eq=False)
class _Gate:
    refusal: ApiRefused
    retry_at: datetime
    """When Zoom wants to be asked again, however far away that is."""
    opens_at: datetime
    next_turn: datetime
    probing: bool = False
    """Whether the first call is on its way."""
    open: bool = False

    def take_turn(self, now: datetime, until: datetime) -> timedelta:
        """Reserve the next turn, and tell how far away it is.

        Raises:
            ApiRefused: As the first call was, if it comes too late.
        """
        turn = max(self.next_turn, now)
        if turn >= until:
            told = self.refusal
            raise ApiRefused(told.status, told.zoom_code, told.message, retry_at=self.retry_at)
        self.next_turn = turn + timedelta(seconds=1 / (self.refusal.per_second or _PER_SECOND))
        return turn - now

    def let_in(self) -> None:
        """Open it for all: the first call is back, and has closed none."""
        self.probing, self.open = False, True


class Gates:
    """Lets calls through. An account that was not limited lately has no gate.

    Args:
        chance: Draws from 0 to 1, so that several processes do not come back at once.
    """

    def __init__(self, clock: Clock, chance: Callable[[], float]) -> None:
        self._clock = clock
        self._chance = chance
        self._gates: dict[Quota | AccountId, _Gate] = {}

    async def enter(self, quota: Quota, *, until: datetime) -> AbstractContextManager[object]:
        """Wait until a call may be made, and give what is to be left when it has been.

        Raises:
            ApiRefused: As the call before was, at once, if there is no turn until then.
        """
        if not self._gates:
            return _OPEN
        with ExitStack() as passage:
            for key in (quota.account_id, quota):
                await self._pass(key, until, passage)
            return passage.pop_all()

    def close(self, quota: Quota, refusal: ApiRefused, wait_seconds: float) -> None:
        """Let no call through for as long as Zoom asks."""
        now = self._clock.now()
        wait = timedelta(seconds=min(max(wait_seconds, 0.0), _FOREVER.total_seconds()))
        key = quota.account_id if wait <= _SHORT else quota
        opens_at = now + min(wait, _LONGEST)
        known = self._gates.get(key)
        if known is not None and known.opens_at >= max(opens_at, now):
            return  # another call was told before
        spread = min(max(wait / 2, _LEAST_SPREAD), _MOST_SPREAD)
        self._drop_what_is_over(now)
        self._gates[key] = _Gate(
            refusal, now + wait, opens_at, next_turn=opens_at + spread * self._chance()
        )

    async def _pass(self, key: Quota | AccountId, until: datetime, passage: ExitStack) -> None:
        while (gate := self._gates.get(key)) is not None:
            now = self._clock.now()
            if gate.open and gate.next_turn <= now:
                del self._gates[key]  # all who waited are through
                return
            await self._clock.sleep(gate.take_turn(now, until).total_seconds())
            if self._gates.get(key) is not gate:
                continue  # it was closed again, or taken away
            if gate.open:
                return
            if not gate.probing:
                gate.probing = True
                passage.callback(gate.let_in)
                return

    def _drop_what_is_over(self, now: datetime) -> None:
        self._gates = {
            key: gate for key, gate in self._gates.items() if gate.probing or gate.next_turn > now
        }
