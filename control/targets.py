"""What Prometheus is to fetch, as its `http_sd` wants it. Pure: from a snapshot to lists of targets.

Hosts, apps and releases come and go here without a restart of anything.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from control.edge_label import app_rules
from control.snapshot import Release, Snapshot
from control.swarm import PLATFORM

APPS = "apps"  # the network that apps are on
BLACKBOX = "tasks.horcrux-blackbox:9115"
DOCKER_API = 2376
PORTS = {
    "control": ("horcrux-control", 8081),
    "edge": ("horcrux-edge", 8404),
    "edge-agent": ("horcrux-edge", 8405),
    "containers": ("horcrux-exporter", 9101),
    "engine": ("horcrux-exporter", 9101),
    "node": ("horcrux-node-exporter", 9100),
    "prometheus": ("horcrux-prometheus", 9090),
    "alertmanager": ("horcrux-alertmanager", 9093),
    "blackbox": ("horcrux-blackbox", 9115),
    "cache": ("horcrux-cache", 5080),
}
Target = dict[str, Any]


@dataclass(frozen=True)
class Outside:
    """What lies beside the cluster, each as host:port: the front door's two ports and the registry."""

    http: str = ""
    https: str = ""
    registry: str = ""


def targets(job: str, snapshot: Snapshot, outside: Outside) -> list[Target]:
    """The targets of a job. Raises KeyError for one that is not known."""
    if job in PORTS:
        return list(_platform(snapshot, *PORTS[job]))
    return list(OTHERS[job](snapshot, outside))


def _platform(snapshot: Snapshot, service: str, port: int) -> Iterator[Target]:
    for release in snapshot.platform:
        if release.service != service:
            continue
        for task in release.tasks:
            if task.running and (address := task.addresses.get(PLATFORM)):
                yield _target(f"{address}:{port}", {"host": task.host or ""})


def _apps(snapshot: Snapshot, _: Outside) -> Iterator[Target]:
    """Every task of apps that have measurements of their own."""
    for release in _releases(snapshot):
        port = (release.metrics or {}).get("port")
        if not isinstance(port, int):  # none of its own, or a label that cannot be used
            continue
        for task in release.tasks:
            if task.running and (address := task.addresses.get(APPS)):
                labels = {
                    "app": release.app,
                    "service": release.service,
                    "release": release.hash,
                    "task": task.name,
                    "host": task.host or "",
                    "__metrics_path__": str((release.metrics or {}).get("path", "/metrics")),
                }
                yield _target(f"{address}:{port}", labels)


def _probes(snapshot: Snapshot, outside: Outside) -> Iterator[Target]:
    """Every routed app from inside, and each of its routes as clients have it."""
    for app, releases in snapshot.apps.items():
        serving = max((r for r in releases if r.desired), key=lambda r: r.weight, default=None)
        rules = app_rules(serving.edge) if serving else None
        if serving is None or rules is None:
            continue
        check = rules.get("check")
        if check:
            url = f"http://{serving.service}:{rules['port']}{check}"
            yield _probe(url, "http_well", {"app": app, "route": check, "via": "inside"})
        for host, path in rules["routes"] if outside.http else []:
            under = check if check and check.startswith(path.rstrip("/") + "/") else None
            labels = {"app": app, "route": f"{host}{path}", "via": "front-door"}
            url = f"http://{outside.http}{under or path}"
            module = "http_well" if under else "http_answers"
            yield _probe(url, module, labels, hostname=host)


def _registry(_: Snapshot, outside: Outside) -> Iterator[Target]:
    """The registry's own measurements."""
    if outside.registry:
        yield _target(outside.registry, {})


def _tls(snapshot: Snapshot, outside: Outside) -> Iterator[Target]:
    """Whatever shows a certificate of the environment's."""
    for what, address in (("registry", outside.registry), ("front-door", outside.https)):
        if address:
            yield _probe(address, "tls", {"what": what})
    for host in snapshot.hosts:
        if host.state in ("ready", "drained"):
            labels = {"what": "docker-api", "host": host.name}
            yield _probe(f"{host.address}:{DOCKER_API}", "tls", labels)


def _releases(snapshot: Snapshot) -> Iterator[Release]:
    return (r for releases in snapshot.apps.values() for r in releases)


def _probe(target: str, module: str, labels: Mapping[str, str], **parameters: str) -> Target:
    asked = {"target": target, "module": module, **parameters}
    inner = {f"__param_{key}": value for key, value in asked.items()}
    return _target(BLACKBOX, {**labels, **inner, "instance": target})


def _target(address: str, labels: Mapping[str, str]) -> Target:
    return {"targets": [address], "labels": {k: v for k, v in labels.items() if v}}


OTHERS: dict[str, Callable[[Snapshot, Outside], Iterator[Target]]] = {
    "apps": _apps,
    "probe": _probes,
    "registry": _registry,
    "probe-tls": _tls,
}
