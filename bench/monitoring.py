"""What measuring costs: the exporters on a host, and Prometheus with few and with many apps."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from urllib.parse import urlencode

import docker

from bench.environment import NAME, Environment
from bench.figures import Figure
from bench.memory import MEGABYTE, working_set
from bench.waiting import wait
from horcrux.cluster import control
from horcrux.context import Outputs
from horcrux.docker_api import connect, machine
from horcrux.settings import layout

WINDOW_SECONDS = 60.0  # four rounds of what is asked every 15 s
STARTED_SECONDS = 600.0  # a hundred containers on two processors
EXPORTERS, PROMETHEUS = ("exporter", "node-exporter"), ("prometheus",)
MANY = (10, 100)
NANO = 1_000_000_000
Cost = tuple[float, float]  # processor seconds for each second, and bytes


def measure(environment: Environment, runs: int) -> list[Figure]:
    """Processor time and memory of the exporters, then of Prometheus with ever more apps."""
    environment.ensure_up()
    outputs = environment.outputs()
    environment.say(f"watching exporters for {runs} times {WINDOW_SECONDS:.0f} s")
    figures = _exporters([_costs(outputs, EXPORTERS) for _ in range(runs)])
    for count in MANY:
        environment.say(f"starting {count} more apps, each with a route")
        with _crowd(outputs, count):
            environment.say(f"watching Prometheus for {runs} times {WINDOW_SECONDS:.0f} s")
            figures += _prometheus(count, [_costs(outputs, PROMETHEUS) for _ in range(runs)])
    return figures


def _exporters(looks: list[dict[str, Cost]]) -> list[Figure]:
    shares = tuple(100 * median(cost[0] for cost in look.values()) for look in looks)
    note = "exporter and node-exporter of the median host, asked by three Prometheus"
    title = "exporters of one host: share of a core"
    return [Figure("scrape_cpu", title, "%", shares, "under 1 %", note)]


def _prometheus(apps: int, looks: list[dict[str, Cost]]) -> list[Figure]:
    shares = tuple(100 * median(cost[0] for cost in look.values()) for look in looks)
    sizes = tuple(median(cost[1] for cost in look.values()) / MEGABYTE for look in looks)
    of = f"Prometheus with {apps} apps more, one of three"
    return [
        Figure(f"prometheus_cpu_{apps}", f"{of}: share of a core", "%", shares),
        Figure(f"prometheus_memory_{apps}", f"{of}: memory", "MB", sizes),
    ]


def _costs(outputs: Outputs, roles: tuple[str, ...]) -> dict[str, Cost]:
    """By host, what these services of the platform take over a window."""
    before, began = _used(outputs, roles), time.monotonic()
    time.sleep(WINDOW_SECONDS)  # a measured interval: nothing is waited for
    after, seconds = _used(outputs, roles), time.monotonic() - began
    return {host: ((after[host][0] - before[host][0]) / seconds, after[host][1]) for host in before}


def _used(outputs: Outputs, roles: tuple[str, ...]) -> dict[str, Cost]:
    settings = outputs.project.settings()
    found: dict[str, Cost] = {}
    for host in layout(settings.hosts, settings.local.subnet):
        client = connect(outputs.access, host.name)
        cpu = memory = 0.0
        for container in client.containers():
            if container["Labels"].get("horcrux.platform") in roles:
                stats = client.stats(container["Id"], stream=False, one_shot=True)
                cpu += stats["cpu_stats"]["cpu_usage"]["total_usage"] / NANO
                memory += working_set(stats)
        if memory:
            found[host.name] = (cpu, memory)
    return found


@contextmanager
def _crowd(outputs: Outputs, count: int) -> Iterator[None]:
    """So many apps of one task each, made beside Pulumi, until the edges send them requests."""
    client = connect(outputs.access)
    image = outputs.release("hello")["image"]
    names = [f"crowd-{number}" for number in range(count)]
    try:
        for name in names:
            _start(name, image)
        query = 'count(haproxy_backend_active_servers{app=~"crowd-.+"} > 0)'
        hosts = len(client.nodes())
        wait(
            f"{count} apps at every edge",
            STARTED_SECONDS,
            lambda: _value(client, query) == count * hosts,
        )
        yield
    finally:
        for name in names:
            client.remove_service(name)


def _start(name: str, image: str) -> None:
    """On the manager itself, whose engine has the registry's account."""
    rules = {"port": 8080, "routes": [[f"{name}.{NAME}.localhost", "/"]], "check": "/healthz"}
    command = [
        *("docker", "service", "create", "--detach", "--quiet", "--name", name),
        *("--label", f"horcrux.app={name}", "--label", f"horcrux.edge={json.dumps(rules)}"),
        *("--network", "apps", "--endpoint-mode", "dnsrr", "--limit-memory", "64M"),
        *("--with-registry-auth", image),
    ]
    with machine() as engine:
        code, output = engine.containers.get(f"horcrux-{NAME}-manager-1").exec_run(command)
    if code:
        raise RuntimeError(f"{name} cannot be made: {output.decode(errors='replace')}")


def _value(client: docker.APIClient, query: str) -> float:
    found = control.ask(client, "GET", f"/v1/query?{urlencode({'query': query})}")["result"]
    return float(found[0]["values"][-1][1]) if found else 0.0
