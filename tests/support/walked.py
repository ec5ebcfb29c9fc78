"""A cluster in memory in which control leads an app from one release to the next, with a clock of its own.

It is what the conductor sees of a Swarm, of the edges and of Prometheus. Traffic is drawn anew for each
second from a seeded source, and split by the weights that the edges have.
"""

import json
import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import exp, inf
from typing import Any

from control.rollouts.conductor import Conductor
from control.rollouts.orders import give
from control.rollouts.progress import Progress, progress_of
from control.swarm import OutdatedError

OLD, NEW, APP = "web-aaaaaaaa", "web-bbbbbbbb", "web"
BOUNDS = (
    0.002,
    0.005,
    0.007,
    0.01,
    0.014,
    0.018,
    0.025,
    0.035,
    0.05,
    0.07,
    0.1,
    0.14,
    0.18,
    0.25,
    0.35,
)
BOUNDS = (*BOUNDS, 0.5, 0.7, 1.0, 1.4, 1.8, 2.5, 3.5, 5.0, 7.0, 10.0, 30.0, inf)
CONFIG = f"horcrux-traffic-{APP}"
START = 1_790_000_000.07
LONGEST = 4000  # seconds that a walk may take before a test gives up
Object = dict[str, Any]


class KilledError(BaseException):
    """Control is gone."""


@dataclass
class Behaviour:
    """How a release answers."""

    errors: float = 0.001
    median: float = 0.03  # seconds
    slow: float = 0.0  # share of requests that take a second
    starts_in: float = 2.0  # seconds until a task is healthy
    dies: bool = False


