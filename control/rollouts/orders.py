"""What people order of a walk that is under way: to stand still, to go on, to its end, or back."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from control.backend import TRAFFIC_PREFIX
from control.rollouts.plan import Plan
from control.rollouts.progress import Progress
from control.rollouts.turning import begun
from control.rollouts.walk import PROGRESS, Walk, walk_of
from control.swarm import Object, OutdatedError

ORDERS = ("pause", "resume", "promote", "abort")
TRIES = 10  # the control that leads notes its progress about once a second
AGAIN_SECONDS = 0.2


class OrderError(Exception):
    """An order that cannot be obeyed; the message says why."""


class Orderly(Protocol):
    """The part of control.swarm.Swarm that is needed here."""

    async def services(self) -> list[Object]:
        """All services."""

    async def configs(self) -> list[Object]:
        """All configs."""

    async def label(self, config: Object, labels: dict[str, str]) -> None:
        """Give a config other labels. Raises OutdatedError."""


async def give(
    swarm: Orderly, app: str, order: str, by: str, clock: Callable[[], float] = time.time
) -> Walk:
    """Note an order, for the control that leads. Raises OrderError, and OutdatedError after TRIES."""
    for attempt in range(TRIES):
        name = f"{TRAFFIC_PREFIX}{app}"
        config = next((c for c in await swarm.configs() if c["Spec"]["Name"] == name), None)
        labels = (config["Spec"].get("Labels") or {}) if config else {}
        walk = walk_of(labels)
        if config is None or walk is None or walk.over:
            raise OrderError(f"{app}: no release is on its way")
        progress = walk.progress or await _begun(swarm, walk.plan, clock())
        following = ordered(walk.plan, progress, order, by, clock())
        try:
            await swarm.label(config, {**labels, PROGRESS: following.label()})
        except OutdatedError:
            if attempt == TRIES - 1:
                raise
            await asyncio.sleep(AGAIN_SECONDS)
        else:
            return replace(walk, progress=following)
    raise AssertionError("the last try answers or raises")


def ordered(plan: Plan, progress: Progress, order: str, by: str, now: float) -> Progress:
    """The progress with an order in it. Raises OrderError when it comes too late, or is none."""
    if order not in ORDERS:
        raise OrderError(f"{order!r} is no order: there are {', '.join(ORDERS)}")
    new, old = plan.names
    if progress.back and order != "abort":
        raise OrderError(f"{new} is on its way back to {old}: {progress.reason}")
    if progress.phase == "draining" and order in ("pause", "resume"):
        raise OrderError(f"{new} has all requests already; abort takes them back to {old}")
    if progress.back or (order == "promote" and progress.phase == "draining"):
        return progress
    match order:
        case "pause":
            stands = progress.paused_at if progress.paused else now
            return replace(progress, paused=True, paused_at=stands, by=by)
        case "resume":
            return resumed(replace(progress, by=by), now)
        case "promote":
            return replace(resumed(progress, now), order="promote", by=by)
        case _:
            return replace(progress, order="abort", by=by)


def resumed(progress: Progress, now: float) -> Progress:
    """The walk goes on; the time that it stood still does not count."""
    if not progress.paused:
        return progress
    stood = now - (now if progress.paused_at is None else progress.paused_at)
    return replace(
        progress, paused=False, paused_at=None, since=progress.since + stood, healthy_at=None
    )


async def _begun(swarm: Orderly, plan: Plan, now: float) -> Progress:
    found = next((s for s in await swarm.services() if s["Spec"]["Name"] == plan.old), None)
    mode = found["Spec"]["Mode"].get("Replicated", {}) if found else {}
    return begun(plan, int(mode.get("Replicas", 0)), now)
