"""Whether a release's tasks are well and get requests; where they are not, why."""

import time
from collections.abc import Callable, Collection
from typing import Any

import docker

from horcrux.cluster import services, tasks, traffic
from horcrux.cluster.walk import Walk
from horcrux.docker_api import Access

FAILURES = 3  # tasks that may fail in a row before a release is given up: one may be bad luck
EDGE_SECONDS = 60  # edges follow within two seconds; a host that boots takes half a minute
POLL_SECONDS = 0.25
EXPLAIN_SECONDS = 2.0  # between two looks at why a release does not start
Condition = Callable[[dict[str, dict[str, Any]]], bool]


def healthy(client: docker.APIClient, plan: dict[str, Any], *, known: bool) -> None:
    """Wait until a release has all its tasks; raises why it has not. `known`: it serves already."""
    limit = float(plan["start_timeout"])
    former = {t["ID"] for t in tasks.of_release(client, plan["service"], plan["release"]).failed}
    deadline = time.monotonic() + limit
    while True:
        found = tasks.of_release(client, plan["service"], plan["release"])
        # Control may change an elastic app's number while we look.
        if found.healthy >= services.replicas(client, plan["service"]):
            return
        new_failures = [t for t in found.failed if t["ID"] not in former]
        late = time.monotonic() > deadline
        if len(new_failures) >= FAILURES or late:
            reason = (
                f"is not healthy after {limit:.0f} s"
                if late
                else f"failed {len(new_failures)} times"
            )
            why = tasks.explain(client, Access.of(plan["access"]), plan["service"], found)
            raise RuntimeError(
                f"{plan['app']}: release {plan['release']} {reason}\n{why}\n"
                f"{consequence(plan, known=known)}"
            )
        time.sleep(POLL_SECONDS)


def consequence(plan: dict[str, Any], *, known: bool) -> str:
    """What a failure means for requests, and what to do."""
    serving = "Its healthy tasks still serve" if known else "What ran before, if anything, serves"
    return f"{serving}. Mend apps.{plan['app']} and run `pulumi up` again."


def serve(client: docker.APIClient, plan: dict[str, Any], number: int) -> None:
    """Requests go to a release that has none beside it, once every edge finds it well."""
    app, service = plan["app"], plan["service"]
    now = traffic.weights(client, app)
    if service not in now or not now[service]:
        share = {service: 100}
        traffic.set_weights(client, plan["environment"], app, share, {service: number})
    if not plan["routed"]:
        return

    def well(edges: dict[str, dict[str, Any]]) -> bool:
        wanted = services.replicas(client, service)
        return all(e["releases"].get(service, {}).get("up", 0) >= wanted for e in edges.values())

    if not traffic.settle(client, EDGE_SECONDS, well):
        raise traffic.EdgeError(
            f"{app}: its tasks are healthy, but the edges' own check (health.http, port) fails: "
            f"compare apps.{app}.port and apps.{app}.health with what the app listens on"
        )


def drained(names: Collection[str]) -> Condition:
    """Whether no request is under way at any of these services."""

    def quiet(edges: dict[str, dict[str, Any]]) -> bool:
        return all(
            e["releases"].get(n, {}).get("sessions", 0) == 0 for e in edges.values() for n in names
        )

    return quiet


class Trouble:
    """Why a release does not start, asked while its tasks are there: control takes them away."""

    def __init__(self, client: docker.APIClient, plan: dict[str, Any]) -> None:
        self._client, self._plan = client, plan
        self._next = 0.0
        self.told = "it told nothing of why"

    def look(self, _: Walk) -> None:
        """Ask again, now and then, as long as a task has failed or waits."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + EXPLAIN_SECONDS
        plan = self._plan
        found = tasks.of_release(self._client, plan["service"], plan["release"])
        if found.failed or found.waiting:
            access = Access.of(plan["access"])
            self.told = tasks.explain(self._client, access, plan["service"], found)
