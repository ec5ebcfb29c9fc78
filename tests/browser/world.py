"""A cluster as the portal is told of it, as plain data that a test may change."""

import time
from typing import Any

Json = dict[str, Any]


def host(name: str, role: str = "manager", zone: str = "a", **changes: Any) -> Json:
    """A host that is well."""
    return {
        "name": name,
        "role": role,
        "zone": zone,
        "state": "ready",
        "leader": False,
        "cpu": 0.23,
        "cpus": 2.0,
        "memory": 812_000_000,
        "memory_limit": 2_147_483_648,
        "disk": 0.41,
        "tasks": 7,
        "edge": "current",
        "receive": 12_400.0,
        "transmit": 31_800.0,
    } | changes


def release(app: str, number: int, **changes: Any) -> Json:
    """A release that has all of the traffic."""
    return {
        "service": f"{app}-{number:08x}",
        "release": f"{number:08x}",
        "number": number,
        "weight": 1.0,
        "desired": 2,
        "running": 2,
        "pending": 0,
        "failures": 0,
        "requests": 12.4,
        "errors": 0.0,
        "p95": 0.042,
        "created": time.time() - 86_400 / number**12,
    } | changes


def app(name: str, **changes: Any) -> Json:
    """An app that is well."""
    return {
        "name": name,
        "urls": [f"http://{name}.dev.localhost:8080/"],
        "state": "well",
        "requests": 12.4,
        "errors": 0.0004,
        "p50": 0.0061,
        "p95": 0.042,
        "p99": 0.118,
        "replicas": {"desired": 2, "running": 2},
        "rollout": None,
        "walk": None,
        "elastic": None,
        "releases": [release(name, 1)],
    } | changes


def rolling(name: str, share: float = 0.3, seconds: float = 34.0) -> Json:
    """An app on the way from r1 to r2, which has `share` of the traffic and more errors."""
    return app(
        name,
        errors=0.013,
        rollout={"seconds": seconds, "from": "r1", "to": "r2"},
        releases=[
            release(name, 1, weight=1 - share, errors=0.0003),
            release(name, 2, weight=share, errors=0.031, p95=0.087, requests=5.1, running=1),
        ],
    )


def alert(name: str = "HostDown", severity: str = "critical", **changes: Any) -> Json:
    """An alert that fires."""
    return {
        "fingerprint": f"{name}-{severity}",
        "name": name,
        "severity": severity,
        "summary": "Host manager-3 is down",
        "description": "The Swarm has not heard of manager-3 for 42 s. Its tasks start elsewhere; "
        "apps with a volume wait for it. First look whether the machine runs, then start it.",
        "runbook": "docs/alerts.md#hostdown",
        "labels": {"alertname": name, "severity": severity, "host": "manager-3"},
        "since": time.time() - 190,
        "silenced": False,
    } | changes


def event(number: int, text: str, **changes: Any) -> Json:
    """Something that happened `number` minutes ago."""
    return {
        "id": f"e{number}-{abs(hash(text)) % 10_000}",
        "time": time.time() - number * 60,
        "kind": "release",
        "level": "info",
        "subject": "hello",
        "text": text,
    } | changes


def calm() -> Json:
    """Everything is well."""
    return {
        "time": time.time(),
        "environment": "dev",
        "monitoring": {"answering": True},
        "hosts": [
            host("manager-1", leader=True),
            host("manager-2", zone="b", cpu=0.11, memory=640_000_000, tasks=5),
            host("manager-3", zone="c", cpu=0.47, disk=0.83, tasks=6),
            host("worker-1", "worker", "a", cpu=0.08, memory=1_300_000_000, tasks=9),
        ],
        "apps": [
            app("db", urls=[], requests=None, errors=None, p50=None, p95=None, p99=None)
            | {"replicas": {"desired": 1, "running": 1}},
            app("hello", requests=184.2),
            app("shop", requests=41.7, p95=0.21, p99=0.48, errors=0.002),
            app("wiki", requests=2.31, p50=0.088, p95=0.41, p99=1.32),
        ],
        "alerts": [],
        "events": [
            event(2, "Release r2 of hello has all of the traffic.", kind="traffic"),
            event(3, "Release r2 of hello is healthy: 2 of 2 tasks."),
            event(4, "Release r2 of hello was made."),
            event(31, "manager-2 is ready.", kind="host", subject="manager-2"),
            event(33, "manager-2 is down.", kind="host", subject="manager-2", level="error"),
            event(95, "A task of wiki ended with code 137: out of memory.", kind="task")
            | {"subject": "wiki", "level": "warning"},
            event(260, "manager-1 leads the cluster.", kind="cluster", subject="manager-1"),
        ],
    }


def trouble() -> Json:
    """A host is gone, an app suffers, another one is being released."""
    told = calm()
    told["hosts"][2] |= {
        "state": "down",
        "cpu": None,
        "memory": None,
        "memory_limit": None,
        "disk": None,
        "tasks": 0,
        "edge": "missing",
        "receive": None,
        "transmit": None,
    }
    told["apps"][1] = rolling("hello")
    told["apps"][3] |= {
        "state": "degraded",
        "errors": 0.071,
        "replicas": {"desired": 2, "running": 1},
    }
    told["alerts"] = [
        alert(),
        alert(
            "AppErrors",
            "warning",
            summary="wiki answers 7.1 % of its requests with an error",
            description="More than 5 % for five minutes. Look at `horcrux logs wiki`.",
            runbook="https://runbooks.example.org/alerts#apperrors",
            labels={"alertname": "AppErrors", "severity": "warning", "app": "wiki"},
            since=time.time() - 1260,
        ),
        alert(
            "DiskFilling",
            "warning",
            summary="worker-1 will have no disk left in 20 h",
            description="",
            labels={"alertname": "DiskFilling", "severity": "warning", "host": "worker-1"},
            silenced=True,
        ),
    ]
    told["events"] = [
        event(0, "manager-3 is down.", kind="host", subject="manager-3", level="error"),
        event(1, "Alert HostDown fires: Host manager-3 is down.", kind="alert", level="error")
        | {"subject": "manager-3"},
        *told["events"],
    ]
    return told


def crowded(number: int = 100) -> Json:
    """Many apps, some of them not well, one in a rollout."""
    told = calm()
    told["apps"] = [app(f"app-{n:03d}", requests=n * 1.7) for n in range(number)]
    told["apps"][17] |= {"state": "degraded"}
    told["apps"][55] |= {"state": "stopped", "replicas": {"desired": 0, "running": 0}}
    told["apps"][60] = rolling("app-060")
    return told
