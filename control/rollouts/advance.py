"""One look of a walk: what it sees leads it on, or back. Pure."""

from collections.abc import Mapping
from dataclasses import replace

from control.rollouts.phases import PHASES
from control.rollouts.plan import Plan
from control.rollouts.progress import Progress
from control.rollouts.seen import Seen
from control.rollouts.turning import back, begun, entered
from control.rollouts.wanted import Action, Weights, actions

MOST_PHASES = 6  # in one look; a walk back from its first step has no more


def advance(
    plan: Plan, progress: Progress | None, seen: Seen, now: float
) -> tuple[Progress, list[Action]]:
    """The progress after this look, and what is to be done, in this order.

    The progress is to be noted after tasks were changed, and together with the weights.
    """
    if progress is None:
        old = seen.tasks.get(plan.old)
        progress = begun(plan, old.desired if old else 0, now)
    progress = _obeying(plan, progress, seen, now)
    for _ in range(MOST_PHASES):
        before, progress = progress, PHASES[progress.phase](plan, progress, seen, now)
        if before.phase == progress.phase or actions(plan, progress, seen):
            break  # nothing more is known of what comes after these
        seen = replace(seen, measured=None)  # what was measured belongs to the step before
    following = actions(plan, progress, seen)
    if any(
        isinstance(a, Weights) and _sharing(a.weights) != _sharing(seen.weights) for a in following
    ):
        progress = replace(progress, weighed=now)
    return progress, following


def _sharing(weights: Mapping[str, int]) -> dict[str, float]:
    """Who gets requests at all, and how large a part."""
    return {s: w / sum(weights.values()) for s, w in weights.items() if w}


def _obeying(plan: Plan, progress: Progress, seen: Seen, now: float) -> Progress:
    """What was ordered, done."""
    if progress.back or progress.phase == "over":
        return progress
    if progress.order == "abort":
        return back(plan, progress, seen, now, "rolled-back", f"aborted by {progress.by}")
    if progress.order != "promote" or progress.phase == "draining":
        return progress
    progress = replace(progress, paused=False, paused_at=None)
    if progress.phase == "smoke":
        return entered(progress, "shifting", now)
    final = plan.length if plan.strategy == "canary" else plan.length - 1
    if progress.step >= final:
        return progress
    return entered(replace(progress, step=final), "starting", now)
