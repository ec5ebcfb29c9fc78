"""A service of the platform that runs on every host that it is meant for.

Swarm starts and replaces the tasks of a service in its own time; without this an update would end well
before they run, or although they cannot. pulumi-docker waits for services with a number of tasks only.
"""

from typing import Any

import pulumi
from pulumi.dynamic import Resource

from providers.delegate import Delegate

LONGEST_SECONDS = 300.0  # hosts take turns, and each may have to pull the image first
STEADY_SECONDS = 2.0  # a process that cannot work has ended by then
FAILURES = 3  # new ones in a row: one may be bad luck
STOPPED = ("paused", "rollback_paused", "rollback_completed")


class Converged(Resource, module="horcrux", name="Converged"):
    """Made, or changed, when every task of the service's newest version runs."""

    def __init__(
        self,
        name: str,
        service: pulumi.Input[str],
        version: pulumi.Input[str],
        access: pulumi.Input[dict[str, Any]],
        opts: pulumi.ResourceOptions,
    ) -> None:
        """`version`: whatever is another when the tasks are; `access`: see `horcrux.docker_api.Access`."""
        props = {"service": service, "version": version, "access": access}
        super().__init__(Delegate("providers.converged"), name, props, opts)


def create(props: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Wait for it."""
    _wait(props)
    return props["service"], props


def diff(old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Other tasks, or another way to them."""
    return bool(old["version"] != new["version"] or old["access"] != new["access"])


def update(_old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Wait for it again."""
    _wait(new)
    return new


def _wait(props: dict[str, Any]) -> None:
    from horcrux.cluster.everywhere import lacking
    from horcrux.docker_api import Access, connect
    from providers.waiting import wait

    access, name = Access.of(props["access"]), props["service"]
    client = connect(access)
    before = {t["ID"] for t in client.tasks({"service": name}) if _failed(t)}

    def settled() -> str | None:
        service, tasks = client.inspect_service(name), client.tasks({"service": name})
        if (service.get("UpdateStatus") or {}).get("State") in STOPPED:
            return "stopped"
        if sum(_failed(t) and t["ID"] not in before for t in tasks) >= FAILURES:
            return "failing"
        return None if lacking(service, client.nodes(), tasks, STEADY_SECONDS) else "running"

    found = wait(LONGEST_SECONDS, settled)
    if found != "running":
        raise RuntimeError(_explained(client, access, name, found))


def _failed(task: dict[str, Any]) -> bool:
    return task["Status"]["State"] in ("failed", "rejected")


def _explained(client: Any, access: Any, name: str, found: str | None) -> str:
    from horcrux.cluster import tasks

    said = {
        "stopped": "Swarm has stopped the update, for a task ended early",
        "failing": f"{FAILURES} tasks have failed",
        None: f"not every host runs it after {LONGEST_SECONDS:.0f} s",
    }[found]
    current = tasks.of_release(client, name, "")
    why = tasks.explain(client, access, name, current)
    return f"{name}: {said}\n{why}\nWhat ran before may be gone: mend it and run `pulumi up` again."
