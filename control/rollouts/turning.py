"""From one phase of a walk to another, and back. Pure."""

from dataclasses import replace

from control.rollouts.plan import Plan
from control.rollouts.progress import Outcome, Phase, Progress
from control.rollouts.seen import Seen


def begun(plan: Plan, old_replicas: int, now: float) -> Progress:
    """A walk at its very beginning."""
    return Progress(plan.id, "starting", now, began=now, old_replicas=old_replicas)


def entered(progress: Progress, phase: Phase, now: float) -> Progress:
    """The same walk in another phase, from now on."""
    stands = now if progress.paused else None
    return replace(progress, phase=phase, since=now, healthy_at=None, paused_at=stands)


def next_step(progress: Progress, now: float) -> Progress:
    """The same walk, one step further."""
    return entered(replace(progress, step=progress.step + 1), "starting", now)


def back(
    plan: Plan, progress: Progress, seen: Seen, now: float, ending: Outcome, reason: str
) -> Progress:
    """Turn round: requests go to the old release again, at once where it has its tasks."""
    turned = replace(
        progress, ending=ending, reason=reason, turned=now, paused=False, paused_at=None
    )
    old = seen.tasks.get(plan.old)
    if old is None:
        kept = f"{reason}; {plan.old} is gone, so that there is nothing to go back to"
        return replace(entered(turned, "over", now), outcome="failed", reason=kept)
    # A rolling walk has taken tasks from it; else it was never touched.
    whole = plan.strategy != "rolling" or old.healthy >= progress.old_replicas
    return entered(turned, "shifting" if whole else "starting", now)
