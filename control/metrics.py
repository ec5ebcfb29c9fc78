"""What control tells Prometheus of the Swarm: `/metrics`, in Prometheus' text format."""

import time
from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from control.rollouts.metrics import rollouts
from control.snapshot import FAILED, Release, Snapshot

READABLE_SECONDS = 15  # five looks in a row that failed: no quorum, or no engine
OF_A_RELEASE = ("app", "service")


class Failures:
    """How many tasks of each service have ended badly since this control began to look."""

    def __init__(self) -> None:
        self.by_service: dict[str, int] = {}
        self._known: set[str] | None = None

    def note(self, snapshot: Snapshot) -> None:
        """Count tasks that failed since the last look; those from before the first do not count."""
        failed = {
            task.id: task.service
            for release in snapshot.releases
            for task in release.tasks
            if task.state in FAILED
        }
        for release in snapshot.releases:
            self.by_service.setdefault(release.service, 0)
        for identity in failed.keys() - (failed.keys() if self._known is None else self._known):
            self.by_service[failed[identity]] += 1
        self._known = set(failed)
        for gone in self.by_service.keys() - {r.service for r in snapshot.releases}:
            del self.by_service[gone]


class SwarmCollector(Collector):
    """The snapshot as metrics, made anew at each scrape."""

    def __init__(
        self,
        snapshot: Callable[[], Snapshot],
        read_at: Callable[[], float],
        failures: Failures,
        problems: Callable[[], int],
    ) -> None:
        """`read_at`: when the Swarm was read last (monotonic); `problems`: labels that cannot be used."""
        self._snapshot, self._read_at, self._failures = snapshot, read_at, failures
        self._problems = problems

    def collect(self) -> Iterator[Metric]:
        """All families."""
        snapshot = self._snapshot()
        readable = time.monotonic() - self._read_at() < READABLE_SECONDS
        yield _value(
            "horcrux_cluster_readable", "Whether the Swarm could be read lately.", readable
        )
        yield _value(
            "horcrux_edge_label_problems",
            "Services that the edge leaves out, for their labels cannot be used.",
            self._problems(),
        )
        yield from _hosts(snapshot)
        yield from _releases(snapshot)
        yield _failures(snapshot, self._failures)
        yield from rollouts(snapshot, time.time())


def registry(collector: Collector) -> CollectorRegistry:
    """A registry with this collector alone."""
    found = CollectorRegistry(auto_describe=False)
    found.register(collector)
    return found


def _value(name: str, help_: str, value: float) -> Metric:
    return GaugeMetricFamily(name, help_, value=float(value))


def _hosts(snapshot: Snapshot) -> Iterator[Metric]:
    managers = [host for host in snapshot.hosts if host.role == "manager"]
    yield _value("horcrux_cluster_managers", "Managers of the cluster.", len(managers))
    yield _value(
        "horcrux_cluster_managers_reachable",
        "Managers that the leader reaches.",
        sum(host.reachable and host.state != "down" for host in managers),
    )
    ready = GaugeMetricFamily(
        "horcrux_host_ready",
        "Whether the Swarm finds the host well.",
        labels=["member", "role", "zone"],
    )
    for host in snapshot.hosts:
        ready.add_metric([host.name, host.role, host.zone], host.state in ("ready", "drained"))
    yield ready


def _releases(snapshot: Snapshot) -> Iterator[Metric]:
    info = GaugeMetricFamily(
        "horcrux_release_info",
        "A release: one Swarm service.",
        labels=["app", "service", "release", "number"],
    )
    gauges: tuple[tuple[str, str, Callable[[Release], float]], ...] = (
        ("replicas_desired", "Tasks that there are to be.", lambda r: r.desired),
        ("tasks_running", "Tasks that serve.", lambda r: r.running),
        ("tasks_pending", "Tasks that no host has room for.", lambda r: r.pending),
        ("weight", "Share of the app's traffic, 0 to 1.", lambda r: r.weight),
    )
    families = [
        GaugeMetricFamily(f"horcrux_release_{name}", help_, labels=OF_A_RELEASE)
        for name, help_, _ in gauges
    ]
    for release in snapshot.releases:
        names = [release.app, release.service]
        info.add_metric([*names, release.hash, str(release.number or "")], 1)
        for family, (_, _, of) in zip(families, gauges, strict=True):
            family.add_metric(names, of(release))
    yield info
    yield from families


def _failures(snapshot: Snapshot, failures: Failures) -> Metric:
    family = CounterMetricFamily(
        "horcrux_release_task_failures",
        "Tasks that ended as failed or rejected.",
        labels=OF_A_RELEASE,
    )
    for release in snapshot.releases:
        family.add_metric(
            [release.app, release.service], failures.by_service.get(release.service, 0)
        )
    return family
