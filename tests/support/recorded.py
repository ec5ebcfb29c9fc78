"""A real environment as its Swarm listed it: three managers, the apps hello, db and wiki.

Trimmed to what control reads. Tests change what they are about, and take a snapshot.
"""

import copy
import json
from pathlib import Path
from typing import Any

from control.reading import take
from control.snapshot import Snapshot

FOLDER = Path(__file__).parents[1] / "unit" / "recorded"
KINDS = ("services", "configs", "nodes", "tasks")
LISTS = {kind: json.loads((FOLDER / f"{kind}.json").read_text()) for kind in KINDS}
HELLO, NEXT = "hello-6368bb5c", "hello-0a1b2c3d"
STARTED = (
    "2026-11-24T22:10:00Z"  # of what a test adds: three minutes after the last recorded change
)
STARTED_EPOCH = 1795558200.0
Object = dict[str, Any]


class Recorded:
    """The four lists, to be changed at will."""

    def __init__(self) -> None:
        lists = copy.deepcopy(LISTS)
        self.services: list[Object] = lists["services"]
        self.configs: list[Object] = lists["configs"]
        self.nodes: list[Object] = lists["nodes"]
        self.tasks: list[Object] = lists["tasks"]

    def take(self) -> Snapshot:
        """What control makes of them."""
        return take(self.services, self.configs, self.nodes, self.tasks)

    def service(self, name: str) -> Object:
        """A service, by its name."""
        return next(s for s in self.services if s["Spec"]["Name"] == name)

    def node(self, name: str) -> Object:
        """A host."""
        return next(n for n in self.nodes if n["Description"]["Hostname"] == name)

    def tasks_of(self, service: str, *, wanted: bool = True) -> list[Object]:
        """A service's tasks: those that are to run, or those that have ended."""
        return [
            t
            for t in self.tasks
            if t["ServiceID"] == f"service-{service}" and (t["DesiredState"] == "running") == wanted
        ]

    def label(self, service: str, **labels: str | None) -> None:
        """Set `horcrux.KEY` of a service, or take it away."""
        there = self.service(service)["Spec"]["Labels"]
        for key, value in labels.items():
            there.pop(f"horcrux.{key}", None)
            if value is not None:
                there[f"horcrux.{key}"] = value

    def traffic(self, app: str, weights: Object, numbers: Object, at: str = STARTED) -> None:
        """Set an app's weights and its releases' numbers."""
        config = next(c for c in self.configs if c["Spec"]["Name"] == f"horcrux-traffic-{app}")
        config["UpdatedAt"] = at
        config["Spec"]["Labels"]["horcrux.weights"] = json.dumps(weights)
        config["Spec"]["Labels"]["horcrux.numbers"] = json.dumps(numbers)

    def scale(self, service: str, replicas: int) -> None:
        """Set how many tasks there are to be."""
        self.service(service)["Spec"]["Mode"] = {"Replicated": {"Replicas": replicas}}

    def next_release(self, replicas: int = 2, state: str = "running") -> None:
        """Another release of hello, made as Pulumi does, each task in this state."""
        service = copy.deepcopy(self.service(HELLO))
        service |= {"ID": f"service-{NEXT}", "CreatedAt": STARTED, "UpdatedAt": STARTED}
        service["Spec"]["Name"] = NEXT
        self.services.append(service)
        self.label(NEXT, release="0a1b2c3d")
        self.scale(NEXT, replicas)
        for slot in range(1, replicas + 1):
            self.task(NEXT, slot, state)

    def task(
        self, service: str, slot: int, state: str, host: str | None = "manager-1", **more: Any
    ) -> Object:
        """One more task of a service; one that failed is not to run."""
        failed = state in ("failed", "rejected")
        task = {
            "ID": f"{service}-more-{len(self.tasks)}",
            "CreatedAt": STARTED,
            "Spec": {"ContainerSpec": {"Labels": {"horcrux.release": service.rpartition("-")[2]}}},
            "ServiceID": f"service-{service}",
            "Slot": slot,
            "Status": {"Timestamp": STARTED, "State": state},
            "DesiredState": "shutdown" if failed else "running",
            "NetworksAttachments": [
                {"Network": {"Spec": {"Name": "apps"}}, "Addresses": [f"10.210.2.{100 + slot}/24"]}
            ],
            **more,
        }
        if host:
            task["NodeID"] = f"node-{host}"
        self.tasks.append(task)
        return task

    def fail(self, task: Object, at: str = STARTED, err: str = "task: non-zero exit (3)") -> None:
        """Let a task end badly."""
        task["Status"] = {
            "Timestamp": at,
            "State": "failed",
            "Err": err,
            "ContainerStatus": {"ExitCode": 3},
        }
        task["DesiredState"] = "shutdown"

    def lose(self, host: str) -> None:
        """Let a host be gone, as Swarm tells it."""
        node = self.node(host)
        node["Status"] |= {"State": "down", "Message": "heartbeat failure"}
        node["ManagerStatus"] |= {"Reachability": "unreachable"}
        node["UpdatedAt"] = STARTED
        for task in self.tasks:
            if task.get("NodeID") == f"node-{host}":
                task["DesiredState"] = "shutdown"
