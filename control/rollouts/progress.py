"""How far a walk has come: the label `horcrux.progress`, written by control alone."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

Phase = Literal["starting", "smoke", "shifting", "watching", "draining", "over"]
Outcome = Literal["promoted", "rolled-back", "failed"]
Order = Literal["promote", "abort"]
MOST_VERDICTS = 8  # the last minute's, nearly; a label is no log


@dataclass(frozen=True)
class Progress:
    """Where a walk is. Times are seconds since 1970, by control's clock."""

    id: str  # of the plan that it belongs to
    phase: Phase
    since: float  # when the phase began; moved on by the time that the walk stood still
    step: int = 0  # of the canary's steps, or batch of a rolling walk; beyond the last: the end
    paused: bool = False
    paused_at: float | None = None
    order: Order | None = None
    by: str = ""  # who ordered
    ending: Outcome | None = None  # how it is going to end, once that is decided
    outcome: Outcome | None = None  # how it ended
    reason: str = ""
    looks: int = 0  # at the new release's errors and times, with requests to look at
    verdicts: tuple[Mapping[str, Any], ...] = ()
    gap: float | None = None  # seconds without any task; no walk leaves one
    began: float = 0.0
    old_replicas: int = 0  # what the old release had, and has again after a way back
    healthy_at: float | None = None  # since when enough of the new release's tasks were healthy
    weighed: float = 0.0  # when the walk gave other shares of requests last
    turned: float = 0.0  # when it turned round

    @property
    def back(self) -> bool:
        """Whether it is on its way back to the old release."""
        return self.ending in ("rolled-back", "failed")

    def as_json(self) -> dict[str, Any]:
        """What the label and the API say."""
        return asdict(self)

    def label(self) -> str:
        """The label's text."""
        return json.dumps(self.as_json(), sort_keys=True)


def progress_of(text: str | None) -> Progress | None:
    """The progress in a label's text; None where there is none that can be read: then it begins anew."""
    try:
        raw = json.loads(text or "null")
        known = {f.name: raw[f.name] for f in fields(Progress) if f.name in raw}
        return Progress(**{**known, "verdicts": tuple(known.get("verdicts") or ())})
    except (ValueError, TypeError, RecursionError):
        return None
