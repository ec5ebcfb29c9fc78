"""What a phase of a walk wants of the Swarm. Pure.

Whoever makes the Swarm so, once or again, does the same: a control may die between any two changes.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from control.rollouts.plan import Plan
from control.rollouts.progress import Progress
from control.rollouts.seen import Seen

ALL = 100


@dataclass(frozen=True)
class Scale:
    """A service is to have so many tasks."""

    service: str
    replicas: int


@dataclass(frozen=True)
class Weights:
    """These releases are in play, with these shares."""

    weights: Mapping[str, int]


Action = Scale | Weights


def actions(plan: Plan, progress: Progress, seen: Seen) -> list[Action]:
    """What is to be changed, in this order, for the Swarm to be as the walk's phase wants it."""
    wanted = [a for a in (_old(plan, progress), _new(plan, progress, seen)) if a]
    scales = [
        a for a in wanted if a.service in seen.tasks and seen.tasks[a.service].desired != a.replicas
    ]
    shares = weights(plan, progress, seen)
    return [*scales, *([Weights(shares)] if shares not in (None, seen.weights) else [])]


def tasks(plan: Plan, progress: Progress) -> int:
    """How many tasks the new release is to have at the step where the walk is."""
    if plan.strategy == "rolling":
        return _after(plan, progress, progress.step)[0]
    if plan.strategy == "canary" and progress.step < len(plan.steps):
        return max(1, math.ceil(plan.replicas * plan.steps[progress.step].weight / 100))
    return plan.replicas


def last(plan: Plan, progress: Progress) -> bool:
    """Whether all requests are to go to the new release at this step."""
    if plan.strategy == "canary":
        return progress.step >= plan.length
    return progress.step >= plan.length - 1


def weights(plan: Plan, progress: Progress, seen: Seen) -> Mapping[str, int] | None:
    """The shares that the phase wants; None: as they are."""
    back, over = progress.back, progress.phase == "over"
    if over:
        return {plan.old if back and plan.old in seen.tasks else plan.new: ALL}
    if progress.phase in ("starting", "smoke"):
        return None
    if back:
        return {plan.old: ALL, plan.new: 0}
    if progress.phase == "draining" or last(plan, progress):
        return {plan.new: ALL, plan.old: 0}
    if plan.strategy == "canary":
        share = plan.steps[progress.step].weight
        return {plan.new: share, plan.old: ALL - share}
    new, old = _after(plan, progress, progress.step)
    return {plan.new: new, plan.old: old} if new else {plan.new: ALL, plan.old: 0}


def _new(plan: Plan, progress: Progress, seen: Seen) -> Scale | None:
    if not progress.back:
        return Scale(plan.new, tasks(plan, progress))
    if progress.phase == "over" and plan.old in seen.tasks:
        return Scale(plan.new, 0)
    return None


def _old(plan: Plan, progress: Progress) -> Scale | None:
    if progress.back or plan.strategy != "rolling":
        leaves = progress.phase == "over" and not progress.back
        return Scale(plan.old, 0 if leaves else progress.old_replicas)
    if progress.phase == "over":
        return Scale(plan.old, 0)
    if progress.phase == "draining" or progress.order == "promote":
        return None  # whatever it still has finishes its requests
    return Scale(plan.old, _after(plan, progress, progress.step - 1)[1])


def _after(plan: Plan, progress: Progress, batch: int) -> tuple[int, int]:
    """How many tasks the new and the old release have after a batch of a rolling walk.

    The old release may have had another number than the new one is to have.
    """
    if plan.replicas == 0:
        return 0, progress.old_replicas if batch < 0 else 0
    new = min(plan.replicas, (batch + 1) * plan.surge)
    return new, math.ceil(progress.old_replicas * (plan.replicas - new) / plan.replicas)
