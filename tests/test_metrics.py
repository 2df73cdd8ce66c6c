"""What is counted is what happened, under names that nobody outside can choose."""

from datetime import timedelta

import pytest

from innkeeper import App, Card, Command, Installed
from innkeeper.metrics import OTHER, SECONDS, Counter, Histogram, Metrics
from innkeeper.testing import Zoom

pytestmark = pytest.mark.anyio


def test_a_value_that_is_not_known_is_other() -> None:
    counter = Counter("events", "Events.", {"event": {"a"}, "state": {"done"}})
    for event, state in (("a", "done"), ("canary", "done"), ("a", "canary"), ("a", "done")):
        counter.add(event, state)
    assert counter.counts == {("a", "done"): 2, (OTHER, "done"): 1, ("a", OTHER): 1}


def test_a_wrong_number_of_labels_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="zip"):
        Counter("events", "Events.", {"event": {"a"}}).add("a", "b")


@pytest.mark.parametrize(
    ("seconds", "place"),
    [(0.0, 0), (SECONDS[0], 0), (0.0011, 1), (SECONDS[-1], len(SECONDS) - 1), (301, len(SECONDS))],
)
def test_tells_durations_apart(seconds: float, place: int) -> None:
    histogram = Histogram("seconds", "Seconds.")
    histogram.observe(timedelta(seconds=seconds))
    assert [index for index, count in enumerate(histogram.counts) if count] == [place]
    assert histogram.total_seconds == pytest.approx(seconds)


def test_a_clock_that_was_set_back_takes_nothing_away() -> None:
    histogram = Histogram("seconds", "Seconds.")
    histogram.observe(timedelta(seconds=-5))
    assert (histogram.counts[0], histogram.total_seconds) == (1, 0.0)


def test_every_name_is_innkeepers_and_its_own() -> None:
    table = Metrics()
    names = [each.name for each in (*table.counters, *table.histograms)]
    assert len(set(names)) == len(names) == 8
    assert all(name.startswith("innkeeper_") for name in names)


def porter() -> App:
    app = App("Porter")

    @app.on_install
    async def hello(ctx: Installed) -> Card:
        return Card(f"Hi {ctx.user.name}")

    @app.command("help")
    async def help_(_: Command) -> str:
        return "Try anything"

    @app.command("fail")
    async def fail(_: Command) -> str:
        raise ZeroDivisionError

    return app


async def test_a_life_is_counted() -> None:
    async with Zoom(porter()) as zoom:
        table = zoom.parts.metrics
        ana = await zoom.user("Ana")
        await ana.add_app()
        await ana.says("help")
        await ana.says("fail")
        await ana.removes_app()
        assert table.deliveries.counts["challenge",] >= 1
        assert table.deliveries.counts["taken",] == 4
        assert sum(table.ack_seconds.counts) == sum(table.deliveries.counts.values())
        assert table.events.counts["bot_installed", "done"] == 1
        assert table.events.counts["bot_notification", "done"] == 1
        assert table.events.counts["app_deauthorized", "done"] == 1
        assert table.failures.counts == {("bot_notification",): 1}
        assert table.calls.counts["done",] >= 1
        assert table.renewals.counts["chatbot", "renewed"] == 1
        assert sum(table.handler_seconds.counts) == 3
        assert OTHER not in {
            value for each in table.counters for key in each.counts for value in key
        }
