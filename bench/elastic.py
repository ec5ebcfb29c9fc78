"""A step from no load to 300 requests a second: how long until enough tasks serve."""

import time
from typing import Any

from bench.environment import NAME, Environment
from bench.figures import Figure
from bench.waiting import wait
from horcrux.cluster import tasks, traffic
from horcrux.context import Outputs
from horcrux.docker_api import connect
from tests.support.load import WITHOUT_SOCKETS, Load, Result

SUBJECT = "spring"
RATE, A_TASK, NEEDED = 300.0, 60, 5
COOLDOWN = 15
APP: dict[str, Any] = {
    "build": {"context": "samples/hello"},
    "port": 8080,
    "routes": ["/"],
    "health": {"http": "/healthz", "interval": 1},
    "limits": {"cpus": 1, "memory": "128M"},
    "drain": 10,
    "elastic": {
        "min": 1,
        "max": 6,
        "cooldown": COOLDOWN,
        "target": {"requests_per_second": A_TASK},
    },
}
GROWN_SECONDS, SHRUNK_SECONDS = 120.0, 180.0
SHARED_SECONDS = 10.0  # of load, once all of them serve


def measure(environment: Environment, runs: int) -> list[Figure]:
    """Up, and down again, so many times."""
    environment.say("adding an elastic app")
    environment.bring_up({SUBJECT: APP})
    outputs = environment.outputs()
    port = environment.project.settings().local.ports.http
    grown, shrunk, results = [], [], []
    for _ in range(runs):
        wait("one task is left", SHRUNK_SECONDS, lambda: _healthy(outputs) == 1)
        environment.say(f"{RATE:.0f} requests/s from one moment to the next")
        began = time.monotonic()
        with Load(port, f"{SUBJECT}.{NAME}.localhost", RATE, WITHOUT_SOCKETS) as load:
            wait(f"{NEEDED} tasks serve", GROWN_SECONDS, lambda: _serving(outputs) >= NEEDED)
            grown.append(time.monotonic() - began)
            time.sleep(SHARED_SECONDS)  # so long all of them have the load
        ended = time.monotonic()
        wait("one task is left", SHRUNK_SECONDS, lambda: _healthy(outputs) == 1)
        shrunk.append(time.monotonic() - ended)
        results.append(load.result)
    environment.bring_up()
    return _figures(grown, shrunk, results)


def _figures(grown: list[float], shrunk: list[float], results: list[Result]) -> list[Figure]:
    step = f"from 0 to {RATE:.0f} requests/s"
    note = f"{A_TASK} requests/s for each task wanted; one task at first"
    return [
        Figure(
            "elastic_grown",
            f"{step}: until {NEEDED} tasks serve",
            "s",
            tuple(grown),
            "under 15 s",
            f"{note}; healthy, and every edge sends them requests",
            {"p99 of GET (s)": [one.sorts["get"].p99 for one in results]},
        ),
        Figure(
            "elastic_failed",
            f"{step}: requests that failed",
            "requests",
            tuple(float(one.failed) for one in results),
            "0",
            note,
            {"kinds": [one.kinds for one in results]},
        ),
        Figure(
            "elastic_shrunk",
            f"from {RATE:.0f} requests/s to 0: until one task is left",
            "s",
            tuple(shrunk),
            "",
            f"the cooldown is {COOLDOWN} s",
        ),
    ]


def _healthy(outputs: Outputs) -> int:
    release = outputs.release(SUBJECT)
    return tasks.of_release(connect(outputs.access), release["service"], release["release"]).healthy


def _serving(outputs: Outputs) -> int:
    """How many tasks the edge that knows fewest sends requests to."""
    service = outputs.release(SUBJECT)["service"]
    said = traffic.edges(connect(outputs.access))["edges"].values()
    return min((edge["releases"].get(service, {}).get("up", 0) for edge in said), default=0)
