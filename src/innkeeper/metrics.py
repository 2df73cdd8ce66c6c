"""How much of what has happened? A small table of counts, kept in memory and sent nowhere.

Labels have few values, all of them named here or by whoever makes the table: what
somebody outside chose, such as an event's name, is counted as `other` unless it is known.
"""

from bisect import bisect_left
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Final

OTHER: Final = "other"
"""What a value is counted as that is none of a label's."""

SECONDS: Final = (0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0, 300.0)
"""Where durations are told apart; Zoom waits for three seconds, a handler may take 300."""


class Counter:
    """Counts what happens, told apart by its labels.

    Args:
        labels: The values that each label may have.
    """

    def __init__(self, name: str, text: str, labels: Mapping[str, Collection[str]]) -> None:
        self.name = name
        self.text = text
        self.labels = labels
        self.counts: dict[tuple[str, ...], int] = {}

    def add(self, *values: str) -> None:
        """Count one, by a value for each label, in their order.

        Example:
            >>> calls = Counter("calls", "Calls.", {"outcome": {"done", "refused"}})
            >>> calls.add("done"), calls.add("anything else"), calls.counts
            (None, None, {('done',): 1, ('other',): 1})
        """
        try:
            self.counts[values] += 1
        except KeyError:
            pairs = zip(values, self.labels.values(), strict=True)
            known = tuple(value if value in among else OTHER for value, among in pairs)
            self.counts[known] = self.counts.get(known, 0) + 1


class Histogram:
    """Counts durations by how long they are."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self.counts = [0] * (len(SECONDS) + 1)
        """How many took no longer than each of `SECONDS`, and more than the one before; the
        last took longer than any."""
        self.total_seconds = 0.0

    def observe(self, took: timedelta) -> None:
        """Count one; a clock that was set back has seen no time pass."""
        seconds = max(took.total_seconds(), 0.0)
        self.counts[bisect_left(SECONDS, seconds)] += 1
        self.total_seconds += seconds


class Metrics:
    """The table: one for each running app.

    Args:
        events: The names of events that are known.
    """

    def __init__(self, events: Collection[str] = ()) -> None:
        self.deliveries = Counter(
            "innkeeper_deliveries",
            "Deliveries that were signed as Zoom's are, or not, by what was answered.",
            {"outcome": DELIVERY},
        )
        self.events = Counter(
            "innkeeper_events",
            "Events that have ended, by name and how.",
            {"event": frozenset(events), "state": EVENT},
        )
        self.failures = Counter(
            "innkeeper_handler_failures",
            "Handlers that raised or were cut off; their event is tried again, or is dead.",
            {"event": frozenset(events)},
        )
        self.calls = Counter(
            "innkeeper_api_calls",
            "Attempts to call Zoom's API, by what came of them.",
            {"outcome": CALL},
        )
        self.renewals = Counter(
            "innkeeper_token_renewals",
            "Times the token endpoint was asked for a token, by kind and what came of it.",
            {"kind": GRANT, "outcome": RENEWAL},
        )
        self.webhook_tokens = Counter(
            "innkeeper_webhook_tokens",
            "Times we were asked for the token that subscriptions show, by what was answered.",
            {"outcome": TOKEN},
        )
        self.ack_seconds = Histogram(
            "innkeeper_ack_seconds", "From a delivery's whole body to its answer."
        )
        self.handler_seconds = Histogram(
            "innkeeper_handler_seconds", "From a handler's begin to its end, failed or not."
        )

    @property
    def counters(self) -> tuple[Counter, ...]:
        """All counters."""
        asked = self.calls, self.renewals, self.webhook_tokens
        return self.deliveries, self.events, self.failures, *asked

    @property
    def histograms(self) -> tuple[Histogram, ...]:
        """All histograms."""
        return self.ack_seconds, self.handler_seconds


DELIVERY: Final = frozenset(
    {"taken", "repeated", "challenge", "unauthorized", "malformed", "unavailable"}
)
EVENT: Final = frozenset({"done", "ignored", "dropped", "quarantined", "dead"})
CALL: Final = frozenset({"done", "refused", "limited", "lost", "unreachable"})
GRANT: Final = frozenset({"chatbot", "account", "user"})
RENEWAL: Final = frozenset({"renewed", "refused", "died", "unreachable"})
TOKEN: Final = frozenset({"given", "refused", "limited"})
