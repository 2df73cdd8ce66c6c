"""How does Prometheus read what we count? In its text format, which its own library writes.

That library is the extra `metrics`, and is imported only once somebody asks.
"""

from collections.abc import Iterator
from itertools import accumulate
from typing import TYPE_CHECKING

from innkeeper.health import Readiness, look
from innkeeper.metrics import SECONDS, Counter, Histogram, Metrics
from innkeeper.work import Parts

if TYPE_CHECKING:
    from prometheus_client.core import (
        CounterMetricFamily,
        GaugeMetricFamily,
        HistogramMetricFamily,
        Metric,
    )


async def expose(parts: Parts) -> bytes:
    """Write all counts, and what waits now.

    Raises:
        ImportError: If the extra `metrics` is not installed.
    """
    from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415  # the extra

    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Reading(parts.metrics, await look(parts)))
    return generate_latest(registry)


class _Reading:
    """What one visit of Prometheus's sees."""

    def __init__(self, metrics: Metrics, readiness: Readiness) -> None:
        self._metrics = metrics
        self._readiness = readiness

    def collect(self) -> "Iterator[Metric]":
        """Give every family of numbers."""
        yield from map(_counter, self._metrics.counters)
        yield from map(_histogram, self._metrics.histograms)
        yield from self._gauges()

    def _gauges(self) -> "Iterator[Metric]":
        readiness, census = self._readiness, self._readiness.census
        yield _gauge("ready", "1 while a delivery would be taken.", readiness.takes_deliveries)
        if census is None:
            return
        report = readiness.report()
        backlog, purges = report["backlog"], report["purges"]
        yield _gauge("backlog", "Events that wait for a worker.", backlog["waiting"])
        age = backlog["oldest_seconds"]
        yield _gauge("backlog_oldest_seconds", "Since when the first of them waits.", age)
        yield _gauge("purges", "Purges under way.", purges["under_way"])
        yield _gauge("purges_overdue", "Purges past their deadline.", purges["overdue"])
        used = "How much of its time the slowest purge has used; 1 is its deadline."
        yield _gauge("purge_time_used_ratio", used, purges["time_used"])
        yield _gauge("cases_open", "Doubts whether an app was removed.", census.open_cases)
        yield _gauge("receipts", "Proofs of purges that are kept.", census.receipts)


def _counter(counter: Counter) -> "CounterMetricFamily":
    from prometheus_client.core import CounterMetricFamily  # noqa: PLC0415  # the extra

    family = CounterMetricFamily(counter.name, counter.text, labels=list(counter.labels))
    for values, count in sorted(counter.counts.items()):
        family.add_metric(list(values), count)
    return family


def _histogram(histogram: Histogram) -> "HistogramMetricFamily":
    from prometheus_client.core import HistogramMetricFamily  # noqa: PLC0415  # the extra

    bounds = [*map(str, SECONDS), "+Inf"]
    buckets = list(zip(bounds, map(float, accumulate(histogram.counts)), strict=True))
    family = HistogramMetricFamily(histogram.name, histogram.text)
    family.add_metric([], buckets, histogram.total_seconds)
    return family


def _gauge(name: str, text: str, value: float) -> "GaugeMetricFamily":
    from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415  # the extra

    return GaugeMetricFamily(f"innkeeper_{name}", text, value=float(value))
