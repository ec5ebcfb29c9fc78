"""What choosing between two releases costs at the edge: requests with a canary, and without."""

import json
from typing import Any

import docker

from bench.edge import APP, HOST, SECONDS, SUBJECT, WARM_SECONDS
from bench.environment import NAME, Environment
from bench.figures import Figure, ratios
from bench.waiting import wait
from bench.wrk import CONNECTIONS, Load, load
from horcrux.cluster import traffic
from horcrux.docker_api import connect, machine

OTHER = f"{SUBJECT}-canary"
SHARE = 5  # percent
SETTLED_SECONDS = 60.0


def measure(environment: Environment, runs: int) -> list[Figure]:
    """One release and two in turn, so that each ratio is of one run."""
    environment.say("adding an app that answers at once, and a second release of it")
    environment.bring_up({SUBJECT: APP})
    outputs = environment.outputs()
    client, serving = connect(outputs.access), outputs.release(SUBJECT)["service"]
    before = traffic.weights(client, SUBJECT)
    url = f"http://127.0.0.1:{environment.project.settings().local.ports.http}/"
    weights = {"one": {serving: 100}, "two": {serving: 100 - SHARE, OTHER: SHARE}}
    seen: dict[str, list[Load]] = {name: [] for name in weights}
    _start(client, serving)
    try:
        for _ in range(runs):
            for name, found in weights.items():
                _settled(client, found)
                load(url, HOST, WARM_SECONDS)
                seen[name].append(load(url, HOST, SECONDS))
                last = seen[name][-1]
                environment.say(f"{name}: {last.rate:,.0f} requests/s, {last.failed} failed")
    finally:
        traffic.set_weights(client, NAME, SUBJECT, before)
        client.remove_service(OTHER)
    return _figures(seen)


def _figures(seen: dict[str, list[Load]]) -> list[Figure]:
    rates = {name: tuple(one.rate for one in loads) for name, loads in seen.items()}
    note = f"wrk, {CONNECTIONS} kept connections, {SECONDS} s; {SHARE} % to the second release"
    figures = [
        Figure(
            f"requests_{name}_release",
            f"requests through the edge, {name} release{'s' if name == 'two' else ''} in play",
            "requests/s",
            rates[name],
            note=note,
            details={"failed": [one.failed for one in loads]},
        )
        for name, loads in seen.items()
    ]
    shares = ratios(rates["two"], rates["one"])
    title = "requests with a canary by those without"
    return [*figures, Figure("canary_ratio", title, "ratio", shares, "0.98 or better", note)]


def _start(client: docker.APIClient, serving: str) -> None:
    """The second release, of the first one's image and rules; on the manager, which has the account."""
    spec: dict[str, Any] = client.inspect_service(serving)["Spec"]
    rules, image = spec["Labels"]["horcrux.edge"], spec["TaskTemplate"]["ContainerSpec"]["Image"]
    command = [
        *("docker", "service", "create", "--detach", "--quiet", "--name", OTHER),
        *("--label", f"horcrux.app={SUBJECT}", "--label", "horcrux.release=canary"),
        *("--label", f"horcrux.edge={rules}", "--label", f"horcrux.environment={NAME}"),
        *("--network", "apps", "--endpoint-mode", "dnsrr", "--limit-memory", "128M"),
        *("--with-registry-auth", image),
    ]
    with machine() as engine:
        code, output = engine.containers.get(f"horcrux-{NAME}-manager-1").exec_run(command)
    if code:
        raise RuntimeError(f"{OTHER} cannot be made: {output.decode(errors='replace')}")


def _settled(client: docker.APIClient, weights: dict[str, int]) -> None:
    """Wait until every edge has the weights, and finds a task of each release."""
    traffic.set_weights(client, NAME, SUBJECT, weights)

    def told() -> bool:
        return traffic.settle(
            client,
            0.0,
            lambda edges: all(
                edge["releases"].get(service, {}).get("up", 0) > 0
                for edge in edges.values()
                for service in weights
            ),
        )

    wait(f"every edge sends by {json.dumps(weights)}", SETTLED_SECONDS, told)
