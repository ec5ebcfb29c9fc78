"""The environment at a glance, for the portal, `horcrux top` and whoever asks: one JSON document.

Pure: a snapshot of the Swarm, measurements of Prometheus and the alerts of Alertmanager, put together.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from control.events import Event, named
from control.prometheus import Series
from control.snapshot import Host, Release, Snapshot

MOST_EVENTS = 50
RECORDED = '{__name__=~"(app|release|host):.+"}'
MEASURED = (
    '{__name__=~"horcrux_host_cpus|horcrux_host_memory_bytes|horcrux_host_memory_limit_bytes|'
    'horcrux_edge_refused|horcrux_release_task_failures_total"}'
)
QUERIES = (RECORDED, MEASURED)
EDGE_SERVICE = "horcrux-edge"
Document = dict[str, Any]


class Measurements:
    """Values at one moment, found by metric and by app, service or host."""

    def __init__(self, series: Sequence[Series]) -> None:
        self._values: dict[tuple[str, str], float] = {}
        for one in series:
            labels = one["labels"]
            of = labels.get("service") or labels.get("app") or labels.get("host", "")
            value = one["values"][-1][1]
            if value is not None:
                key = (labels["__name__"], of)
                self._values[key] = max(value, self._values.get(key, value))

    def of(self, metric: str, name: str) -> float | None:
        """The value; None where nothing was measured."""
        return self._values.get((metric, name))


def overview(
    environment: str,
    time: float,
    snapshot: Snapshot,
    measured: Sequence[Series] | None,
    alerts: Sequence[Mapping[str, Any]],
    events: Sequence[Event],
    url: str,
    elastic: Mapping[str, Document | None],
) -> Document:
    """`measured`: the answers to QUERIES, None when Prometheus does not answer; `url`: a route's URL
    with {host} and {path} in it; `elastic`: what is decided of elastic apps."""
    values = Measurements(measured or [])
    return {
        "time": time,
        "environment": environment,
        "monitoring": {"answering": measured is not None},
        "hosts": [_host(host, snapshot, values) for host in snapshot.hosts],
        "apps": [
            _app(name, releases, snapshot, values, url, time) | {"elastic": elastic.get(name)}
            for name, releases in sorted(snapshot.apps.items())
        ],
        "alerts": list(alerts),
        "events": [e.as_json() for e in reversed(events[-MOST_EVENTS:])],
    }


def _host(host: Host, snapshot: Snapshot, values: Measurements) -> Document:
    tasks = [t for r in snapshot.releases for t in r.tasks if t.host == host.name and t.running]
    return {
        "name": host.name,
        "role": host.role,
        "zone": host.zone,
        "state": host.state,
        "leader": host.leader,
        "cpu": values.of("host:cpu:ratio", host.name),
        "cpus": values.of("horcrux_host_cpus", host.name),
        "memory": values.of("horcrux_host_memory_bytes", host.name),
        "memory_limit": values.of("horcrux_host_memory_limit_bytes", host.name),
        "disk": values.of("host:disk:ratio", host.name),
        "tasks": len(tasks),
        "edge": _edge(host, any(t.service == EDGE_SERVICE for t in tasks), values),
        "receive": values.of("host:network_receive:rate1m", host.name),
        "transmit": values.of("host:network_transmit:rate1m", host.name),
    }


def _edge(host: Host, runs: bool, values: Measurements) -> str:
    if not runs:
        return "missing"
    return "refused" if values.of("horcrux_edge_refused", host.name) else "current"


def _app(
    name: str,
    releases: Sequence[Release],
    snapshot: Snapshot,
    values: Measurements,
    url: str,
    now: float,
) -> Document:
    desired, running = (sum(getattr(r, k) for r in releases) for k in ("desired", "running"))
    return {
        "name": name,
        "urls": _urls(releases, url),
        "state": _state(desired, running),
        "requests": values.of("app:requests:rate1m", name),
        "errors": values.of("app:errors:ratio1m", name),
        **{p: values.of(f"app:latency:{p}_1m", name) for p in ("p50", "p95", "p99")},
        "replicas": {"desired": desired, "running": running},
        "rollout": _rollout(name, releases, snapshot, now),
        "walk": walk.in_short() if (walk := snapshot.walks.get(name)) else None,
        "releases": [_release(r, values) for r in releases],
    }


def _state(desired: int, running: int) -> str:
    if desired == 0:
        return "stopped"
    if running == 0:
        return "down"
    return "well" if running >= desired else "degraded"


def _rollout(
    name: str, releases: Sequence[Release], snapshot: Snapshot, now: float
) -> Document | None:
    since = snapshot.rollout_since(name)
    if since is None:
        return None
    seconds = round(max(0.0, now - since), 1)
    if (walk := snapshot.walks.get(name)) and not walk.over:
        new, old = walk.plan.names
        return {"seconds": seconds, "from": old, "to": new}
    newest = [r for r in releases if r.desired][-1]
    before = [r for r in releases if r.service != newest.service and r.weight]
    return {
        "seconds": seconds,
        "from": named(before[-1]) if before else None,
        "to": named(newest),
    }


def _release(release: Release, values: Measurements) -> Document:
    service = release.service
    return {
        "service": service,
        "release": release.hash,
        "number": release.number,
        "weight": round(release.weight, 4),
        "desired": release.desired,
        "running": release.running,
        "pending": release.pending,
        "failures": int(values.of("horcrux_release_task_failures_total", service) or 0),
        "requests": values.of("release:requests:rate1m", service),
        "errors": values.of("release:errors:ratio1m", service),
        "p95": values.of("release:latency:p95_1m", service),
        "created": release.created,
    }


def _urls(releases: Sequence[Release], url: str) -> list[str]:
    rules = max(releases, key=lambda r: r.weight).edge or {}
    routes = rules.get("routes")
    if not isinstance(routes, list):
        return []
    return [url.format(host=r[0], path=r[1]) for r in routes if isinstance(r, list) and len(r) == 2]
