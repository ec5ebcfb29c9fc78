"""From what the Docker API lists to a snapshot. Pure."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from control.backend import APP, RELEASE, TRAFFIC_PREFIX, WEIGHTS
from control.edge_label import EDGE
from control.rollouts.walk import Walk, walk_of
from control.snapshot import Host, Release, Snapshot, Task

PLATFORM, METRICS, NUMBERS = "horcrux.platform", "horcrux.metrics", "horcrux.numbers"
ELASTIC = "horcrux.elastic"
ALIVE = ("running", "starting", "preparing", "ready", "assigned", "accepted", "pending", "new")
UNDER_WAY = ("updating", "rollback_started")
Object = Mapping[str, Any]


def take(
    services: Sequence[Object],
    configs: Sequence[Object],
    nodes: Sequence[Object],
    tasks: Sequence[Object],
) -> Snapshot:
    """The snapshot of what the Docker API lists."""
    hosts = {node["ID"]: _host(node) for node in nodes}
    weights, numbers, weights_set = _traffic(configs)
    names = {service["ID"]: service["Spec"]["Name"] for service in services}
    by_service: dict[str, list[Task]] = {}
    for task in tasks:
        if name := names.get(task.get("ServiceID", "")):
            host = hosts.get(task.get("NodeID", ""))
            by_service.setdefault(name, []).append(_task(task, name, host))
    found = [
        _release(service, by_service.get(service["Spec"]["Name"], []), weights, numbers)
        for service in services
        if _labels(service).keys() & {APP, PLATFORM}
    ]
    return Snapshot(
        tuple(sorted(hosts.values(), key=lambda h: h.name)),
        tuple(sorted(found, key=lambda r: r.service)),
        weights,
        weights_set,
        walks(configs),
    )


def walks(configs: Sequence[Object]) -> dict[str, Walk]:
    """Each app's walk, of its config's labels."""
    found = {
        config["Spec"]["Name"].removeprefix(TRAFFIC_PREFIX): walk_of(_labels(config))
        for config in configs
        if config["Spec"]["Name"].startswith(TRAFFIC_PREFIX)
    }
    return {app: walk for app, walk in found.items() if walk}


def _host(node: Object) -> Host:
    spec, status, manager = node["Spec"], node["Status"], node.get("ManagerStatus") or {}
    state = status["State"] if status["State"] in ("ready", "down") else "unknown"
    if state == "ready" and spec.get("Availability") != "active":
        state = "drained"
    return Host(
        node["Description"].get("Hostname", node["ID"]),
        spec["Role"],
        (spec.get("Labels") or {}).get("zone", ""),
        state,
        # A manager sees its own address as 0.0.0.0.
        str(manager.get("Addr") or status.get("Addr", "")).partition(":")[0],
        bool(manager.get("Leader")),
        manager.get("Reachability", "reachable") == "reachable",
        status.get("Message", ""),
        _epoch(node["UpdatedAt"]),
    )


def _task(task: Object, service: str, host: Host | None) -> Task:
    status = task["Status"]
    place = task.get("Slot") or (host.name if host else "?")
    return Task(
        task["ID"],
        f"{service}.{place}",
        service,
        host.name if host else None,
        status["State"],
        task["DesiredState"] == "running",
        (task["Spec"].get("ContainerSpec", {}).get("Labels") or {}).get(RELEASE, ""),
        _epoch(status.get("Timestamp") or task["CreatedAt"]),
        _why(status),
        {
            a["Network"]["Spec"]["Name"]: str(a["Addresses"][0]).partition("/")[0]
            for a in task.get("NetworksAttachments") or []
            if a.get("Addresses")
        },
        _epoch(task["CreatedAt"]),
    )


def _why(status: Object) -> str:
    """Why a task ended, in Swarm's words and with its exit status."""
    code = (status.get("ContainerStatus") or {}).get("ExitCode")
    said = str(status.get("Err") or "")
    if code and str(code) not in said:
        return f"{said} (exit status {code})".strip()
    return said


def _release(
    service: Object,
    tasks: list[Task],
    weights: Mapping[str, Mapping[str, int]],
    numbers: Mapping[str, Mapping[str, int]],
) -> Release:
    spec, labels = service["Spec"], _labels(service)
    name, app = spec["Name"], labels.get(APP, "")
    update = service.get("UpdateStatus") or {}
    replicated = spec["Mode"].get("Replicated")
    wanted = [t for t in tasks if t.wanted and t.state in ALIVE]
    desired = replicated["Replicas"] if replicated else len({t.host for t in wanted})
    shares = weights.get(app, {name: 1} if RELEASE not in labels else {})
    started = update.get("StartedAt") if update.get("State") in UNDER_WAY else None
    return Release(
        app,
        name,
        labels.get(RELEASE, ""),
        numbers.get(app, {}).get(name),
        shares.get(name, 0) / (sum(shares.values()) or 1),
        desired,
        _epoch(service["CreatedAt"]),
        tuple(sorted(tasks, key=lambda t: t.at)),
        _json(labels.get(METRICS)),
        _json(labels.get(EDGE)),
        _epoch(started) if started else None,
        _epoch(service["UpdatedAt"]),
        _json(labels.get(ELASTIC)),
    )


def _traffic(
    configs: Sequence[Object],
) -> tuple[dict[str, dict[str, int]], dict[str, dict[str, int]], dict[str, float]]:
    """Each app's weights, its releases' numbers, and when they were set."""
    weights: dict[str, dict[str, int]] = {}
    numbers: dict[str, dict[str, int]] = {}
    weights_set: dict[str, float] = {}
    for config in configs:
        name, labels = config["Spec"]["Name"], _labels(config)
        if not name.startswith(TRAFFIC_PREFIX) or (shares := _json(labels.get(WEIGHTS))) is None:
            continue
        app = name.removeprefix(TRAFFIC_PREFIX)
        weights[app] = {s: w for s, w in shares.items() if isinstance(w, int) and w >= 0}
        numbers[app] = dict(_json(labels.get(NUMBERS)) or {})
        weights_set[app] = _weighed(config, weights[app])
    return weights, numbers, weights_set


def _weighed(config: Object, weights: Mapping[str, int]) -> float:
    """When weights were set. A walk notes its progress in the same place, and so tells by itself."""
    walk = walk_of(_labels(config))
    if walk and walk.progress and walk.progress.weighed:
        serving = {s for s, w in weights.items() if w}
        if not walk.over or serving == {walk.serving}:
            return walk.progress.weighed
    return _epoch(config["UpdatedAt"])


def _labels(thing: Object) -> Mapping[str, str]:
    return thing["Spec"].get("Labels") or {}


def _json(text: str | None) -> dict[str, Any] | None:
    """A label's JSON object; None where it is not there or not one (backend.py says what is wrong)."""
    try:
        found = json.loads(text or "null")
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _epoch(text: str) -> float:
    """Seconds since 1970 of a time as Docker writes it, with nine places."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    return datetime.fromisoformat(f"{whole}.{fraction[:6] or '0':0<6}+00:00").timestamp()
