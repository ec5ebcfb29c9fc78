"""Services that run on every host that they are meant for: where they do not."""

import time
from collections.abc import Sequence
from typing import Any

from control.elastic.capacity import may_run
from horcrux.cluster.tasks import since


def lacking(
    service: dict[str, Any],
    nodes: Sequence[dict[str, Any]],
    tasks: Sequence[dict[str, Any]],
    steady: float = 0.0,
) -> list[str]:
    """The hosts on which the service's newest version does not run, or not yet for `steady` seconds.

    `tasks` may be those of other services too. Hosts that are down or drained are not meant.
    """
    template = service["Spec"]["TaskTemplate"]
    running = {
        task["NodeID"]
        for task in tasks
        if task["ServiceID"] == service["ID"]
        and task["DesiredState"] == task["Status"]["State"] == "running"
        and task["Spec"]["ContainerSpec"] == template["ContainerSpec"]
        and time.time() - since(task) >= steady
    }
    return sorted(
        node["Description"]["Hostname"]
        for node in nodes
        if may_run(template, node) and node["ID"] not in running
    )
