"""Tokens that are kept nowhere: given by one process, known by all, and good for an hour."""

import base64
from datetime import UTC, datetime, timedelta

import pytest

from innkeeper.clock import MovableClock
from innkeeper.flows.bearers import LEEWAY, LIFETIME, Bearers
from innkeeper.secret import Secret
from innkeeper.store.seal import KeyRing
from innkeeper.wire.credentials import Credential

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
CLIENT = Credential("zoom", Secret("a-client-secret-0001"))
OTHER = Credential("zoom", Secret("a-client-secret-0002"))
RING = KeyRing.generate()
OLDER = KeyRing.generate()


def bearers(
    *clients: Credential, ring: str = RING, app: str = "app-1", at: timedelta = timedelta()
) -> Bearers:
    clock = MovableClock(NOW + at, frozen=True)
    return Bearers(clients or (CLIENT,), KeyRing.parse(ring), app=app, clock=clock)


TOKEN = bearers().give(CLIENT).encode()


def test_another_process_on_the_same_ring_knows_it() -> None:
    assert bearers().accept(TOKEN)
    assert bearers(OTHER, CLIENT).accept(TOKEN)


@pytest.mark.parametrize(
    ("after", "good"),
    [
        (timedelta(), True),
        (LIFETIME, True),
        (LIFETIME + LEEWAY - timedelta(seconds=1), True),
        (LIFETIME + LEEWAY, False),
        (timedelta(days=400), False),
    ],
)
def test_it_ends(after: timedelta, good: bool) -> None:
    assert bearers(at=after).accept(TOKEN) is good


def test_it_is_of_one_app_one_client_and_one_ring() -> None:
    assert not bearers(app="app-2").accept(TOKEN)
    assert not bearers(OTHER).accept(TOKEN)
    assert not bearers(ring=OLDER).accept(TOKEN)


def test_a_ring_that_is_rotated_knows_it_until_the_older_key_is_out() -> None:
    ring = KeyRing.parse(RING)
    ours = Bearers([CLIENT], ring, app="app-1", clock=MovableClock(NOW, frozen=True))
    ring.become(KeyRing.parse(f"{OLDER},{RING}"))
    newer = ours.give(CLIENT).encode()
    assert ours.accept(TOKEN)
    assert not bearers().accept(newer)
    ring.become(KeyRing.parse(OLDER))
    assert not ours.accept(TOKEN)
    assert ours.accept(newer)


def longer_lived() -> bytes:
    raw = bytearray(base64.urlsafe_b64decode(TOKEN + b"=="))
    raw[4] += 1
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


@pytest.mark.parametrize(
    "token",
    [
        b"",
        TOKEN[:-1],
        TOKEN + b"A",
        TOKEN + b"==",
        b"A" * 54,
        b"\xff" * 54,
        b"." * 54,
        TOKEN[:20] + b"+/" + TOKEN[22:],
        TOKEN.swapcase(),
        longer_lived(),
        b"A" * 65_536,
    ],
    ids=lambda token: repr(token[:4]) + str(len(token)),
)
def test_knows_no_other(token: bytes) -> None:
    assert not bearers().accept(token)


@pytest.mark.parametrize(
    ("pairs", "found"),
    [
        ([("zoom", "a-client-secret-0001")], CLIENT),
        ([("zoom", "?"), ("zoom", "a-client-secret-0002")], OTHER),
        ([("zoom", "a-client-secret-0003")], None),
        ([("", "")], None),
        ([("zoom|a", "client")], None),
        ([], None),
    ],
)
def test_recognizes_a_client(pairs: list[tuple[str, str]], found: Credential | None) -> None:
    assert bearers(CLIENT, OTHER).recognize(pairs) == found


def test_shows_no_secret() -> None:
    assert "a-client" not in repr(CLIENT)