@dataclass
class World:
    """The cluster. `requests` are those of the app in a second."""

    requests: float = 100.0
    behaviour: dict[str, Behaviour] = field(default_factory=dict)
    routed: bool = True
    seed: int = 1

    def __post_init__(self) -> None:
        self.now = START
        self.random = random.Random(self.seed)
        self.services_by_name: dict[str, Object] = {}
        self.started: dict[str, list[float]] = {}
        self.failed: dict[str, list[float]] = {}
        self.labels: dict[str, str] = {}
        self.version = 1
        self.edge_lag = 1.0
        self.edges_told: list[tuple[float, dict[str, int]]] = []
        self.sessions: dict[str, int] = {}
        self.silent: set[str] = set()
        self.refuses = ""
        self.blind = False
        self.prometheus_away = False
        self.counts: dict[str, list[tuple[float, int, int, list[int]]]] = {OLD: [], NEW: []}
        self.values: dict[str, float] = {}  # of queries of the user's own, by service
        self.effects: list[str] = []
        self.kill_at: int | None = None
        self.most_wanted = 0
        self.unserved = 0
        self.log_text = "no database"
        self.job_state = "complete"
        for name, replicas, release in ((OLD, 4, "aaaaaaaa"), (NEW, 0, "bbbbbbbb")):
            self._make(name, replicas, release)
        self.started[OLD] = [START - 100] * 4
        self._set(horcrux_weights={OLD: 100, NEW: 0}, horcrux_numbers={OLD: 6, NEW: 7})
        self.edges_told = [(START - 100, {OLD: 100})]

    # What a test does.

    def begin(self, **more: Any) -> None:
        """Ask for a walk, as the provider does."""
        plan = {
            "id": "0011223344556677",
            "strategy": "rolling",
            "new": NEW,
            "release": "bbbbbbbb",
            "number": 7,
            "old": OLD,
            "old_number": 6,
            "replicas": 4,
            "surge": 1,
            "routed": self.routed,
            "drain": 30,
            "start_timeout": 300,
            "began": self.now,
            "image": "registry/web",
            "settings": {"port": 8080},
            **more,
        }
        self.labels["horcrux.walk"] = json.dumps(plan)
        self.conductor = self._conductor()

    async def run(self, until: Callable[["World"], bool] | None = None) -> Progress:
        """Let control work, a second at a time, until the walk is over or a condition holds."""
        for _ in range(LONGEST):
            try:
                await self.conductor.tick()
            except KilledError:
                self.conductor = self._conductor()  # another control, which knows nothing
            done = until(self) if until else self.progress.outcome is not None
            if done:
                return self.progress
            self._second()
        raise AssertionError(f"the walk does not end: {self.progress}")

    async def order(self, order: str, by: str = "anna") -> None:
        """Give an order."""
        swarm: Any = self
        await give(swarm, APP, order, by, self.clock)

    @property
    def progress(self) -> Progress:
        """How far it has come; a plan that nobody has begun is at its start."""
        found = progress_of(self.labels.get("horcrux.progress"))
        return found or Progress("", "starting", self.now)

    @property
    def weights(self) -> dict[str, int]:
        """The shares that are set."""
        found: dict[str, int] = json.loads(self.labels["horcrux.weights"])
        return found

    def replicas(self, service: str) -> int:
        """How many tasks a service is to have."""
        return int(self.services_by_name[service]["Spec"]["Mode"]["Replicated"]["Replicas"])

    def healthy(self, service: str) -> int:
        """How many tasks of a service serve."""
        how = self._how(service)
        if how.dies:
            return 0
        return sum(self.now - at >= how.starts_in for at in self.started.get(service, []))

    def remove_service(self, service: str) -> None:
        """Somebody removes a service by hand."""
        del self.services_by_name[service]
        self.started[service] = []

    def clock(self) -> float:
        """Now."""
        return self.now

    # What the conductor asks.

    async def services(self) -> list[Object]:
        """All services, as Docker lists them."""
        return json.loads(json.dumps(list(self.services_by_name.values())))  # type: ignore[no-any-return]

    async def configs(self) -> list[Object]:
        """The config with the app's labels."""
        spec = {"Name": CONFIG, "Labels": dict(self.labels)}
        return [
            {
                "ID": "c1",
                "Version": {"Index": self.version},
                "UpdatedAt": stamp(self.now),
                "Spec": spec,
            }
        ]

    async def nodes(self) -> list[Object]:
        """One manager, which leads."""
        return [
            {
                "ID": "n1",
                "Description": {"Hostname": "manager-1"},
                "Spec": {"Role": "manager", "Availability": "active"},
                "Status": {"State": "ready", "Addr": "10.0.0.1"},
                "ManagerStatus": {"Leader": True, "Reachability": "reachable"},
                "UpdatedAt": stamp(START),
            }
        ]

    async def tasks(self, **filters: list[str]) -> list[Object]:
        """All tasks, or a job's."""
        if filters:
            status = {"State": self.job_state, "Err": "task: non-zero exit (1)", "Timestamp": ""}
            return [{"Status": status}]
        found = []
        for name in self.services_by_name:
            for slot, at in enumerate(self.started.get(name, []), 1):
                how = self._how(name)
                well = not how.dies and self.now - at >= how.starts_in
                found.append(self._task(name, slot, at, "running" if well else "starting"))
            found += [self._task(name, 1, at, "failed") for at in self.failed.get(name, [])]
        return found

    async def scale(self, service: str, replicas: int) -> None:
        """Change how many tasks a service is to have."""
        self._effect(f"scale {service} {replicas}")
        self.services_by_name[service]["Spec"]["Mode"]["Replicated"]["Replicas"] = replicas
        there = self.started.setdefault(service, [])
        self.started[service] = there[:replicas] + [self.now] * (replicas - len(there))
        wanted = sum(self.replicas(name) for name in (OLD, NEW) if name in self.services_by_name)
        self.most_wanted = max(self.most_wanted, wanted)

    async def label(self, config: Object, labels: Mapping[str, str]) -> None:
        """Change the config's labels."""
        if config["Version"]["Index"] != self.version:
            raise OutdatedError("update out of sequence")
        before = self.labels["horcrux.weights"]
        self.labels, self.version = dict(labels), self.version + 1
        if labels["horcrux.weights"] != before:
            self.edges_told.append((self.now, self.weights))
        self._effect(f"label {self.weights}")

    async def create(self, spec: Object) -> None:
        """Make a service."""
        self._effect(f"create {spec['Name']}")
        self.services_by_name[spec["Name"]] = {
            "ID": spec["Name"],
            "CreatedAt": stamp(self.now),
            "UpdatedAt": stamp(self.now),
            "Spec": spec,
        }

    async def remove(self, service: str) -> None:
        """Take a service away."""
        if self.services_by_name.pop(service, None):
            self._effect(f"remove {service}")

    async def log(self, _: str, __: int) -> str:
        """What a service's tasks wrote."""
        return self.log_text

    async def edge_addresses(self) -> dict[str, str]:
        """Where the edges are."""
        return {"manager-1": "127.0.0.1"}

    async def edges(self, _: Any) -> Object:
        """What control.edges.gather says."""
        version = f"v{len(self.edges_told)}"
        current = self.now - self.edges_told[-1][0] >= self.edge_lag and not self.refuses
        answer = {
            "version": version if current else "v0",
            "error": self.refuses or None,
            "refused": version if self.refuses else None,
            "releases": {
                name: {
                    "up": 0 if self.blind else self.healthy(name),
                    "sessions": self.sessions.get(name, 0),
                }
                for name in self.services_by_name
            },
        }
        silent = {"version": None, "error": "does not answer", "releases": {}}
        found = {"manager-1": answer, **dict.fromkeys(self.silent, silent)}
        return {"version": version, "problems": [], "edges": found}

    # Prometheus.

    async def query(self, query: str, at: float | None = None) -> list[Object]:
        """The answer to one of measure.py's queries, or to one of a test's own."""
        from control.upstream import UpstreamError

        if self.prometheus_away:
            raise UpstreamError("horcrux-prometheus: no task runs")
        found = re.search(r'service="([^"]+)"(,code="5xx")?}\[(\d+)s\]', query)
        if not found:
            return [{"labels": {}, "values": [[self.now, self.values[query]]]}]
        service, errors, window = found[1], found[2], float(found[3])
        until = self.now if at is None else at
        seen = [c for c in self.counts[service] if until - window < c[0] <= until]
        stretched = window / max(1.0, window - 5)
        if "bucket" not in query:
            count = sum(c[2] if errors else c[1] for c in seen)
            return [{"labels": {}, "values": [[until, count * stretched]]}]
        totals = [sum(column) for column in zip(*(c[3] for c in seen), strict=True)]
        return [
            {
                "labels": {"le": str(bound)},
                "values": [[until, stretched * sum(totals[: i + 1])]],
            }
            for i, bound in enumerate(BOUNDS if totals else ())
        ]

    # Time.

    def _second(self) -> None:
        self.now += 1
        for name, there in self.started.items():
            if self._how(name).dies:
                gone = [at for at in there if self.now - at >= 2]
                self.failed.setdefault(name, []).extend(gone)
                self.started[name] = [self.now if at in gone else at for at in there]
        self.sessions = {name: max(0, n - 1) for name, n in self.sessions.items()}
        told = [w for at, w in self.edges_told if self.now - at >= self.edge_lag]
        self._serve(told[-1] if told else {})

    def _serve(self, weights: Mapping[str, int]) -> None:
        able = {s: w for s, w in weights.items() if w and self.healthy(s)}
        if not able:
            able = {s: 1 for s in weights if self.healthy(s)}
        self.unserved += not able and self.requests > 0
        for service, weight in able.items():
            count = poisson(self.random, self.requests * weight / sum(able.values()))
            self.counts[service].append((self.now, *drawn(self.random, count, self._how(service))))

    def _how(self, service: str) -> Behaviour:
        return self.behaviour.get(service, Behaviour())

    def _conductor(self) -> Conductor:
        swarm: Any = self
        return Conductor(swarm, Asked(self), "manager-1", self.edges, self.clock)

    def _effect(self, what: str) -> None:
        self.effects.append(what)
        if len(self.effects) == self.kill_at:
            raise KilledError

    def _set(self, **labels: Any) -> None:
        self.labels |= {k.replace("_", ".", 1): json.dumps(v) for k, v in labels.items()}

    def _make(self, name: str, replicas: int, release: str) -> None:
        rules = {"port": 8080, "routes": [["web.test", "/"]], "tester": "X-Canary"}
        labels = {"horcrux.app": APP, "horcrux.release": release}
        if self.routed:
            labels["horcrux.edge"] = json.dumps(rules)
        self.services_by_name[name] = {
            "ID": name,
            "CreatedAt": stamp(START - 1000 if name == OLD else START),
            "UpdatedAt": stamp(START),
            "Spec": {
                "Name": name,
                "Labels": {**labels, "horcrux.environment": "dev"},
                "Mode": {"Replicated": {"Replicas": replicas}},
                "TaskTemplate": {
                    "ContainerSpec": {
                        "Image": "registry/web@sha256:1",
                        "Labels": {"horcrux.release": release},
                        "Args": ["serve"],
                        "Env": ["A=1", "HORCRUX_DRAIN=30", "HORCRUX_DRAIN_PORT=8080"],
                    },
                    "Networks": [{"Target": "net1", "Aliases": [APP]}],
                },
            },
        }

    def _task(self, name: str, slot: int, at: float, state: str) -> Object:
        return {
            "ID": f"{name}.{slot}.{at}.{state}",
            "CreatedAt": stamp(at),
            "ServiceID": name,
            "NodeID": "n1",
            "Slot": slot,
            "Spec": {"ContainerSpec": {"Labels": {"horcrux.release": name.rpartition("-")[2]}}},
            "Status": {"State": state, "Timestamp": stamp(at), "Err": ""},
            "DesiredState": "shutdown" if state == "failed" else "running",
        }


class Asked:
    """The world's Prometheus."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def now(self, query: str, at: float | None = None) -> list[Object]:
        """The values at a moment."""
        return await self._world.query(query, at)


def drawn(source: random.Random, count: int, how: Behaviour) -> tuple[int, int, list[int]]:
    """How many of so many requests failed, and how many took how long (not cumulative)."""
    errors, times = 0, [0] * len(BOUNDS)
    for _ in range(count):
        errors += source.random() < how.errors
        slow = source.random() < how.slow
        seconds = 1.2 if slow else how.median * exp(source.gauss(0, 0.5))
        times[next(i for i, bound in enumerate(BOUNDS) if seconds <= bound)] += 1
    return count, errors, times


def poisson(source: random.Random, mean: float) -> int:
    """How many events happen, of which so many are to be expected."""
    if mean > 50:
        return max(0, round(source.gauss(mean, mean**0.5)))
    left, count = exp(-mean), -1
    product = 1.0
    while product > left:
        product *= source.random()
        count += 1
    return max(0, count)


def stamp(epoch: float) -> str:
    """A time as Docker writes it."""
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
