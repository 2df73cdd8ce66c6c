from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from innkeeper.flows.schedule import AHEAD, IDLE_EVERY, IDLE_SPREAD, SPREAD, in_use, scheduled
from innkeeper.ids import InstallationId
from innkeeper.store.records import Grant
from tests.contracts.houses import app_grant, user_grant

NOW = datetime(2030, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def grant(name: str = "ana", *, lifetime: timedelta = HOUR) -> Grant:
    ends, refresh_ends = NOW + lifetime, NOW + timedelta(days=90)
    issued = replace(user_grant(InstallationId(name)), used_at=NOW, expires_at=ends)
    return replace(issued, refresh_expires_at=refresh_ends)


def renew_at(wanted: Grant, *, now: datetime = NOW) -> datetime:
    found = scheduled(wanted, now=now).renew_at
    assert found is not None
    return found


def test_thousands_that_end_together_are_renewed_apart():
    places = sorted(renew_at(grant(f"ins_{n}")) for n in range(5000))

    assert places[0] >= NOW + HOUR - AHEAD - SPREAD
    assert places[-1] <= NOW + HOUR - AHEAD
    seconds = [int((place - places[0]).total_seconds()) for place in places]
    fullest = max(seconds.count(second) for second in set(seconds))
    assert fullest <= 30  # 5,000 in 600 seconds are eight in one, and chance


def test_each_process_finds_the_same_place():
    assert renew_at(grant()) == renew_at(grant())
    assert renew_at(grant()) != renew_at(grant("bob"))


@pytest.mark.parametrize("minutes", [1, 2, 5, 15])
def test_what_lives_for_minutes_is_used_for_half_of_them(minutes: int):
    lifetime = timedelta(minutes=minutes)

    for n in range(50):
        due = renew_at(grant(f"ins_{n}", lifetime=lifetime))
        assert NOW + lifetime / 2 <= due <= NOW + lifetime * 3 / 4


def test_what_is_first_used_late_is_not_due_at_once():
    late = NOW + timedelta(minutes=58)

    assert late < renew_at(replace(grant(), used_at=late), now=late) < NOW + HOUR


def test_what_nobody_uses_is_renewed_once_a_day():
    idle = replace(grant(), used_at=NOW - HOUR)

    assert not in_use(idle)
    assert IDLE_EVERY - IDLE_SPREAD <= renew_at(idle) - NOW <= IDLE_EVERY


def test_nobody_misses_a_machines_token_that_is_not_used():
    unused = replace(app_grant(), expires_at=NOW + HOUR, used_at=NOW - HOUR)

    assert scheduled(unused, now=NOW).renew_at is None
