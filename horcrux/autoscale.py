"""How many workers an environment wants: one more when tasks find no room, one fewer when the last is idle.

Pure; `horcrux autoscale` looks at the cluster, remembers what it saw, and changes `hosts.workers`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from control.elastic.capacity import ENDED, room

WAITED_SECONDS = 10  # a task may wait for a moment while others leave
Object = Mapping[str, Any]


@dataclass(frozen=True)
class Bounds:
    """Between which numbers of workers; `idle`: seconds for which one must not have been needed."""

    least: int
    most: int
    idle: float


@dataclass(frozen=True)
class Memory:
    """Since when tasks wait for room, and since when the last worker is not needed; None: not now."""

    short_since: float | None = None
    idle_since: float | None = None


@dataclass(frozen=True)
class Decision:
    """The number of workers, why, and what to remember; `limited`: more are wanted than may be."""

    workers: int
    reason: str
    memory: Memory
    limited: bool = False


def decide(
    workers: int, bounds: Bounds, waiting: Sequence[str], spare: bool, memory: Memory, now: float
) -> Decision:
    """`waiting`: services that lack room; `spare`: whether the last worker's tasks fit on other hosts."""
    if waiting:
        since = now if memory.short_since is None else memory.short_since
        kept = Memory(short_since=since)
        names = ", ".join(sorted(waiting))
        if now - since < WAITED_SECONDS:
            return Decision(workers, f"no room for {names}", kept)
        if workers >= bounds.most:
            reason = f"no room for {names}, and hosts.elastic.max_workers is {bounds.most}"
            return Decision(workers, reason, kept, limited=True)
        return Decision(workers + 1, f"no room for {names}", Memory())
    if not spare or workers <= bounds.least:
        return Decision(workers, "all is placed", Memory())
    since = now if memory.idle_since is None else memory.idle_since
    kept = replace(memory, short_since=None, idle_since=since)
    if now - since < bounds.idle:
        return Decision(workers, f"worker-{workers} is not needed", kept)
    reason = f"worker-{workers} has not been needed for {now - since:.0f} s"
    return Decision(workers - 1, reason, Memory())


def waiting(services: Sequence[Object], tasks: Sequence[Object]) -> list[str]:
    """The apps' services with tasks that Swarm can place on no host."""
    names = {s["ID"]: s["Spec"]["Name"] for s in services if _app(s)}
    return sorted(
        {
            names[task["ServiceID"]]
            for task in tasks
            if task.get("ServiceID") in names
            and task["DesiredState"] == "running"
            and task["Status"]["State"] == "pending"
            and not task.get("NodeID")
        }
    )


def spare(
    host: str, services: Sequence[Object], nodes: Sequence[Object], tasks: Sequence[Object]
) -> bool:
    """Whether all of a host's tasks would find room on the others."""
    ids = {n["ID"] for n in nodes if n["Description"].get("Hostname") == host}
    others = [n for n in nodes if n["ID"] not in ids]
    there = [t for t in tasks if t.get("NodeID") in ids and t["Status"]["State"] not in ENDED]
    placed = [t for t in tasks if t not in there]
    for service in services:
        if not _app(service):
            continue
        own = [t for t in there if t.get("ServiceID") == service["ID"]]
        for task in own:
            target = _with_room(service, others, placed)
            if target is None:
                return False
            placed.append({**task, "NodeID": target})
    return True


def _with_room(service: Object, nodes: Sequence[Object], tasks: Sequence[Object]) -> str | None:
    """A host that one more task of a service fits on."""
    return next((str(n["ID"]) for n in nodes if room(service, [n], tasks)), None)


def _app(service: Object) -> bool:
    return "horcrux.app" in (service["Spec"].get("Labels") or {})
