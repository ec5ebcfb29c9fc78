"""Carries walks out: looks once a second, asks advance.py what follows, does it and notes it."""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

from control import edges
from control.backend import TRAFFIC_PREFIX, WEIGHTS
from control.reading import NUMBERS, take, walks
from control.rollouts.advance import advance
from control.rollouts.measure import Asked, Measured, measure
from control.rollouts.plan import Plan
from control.rollouts.progress import Progress
from control.rollouts.seen import Edges, Seen, Tasks
from control.rollouts.smoke import Smoke
from control.rollouts.walk import PROGRESS, Walk
from control.rollouts.wanted import Action, Scale, Weights
from control.rollouts.watching import due
from control.snapshot import FAILED, Release, Snapshot
from control.swarm import Object, OutdatedError, Swarm, SwarmError

TICK_SECONDS = 1.0  # what a phase waits for takes seconds
# By which the clocks of two managers may differ: tasks are dated by the leader's.
CLOCK_SECONDS = 2.0

log = logging.getLogger("control")


@dataclass(frozen=True)
class Look:
    """What is read at one moment for all walks."""

    snapshot: Snapshot
    services: Mapping[str, Object]
    edges: Edges


class Conductor:
    """The walks of the environment. Every control has one; that of the manager that leads acts."""

    def __init__(
        self,
        swarm: Swarm,
        prometheus: Asked,
        host: str,
        ask_edges: Callable[[Swarm], Any] = edges.gather,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`host`: the one that this control runs on."""
        self._swarm, self._prometheus, self._host = swarm, prometheus, host
        self._ask_edges, self._clock = ask_edges, clock
        self._smoke = Smoke(swarm)

    async def tick(self) -> None:
        """Carry each walk on by one look. Raises what reading the Swarm raises."""
        configs = await self._swarm.configs()
        under_way = {app: walk for app, walk in walks(configs).items() if not walk.over}
        if not under_way:
            return
        services, nodes, tasks = await asyncio.gather(
            self._swarm.services(), self._swarm.nodes(), self._swarm.tasks()
        )
        snapshot = take(services, configs, nodes, tasks)
        if not any(h.leader and h.name == self._host for h in snapshot.hosts):
            return
        asked = any(walk.plan.routed for walk in under_way.values())
        said = seen_by_edges(await self._ask_edges(self._swarm)) if asked else Edges()
        look = Look(snapshot, {s["Spec"]["Name"]: s for s in services}, said)
        by_name = {c["Spec"]["Name"]: c for c in configs}
        await asyncio.gather(
            *(
                self._carry_on(app, walk, by_name[f"{TRAFFIC_PREFIX}{app}"], look)
                for app, walk in under_way.items()
            )
        )

    async def _carry_on(self, app: str, walk: Walk, config: Object, look: Look) -> None:
        """One walk's look. What fails is tried again at the next; other walks do not wait for it."""
        try:
            seen = await self._see(app, walk, look)
            progress, actions = advance(walk.plan, walk.progress, seen, self._clock())
            for action in actions:
                if isinstance(action, Scale):
                    await self._swarm.scale(action.service, action.replicas)
            await self._note(config, walk, progress, actions)
            if progress.phase != "smoke":
                await self._smoke.clear(walk.plan, look.services)
        except OutdatedError:
            log.info("%s: somebody else noted something; looking again", app)
        except (SwarmError, TimeoutError, aiohttp.ClientError) as error:
            log.warning("%s: its release is not carried on: %r; trying again", app, error)

    async def _note(
        self, config: Object, walk: Walk, progress: Progress, actions: Sequence[Action]
    ) -> None:
        """Progress and weights at once, so that nobody sees the one without the other."""
        labels = dict(config["Spec"].get("Labels") or {})
        before = dict(labels)
        labels[PROGRESS] = progress.label()
        for action in actions:
            if isinstance(action, Weights):
                labels |= shares(walk.plan, labels, action.weights)
        if labels != before:
            await self._swarm.label(config, labels)

    async def _see(self, app: str, walk: Walk, look: Look) -> Seen:
        plan, progress = walk.plan, walk.progress
        releases = {r.service: r for r in look.snapshot.releases}
        began = progress.began if progress else self._clock()
        tasks = {s: tasks_of(releases[s], began) for s in (plan.new, plan.old) if s in releases}
        tried = None
        if progress and progress.phase == "smoke" and plan.new in releases:
            tried = await self._smoke.look(plan, releases[plan.new], look.services)
        measured = await self._measured(app, plan, progress)
        return Seen(tasks, look.snapshot.weights.get(app, {}), look.edges, tried, measured)

    async def _measured(self, app: str, plan: Plan, progress: Progress | None) -> Measured | None:
        asked = due(plan, progress, self._clock()) if progress else None
        if asked is None:
            return None
        return await measure(self._prometheus, app, plan, asked.window, asked.former)


def tasks_of(release: Release, began: float) -> Tasks:
    """A release's tasks, and those that failed since the walk began."""
    failed = [t for t in release.tasks if t.state in FAILED and t.created >= began - CLOCK_SECONDS]
    return Tasks(release.desired, release.running, len(failed))


def seen_by_edges(gathered: Mapping[str, Any]) -> Edges:
    """What `control.edges.gather` found, as a walk needs it."""
    version, answers = gathered["version"], gathered["edges"]
    heard = {host: a for host, a in answers.items() if a["version"] is not None}
    refused = [
        f"cannot be served: the edge on {host} refused its configuration: {a['error']}"
        for host, a in heard.items()
        if a.get("refused") == version
    ]
    names = {name for a in heard.values() for name in a["releases"]}

    def told(of: str) -> dict[str, list[int]]:
        return {n: [a["releases"].get(n, {}).get(of, 0) for a in heard.values()] for n in names}

    return Edges(
        bool(heard) and all(a["version"] == version for a in heard.values()),
        tuple(sorted(answers.keys() - heard.keys())),
        refused[0] if refused else "",
        {name: min(counts) for name, counts in told("up").items()},
        {name: sum(counts) for name, counts in told("sessions").items()},
    )


def shares(plan: Plan, labels: Mapping[str, str], weights: Mapping[str, int]) -> dict[str, str]:
    """The labels of these weights, and of the releases' numbers."""
    known = {**json.loads(labels.get(NUMBERS, "{}")), plan.new: plan.number}
    return {
        WEIGHTS: json.dumps(dict(weights), sort_keys=True),
        NUMBERS: json.dumps(known, sort_keys=True),
    }
