"""What an environment tells of itself: control's answers, Prometheus' series, alerts that were received."""

import json
from typing import Any
from urllib.parse import urlencode

from horcrux.cluster.walk import Walk, of_labels
from tests.support.receivers import Received, Recorder
from tests.support.sandbox import Sandbox


def ask(cloud: Sandbox, path: str, method: str = "GET", body: Any = None) -> Any:
    """What control answers on its internal port, asked in its own container."""
    return _control(cloud, "ask", method, path, *([json.dumps(body)] if body else []))


def edges(cloud: Sandbox) -> dict[str, Any]:
    """What the edges say of themselves, and the version of the configuration that they should have."""
    found: dict[str, Any] = _control(cloud, "edges")
    return found


def _control(cloud: Sandbox, *words: str) -> Any:
    container = container_of(cloud, "manager-1", "horcrux-control")
    command = ("docker", "exec", container, "python3", "-m", "control")
    return json.loads(cloud.inside("manager-1", *command, *words))


def container_of(cloud: Sandbox, host: str, service: str) -> str:
    """The container of a service's task on a host. AssertionError where there is none."""
    found = containers_of(cloud, host, service)
    assert found, f"{service} does not run on {host}"
    return found[0]


def containers_of(cloud: Sandbox, host: str, service: str) -> list[str]:
    """The containers of a service's tasks on a host."""
    name = f"label=com.docker.swarm.service.name={service}"
    return cloud.inside(host, "docker", "ps", "-qf", name).split()


def leader(cloud: Sandbox) -> str:
    """The manager that leads."""
    told = ("docker", "node", "ls", "--format", "{{.Hostname}} {{.ManagerStatus}}")
    lines = cloud.inside("manager-1", *told).splitlines()
    return next(line.split()[0] for line in lines if line.endswith("Leader"))


def walk(cloud: Sandbox, app: str) -> Walk | None:
    """An app's walk from one release to the next, as the cluster notes it; the last one, if it is over."""
    command = ("docker", "config", "inspect", f"horcrux-traffic-{app}")
    return of_labels(json.loads(cloud.inside("manager-1", *command))[0]["Spec"]["Labels"])


def serving(cloud: Sandbox, app: str) -> str:
    """The one service of an app that has tasks; the others are kept. AssertionError when it is not one."""
    told = ("docker", "service", "ls", "--format", "{{.Name}} {{.Replicas}}", "--filter")
    lines = cloud.inside("manager-1", *told, f"label=horcrux.app={app}").splitlines()
    found = [line.split()[0] for line in lines if not line.endswith("/0")]
    assert len(found) == 1, f"not one service of {app} alone serves: {lines}"
    return found[0]


def tasks(cloud: Sandbox, app: str) -> tuple[int, int]:
    """How many tasks of an app are healthy and how many are wanted, over its releases."""
    told = ("docker", "service", "ls", "--format", "{{.Replicas}}", "--filter")
    counts = cloud.inside("manager-1", *told, f"label=horcrux.app={app}").split()
    pairs = [tuple(map(int, count.split("/"))) for count in counts if "/" in count]
    return sum(p[0] for p in pairs), sum(p[1] for p in pairs)


def query(cloud: Sandbox, expression: str) -> list[dict[str, Any]]:
    """The series of an expression, each with its labels and its value now."""
    found = ask(cloud, f"/v1/query?{urlencode({'query': expression})}")["result"]
    return [{**series["labels"], "value": series["values"][-1][1]} for series in found]


def alerts(received: list[Received], name: str, status: str) -> list[dict[str, Any]]:
    """The alerts of a name that a receiver was sent, as Alertmanager wrote them."""
    return [
        alert
        for one in received
        for alert in json.loads(one.body)["alerts"]
        if alert["labels"]["alertname"] == name and alert["status"] == status
    ]


def told(receiver: Recorder, name: str, seconds: float, status: str = "firing") -> dict[str, Any]:
    """The alert, once the receiver has heard of it."""
    return alerts(
        receiver.wait_for(lambda all_: bool(alerts(all_, name, status)), seconds), name, status
    )[0]
