from datetime import timedelta

import pytest

from innkeeper.emulator.delivery import Attempt, Delivery
from tests.emulator.scene import BOT_URL, START


def fresh() -> Delivery:
    return Delivery(
        "dlv_1", "client_dueday", BOT_URL, "bot_notification", b"{}", "WEB_1", START, START
    )


def failed(minutes: float) -> Attempt:
    return Attempt(START + timedelta(minutes=minutes), 500, "answered 500", 1.0)


def test_gives_up_after_the_third_retry() -> None:
    delivery = fresh()
    seen: list[object] = []
    for minutes in (0, 5, 25, 85):
        delivery.settle(failed(minutes), planned=True)
        seen.append(delivery.next_at and (delivery.next_at - START).total_seconds() / 60)
    assert seen == [5, 25, 85, None]
    assert delivery.state == "gave_up"


def test_a_try_by_hand_leaves_the_schedule() -> None:
    delivery = fresh()
    delivery.settle(failed(0), planned=True)
    delivery.settle(failed(1), planned=False)
    assert (delivery.failures, delivery.state) == (1, "retrying")


@pytest.mark.parametrize(
    ("status", "first", "later"),
    [
        (200, True, True),
        (204, True, True),
        (201, False, True),
        (299, False, True),
        (302, False, False),
        (199, False, False),
    ],
)
def test_what_counts_as_delivered(status: int, first: bool, later: bool) -> None:
    delivery = fresh()
    assert delivery.succeeds(status) is first
    delivery.settle(failed(0), planned=True)
    assert delivery.succeeds(status) is later
