"""Was anything lost, made up or done twice? What was sent and answered, beside what came of it.

I1  No acknowledged event is lost: its effect was had, or its row says that nobody knows.
I2  No phantom: nothing happened that nobody sent, and no row is of nobody's.
I3  Each event ends, and no effect is had twice.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

ASIDE = frozenset({("dead", "effect_unconfirmed"), ("dead", "never_ended")})
"""Ends that leave it to somebody to look whether the effect was had."""


@dataclass(slots=True)
class Tale:
    """What happened, told by who stood outside."""

    sent: dict[int, bytes] = field(default_factory=dict[int, bytes])
    """What was sent, each with its place in the store."""
    acked: set[int] = field(default_factory=set[int])
    had: Sequence[int] = ()
    """The effects, in their order, as the bot's own file has them."""
    rows: Mapping[bytes, tuple[str, str]] = field(default_factory=dict[bytes, tuple[str, str]])
    """How each event in the store stands, and why, by its place."""

    @property
    def aside(self) -> int:
        """Count the events that were set aside for somebody to look at."""
        return sum(row in ASIDE for row in self.rows.values())


def judge(tale: Tale) -> Sequence[str]:
    """Say what is wrong; nothing if all holds."""
    had = Counter(tale.had)
    ends = {number: tale.rows.get(place) for number, place in tale.sent.items()}
    found = {
        "I1: acknowledged, and not in the store": [n for n in tale.acked if ends[n] is None],
        "I1: ended, and its effect is missing": [
            n for n, end in ends.items() if end == ("done", "") and n not in had
        ],
        "I2: an effect of what nobody sent": [n for n in had if n not in tale.sent],
        "I2: a row of what nobody sent": list(tale.rows.keys() - set(tale.sent.values())),
        "I3: an effect was had twice": [n for n, count in had.items() if count > 1],
        "I3: it did not end as it should": [
            n for n, end in ends.items() if end not in {None, ("done", "")} and end not in ASIDE
        ],
    }
    return [f"{what}: {len(which)}" for what, which in found.items() if which]
