"""A walk: its plan, and its progress once control has begun it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from control.rollouts.plan import Plan, PlanError, of_label
from control.rollouts.progress import Progress, progress_of

PLAN, PROGRESS = "horcrux.walk", "horcrux.progress"


@dataclass(frozen=True)
class Walk:
    """The walk of an app that is under way, or the last one."""

    plan: Plan
    progress: Progress | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)  # the plan as it was written

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.progress is not None and self.progress.outcome is not None

    @property
    def serving(self) -> str:
        """The service that has all requests once it has ended."""
        return self.plan.old if self.progress and self.progress.back else self.plan.new

    @property
    def waiting_since(self) -> float | None:
        """Since when it has waited for something; None while it is measured, and once it is over."""
        if self.progress is None:
            return self.plan.began
        measured = self.progress.phase == "watching"
        return None if measured or self.over else self.progress.since

    def as_json(self) -> dict[str, Any]:
        """For whoever looks at it; the app's settings, which are long, stay in the Swarm."""
        plan = {k: v for k, v in self.raw.items() if k != "settings"}
        return {"plan": plan, "progress": self.progress and self.progress.as_json()}

    def in_short(self) -> dict[str, Any]:
        """The same with the last verdict alone."""
        whole = self.as_json()
        if progress := whole["progress"]:
            whole["progress"] = {**progress, "verdicts": progress["verdicts"][-1:]}
        return whole


def walk_of(labels: Mapping[str, str]) -> Walk | None:
    """The walk that the labels of an app's config tell of; None where there is none that can be read."""
    if not labels.get(PLAN):
        return None
    try:
        plan, raw = of_label(labels[PLAN])
    except PlanError:
        return None
    progress = progress_of(labels.get(PROGRESS))
    return Walk(plan, progress if progress and progress.id == plan.id else None, raw)
