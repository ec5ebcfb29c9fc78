"""Releases under long load: every strategy, of an app that ends in order and of one that dies at once."""

import time
from typing import Any

from bench.environment import UP_SECONDS, Environment
from bench.figures import Figure
from tests.support.load import SHARES, WITHOUT_SOCKETS, Load, Result

REQUESTS = 20_000  # of each strategy, to each app
RATE = 110.0  # requests a second to each app
AT_LEAST_SECONDS = REQUESTS / RATE * 1.02  # the last ones are answered after the end
CANARY = {
    "steps": [{"weight": 5, "pause": 30}, {"weight": 50, "pause": 30}],
    "analysis": {"min_requests": 50},
}
APPS: dict[str, dict[str, Any]] = {
    "hello": {"drain": 10, "canary": CANARY},
    "abrupt": {
        "build": {"context": "samples/hello"},
        "port": 8080,
        "routes": ["/"],
        "replicas": 2,
        "health": {"http": "/healthz"},
        "limits": {"cpus": 1, "memory": "128M"},
        "env": {"HELLO_IGNORE_SIGTERM": "die"},
        "drain": 10,
        "canary": CANARY,
    },
}
TITLES = {"hello": "an app that ends in order", "abrupt": "an app that dies at once"}
STRATEGIES = ("rolling", "blue-green", "canary")


def measure(environment: Environment, _runs: int) -> list[Figure]:
    """Each strategy once, of both apps in one update, then the rollback of each."""
    environment.say("adding an app that dies at once")
    environment.bring_up(_changed("", "rolling"))
    figures = []
    for strategy in STRATEGIES:
        environment.say(f"{strategy} of both apps, under {REQUESTS:,} requests to each")
        figures += _under_load(environment, strategy)
    environment.say(f"rollback of both apps, under {REQUESTS:,} requests to each")
    figures += _under_load(environment, "rollback")
    environment.bring_up()
    return figures


def _under_load(environment: Environment, what: str) -> list[Figure]:
    port = environment.project.settings().local.ports.http
    began = time.monotonic()
    with (
        Load(port, "hello.bench.localhost", RATE, SHARES) as orderly,
        # What carries a WebSocket and dies at once cannot end it in order.
        Load(port, "abrupt.bench.localhost", RATE, WITHOUT_SOCKETS) as abrupt,
    ):
        if what == "rollback":
            for app in APPS:
                environment.horcrux("rollback", app, limit=UP_SECONDS)
        else:
            environment.bring_up(_changed(what, what))
        took = time.monotonic() - began
        time.sleep(max(0.0, AT_LEAST_SECONDS - took))  # until so many were sent
    return [
        _figure(what, app, result, took)
        for app, result in (("hello", orderly.result), ("abrupt", abrupt.result))
    ]


def _figure(what: str, app: str, result: Result, took: float) -> Figure:
    return Figure(
        f"release_{what.replace('-', '_')}_{app}_failed",
        f"{what} of {TITLES[app]}: failed of {result.answered + result.failed:,}",
        "requests",
        (float(result.failed),),
        "0",
        f"{RATE:.0f} requests/s of several sorts, once; the app's two tasks on three hosts",
        {
            "kinds": result.kinds,
            "asked for again by the client": result.repeated,
            "the command for both apps (s)": round(took, 1),
            "p99 of GET (ms)": _ms(result),
        },
    )


def _ms(result: Result) -> float | None:
    found = result.sorts["get"].p99
    return None if found is None else round(1000 * found, 1)


def _changed(colour: str, strategy: str) -> dict[str, Any]:
    return {
        name: {**app, "strategy": strategy, "env": {**app.get("env", {}), "COLOUR": colour}}
        for name, app in APPS.items()
    }
