"""What the cache does, for Prometheus; what is worth keeping over a restart is in the index too."""

from collections.abc import Iterable, Iterator
from itertools import product
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from supply.cache.failure import FAULTS
from supply.cache.names import Name
from supply.cache.store import Store

SOURCES = ("upstream", "peer")


class Metrics:
    """One registry of metrics."""

    def __init__(self, store: Store, upstreams: Iterable[str]) -> None:
        self.registry = CollectorRegistry()
        self._index = store.index
        self._requests = self._counter("requests", "Requests.", "upstream", "kind", "result")
        self._served = self._counter("served_bytes", "Bytes given to hosts.", "upstream")
        self._fetched = self._counter("fetched_bytes", "Bytes that came.", "upstream", "source")
        self._seconds = self._counter("upstream_seconds", "Time of transfers.", "upstream")
        self._errors = self._counter("upstream_errors", "What went wrong.", "upstream", "reason")
        self._up = Gauge(
            "horcrux_cache_upstream_up",
            "0 when the upstream was asked and did not answer, the last time.",
            ["upstream"],
            registry=self.registry,
        )
        self._answers: dict[str, bool] = {}
        for upstream in upstreams:
            self._begin(upstream)
        self.registry.register(_OfStore(store))

    def _begin(self, upstream: str) -> None:
        """All there is of an upstream from the start: so the first of anything is an increase."""
        self._up.labels(upstream).set(1)
        self._served.labels(upstream)
        self._seconds.labels(upstream)
        for source in SOURCES:
            self._fetched.labels(upstream, source)
        for reason in FAULTS:
            self._errors.labels(upstream, reason)
        for kind, result in product(("manifests", "blobs"), ("hit", "miss")):
            self._requests.labels(upstream, kind, result)

    def _counter(self, name: str, about: str, *labels: str) -> Counter:
        return Counter(f"horcrux_cache_{name}", about, labels, registry=self.registry)

    def request(self, name: Name, kind: str, result: str, served: int = 0) -> None:
        """A request has been answered. `served`: bytes; what peers get is not given to hosts."""
        self._requests.labels(name.upstream, kind, result).inc()
        self._index.count(name.upstream, "requests", 1)
        if result in ("hit", "stale"):
            self._index.count(name.upstream, "hits", 1)
        if served:
            self._served.labels(name.upstream).inc(served)
            self._index.count(name.upstream, "served_bytes", served)

    def fetched(self, upstream: str, size: int, seconds: float, *, peer: bool) -> None:
        """Content has come."""
        self._fetched.labels(upstream, SOURCES[peer]).inc(size)
        if not peer:
            self._seconds.labels(upstream).inc(seconds)
            self._index.count(upstream, "fetched_bytes", size)
            self._index.count(upstream, "upstream_seconds", seconds)

    def answered(self, upstream: str, failure: str | None = None) -> None:
        """The upstream was asked. That it has no such thing is an answer, like any other."""
        well = failure not in FAULTS
        self._answers[upstream] = well
        self._up.labels(upstream).set(well)
        if not well:
            self._errors.labels(upstream, failure).inc()
            self._index.count(upstream, "errors", 1)

    def up(self) -> dict[str, bool]:
        """Each upstream that was asked, and whether it answered."""
        return dict(self._answers)


class _OfStore(Collector):
    """What is measured when it is asked for."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def collect(self) -> Iterator[Metric]:
        store: Any = self._store
        for name, about, value in (
            ("stored_bytes", "Bytes that are kept.", store.index.stored()),
            ("limit_bytes", "Bytes that may be kept.", store.limit),
        ):
            yield GaugeMetricFamily(f"horcrux_cache_{name}", about, value)
        for name, about, value in (
            ("evicted_bytes", "Bytes that went to make room.", store.evicted),
            ("corrupted", "Blobs that were not what they should be.", store.corrupted),
        ):
            yield CounterMetricFamily(f"horcrux_cache_{name}", about, value)
