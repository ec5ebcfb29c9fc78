"""When a canary is looked at, and what its looks lead to. Pure."""

import math
from dataclasses import dataclass, replace
from typing import Literal

from control.rollouts.analysis import CHECKS, failing, judge
from control.rollouts.measure import Measured
from control.rollouts.plan import Plan
from control.rollouts.progress import MOST_VERDICTS, Progress
from control.rollouts.statistics import alpha

LOOK_SECONDS = 5.0  # as often as Prometheus looks at the edges
SHORTEST_SECONDS = 10.0  # of a window: two looks of Prometheus, between which something was counted


@dataclass(frozen=True)
class Back:
    """The canary is to go back, and why."""

    reason: str


Decision = Literal["on", "wait"] | Back


@dataclass(frozen=True)
class Look:
    """What is to be measured now; `former`: until when the old release had requests, if not until now."""

    window: float
    former: float | None


def due(plan: Plan, progress: Progress, now: float) -> Look | None:
    """The look that is to be made now."""
    if progress.phase != "watching" or progress.order:
        return None
    since = progress.since
    last = max((float(v["at"]) for v in progress.verdicts), default=since)
    elapsed, pause = now - since, _pause(plan, progress)
    late = not progress.paused and elapsed >= pause and last < since + pause
    if not late and (now - max(last, since) < LOOK_SECONDS or elapsed < SHORTEST_SECONDS):
        return None
    alone = plan.steps[progress.step].weight == 100
    return Look(max(elapsed, SHORTEST_SECONDS), since if alone else None)


def looked(plan: Plan, progress: Progress, measured: Measured, now: float) -> Progress:
    """The progress with the verdict on what was measured."""
    looks = progress.looks + bool(measured.new and measured.new.requests)
    level = alpha(plan.analysis.confidence, planned(plan), CHECKS, looks)
    before = [v for v in progress.verdicts if v["step"] == progress.step]
    verdict = judge(plan.analysis, measured, level, before)
    weight = plan.steps[progress.step].weight
    told = verdict.as_json(now, progress.step, weight, measured.window)
    return replace(progress, looks=looks, verdicts=(*progress.verdicts, told)[-MOST_VERDICTS:])


def decided(plan: Plan, progress: Progress, now: float) -> Decision:
    """What the last look leads to."""
    verdict = progress.verdicts[-1]
    if verdict["verdict"] == "bad":
        return Back(verdict["text"])
    if progress.paused or now - progress.since < _pause(plan, progress):
        return "wait"
    if name := failing(verdict, [q.name for q in plan.analysis.queries]):
        found = next(c for c in verdict["checks"] if c["name"] == name)
        return Back(f"at the end of the step {name} is {found['new']:.4g}, outside its bounds")
    return "on" if verdict["verdict"] == "good" else _without_data(plan, progress, now)


def _without_data(plan: Plan, progress: Progress, now: float) -> Decision:
    """What is done about a step that ends with too little to judge it by."""
    analysis, elapsed = plan.analysis, now - progress.since
    why = f"there is too little to judge it by: {progress.verdicts[-1]['text']}"
    if analysis.on_no_data == "promote":
        return "on"
    if analysis.on_no_data == "rollback":
        return Back(why)
    limit = max(_pause(plan, progress), analysis.no_data_limit)
    return Back(f"{why}, after {elapsed:.0f} s") if elapsed > limit else "wait"


def planned(plan: Plan) -> int:
    """How many looks a walk has in which a good release may be taken for a bad one by chance."""
    return sum(max(1, math.ceil(step.pause / LOOK_SECONDS)) for step in plan.steps)


def _pause(plan: Plan, progress: Progress) -> float:
    return plan.steps[progress.step].pause
