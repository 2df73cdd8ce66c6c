"""An app that develops keeps its clock beside the emulator's, and believes no nonsense."""

from datetime import UTC, datetime, timedelta

import pytest

from innkeeper.clock import MovableClock
from innkeeper.follow import OFFSET_HEADER, FollowingTransport, follow
from innkeeper.net.outbound import Request, Response

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Zoom:
    """Answers with its lead, and remembers what it was asked."""

    def __init__(self, offset: str | None) -> None:
        self._headers = {} if offset is None else {OFFSET_HEADER: offset}
        self.asked: list[tuple[str, float, int]] = []
        self.closed = False

    async def send(
        self, request: Request, *, deadline: float = 10.0, limit_bytes: int = 65_536
    ) -> Response:
        self.asked.append((request.url, deadline, limit_bytes))
        return Response(200, self._headers, b"")

    async def aclose(self) -> None:
        self.closed = True


def ahead(offset: str) -> timedelta:
    clock = MovableClock()
    follow(clock, offset)
    return timedelta(seconds=round(clock.offset.total_seconds()))


@pytest.mark.parametrize(
    ("offset", "seconds"), [("7200", 7200), ("90.5", 90), ("0", 0), ("315000000", 315_000_000)]
)
def test_goes_where_the_emulator_says_it_is(offset: str, seconds: int) -> None:
    assert ahead(offset) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "nonsense",
    [
        "",
        "soon",
        "nan",
        "inf",
        "-inf",
        "1e999",
        "-5",
        "1e12",
        "315360000",
        "9" * 5000,
        "0x10",
        "\x00",
    ],
)
def test_believes_no_nonsense(nonsense: str) -> None:
    assert ahead(nonsense) == timedelta()


def test_comes_back_when_the_emulator_was_started_anew() -> None:
    clock = MovableClock()
    follow(clock, "7200")
    follow(clock, "0")
    assert abs(clock.offset) < timedelta(seconds=1)


@pytest.mark.anyio
async def test_follows_every_answer_and_passes_everything_on() -> None:
    clock, zoom = MovableClock(), Zoom("3600")
    transport = FollowingTransport(zoom, clock)
    answer = await transport.send(Request("GET", "http://zoom"), deadline=1.5, limit_bytes=7)
    await transport.aclose()
    assert answer.status == 200
    assert zoom.asked == [("http://zoom", 1.5, 7)]
    assert zoom.closed
    assert timedelta(minutes=59) < clock.offset < timedelta(minutes=61)


@pytest.mark.anyio
async def test_stays_where_it_is_when_nobody_names_a_lead() -> None:
    clock = MovableClock()
    await FollowingTransport(Zoom(None), clock).send(Request("GET", "http://zoom"))
    assert abs(clock.offset) < timedelta(seconds=1)
