"""Does exactly one win, however many come at once?"""

from tests.faults.postgres import PostgresShelves
from tests.faults.races import Raced, double_callbacks, one_expiry
from tests.postgres import Server


def test_a_callback_that_comes_twice_at_once_exchanges_its_code_once() -> None:  # F21
    assert double_callbacks(15, workers=3) == Raced(rounds=15, asked=15, wrong=0)


def test_eight_at_one_expiry_refresh_once() -> None:  # F15
    assert one_expiry(8, workers=8) == Raced(rounds=8, asked=8, wrong=0)


def test_a_callback_that_comes_twice_exchanges_once_on_postgresql(postgres: Server) -> None:
    with postgres.space() as space:
        raced = double_callbacks(6, shelves=PostgresShelves(postgres.url, space))
    assert raced == Raced(rounds=6, asked=6, wrong=0)


def test_eight_at_one_expiry_refresh_once_on_postgresql(postgres: Server) -> None:
    with postgres.space() as space:
        raced = one_expiry(4, shelves=PostgresShelves(postgres.url, space))
    assert raced == Raced(rounds=4, asked=4, wrong=0)
