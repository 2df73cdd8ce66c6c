"""A little of each; `make soak` plays the same for as long as it is given."""

import pytest
from hypothesis import given

from innkeeper.wire.signature import SIGNATURE_HEADER, TIMESTAMP_HEADER
from tests.fuzz.inputs import SIGNED_WITH
from tests.fuzz.surfaces import SURFACES, Surface, patiently
from tests.journeys.house import mac, stamp

EXAMPLES = 100
AT = {surface.name: surface for surface in SURFACES}


@pytest.mark.slow
@pytest.mark.parametrize("surface", SURFACES, ids=list(AT))
def test_nothing_unforeseen_happens(surface: Surface) -> None:
    with surface.open() as play:
        patiently(EXAMPLES)(given(surface.inputs)(play))()


# what was found


def test_a_connection_that_is_lost_with_two_requests_under_way_is_forgotten() -> None:
    head = f"POST /events HTTP/1.1\r\n{TIMESTAMP_HEADER}: {stamp()}\r\ncontent-length: 0\r\n"
    delivery = f"{head}{SIGNATURE_HEADER}: {mac(b'', stamp(), SIGNED_WITH)}\r\n\r\n".encode()
    with AT["connections"].open() as play:
        play(([delivery, b"GET /launch HTTP/1.1\r\n\r\n"], []))
