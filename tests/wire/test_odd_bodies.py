"""Whatever is in a signed body, it is kept and answered 200; only what is too large is refused."""

import json
from contextlib import suppress
from pathlib import Path

import pytest

from innkeeper.errors import BodyRefused, CardRefused, ChallengeMalformed
from innkeeper.net.inbound import BODY_LIMIT_BYTES
from innkeeper.secret import Secret
from innkeeper.store.records import EventState
from innkeeper.wire.events import decode, glimpse
from innkeeper.wire.lossless import parse
from innkeeper.wire.messages import Card
from innkeeper.wire.signature import answer_challenge
from tests.journeys.house import notification, running
from tests.wire.odd_bodies import GOOD, VALUES, Odd, events_misread, values_alone, values_within

EVENT = notification(odd=0)
EVENTS = [*values_within(EVENT), *events_misread()]
CHALLENGE = b'{"event":"endpoint.url_validation","payload":{"plainToken":"abc"},"odd":0}'
REASONS = (
    "empty", "bom", "not_utf8", "not_json", "non_finite", "too_deep", "duplicate_key", "long_number"
)  # fmt: skip
ALL = [*values_alone(), *EVENTS, *values_within(CHALLENGE)]


def read(body: bytes) -> str:
    try:
        parse(body)
    except BodyRefused as refusal:
        return refusal.reason
    return GOOD


def test_there_are_more_of_them_than_in_the_known_suites() -> None:
    assert len({odd.body for odd in ALL}) > 2 * 318
    assert {odd.reading for odd in ALL} == {GOOD, *REASONS}


def test_each_is_read_as_what_it_is() -> None:
    misread = {odd.name: read(odd.body) for odd in ALL if read(odd.body) != odd.reading}
    assert not misread


def test_reading_little_of_them_never_fails() -> None:
    for odd in ALL:
        glimpse(odd.body)
        with suppress(ChallengeMalformed):
            answer_challenge(odd.body, secret=Secret("a-secret"))


def fate(odd: Odd) -> tuple[EventState, str]:
    """Say what becomes of a body that Zoom has signed."""
    if odd.reading:
        return EventState.QUARANTINED, odd.reading
    value = json.loads(odd.body)
    if not isinstance(value, dict):
        return EventState.QUARANTINED, "not_an_event"
    return (EventState.DONE, "") if "event" in value else (EventState.QUARANTINED, "event_type")


@pytest.mark.slow
@pytest.mark.anyio
@pytest.mark.parametrize(
    ("bodies", "path"),
    [
        pytest.param([*values_alone()], "/deauthorize", id="W88-W106-alone"),
        pytest.param(EVENTS, "/events", id="W88-W106-in-an-event"),
    ],
)
async def test_each_is_kept_and_answered_200(tmp_path: Path, bodies: list[Odd], path: str) -> None:
    bodies = list({odd.body: odd for odd in bodies}.values())
    async with running(tmp_path) as house:
        answers = [await house.deliver(odd.body, path=path) for odd in bodies]
        await house.parts.store.expire_pending(before=house.clock.now())
        rows = await house.parts.store.inbox_rows(limit=len(bodies) + 1)
        good = [odd for odd in bodies if fate(odd)[0] is EventState.DONE]
        assert house.heard == ["help"] * len(good)
    assert set(answers) == {(200, b"{}")}
    ends = [(row.state, row.reason) for row in reversed(rows)]
    odd_ends = {odd.name: end for odd, end in zip(bodies, ends, strict=True) if end != fate(odd)}
    assert not odd_ends


@pytest.mark.slow
@pytest.mark.anyio
async def test_a_challenge_with_something_odd_is_answered_or_kept(tmp_path: Path) -> None:
    async with running(tmp_path) as house:
        for odd in values_within(CHALLENGE):
            status, answer = await house.deliver(odd.body)
            assert status == 200, odd.name
            if odd.reading == "not_json":
                assert answer == b"{}", odd.name
            elif odd.reading == GOOD and b"\\ud" not in odd.body.lower():
                assert b"encryptedToken" in answer, odd.name


@pytest.mark.parametrize("more", [0, 1])
@pytest.mark.anyio
async def test_only_the_size_is_refused(tmp_path: Path, more: int) -> None:
    body = b" " * (BODY_LIMIT_BYTES - len(EVENT) + more) + EVENT
    async with running(tmp_path) as house:
        assert (await house.deliver(body))[0] == (413 if more else 200)
        assert len(await house.rows()) == 1 - more


def test_a_card_of_any_of_them_is_a_card_or_is_refused() -> None:
    good = [parse(value) for value, reading in VALUES if not reading]
    shapes = [
        *good,
        *[{key: value} for key in ("head", "body", "settings", "odd") for value in good],
        *[{"head": {"text": value}} for value in good],
        *[{"body": [value]} for value in good],
        *[
            {"body": [{"type": kind, "text": value}]}
            for kind in ("message", "new")
            for value in good
        ],
    ]
    for shape in shapes:
        for stored in (False, True):
            assert is_card_or_refused(shape, stored=stored)


def is_card_or_refused(shape: object, *, stored: bool) -> bool:
    try:
        card = Card.parse(shape, stored=stored)
    except CardRefused:
        return True
    return Card.parse(card.content(), stored=stored) == card and bool(str(card) or True)


def test_no_event_of_them_fails_otherwise_than_by_being_refused() -> None:
    for odd in ALL:
        with suppress(BodyRefused):
            decode(odd.body)
