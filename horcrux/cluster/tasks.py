"""The tasks of a release: which are healthy, which failed, and why."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import docker
from docker.errors import DockerException

from horcrux.docker_api import Access, connect

RELEASE_LABEL = "horcrux.release"
FAILED = ("failed", "rejected")
LOG_LINES = 20
HEALTH_OUTPUT_CHARACTERS = 500


@dataclass(frozen=True)
class Tasks:
    """A service's tasks of one release, as the Swarm tells them."""

    healthy: int = 0
    failed: list[dict[str, Any]] = field(default_factory=list)
    waiting: list[dict[str, Any]] = field(default_factory=list)


def of_release(client: docker.APIClient, service: str, release: str) -> Tasks:
    """The tasks of `service` that were made for `release` (the platform's: none); the oldest first."""
    healthy, failed, waiting = 0, [], []
    tasks = client.tasks({"service": service})
    for task in sorted(tasks, key=lambda t: t["CreatedAt"]):
        labels = task["Spec"]["ContainerSpec"].get("Labels") or {}
        if labels.get(RELEASE_LABEL, "") != release:
            continue
        state = task["Status"]["State"]
        if state in FAILED:
            failed.append(task)
        elif task["DesiredState"] == "running":
            if state == "running":
                healthy += 1
            else:
                waiting.append(task)
    return Tasks(healthy, failed, waiting)


def explain(client: docker.APIClient, access: Access, service: str, tasks: Tasks) -> str:
    """Why a release is not healthy: the last failure, the health check's answer, the last of its log."""
    lines = []
    for task in tasks.failed[-1:] or tasks.waiting[-1:]:
        status = task["Status"]
        what = status.get("Err") or status.get("Message") or "no reason given"
        lines.append(f"last task: {status['State']}: {what}")
        code = (status.get("ContainerStatus") or {}).get("ExitCode")
        if code:
            lines.append(f"exit status: {code}")
        if output := _health_output(client, access, task):
            lines.append(f"health check: {output}")
    log = _log(client, service)
    lines.append("last lines of its log:" if log else "it logged nothing")
    return "\n".join([*lines, *(f"    {line}" for line in log)])


def since(task: dict[str, Any]) -> float:
    """When a task came into the state that it is in, in seconds since 1970."""
    text: str = task["Status"]["Timestamp"]
    whole, _, fraction = text.rstrip("Z").partition(".")
    return datetime.fromisoformat(f"{whole}+00:00").timestamp() + float(f"0.{fraction or 0}")


def host_of(client: docker.APIClient, task: dict[str, Any]) -> str | None:
    """The name of the host that a task was given to, if it was."""
    if not task.get("NodeID"):
        return None
    return str(client.inspect_node(task["NodeID"])["Description"]["Hostname"])


def _health_output(client: docker.APIClient, access: Access, task: dict[str, Any]) -> str:
    container = (task["Status"].get("ContainerStatus") or {}).get("ContainerID")
    try:
        host = host_of(client, task)
        if not container or not host:
            return ""
        state = connect(access, host).inspect_container(container)["State"]
    except DockerException:
        return ""  # the container or its host is gone: there is nothing to tell
    checks = (state.get("Health") or {}).get("Log") or []
    if not checks:
        return ""
    output = str(checks[-1]["Output"]).strip()[:HEALTH_OUTPUT_CHARACTERS]
    return f"exit status {checks[-1]['ExitCode']}: {output or 'no output'}"


def _log(client: docker.APIClient, service: str) -> list[str]:
    try:
        stream = client.service_logs(service, stdout=True, stderr=True, tail=LOG_LINES)
        text = b"".join(stream).decode(errors="replace")
    except DockerException:
        return []
    return text.strip().splitlines()[-LOG_LINES:]
