"""How an environment is: read from its engines, its edges and its last update.

The result is an interface that other programs read; docs/status.md describes it. VERSION goes up when
a field changes its meaning or goes away, not when one is added.
"""

from typing import Any

import docker
from docker.errors import DockerException
from requests.exceptions import RequestException

from horcrux import status_apps
from horcrux.cluster import traffic
from horcrux.cluster.everywhere import lacking
from horcrux.context import Outputs
from horcrux.docker_api import connect, machine
from horcrux.settings import layout
from horcrux.status_apps import Problem, problem

VERSION = 1


def gather(outputs: Outputs) -> dict[str, Any]:
    """The status of an environment that has been brought up."""
    values, settings = outputs.values, outputs.project.settings()
    problems: list[Problem] = []
    containers = _containers(outputs.project.environment)
    client = connect(outputs.access)
    try:
        nodes = {n["Description"].get("Hostname", ""): n for n in client.nodes()}
        services = {s["Spec"]["Name"]: s for s in client.services()}
    except (DockerException, RequestException) as error:
        nodes, services = {}, {}
        problems.append(problem(f"no manager answers ({error})", _remedy_hosts(containers)))
    hosts = [
        {
            "name": host.name,
            "role": host.role,
            "zone": host.zone,
            "state": _host_state(nodes.get(host.name), containers.get(host.name)),
            "container": containers.get(host.name, {}).get("name"),
        }
        for host in layout(settings.hosts, settings.local.subnet)
    ]
    problems += [_host_problem(h, outputs) for h in hosts if h["state"] != "ready"]
    apps = []
    for name in values["releases"] if nodes else ():
        app, found = status_apps.of_app(name, outputs, client, services)
        apps.append(app)
        problems += found
    if nodes:
        problems += status_apps.strays(outputs, services)
        problems += [*_platform(client, services, list(nodes.values())), *_edges(client)]
    return {
        "version": VERSION,
        "environment": outputs.project.environment,
        "target": values["target"],
        "hosts": hosts,
        "apps": apps,
        "endpoints": values["endpoints"],
        "problems": problems,
    }


def _containers(environment: str) -> dict[str, dict[str, str]]:
    """The hosts' containers on this machine: name and state, by host."""
    filters = {"label": f"horcrux.environment={environment}"}
    with machine() as engine:
        return {
            c.labels["horcrux.host"]: {"name": str(c.name), "state": c.status}
            for c in engine.containers.list(all=True, filters=filters)
            if "horcrux.host" in c.labels
        }


def _host_state(node: dict[str, Any] | None, container: dict[str, str] | None) -> str:
    if container is None:
        return "missing"
    if container["state"] != "running":
        return "stopped"
    if node is None:
        return "unknown"
    if node["Spec"]["Availability"] != "active":
        return str(node["Spec"]["Availability"])
    return str(node["Status"]["State"])


def _host_problem(host: dict[str, Any], outputs: Outputs) -> Problem:
    what = f"host {host['name']} is {host['state']}"
    if host["state"] == "stopped":
        return problem(what, f"docker start {host['container']}")
    if host["state"] == "missing":
        return problem(what, f"pulumi up --refresh -s {outputs.project.environment}")
    return problem(what, "wait half a minute; then look at `docker logs` of its container")


def _platform(
    client: docker.APIClient, services: dict[str, Any], nodes: list[dict[str, Any]]
) -> list[Problem]:
    """The platform's own services that do not run where they should."""
    running = client.tasks({"desired-state": "running"})
    return [
        problem(
            f"the platform's service {name} does not run on {', '.join(hosts)}",
            f"wait half a minute; then: docker service ps --no-trunc {name}, on a manager",
        )
        for name, service in sorted(services.items())
        if "horcrux.platform" in (service["Spec"].get("Labels") or {})
        and (hosts := lacking(service, nodes, running))
    ]


def _edges(client: docker.APIClient) -> list[Problem]:
    try:
        said = traffic.edges(client)
    except traffic.EdgeError as error:
        return [problem(str(error), "wait half a minute for control to be started elsewhere")]
    problems = [problem(p, "correct the service's labels") for p in said["problems"]]
    for host, edge in said["edges"].items():
        if edge["error"]:
            remedy = (
                "the edge goes on with what it had; correct what the message names"
                if edge.get("refused")
                else "wait half a minute; then: horcrux doctor"
            )
            problems.append(problem(f"the edge on {host}: {edge['error']}", remedy))
    return problems


def _remedy_hosts(containers: dict[str, dict[str, str]]) -> str:
    stopped = [c["name"] for c in containers.values() if c["state"] != "running"]
    return f"docker start {' '.join(stopped)}" if stopped else "horcrux doctor"
