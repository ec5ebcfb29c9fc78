"""A small cloud for elastic apps: a Swarm, edges and Prometheus of which a test says how they are."""

import time
from typing import Any

from control.elastic.sampler import Sampler
from control.elastic.scaler import Scaler
from control.event_log import EventLog
from control.prometheus import Series
from control.rollouts.walk import Walk
from control.snapshot import Host, Release, Snapshot, Task
from control.upstream import UpstreamError
from control.watch import LOOK_SECONDS, Watch
from tests.support.control_parts import NOWHERE

SERVICE = "web-1a2b3c4d"
NANO = 1_000_000_000
EACH = NANO // 10  # what a task reserves
START = 1_790_000_000.0
Object = dict[str, Any]


class PlayedSwarm:
    """One service; three hosts that have room for ten of its tasks each."""

    def __init__(self, replicas: int) -> None:
        self.replicas, self.hosts = replicas, 3
        self.scaled: list[tuple[str, int]] = []
        self.broken: Exception | None = None

    async def services(self) -> list[Object]:
        resources = {"Limits": {"NanoCPUs": NANO // 2}, "Reservations": {"NanoCPUs": EACH}}
        return [
            {"ID": SERVICE, "Spec": {"Name": SERVICE, "TaskTemplate": {"Resources": resources}}}
        ]

    async def nodes(self) -> list[Object]:
        return [node(f"worker-{n}", cpus=1.0) for n in range(self.hosts)]

    async def tasks(self) -> list[Object]:
        return [task(SERVICE, f"worker-{n % self.hosts}") for n in range(self.replicas)]

    async def scale(self, service: str, replicas: int) -> None:
        if self.broken:
            raise self.broken
        self.scaled.append((service, replicas))
        self.replicas = replicas


class PlayedEdges:
    """Two edges, by address; None is one that does not answer."""

    def __init__(self) -> None:
        self.by_address: dict[str, Object | None] = {"10.0.0.1": status(), "10.0.0.2": status()}

    def ask(self, requests: float, app: str = "web") -> None:
        """Let them count requests."""
        for edge in self.well:
            edge["asked"][app] = edge["asked"].get(app, 0) + requests / len(self.well)

    def busy(self, sessions: int) -> None:
        """So many requests are under way at each."""
        for edge in self.well:
            edge["releases"] = {SERVICE: {"up": 1, "sessions": sessions}}

    @property
    def well(self) -> list[Object]:
        return [edge for edge in self.by_address.values() if edge]

    async def ask_at(self, address: str, method: str, path: str, **_: Any) -> Any:
        assert (method, path) == ("GET", "/status")
        if self.by_address[address] is None:
            raise UpstreamError(f"{address} does not answer")
        return self.by_address[address]


class PlayedPrometheus:
    """Answers by a word of the question."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Series]] = {}
        self.questions: list[str] = []

    async def now(self, query: str) -> list[Series]:
        self.questions.append(query)
        return next((found for word, found in self.answers.items() if word in query), [])


class Cloud:
    """One app, `web`, and the control that scales it."""

    def __init__(self, elastic: Object | None, replicas: int = 2) -> None:
        self.now, self.elastic = START, elastic
        self.running: int | None = None  # all tasks, if nothing else is said
        self.routed, self.leads = True, True
        self.walk: Walk | None = None
        self.others: dict[str, float] = {}  # other releases, with their weights
        self.swarm, self.edges = PlayedSwarm(replicas), PlayedEdges()
        self.prometheus = PlayedPrometheus()
        self.watch = Watch("manager-1", EventLog(NOWHERE))
        self._looked = 0.0
        parts: Any = (self.watch, self.swarm, self.prometheus, Sampler(self.edges))  # type: ignore[arg-type]
        self.scaler = Scaler(*parts, lambda: self.now)

    async def tick(self, times: int = 1, rate: float = 0.0, seconds: float = 2.0) -> None:
        """Let time pass, with so many requests per second at the edges together, and control look."""
        for _ in range(times):
            self.now += seconds
            self.edges.ask(rate * seconds)
            if self.now - self._looked >= LOOK_SECONDS:
                self.look()
            await self.scaler.tick()

    def look(self) -> None:
        """Let control read the Swarm."""
        self.watch.read_at, self._looked = time.monotonic(), self.now
        self.watch.snapshot = self.snapshot()

    def snapshot(self) -> Snapshot:
        """What control makes of the Swarm now."""
        hosts = (
            Host("manager-1", "manager", "a", "ready", "10.1.0.1", leader=self.leads),
            Host("manager-2", "manager", "b", "ready", "10.1.0.2", leader=not self.leads),
        )
        running = self.swarm.replicas if self.running is None else self.running
        web = Release(
            *("web", SERVICE, "1a2b3c4d", 2, 1.0, self.swarm.replicas, 0.0),
            tuple(_task(f"t{n}", SERVICE) for n in range(running)),
            edge={"port": 80} if self.routed else None,
            elastic=self.elastic,
        )
        edges = tuple(_task(f"edge-{a}", "horcrux-edge", a) for a in self.edges.by_address)
        releases = [
            Release("", "horcrux-edge", "", None, 1.0, len(edges), 0.0, edges),
            web,
            *(Release("web", name, "0", 1, w, 0, 0.0) for name, w in self.others.items()),
        ]
        return Snapshot(hosts, tuple(releases), walks={"web": self.walk} if self.walk else {})

    @property
    def told(self) -> list[str]:
        """The events' sentences."""
        return [event.text for event in self.watch.events.events]


def status(version: str = "v1", **asked: float) -> Object:
    """What an edge says of itself."""
    return {"version": version, "error": None, "releases": {}, "asked": dict(asked)}


def node(name: str, cpus: float = 2.0, memory: int = 4 << 30, **labels: str) -> Object:
    """A host as the Docker API lists it."""
    return {
        "ID": name,
        "Spec": {"Role": "worker", "Availability": "active", "Labels": labels},
        "Description": {
            "Hostname": name,
            "Resources": {"NanoCPUs": int(cpus * NANO), "MemoryBytes": memory},
            "Platform": {"OS": "linux", "Architecture": "x86_64"},
        },
        "Status": {"State": "ready", "Addr": "10.1.0.9"},
    }


def task(service: str, host: str | None, cpus: int = EACH, state: str = "running") -> Object:
    """A task as the Docker API lists it; `cpus`: billionths of processors that it reserves."""
    found: Object = {
        "ServiceID": service,
        "Spec": {"Resources": {"Reservations": {"NanoCPUs": cpus}}},
        "Status": {"State": state},
        "DesiredState": "running",
    }
    return {**found, "NodeID": host} if host else found


def _task(identity: str, service: str, address: str = "") -> Task:
    addresses = {"platform": address} if address else {}
    place = (f"{service}.1", service, "manager-1", "running", True, "", 0.0)
    return Task(identity, *place, addresses=addresses)
