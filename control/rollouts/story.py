"""What a walk has to tell, in sentences. Pure.

Each sentence has the walk's own time, so that every control that sees the walk tells the same.
"""

from collections.abc import Iterator

from control.rollouts.plan import Plan
from control.rollouts.progress import Progress
from control.rollouts.walk import Walk

Sentence = tuple[float, str, str]  # when, info or error, and what


def story(walk: Walk | None) -> Iterator[Sentence]:
    """All that is to be told of a walk up to now."""
    if walk is None or walk.progress is None:
        return
    plan, progress = walk.plan, walk.progress
    new, old = plan.names
    yield progress.began, "info", f"{new} is to take over from {old}, {_way(plan)}"
    yield from _steps(plan, progress)
    if progress.back:
        level = "info" if progress.order == "abort" else "error"
        yield progress.turned, level, f"{new} goes back to {old}: {progress.reason}"
    if progress.outcome == "promoted":
        yield progress.since, "info", f"{new} has taken over from {old}"


def stands(before: Walk | None, after: Walk) -> str | None:
    """What changed between two looks as to whether the walk stands still; it has no time of its own."""
    was = bool(before and before.progress and before.progress.paused)
    progress = after.progress
    if progress is None or progress.paused == was or progress.back or after.over:
        return None
    said = "stands still" if progress.paused else "goes on"
    return f"{after.plan.names[0]} {said}, as {progress.by or 'somebody'} ordered"


def _way(plan: Plan) -> str:
    if plan.strategy == "canary":
        return f"as a canary with {', '.join(str(s.weight) for s in plan.steps)} % of the requests"
    return "task by task" if plan.strategy == "rolling" else "all at once"


def _steps(plan: Plan, progress: Progress) -> Iterator[Sentence]:
    """What each step that is over came to: its last verdict."""
    new, _ = plan.names
    last = {int(v["step"]): v for v in progress.verdicts}
    for step, verdict in sorted(last.items()):
        if step < progress.step and verdict["verdict"] != "bad":
            said = "is good" if verdict["verdict"] == "good" else "goes on unjudged"
            text = f"{new} {said} at {verdict['weight']} %: {verdict['text']}"
            yield float(verdict["at"]), "info", text
