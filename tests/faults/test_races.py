"""Does exactly one win, however many come at once?"""

from tests.faults.races import Raced, double_callbacks, one_expiry


def test_a_callback_that_comes_twice_at_once_exchanges_its_code_once() -> None:  # F21
    assert double_callbacks(15, workers=3) == Raced(rounds=15, asked=15, wrong=0)


def test_eight_at_one_expiry_refresh_once() -> None:  # F15
    assert one_expiry(8, workers=8) == Raced(rounds=8, asked=8, wrong=0)
