"""What is a delivery? One event on its way to an app, and every attempt to bring it there."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal

SCHEDULE: Final = (timedelta(minutes=5), timedelta(minutes=20), timedelta(minutes=60))
"""How long after each failure the next attempt is made.

Source: https://developers.zoom.us/blog/webhook-delays.md
"""

State = Literal["pending", "delivered", "retrying", "gave_up"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try. `status` is 0 when there was no answer; `error` says what was wrong with it."""

    at: datetime
    status: int
    error: str
    ms: float
    answer: str = ""
    record: int = 0
    """The number of the exchange in the traffic; 0 if nothing was sent."""

    def json(self) -> dict[str, Any]:
        """Write the attempt as the control API gives it."""
        return {
            "at": self.at.isoformat(),
            "status": self.status,
            "error": self.error,
            "ms": round(self.ms, 2),
            "answer": self.answer,
        }


@dataclass(slots=True)
class Delivery:
    """One event on its way to one address of an app."""

    id: str
    client_id: str
    url: str
    event: str
    body: bytes
    tracking_id: str
    created_at: datetime
    next_at: datetime | None
    """When the next attempt is due; none while one is under way, and after the last."""
    state: State = "pending"
    attempts: list[Attempt] = field(default_factory=list[Attempt])
    failures: int = 0
    """How many attempts of the schedule failed; redelivering by hand does not count."""
    diagnostics: list[str] = field(default_factory=list[str])
    """What was odd about the answer although it counted."""
    subscription_id: str = ""
    """Which subscription asked for it; empty for the bot's endpoint and for a removal."""
    stamp: str = ""
    """The timestamp header of the latest attempt."""
    held: bool = False
    """Whether a fault has held it back; none does so twice."""
    user_id: str = ""
    """Whom the answer is for: that of `bot_installed` is a person's welcome."""

    def succeeds(self, status: int) -> bool:
        """Tell whether a status counts: 200 and 204 at first, any 2xx on a retry."""
        return status in {200, 204} or (bool(self.attempts) and 200 <= status < 300)

    @property
    def to_the_bot(self) -> bool:
        """Whether it goes to the bot's own endpoint."""
        return not self.subscription_id and self.event != "app_deauthorized"

    @property
    def muting(self) -> str:
        """What a last failure may end: this event, for this URL of this app."""
        return f"{self.client_id} {self.event} {self.url}"

    def drop(self, why: str) -> None:
        """Give up before the first attempt."""
        self.state, self.next_at = "gave_up", None
        self.diagnostics.append(why)

    def settle(self, attempt: Attempt, *, planned: bool, again: bool = True) -> None:
        """Write an attempt down and decide what comes next.

        Args:
            planned: Whether the schedule asked for it, or somebody by hand.
            again: Whether a failure is tried again.
        """
        self.attempts.append(attempt)
        if not attempt.error:
            self.state, self.next_at = "delivered", None
        elif planned:
            self._postpone(attempt.at, again=again)

    def _postpone(self, failed_at: datetime, *, again: bool) -> None:
        if again and self.failures < len(SCHEDULE):
            self.state, self.next_at = "retrying", failed_at + SCHEDULE[self.failures]
        else:
            self.state, self.next_at = "gave_up", None
        self.failures += 1

    def json(self) -> dict[str, Any]:
        """Write the delivery as the control API gives it."""
        return {
            "id": self.id,
            "client_id": self.client_id,
            "url": self.url,
            "event": self.event,
            "subscription_id": self.subscription_id,
            "state": self.state,
            "created_at": self.created_at.isoformat(),
            "attempts": [attempt.json() for attempt in self.attempts],
            "next_at": None if self.next_at is None else self.next_at.isoformat(),
            "diagnostics": list(self.diagnostics),
            "body": self.body.decode(),
        }
