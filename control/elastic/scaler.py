"""Gives elastic apps the tasks they need: looks every two seconds, decides, and tells the Swarm.

Every control looks, so that another one can go on at once; only the one that leads acts. An app on its
way to another release is left alone: the walk says how many tasks there are.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from control.elastic import capacity, measure
from control.elastic.apps import Elastic, elastic, problems
from control.elastic.load import Cpu, Latency, Load
from control.elastic.sampler import Sampler
from control.elastic.state import State, begin, step
from control.elastic.told import Teller
from control.prometheus import Prometheus
from control.watch import Watch

TICK_SECONDS = 2.0  # a burst has its tasks on the way within three looks
MEASURE_SECONDS = 5.0  # as often as Prometheus asks the edges
# A control that does not lead. Whoever wakes an app while another control takes over waits for 30 s.
STANDBY_SECONDS = 10.0
STALE_SECONDS = 20.0  # older measurements are none
SEEN_SECONDS = 8.0  # by then the snapshot has what was set: two looks at the Swarm and some

log = logging.getLogger("control")
Object = dict[str, Any]


class Cluster(Protocol):
    """What is read of the Swarm, and written."""

    async def services(self) -> list[Object]:
        """All services."""

    async def nodes(self) -> list[Object]:
        """All hosts."""

    async def tasks(self) -> list[Object]:
        """All tasks."""

    async def scale(self, service: str, replicas: int) -> None:
        """Set how many tasks a service is to have."""


@dataclass(frozen=True)
class Measured:
    """What Prometheus said at a moment: of processors by service, of latency by app."""

    at: float = float("-inf")
    cpu: Mapping[str, Cpu] = field(default_factory=dict)
    latency: Mapping[str, Latency] = field(default_factory=dict)


class Scaler:
    """`states`: what is known and decided of each elastic app."""

    def __init__(
        self,
        watch: Watch,
        swarm: Cluster,
        prometheus: Prometheus,
        sampler: Sampler,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.states: dict[str, State] = {}
        self._watch, self._swarm, self._prometheus = watch, swarm, prometheus
        self._sampler, self._clock = sampler, clock
        self._teller = Teller()
        self._measured = Measured()
        self._ticked = float("-inf")
        self._warned: set[str] = set()

    @property
    def acts(self) -> bool:
        """Whether it is for this control to act."""
        return self._watch.leads and self._watch.readable

    async def tick(self) -> None:
        """Look once, and act if that is for this control. Raises what went wrong first, when all is done."""
        now = self._clock()
        if not self.acts and now - self._ticked < STANDBY_SECONDS:
            return
        self._ticked = now
        snapshot = self._watch.snapshot
        self._warn(problems(snapshot))
        apps = elastic(snapshot)
        names = {one.app for one in apps}
        self.states = {app: state for app, state in self.states.items() if app in names}
        if apps:
            await self._sampler.look(snapshot, now)
            await _all(self._app(one, now) for one in apps)

    async def measure(self) -> None:
        """Ask Prometheus about the apps whose target needs it. Raises UpstreamError."""
        apps = elastic(self._watch.snapshot)
        services = {one.release.service for one in apps if one.policy.kind == "cpu"}
        limits = measure.limits(await self._swarm.services(), services) if services else {}
        cpu = await measure.cpu(self._prometheus, limits)
        slow = {one.app for one in apps if one.policy.kind == "latency_p95"}
        latency = await measure.latency(self._prometheus, slow)
        self._measured = Measured(self._clock(), cpu, latency)

    async def _app(self, one: Elastic, now: float) -> None:
        service, running = one.release.service, one.release.running
        state = self.states.get(one.app)
        if state is None or state.service != service:
            state = begin(service, one.release.desired, now)
        if state.set_at is None or now - state.set_at >= SEEN_SECONDS:
            state = state.at(one.release.desired, now)  # else the snapshot may be of before
        load = self._load(one, now)
        after = step(state, one.policy, load, running, now)
        if after.decision and after.decision.replicas > state.current:
            after = step(state, one.policy, load, running, now, await self._room(service))
        self.states[one.app] = after
        if self.acts:
            await self._carry_out(one.app, after, now)

    async def _carry_out(self, app: str, state: State, now: float) -> None:
        decision = state.decision
        if decision is None:
            return
        if decision.replicas != state.current:
            await self._swarm.scale(state.service, decision.replicas)
            self.states[app] = state.set(decision.replicas, now)
        for event in self._watch.events.add(self._teller.of(app, state, now)):
            log.info("event: %s", event.text)

    def _load(self, one: Elastic, now: float) -> Load:
        routed = one.release.edge is not None
        load = self._sampler.load(one.app, one.services, now) if routed else Load()
        if now - self._measured.at > STALE_SECONDS:
            return load
        cpu = self._measured.cpu.get(one.release.service)
        return replace(load, cpu=cpu, latency=self._measured.latency.get(one.app))

    async def _room(self, service: str) -> int:
        services, nodes, tasks = await asyncio.gather(
            self._swarm.services(), self._swarm.nodes(), self._swarm.tasks()
        )
        found = next((s for s in services if s["Spec"]["Name"] == service), None)
        return capacity.room(found, nodes, tasks) if found else 0

    def _warn(self, found: Mapping[str, str]) -> None:
        for sentence in set(found.values()) - self._warned:
            log.warning("%s; its tasks stay as they are", sentence)
        self._warned = set(found.values())


async def _all(actions: Iterable[Coroutine[Any, Any, None]]) -> None:
    """All of them, whatever becomes of the others; then the first failure is raised."""
    for result in await asyncio.gather(*actions, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result
