"""The environment at one moment: hosts, apps, releases and tasks, as plain values.

Metrics, targets, events and pages are all made of it; reading.py makes it of what the Swarm says.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from control.rollouts.walk import Walk

FAILED = ("failed", "rejected")
UNPLACED = ("new", "pending")


@dataclass(frozen=True)
class Host:
    """A member of the cluster; `address` is its own, on the hosts' network."""

    name: str
    role: str
    zone: str
    state: str  # ready, down, unknown, drained
    address: str
    leader: bool = False
    reachable: bool = True  # a manager with whom the others agree
    message: str = ""
    changed: float = 0.0


@dataclass(frozen=True)
class Task:
    """One task: where it is, how it is, and how it ended."""

    id: str
    name: str  # as its container is called: SERVICE.SLOT
    service: str
    host: str | None
    state: str
    wanted: bool
    release: str
    at: float
    error: str = ""
    addresses: Mapping[str, str] = field(default_factory=dict)  # by network
    created: float = 0.0

    @property
    def running(self) -> bool:
        """Whether it serves: Swarm calls a task running once it is healthy."""
        return self.wanted and self.state == "running"


@dataclass(frozen=True)
class Release:
    """One service; of an app, or (with `app` empty) of the platform."""

    app: str
    service: str
    hash: str
    number: int | None
    weight: float
    desired: int
    created: float
    tasks: tuple[Task, ...] = ()
    metrics: Mapping[str, Any] | None = None
    edge: Mapping[str, Any] | None = None
    rolling_since: float | None = None  # Swarm itself replaces its tasks one by one
    changed: float = 0.0
    elastic: Mapping[str, Any] | None = None  # by what rules its number of tasks follows its load

    @property
    def running(self) -> int:
        """How many of its tasks serve."""
        return sum(t.running for t in self.tasks)

    @property
    def pending(self) -> int:
        """How many tasks are on no host, for none has room."""
        return sum(t.wanted and t.state in UNPLACED and not t.host for t in self.tasks)


@dataclass(frozen=True)
class Snapshot:
    """All of it; `weights` are each app's shares of traffic, by service, and when they were set.

    `walks`: each app's way from one release to the next; the last one, when none is under way.
    """

    hosts: tuple[Host, ...] = ()
    releases: tuple[Release, ...] = ()
    weights: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    weights_set: Mapping[str, float] = field(default_factory=dict)
    walks: Mapping[str, Walk] = field(default_factory=dict)

    def of_old(self) -> "Snapshot":
        """The same when the Swarm cannot be read any more: how the hosts are, nobody knows."""
        return replace(self, hosts=tuple(replace(h, state="unknown") for h in self.hosts))

    @property
    def apps(self) -> dict[str, list[Release]]:
        """Releases by app, the oldest first."""
        found: dict[str, list[Release]] = {}
        for release in sorted(self.releases, key=lambda r: (r.app, r.created)):
            if release.app:
                found.setdefault(release.app, []).append(release)
        return found

    @property
    def platform(self) -> list[Release]:
        """The platform's own services."""
        return [r for r in self.releases if not r.app]

    def rollout_since(self, app: str) -> float | None:
        """When the rollout that is under way began: a release has tasks and not yet all traffic."""
        if (walk := self.walks.get(app)) and not walk.over:
            return walk.plan.began
        releases = [r for r in self.apps.get(app, []) if r.desired]
        moved = [r.rolling_since for r in releases if r.rolling_since]
        if moved:
            return min(moved)
        if app not in self.weights:
            return None  # made by hand: Swarm's own business
        settled = [s for s, w in self.weights[app].items() if w]
        if len(settled) == 1 and {r.service for r in releases} <= set(settled):
            return None
        return max((r.created for r in releases), default=None)
