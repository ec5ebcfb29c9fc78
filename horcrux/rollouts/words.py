"""A walk in words: what `status`, `release list` and an update without a terminal say. Pure."""

from typing import Any

from horcrux.cluster.walk import Walk
from horcrux.report.units import plain
from horcrux.rollouts.look import Look

PHASES = {
    "starting": "its tasks start",
    "smoke": "its smoke test runs",
    "shifting": "the edges follow",
    "watching": "it is measured",
    "draining": "the other release finishes what it has begun",
}
OUTCOMES = {"promoted": "has taken over", "rolled-back": "was rolled back", "failed": "failed"}


def number(walk: Walk) -> str:
    """What people call the new release."""
    return f"r{walk.plan['number']}"


def old_number(walk: Walk) -> str:
    """What people call the release that served before."""
    known = walk.plan.get("old_number")
    return f"r{known}" if known else str(walk.plan["old"])


def brief(walk: Walk, percent: int) -> str:
    """A walk under way: `r7 canary 25 %`, `r7 canary 25 %, paused`."""
    paused = ", paused" if walk.progress.get("paused") else ""
    return f"{number(walk)} {walk.plan['strategy']} {percent} %{paused}"


def stage(walk: Walk) -> str:
    """How far a walk is: `step 2 of 3: it is measured`."""
    if walk.over:
        return ending(walk)
    if not walk.progress:
        return "control is asked to begin"
    if walk.progress.get("ending") in ("rolled-back", "failed"):
        return f"on its way back: {plain(walk.reason)}"
    phase = PHASES.get(walk.progress.get("phase", ""), "it goes on")
    steps = walk.plan.get("steps") or ()
    step = int(walk.progress.get("step") or 0)
    return f"step {min(step + 1, len(steps))} of {len(steps)}: {phase}" if steps else phase


def ending(walk: Walk) -> str:
    """How a walk ended: `r7 was rolled back: errors 5.1 % …`."""
    told = f"{number(walk)} {OUTCOMES[str(walk.outcome)]}"
    return told if walk.outcome == "promoted" else f"{told}: {plain(walk.reason)}"


def last_verdict(walk: Walk) -> dict[str, Any] | None:
    """What was found when the new release was measured last."""
    verdicts = walk.progress.get("verdicts") or ()
    return dict(verdicts[-1]) if verdicts else None


def changes(before: Look | None, now: Look) -> list[str]:
    """What is new since the last look, in sentences."""
    known = _facts(before) if before else {}
    return [text for key, text in _facts(now).items() if key not in known]


def _facts(look: Look) -> dict[tuple[Any, ...], str]:
    """What there is to say, by what makes it worth saying again: a verdict's figures do not."""
    if look.walk is None:
        return {}
    if look.walk.over:
        stands = ending(look.walk)
    else:
        stands = f"{brief(look.walk, look.share(look.walk.plan['new']))}: {stage(look.walk)}"
    found: dict[tuple[Any, ...], str] = {("stands", stands): stands}
    if verdict := last_verdict(look.walk):
        key = ("verdict", verdict["step"], verdict["verdict"])
        found[key] = f"{number(look.walk)} {verdict['verdict']}: {plain(verdict['text'])}"
    return found
