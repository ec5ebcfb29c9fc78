"""A route changed: how long until every edge has it, by how many routes there are; and the edges' memory."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from statistics import median
from typing import Any

import docker

from bench import chart
from bench.environment import NAME, Environment
from bench.figures import Figure
from bench.memory import MEGABYTE, working_set
from bench.waiting import wait
from horcrux.cluster import traffic
from horcrux.context import Outputs
from horcrux.docker_api import connect
from horcrux.settings import layout

COUNTS = (10, 100, 1000)
CHANGES = 5  # in each run: what is measured takes a second or two
ANSWER_SECONDS = 2.0
EVERY_EDGE = 9  # connections in a row, which the front door hands out in turn to three edges
CONVERGED_SECONDS, SETTLED_SECONDS = 60.0, 300.0
UNKNOWN = 404  # the edge's answer for a host name without a route
PICTURE = "bench-convergence.svg"


def measure(environment: Environment, runs: int) -> list[Figure]:
    """With ever more routes, each of an app of its own without tasks."""
    environment.ensure_up()
    outputs = environment.outputs()
    port = environment.project.settings().local.ports.http
    times: dict[int, list[float]] = {}
    sizes: dict[int, list[float]] = {}
    for count in COUNTS:
        environment.say(f"adding {count} routes")
        with _routes(outputs, count) as service:
            client = connect(outputs.access)
            times[count], sizes[count] = [], []
            for run in range(runs):
                for number in range(CHANGES):
                    times[count].append(_changed(client, service, f"{run}-{number}", port))
                sizes[count].append(_memory(outputs))
            environment.say(f"{count} routes: {median(times[count]):.2f} s")
    _draw(environment.copy.project / "build" / PICTURE, times)
    return _figures(times, sizes)


def _figures(times: dict[int, list[float]], sizes: dict[int, list[float]]) -> list[Figure]:
    note = "a service's label changed through the Docker API, until each edge answers by it"
    return [
        *(
            Figure(
                f"convergence_{count}",
                f"a route changed, of {count:,}: until every edge has it",
                "s",
                tuple(taken),
                "under 2 s",
                note,
                {"longest (s)": round(max(taken), 2)},
            )
            for count, taken in times.items()
        ),
        *(
            Figure(
                f"convergence_memory_{count}",
                f"an edge with {count:,} routes more: memory",
                "MB",
                tuple(sizes[count]),
                note="working set of the median edge's container, after the changes",
            )
            for count in sizes
        ),
    ]


def _draw(path: Path, times: dict[int, list[float]]) -> None:
    curves = {
        "median": [(float(count), median(taken)) for count, taken in times.items()],
        "longest": [(float(count), max(taken)) for count, taken in times.items()],
    }
    title = "Seconds until every edge has a changed route, by number of routes"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(chart.curves(title, "routes", "s", curves))


@contextmanager
def _routes(outputs: Outputs, count: int) -> Iterator[str]:
    """So many services of no tasks with a route each; one of them, whose route is to change."""
    client, image = connect(outputs.access), outputs.release("hello")["image"]
    network = next(n for n in client.networks(names=["apps"]) if n["Name"] == "apps")["Id"]
    names = [f"route-{number}" for number in range(count)]
    try:
        for name in names:
            _make(client, name, image, network)
        wait("every edge has all routes", SETTLED_SECONDS, lambda: traffic.settle(client, 0.0))
        yield names[0]
    finally:
        for service in client.services(filters={"label": ["horcrux.bench=route"]}):
            client.remove_service(service["ID"])
        wait("no edge has them any more", SETTLED_SECONDS, lambda: traffic.settle(client, 0.0))


def _make(client: docker.APIClient, name: str, image: str, network: str) -> None:
    labels = {**_rules(name, f"{name}.{NAME}.localhost"), "horcrux.bench": "route"}
    client.create_service(
        {"ContainerSpec": {"Image": image}, "Networks": [{"Target": network}]},
        name=name,
        labels=labels,
        mode={"Replicated": {"Replicas": 0}},
        endpoint_spec={"Mode": "dnsrr"},
    )


def _rules(name: str, host: str) -> dict[str, str]:
    rules = {"port": 8080, "routes": [[host, "/"]], "check": "/healthz"}
    return {
        "horcrux.environment": NAME,
        "horcrux.app": name,
        "horcrux.edge": json.dumps(rules),
    }


def _changed(client: docker.APIClient, service: str, number: str, port: int) -> float:
    """Give the service another route; seconds until every edge answers by it."""
    host = f"changed-{number}.{NAME}.localhost"
    found: dict[str, Any] = client.inspect_service(service)
    spec = found["Spec"]
    spec["Labels"] = {**spec["Labels"], **_rules(service, host)}
    began = time.monotonic()
    response = client._post_json(
        client._url("/services/{0}/update", found["ID"]),
        data=spec,
        params={"version": found["Version"]["Index"]},
    )
    client._raise_for_status(response)
    deadline = began + CONVERGED_SECONDS
    row, first = 0, 0.0
    while row < EVERY_EDGE:
        asked = time.monotonic()
        if asked > deadline:
            raise TimeoutError(f"not every edge knows {host} after {CONVERGED_SECONDS:.0f} s")
        known = _known(port, host)
        first = asked if known and not row else first
        row = row + 1 if known else 0
    return first - began


def _known(port: int, host: str) -> bool:
    """Whether the edge that a new connection meets has a route for the host name."""
    connection = HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", "/", headers={"Host": host, "Connection": "close"})
        return connection.getresponse().status != UNKNOWN
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _memory(outputs: Outputs) -> float:
    """Megabytes that the median edge takes."""
    settings = outputs.project.settings()
    found = []
    for host in layout(settings.hosts, settings.local.subnet):
        client = connect(outputs.access, host.name)
        for container in client.containers(filters={"label": "horcrux.platform=edge"}):
            stats = client.stats(container["Id"], stream=False, one_shot=True)
            found.append(working_set(stats) / MEGABYTE)
    return median(found)
