"""What is a URL validation? One question to an endpoint, and what each check said of its answer.

Source: https://developers.zoom.us/docs/api/webhooks/ (validate your webhook endpoint)
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

from innkeeper.errors import EndpointRefused

Verdict = Literal["passed", "failed", "not_reached"]
CHECKS: Final = (
    "address",
    "credentials",
    "answer",
    "status",
    "json",
    "plain_token",
    "encrypted_token",
)
"""In order: it may be posted to, its own credentials were had, it answered within 3 s, with
200, with a JSON object, which has the token that was sent, and the right HMAC of it."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check. `why` and `fix` are empty unless it failed."""

    name: str
    verdict: Verdict
    why: str = ""
    fix: str = ""


@dataclass(slots=True)
class Validation:
    """One URL validation: what was sent, what came back, and the verdict on each."""

    id: str
    client_id: str
    url: str
    at: datetime
    plain_token: str
    checks: list[Check] = field(default_factory=list[Check])
    accepted: bool = False
    """Whether the address counts as validated; by rule the bot's may though a check failed."""
    status: int = 0
    """What was answered; 0 where nothing was."""
    ms: float = 0
    record: int = 0
    """The number of the exchange in the traffic; 0 if nothing was sent."""

    def judge(self, passed: int, error: EndpointRefused | None) -> None:
        """Write the verdicts down: so many passed, the next failed, the rest were not reached."""
        self.checks = [Check(name, "passed") for name in CHECKS[:passed]]
        if error is not None:
            self.checks.append(Check(CHECKS[passed], "failed", error.why, error.fix))
        self.checks += [Check(name, "not_reached") for name in CHECKS[len(self.checks) :]]

    @property
    def failed(self) -> Check | None:
        """The check that failed, if one did."""
        return next((each for each in self.checks if each.verdict == "failed"), None)

    def json(self) -> dict[str, Any]:
        """Write the validation as the control API gives it."""
        return {
            "id": self.id,
            "client_id": self.client_id,
            "url": self.url,
            "at": self.at.isoformat(),
            "plain_token": self.plain_token,
            "accepted": self.accepted,
            "status": self.status,
            "ms": round(self.ms, 2),
            "checks": list(self.checks),
        }
