"""The phases of a walk: each function answers with the progress that follows from what is seen. Pure.

Going back is a walk of its own: some of the same phases, with `ending` set.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from control.rollouts.plan import Plan
from control.rollouts.progress import Outcome, Phase, Progress
from control.rollouts.seen import Seen
from control.rollouts.turning import back, entered, next_step
from control.rollouts.wanted import last, tasks, weights
from control.rollouts.watching import decided, looked

FAILURES = 3  # tasks that may fail before a release is given up: one may be bad luck
EDGE_SECONDS = 60.0  # edges follow within two seconds; a host that boots takes half a minute
EDGES_DISAGREE = (
    "is healthy, but the edges' own check (health.http, port) fails: compare its port and its health "
    "check with what it listens on"
)


def starting(plan: Plan, progress: Progress, seen: Seen, now: float) -> Progress:
    """Until the step's tasks are healthy, and every edge finds them so."""
    if progress.back:
        return _returning(plan, progress, seen, now)
    healthy = _healthy(plan, progress, seen)
    progress = replace(progress, healthy_at=(progress.healthy_at or now) if healthy else None)
    if trouble := (_not_found if healthy else _not_healthy)(plan, progress, seen, now):
        return back(plan, progress, seen, now, "failed", trouble)
    if not healthy or progress.paused or not _found(plan, progress, seen, now):
        return progress
    tested = plan.smoke is not None and progress.order != "promote"
    return entered(progress, "smoke" if tested else "shifting", now)


def _healthy(plan: Plan, progress: Progress, seen: Seen) -> bool:
    new, count = seen.tasks.get(plan.new), tasks(plan, progress)
    return new is not None and new.healthy >= count and new.desired >= count


def _not_healthy(plan: Plan, progress: Progress, seen: Seen, now: float) -> str | None:
    """Why no more is to be hoped for."""
    new = seen.tasks.get(plan.new)
    if new is None:
        return "is gone: its service was removed"
    if new.failed >= FAILURES:
        return f"failed {new.failed} times"
    if now - progress.since > plan.start_timeout and not progress.paused:
        return f"is not healthy after {plan.start_timeout:.0f} s"
    return None


def _found(plan: Plan, progress: Progress, seen: Seen, now: float) -> bool:
    """Whether the edges find the tasks well; one that is silent for long is not waited for."""
    edges = seen.edges
    if not plan.routed:
        return True
    if edges.silent and _patient(progress, now):
        return False
    return edges.current and edges.up.get(plan.new, 0) >= tasks(plan, progress)


def _not_found(plan: Plan, progress: Progress, seen: Seen, now: float) -> str | None:
    if plan.routed and seen.edges.refused:
        return seen.edges.refused
    if _found(plan, progress, seen, now) or _patient(progress, now):
        return None
    return EDGES_DISAGREE


def _patient(progress: Progress, now: float) -> bool:
    assert progress.healthy_at is not None
    return progress.paused or now - progress.healthy_at <= EDGE_SECONDS


def _returning(plan: Plan, progress: Progress, seen: Seen, now: float) -> Progress:
    """Until the old release has its tasks again; what it has must do when it takes too long."""
    old = seen.tasks.get(plan.old)
    if old and old.healthy < progress.old_replicas and now - progress.since <= plan.start_timeout:
        return progress
    return entered(progress, "shifting", now)


def smoke(plan: Plan, progress: Progress, seen: Seen, now: float) -> Progress:
    """Until the test of a release that has no request yet has ended."""
    assert plan.smoke
    if seen.smoke is None:
        if now - progress.since <= plan.smoke.timeout:
            return progress
        late = f"its smoke test has not ended within {plan.smoke.timeout:.0f} s"
        return back(plan, progress, seen, now, "rolled-back", late)
    if not seen.smoke.ok:
        text = f"its smoke test failed: {seen.smoke.text}"
        return back(plan, progress, seen, now, "rolled-back", text)
    return progress if progress.paused else entered(progress, "shifting", now)


def _lost(plan: Plan, progress: Progress, seen: Seen) -> str | None:
    """Why a release that had started well is no more to be led to, if that is so."""
    new = seen.tasks.get(plan.new)
    if progress.back or (new and new.failed < FAILURES):
        return None
    return f"{new.failed} of its tasks have failed" if new else "its service was removed"


def shifting(plan: Plan, progress: Progress, seen: Seen, now: float) -> Progress:
    """Until the edges have the weights. One that cannot be told for long is not waited for."""
    if plan.routed and seen.edges.refused and not progress.back:
        return back(plan, progress, seen, now, "failed", seen.edges.refused)
    if (lost := _lost(plan, progress, seen)) is not None:
        return back(plan, progress, seen, now, "rolled-back", lost)
    told = not plan.routed or (seen.edges.current and not seen.edges.silent)
    late = now - progress.since > EDGE_SECONDS
    if seen.weights != weights(plan, progress, seen) or not (told or late):
        return progress
    if progress.back or last(plan, progress):
        return entered(progress, "draining", now)
    if plan.strategy == "canary":
        return entered(progress, "watching", now)
    return progress if progress.paused else next_step(progress, now)


def watching(plan: Plan, progress: Progress, seen: Seen, now: float) -> Progress:
    """Until the step's time is over and the new release is good; at once back when it is bad."""
    if (lost := _lost(plan, progress, seen)) is not None:
        return back(plan, progress, seen, now, "rolled-back", lost)
    if seen.measured is None:
        return progress
    progress = looked(plan, progress, seen.measured, now)
    decision = decided(plan, progress, now)
    if decision == "on":
        return next_step(progress, now)
    if decision == "wait":
        return progress
    return back(plan, progress, seen, now, "rolled-back", decision.reason)


def draining(plan: Plan, progress: Progress, seen: Seen, now: float) -> Progress:
    """Until requests to the release that leaves have ended, or have had their time."""
    if (lost := _lost(plan, progress, seen)) is not None:
        return back(plan, progress, seen, now, "rolled-back", lost)
    leaving = plan.new if progress.back else plan.old
    if plan.routed and now - progress.since < plan.drain:
        known = seen.edges.current and not seen.edges.silent
        if not known or seen.edges.sessions.get(leaving, 0):
            return progress
    outcome: Outcome = progress.ending or "promoted"
    return replace(entered(progress, "over", now), ending=outcome, outcome=outcome)


def over(_: Plan, progress: Progress, __: Seen, ___: float) -> Progress:
    """For ever."""
    return progress


PHASES: Mapping[Phase, Callable[[Plan, Progress, Seen, float], Progress]] = {
    "starting": starting,
    "smoke": smoke,
    "shifting": shifting,
    "watching": watching,
    "draining": draining,
    "over": over,
}
