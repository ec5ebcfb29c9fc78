"""Things that are killed under load, and routes that change all the time: what clients notice."""

import json
import time
from collections.abc import Callable

import requests

from tests.support.load import SHORT, Load
from tests.support.observed import container_of, containers_of, edges, leader, serving
from tests.support.sandbox import Sandbox, eventually

NOTICED_SECONDS = 6.0  # of load after a kill: what it breaks shows in the first seconds
WELL_SECONDS = 120
MANAGERS = ("manager-1", "manager-2", "manager-3")
CHANGES, BETWEEN_SECONDS = 25, 1.2  # 50 a minute
CONVERGED_SECONDS = 15


def kill(cloud: Sandbox, host: str, service: str) -> None:
    """One of a service's containers on a host."""
    cloud.inside(host, "docker", "kill", container_of(cloud, host, service))


def under_load(cloud: Sandbox, *strikes: Callable[[], object]) -> Load:
    """The load, over, in which these were done one after the other, until the environment was well again."""
    with cloud.load("hello") as client:
        for strike in strikes:
            strike()
            time.sleep(NOTICED_SECONDS)  # an interval that is watched: nothing is waited for
        eventually(lambda: cloud.status()["problems"] == [], WELL_SECONDS, "all is well again")
    return client


def test_control_and_prometheus_are_not_missed_by_requests(cloud: Sandbox) -> None:
    leads = leader(cloud)
    result = under_load(
        cloud,
        lambda: kill(cloud, leads, "horcrux-control"),
        lambda: kill(cloud, leads, "horcrux-prometheus"),
    ).result
    assert result.kinds == {}
    assert result.repeated == 0


def test_an_edges_process_or_a_task_costs_no_request_that_may_be_made_again(cloud: Sandbox) -> None:
    """WebSockets, and POSTs that were under way, are lost with what carried them."""
    service = serving(cloud, "hello")
    host = next(name for name in MANAGERS if containers_of(cloud, name, service))
    result = under_load(
        cloud,
        lambda: cloud.inside("manager-2", "sh", "-c", "kill -9 $(pgrep -x haproxy)"),
        lambda: kill(cloud, host, service),
    ).result
    assert [failure for failure in result.failures if failure.idempotent] == []


def test_routes_that_change_fifty_times_a_minute_cost_no_request(cloud: Sandbox) -> None:
    """Those of a service made by hand, while another app has its requests."""
    image = cloud.app("hello")["image"]

    def rules(number: int) -> str:
        routes = [[f"changing-{number}.localhost", "/"]]
        return json.dumps({"port": 8080, "routes": routes, "check": "/healthz"})

    def answers(number: int) -> bool:
        return all(
            requests.get(
                f"http://127.0.0.1:{cloud.ports['http']}/healthz",
                headers={"Host": f"changing-{number}.localhost", "Connection": "close"},
                timeout=5,
            ).status_code
            == 200
            for _ in MANAGERS
        )

    def converged() -> bool:
        said = edges(cloud)
        versions = {edge["version"] for edge in said["edges"].values()}
        return len(said["edges"]) == len(MANAGERS) and versions == {said["version"]}

    service = ("docker", "service")
    try:
        cloud.inside(
            *("manager-1", *service, "create", "-d", "-q", "--name", "changing"),
            *("--label", "horcrux.app=changing", "--label", f"horcrux.edge={rules(0)}"),
            *("--network", "apps", "--endpoint-mode", "dnsrr", "--with-registry-auth", image),
        )
        eventually(lambda: answers(0), 30, "the service made by hand is served")
        with cloud.load("hello", sorts=SHORT) as client:
            began = time.monotonic()
            for number in range(1, CHANGES + 1):
                label = f"horcrux.edge={rules(number)}"
                change = ("update", "-d", "-q", "--label-add", label, "changing")
                cloud.inside("manager-1", *service, *change)
                due = began + number * BETWEEN_SECONDS
                time.sleep(max(0.0, due - time.monotonic()))  # a rate: nothing is waited for
            took = time.monotonic() - began
            eventually(converged, CONVERGED_SECONDS, "every edge has the last configuration")
            assert answers(CHANGES)
        assert took < CHANGES * BETWEEN_SECONDS * 1.1, "they did change so often"
        assert client.result.kinds == {}
        assert client.result.repeated == 0
    finally:
        cloud.inside("manager-1", *service, "rm", "changing")
