"""Does the oracle notice what is wrong? One mistake at a time is made on purpose."""

import pytest

from innkeeper.flows.purge import Forgetter
from tests.faults.crossings import crossings, enumerate_orders
from tests.faults.planted import Planted, receipt_first
from tests.faults.races import double_callbacks, one_expiry
from tests.faults.scenes import Purge, Refresh
from tests.faults.sweep import crashes

pytestmark = pytest.mark.slow


def test_sees_a_receipt_that_comes_before_the_deletion(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Forgetter, "_carry_out", receipt_first)
    found = crashes(Purge(), until_wrong=True).violations
    assert "I8: a receipt is there, and so are rows" in found[0]


def test_sees_what_is_left_in_the_log() -> None:
    found = crashes(Purge(), shelves=Planted("leaves the log"), until_wrong=True).violations
    assert "I7: bytes of hers are left in innkeeper.db" in found[0]


def test_sees_a_token_that_is_used_before_it_is_kept() -> None:
    found = crashes(Refresh(), shelves=Planted("saves later"), until_wrong=True).violations
    assert "I5: a token was used before it was kept" in found[0]


def test_sees_a_refresh_that_nothing_tells_of() -> None:
    found = crashes(Refresh(), shelves=Planted("keeps no journal"), until_wrong=True).violations
    assert "I5: a spent refresh token is kept, and nothing says so" in found[0]


@pytest.mark.parametrize("meets", ["refresh", "handler"])
def test_sees_what_is_written_without_a_fence(meets: str) -> None:
    (crossing,) = [each for each in crossings(whole=False) if each.name == meets]
    found = enumerate_orders(crossing, shelves=Planted("has no fence")).violations
    assert any("I9: rows came" in wrong for wrong in found)


def test_sees_a_state_that_is_looked_at_and_then_deleted() -> None:
    raced = double_callbacks(3, shelves=Planted("looks, then deletes"))
    assert raced.wrong == 3
    assert raced.asked == 6


def test_sees_a_lease_that_everyone_holds() -> None:
    assert one_expiry(3, shelves=Planted("gives everyone the lease")).wrong == 3
