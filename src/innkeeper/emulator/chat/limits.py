"""How many calls has an account left? Zoom's MEDIUM limits, by the plan, for all its apps.

On a frozen clock no second passes, so the limit of a second is only counted there.

Source: https://developers.zoom.us/docs/api/rate-limits/
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from innkeeper.emulator import answers
from innkeeper.emulator.faults.limits import Limit, counted, too_many
from innkeeper.emulator.world import Calls, Plan, World

PER_SECOND: Final[Mapping[Plan, int]] = {"free": 2, "pro": 20, "business": 60}
PER_DAY: Final[Mapping[Plan, int]] = {"free": 2000}


@dataclass(frozen=True, slots=True)
class Taken:
    """A call that was counted: the limit that says most about it, and what that leaves."""

    limit: Limit
    most: int
    """How many calls the limit allows; 0 where there are no limits."""
    left: int
    over: bool = False

    def headers(self) -> dict[str, str]:
        """Say it in the headers that every answer has; in none where there are no limits."""
        return counted(self.limit, self.most, self.left) if self.most else {}


class Limits:
    """Counts calls, account by account."""

    def __init__(self, world: World) -> None:
        self._world = world

    def take(self, account_id: str) -> Taken:
        """Count a call; one that is over a limit takes nothing of it."""
        account = self._world.account(account_id)
        if account is None or self._world.rules.rate_limits == "off":
            return Taken("per_second", 0, 0)
        calls = self._world.calls.setdefault(account_id, Calls())
        self._turn(calls)
        enforced = self._world.rules.rate_limits == "enforce"
        daily = PER_DAY.get(account.plan)
        if daily is not None and enforced and calls.in_day >= daily:
            return Taken("daily", daily, 0, over=True)
        most = PER_SECOND[account.plan]
        if enforced and not self._world.clock.frozen and calls.in_second >= most:
            return Taken("per_second", most, 0, over=True)
        calls.in_second += 1
        calls.in_day += 1
        return Taken("per_second", most, max(0, most - calls.in_second))

    def refuse(self, request: Request, taken: Taken) -> Response | None:
        """Answer 429 to a call that is over a limit; None to any other."""
        if not taken.over:
            return None
        daily = taken.limit == "daily"
        rule, each = ("limit.daily", "a day") if daily else ("limit.per_second", "a second")
        why = f"the account's plan allows {taken.most} calls {each}, for all its apps together"
        answers.refuse(request, rule, why)
        now = self._world.now()
        wait = (_next(taken.limit, now) - now).total_seconds()
        headers, body = too_many(taken.limit, now, wait, most=taken.most)
        return Response(body, 429, headers)

    def _turn(self, calls: Calls) -> None:
        """Begin anew with every second, and with every day of Greenwich."""
        now = self._world.now()
        second, day = int(now.timestamp()), f"{now.astimezone(UTC):%Y-%m-%d}"
        if calls.second != second:
            calls.second, calls.in_second = second, 0
        if calls.day != day:
            calls.day, calls.in_day = day, 0


def _next(limit: Limit, now: datetime) -> datetime:
    """Tell when a limit begins anew."""
    if limit == "per_second":
        return now.replace(microsecond=0) + timedelta(seconds=1)
    return datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), time(), UTC)
