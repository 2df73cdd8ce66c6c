"""What failed at the same moment is not tried again at the same moment."""

from datetime import UTC, datetime, timedelta

import pytest

from innkeeper.flows.dispatch import BACKOFF, pause_after
from innkeeper.ids import EventId
from innkeeper.store.records import InboxEvent

NOW = datetime(2026, 11, 27, tzinfo=UTC)


def failed(number: int, attempts: int) -> InboxEvent:
    return InboxEvent(EventId(str(number)), "bot_notification", b"{}", NOW, attempts)


@pytest.mark.parametrize("attempts", range(1, len(BACKOFF) + 1))
def test_spreads_what_failed_together_over_a_fifth_of_its_wait(attempts: int) -> None:
    longest = BACKOFF[attempts - 1]
    waits = sorted(pause_after(failed(number, attempts)) for number in range(1_000))
    assert longest * 0.8 <= waits[0]
    assert waits[-1] <= longest
    tenths = [(longest - wait) // (longest / 50) for wait in waits]
    assert all(60 <= tenths.count(each) <= 140 for each in range(10))


def test_an_event_waits_as_long_in_every_process_and_longer_each_time() -> None:
    waits = [pause_after(failed(7, attempts)) for attempts in range(1, len(BACKOFF) + 1)]
    assert waits == [pause_after(failed(7, attempts)) for attempts in range(1, len(BACKOFF) + 1)]
    assert waits == sorted(waits)
    assert waits[0] > timedelta(seconds=4)
