"""Memory of the platform at rest: hosts' engines, edges, control, monitoring, registry, front door."""

import time
from collections.abc import Mapping
from typing import Any

import docker

from bench.environment import NAME, Environment
from bench.figures import Figure
from horcrux.context import Outputs
from horcrux.docker_api import connect, machine
from horcrux.settings import layout

MEGABYTE = 1 << 20
BETWEEN_SECONDS = 2.0  # between two looks, so that several runs are several moments
HOW = (
    "sum of control groups' working sets (usage less inactive file cache, as Kubernetes counts): "
    "the host containers less the apps' containers in them, plus registry and front door"
)


def measure(environment: Environment, runs: int) -> list[Figure]:
    """What all containers take, less what is the sample apps'."""
    environment.ensure_up()
    outputs = environment.outputs()
    environment.say("looking at the memory of every container")
    looks = []
    for number in range(runs):
        if number:
            time.sleep(BETWEEN_SECONDS)  # a sampling interval: nothing is waited for
        looks.append(_look(outputs))
    titles = {
        "platform": ("the platform at rest, sample apps aside", "under 1600 MB"),
        "engines": ("of which the hosts' engines, and what they cache", ""),
        "edge": ("of which edges, on three hosts", ""),
        "control": ("of which control, on three hosts", ""),
        "monitoring": ("of which Prometheus, Alertmanager and exporters, on three hosts", ""),
        "registry": ("of which the registry", ""),
        "front-door": ("of which the front door", ""),
    }
    return [
        Figure(
            f"memory_{part.replace('-', '_')}",
            title,
            "MB",
            tuple(look[part] / MEGABYTE for look in looks),
            aim,
            HOW,
        )
        for part, (title, aim) in titles.items()
    ]


def working_set(stats: Mapping[str, Any]) -> int:
    """Bytes in use that cannot be had back at once, from the Docker API's memory statistics.

    The key is `total_inactive_file` on cgroup v1 and `inactive_file` on v2.
    """
    details = stats["memory_stats"]["stats"]
    inactive = details.get("total_inactive_file", details.get("inactive_file", 0))
    return max(0, int(stats["memory_stats"]["usage"]) - int(inactive))


def _look(outputs: Outputs) -> dict[str, int]:
    """Bytes by part of the platform; `platform` is all of it."""
    outer = _of_machine()
    inner = {"app": 0, "edge": 0, "control": 0, "monitoring": 0}
    settings = outputs.project.settings()
    for host in layout(settings.hosts, settings.local.subnet):
        for part, size in _of_host(connect(outputs.access, host.name)).items():
            inner[part] += size
    inside = sum(inner.values())
    return {
        "platform": sum(outer.values()) - inner["app"],
        "engines": outer["host"] - inside,
        "edge": inner["edge"],
        "control": inner["control"],
        "monitoring": inner["monitoring"],
        "registry": outer["registry"],
        "front-door": outer["front-door"],
    }


def _of_machine() -> dict[str, int]:
    """Bytes of hosts, registry and front door; what runs in a host is part of it."""
    found = {"host": 0, "registry": 0, "front-door": 0}
    with machine() as engine:
        labels: dict[str, Any] = {"label": [f"horcrux.environment={NAME}", "horcrux.role"]}
        for container in engine.containers.list(filters=labels):
            role = container.labels["horcrux.role"]
            stats: Any = container.stats(stream=False, one_shot=True)
            found[role if role in found else "host"] += working_set(stats)
    return found


def _of_host(client: docker.APIClient) -> dict[str, int]:
    """Bytes of one host's containers: apps', and the platform's by role."""
    found: dict[str, int] = {}
    for container in client.containers():
        part = container["Labels"].get("horcrux.platform", "app")
        part = part if part in ("app", "edge", "control") else "monitoring"
        size = working_set(client.stats(container["Id"], stream=False, one_shot=True))
        found[part] = found.get(part, 0) + size
    return found
