"""Requests through the edge, beside other proxies on the same hosts before the same app."""

from http.client import HTTPConnection, HTTPException
from typing import Any

from bench import rivals
from bench.environment import Environment
from bench.figures import Figure, ratios
from bench.waiting import wait
from bench.wrk import CONNECTIONS, Load, load

SUBJECT, HOST = "subject", "subject.bench.localhost"
APP: dict[str, Any] = {
    "build": {"context": "bench/subject"},
    "port": 8080,
    "routes": ["/"],
    "replicas": 3,
    "health": {"http": "/"},
    "limits": {"cpus": 2, "memory": "128M"},
}
SECONDS = 5  # of load on each proxy in each run: rates are steady after the first half second
WARM_SECONDS = 1  # connections to the app are made before it counts
READY_SECONDS = 120.0  # the hosts pull the image first
AIMS = {"haproxy": "0.95 or better"}


def measure(environment: Environment, runs: int) -> list[Figure]:
    """The edge and its rivals in turn, so that each ratio is of one run."""
    environment.say("adding an app that answers at once")
    environment.bring_up({SUBJECT: APP})
    outputs = environment.outputs()
    ports = {"edge": environment.project.settings().local.ports.http}
    ports |= {rival.name: rival.local_port for rival in rivals.RIVALS}
    seen: dict[str, list[Load]] = {name: [] for name in ports}
    environment.say("starting the rivals")
    with rivals.started(outputs, outputs.release(SUBJECT)["service"]):
        for name, port in ports.items():
            _wait_for(name, port)
            load(_url(port), HOST, WARM_SECONDS)
        for _ in range(runs):
            for name, port in ports.items():
                seen[name].append(load(_url(port), HOST, SECONDS))
                last = seen[name][-1]
                environment.say(f"{name}: {last.rate:,.0f} requests/s, {last.failed} failed")
    return _figures(seen)


def _figures(seen: dict[str, list[Load]]) -> list[Figure]:
    titles = {"edge": "the edge"} | {r.name: r.title for r in rivals.RIVALS}
    rates = {name: tuple(one.rate for one in loads) for name, loads in seen.items()}
    note = f"wrk, {CONNECTIONS} kept connections, {SECONDS} s, through a front door, on loopback"
    figures = [
        Figure(
            f"requests_{name}",
            f"requests through {titles[name]}",
            "requests/s",
            rates[name],
            note=note,
            details={
                "99th percentile (ms)": [round(one.p99_ms, 2) for one in loads],
                "failed": [one.failed for one in loads],
            },
        )
        for name, loads in seen.items()
    ]
    return figures + [
        Figure(
            f"edge_to_{name}",
            f"the edge by {titles[name]}",
            "ratio",
            ratios(rates["edge"], rates[name]),
            AIMS.get(name, ""),
            "each ratio of two measurements one after the other",
        )
        for name in seen
        if name != "edge"
    ]


def _wait_for(name: str, port: int) -> None:
    """Wait until the proxy answers 200 several times in a row: from every host."""

    def answers() -> bool:
        return all(_status(port) == 200 for _ in range(6))

    wait(f"{name} answers", READY_SECONDS, answers)


def _status(port: int) -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/", headers={"Host": HOST})
        return connection.getresponse().status
    except HTTPException as error:
        raise OSError(str(error)) from error
    finally:
        connection.close()


def _url(port: int) -> str:
    return f"http://127.0.0.1:{port}/"
