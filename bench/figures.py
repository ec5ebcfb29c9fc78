"""A measured figure: some runs, and their median."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Literal

Unit = Literal["s", "ms", "MB", "kB", "MB/s", "requests", "requests/s", "ratio", "%"]


@dataclass(frozen=True)
class Figure:
    """One thing that was measured in several runs; % is of a processor.

    `aim` is what the design hopes for, in words; `note` is how it was measured; `details` what a
    reader of the JSON may want beside it.
    """

    name: str
    title: str
    unit: Unit
    runs: tuple[float, ...]
    aim: str = ""
    note: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def median(self) -> float:
        """The figure itself."""
        return median(self.runs)

    def as_json(self) -> dict[str, Any]:
        """What build/bench.json says of it; numbers to three places."""
        return {
            "name": self.name,
            "title": self.title,
            "unit": self.unit,
            "median": round(self.median, 3),
            "runs": [round(run, 3) for run in self.runs],
            "aim": self.aim,
            "note": self.note,
            "details": self.details,
        }


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, ...]:
    """Ours by theirs, run by run, so that what slows the whole machine down cancels out."""
    return tuple(mine / other for mine, other in zip(ours, theirs, strict=True))
