"""Does exactly one win where each is a process of its own, and one of them may stand still?"""

import pytest

from tests.faults.halts import HALTED, halted_holder
from tests.faults.races import callbacks_of_processes, expiry_of_processes
from tests.postgres import Server

pytestmark = pytest.mark.slow

CALLBACKS = 30
EXPIRIES = 6


def test_a_callback_that_two_processes_get_is_exchanged_once(postgres: Server) -> None:  # F21
    with postgres.space() as space:
        raced = callbacks_of_processes(CALLBACKS, postgres.url, space)
    assert (raced.rounds, raced.asked, raced.wrong) == (CALLBACKS, CALLBACKS, 0)
    assert raced.apart < CALLBACKS


def test_eight_processes_at_one_expiry_refresh_once(postgres: Server) -> None:  # F15
    with postgres.space() as space:
        raced = expiry_of_processes(EXPIRIES, postgres.url, space)
    assert (raced.rounds, raced.asked, raced.wrong) == (EXPIRIES, EXPIRIES, 0)
    assert raced.apart < EXPIRIES


def test_no_token_is_lost_when_the_holder_of_a_lease_stands_still(postgres: Server) -> None:  # F16
    with postgres.space() as space:
        halted = halted_holder(postgres.url, space)
    assert halted == list(HALTED)
