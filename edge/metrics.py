"""What an edge tells Prometheus beside HAProxy's own metrics: how long requests take, and what it runs."""

from collections.abc import Iterator, Mapping, Sequence

from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

# Seconds below which each class of control/haproxy.py ends.
MILLISECONDS = (
    *(2, 5, 7, 10, 14, 18, 25, 35, 50, 70, 100, 140, 180, 250, 350, 500, 700),
    *(1000, 1400, 1800, 2500, 3500, 5000, 7000, 10_000, 30_000),
)
BOUNDS = (*(repr(bound / 1000) for bound in MILLISECONDS), "+Inf")
NO_SUM = 0.0  # HAProxy counts in classes and adds nothing up; without a sum there would be no count


class EdgeCollector(Collector):
    """One moment of an edge as metrics."""

    def __init__(self, durations: Mapping[str, Sequence[int]], *, refused: bool) -> None:
        """`durations`: by release (app-APP:SERVICE), answers in each class."""
        self._durations, self._refused = durations, refused

    def collect(self) -> Iterator[Metric]:
        """All families."""
        yield GaugeMetricFamily(
            "horcrux_edge_refused",
            "Whether HAProxy refused the newest configuration and goes on with the former.",
            value=float(self._refused),
        )
        family = HistogramMetricFamily(
            "horcrux_request_duration_seconds",
            "From a request's headers to those of its answer.",
            labels=["app", "service"],
        )
        for (app, service), counts in by_release(self._durations).items():
            family.add_metric([app, service], cumulated(counts), NO_SUM)
        yield family


def by_release(durations: Mapping[str, Sequence[int]]) -> dict[tuple[str, str], Sequence[int]]:
    """The counts by app and service."""
    found: dict[tuple[str, str], Sequence[int]] = {}
    for key, counts in sorted(durations.items()):
        backend, _, service = key.partition(":")
        if service and len(counts) == len(BOUNDS):
            found[backend.removeprefix("app-"), service] = counts
    return found


def cumulated(counts: Sequence[int]) -> list[tuple[str, float]]:
    """Classes as Prometheus wants them: each with all that were faster."""
    total = 0.0
    buckets = []
    for bound, count in zip(BOUNDS, counts, strict=True):
        total += count
        buckets.append((bound, total))
    return buckets
