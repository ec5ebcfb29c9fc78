"""How many more tasks of a service find room: as Swarm's scheduler counts. Pure.

A node's resources less what the tasks on it have reserved, on nodes that are ready, active and fit the
service's constraints (swarmkit, `manager/scheduler` and `manager/constraint`). Platforms of images and
generic resources are left out: all hosts of an environment are alike.
"""

from collections.abc import Mapping, Sequence
from typing import Any

Object = Mapping[str, Any]
ENDED = ("complete", "shutdown", "failed", "rejected", "remove", "orphaned")
UNBOUNDED = 1_000_000  # what reserves nothing fits anywhere


def room(service: Object, nodes: Sequence[Object], tasks: Sequence[Object]) -> int:
    """How many more; those that wait for room already come first."""
    task = service["Spec"]["TaskTemplate"]
    most = int((task.get("Placement") or {}).get("MaxReplicas") or 0)
    alive = [t for t in tasks if t["Status"]["State"] not in ENDED]
    own = [t for t in alive if t.get("ServiceID") == service["ID"]]
    waiting = sum(1 for t in own if not t.get("NodeID") and t["DesiredState"] == "running")
    found = 0
    for node in nodes:
        if not may_run(task, node):
            continue
        there = [t for t in alive if t.get("NodeID") == node["ID"]]
        more = _free(node, there, _reserved(task))
        if most:
            more = min(more, max(0, most - sum(t.get("ServiceID") == service["ID"] for t in there)))
        found += more
    return max(0, min(found, UNBOUNDED) - waiting)


def takes_tasks(node: Object) -> bool:
    """Whether Swarm places tasks on a node."""
    active = node["Spec"].get("Availability", "active") == "active"
    return active and bool(node["Status"]["State"] == "ready")


def may_run(task: Object, node: Object) -> bool:
    """Whether Swarm may place a service's tasks (its TaskTemplate) on a node, if there is room."""
    constraints = (task.get("Placement") or {}).get("Constraints") or []
    return takes_tasks(node) and all(fits(constraint, node) for constraint in constraints)


def _reserved(task: Object) -> tuple[int, int]:
    """Billionths of processors, and bytes."""
    reserved = (task.get("Resources") or {}).get("Reservations") or {}
    return int(reserved.get("NanoCPUs") or 0), int(reserved.get("MemoryBytes") or 0)


def _free(node: Object, tasks: Sequence[Object], each: tuple[int, int]) -> int:
    """How many tasks that reserve `each` find room on a node beside those that are there."""
    there = node["Description"].get("Resources") or {}
    total = (int(there.get("NanoCPUs") or 0), int(there.get("MemoryBytes") or 0))
    taken = [_reserved(t["Spec"]) for t in tasks]
    fitting = [
        max(0, total[i] - sum(t[i] for t in taken)) // each[i] for i in range(2) if each[i] > 0
    ]
    return min(fitting, default=UNBOUNDED)


def fits(constraint: str, node: Object) -> bool:
    """Whether a node is one that a constraint (`node.labels.disk==ssd`) asks for."""
    unequal = "!=" in constraint
    key, _, value = constraint.partition("!=" if unequal else "==")
    found = _property(key.strip(), node)
    if found is None:
        return False  # as Swarm: what it does not know fits no node
    return (found.casefold() == value.strip().casefold()) != unequal


def _property(key: str, node: Object) -> str | None:
    told, spec = node["Description"], node["Spec"]
    for prefix, labels in (
        ("node.labels.", spec.get("Labels")),
        ("engine.labels.", (told.get("Engine") or {}).get("Labels")),
    ):
        if key.casefold().startswith(prefix):
            return str((labels or {}).get(key[len(prefix) :], ""))
    platform = told.get("Platform") or {}
    known = {
        "node.id": node["ID"],
        "node.hostname": told.get("Hostname", ""),
        "node.role": spec.get("Role", ""),
        "node.ip": node["Status"].get("Addr", ""),
        "node.platform.os": platform.get("OS", ""),
        "node.platform.arch": platform.get("Architecture", ""),
    }
    return known.get(key.casefold())
