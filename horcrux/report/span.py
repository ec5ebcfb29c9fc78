"""The stretch of time that a report is about, in buckets; and series that fit them."""

import math
from dataclasses import dataclass

from horcrux.report.queries import ALERT_POINTS
from horcrux.report.units import DAY, HOUR, MINUTE

STEPS = (MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 6 * HOUR, DAY)
BUCKETS = 200  # at most: more than this is finer than a chart can show
TICKS = (15 * MINUTE, 30 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY)
MOST_TICKS = 7  # labels that a chart has room for

Points = list[float | None]


@dataclass(frozen=True)
class Span:
    """From `start` to `end`, in buckets of `step` seconds; a bucket has the time of its end."""

    start: int
    end: int
    step: int

    @classmethod
    def back(cls, seconds: float, end: float) -> "Span":
        """The last so many seconds before `end`, in buckets that fit."""
        step = next((s for s in STEPS if seconds / s <= BUCKETS), STEPS[-1])
        buckets = max(2, math.ceil(seconds / step))
        return cls(int(end) - buckets * step, int(end), step)

    @property
    def times(self) -> list[int]:
        """The buckets."""
        return list(range(self.start + self.step, self.end + 1, self.step))

    @property
    def fine(self) -> int:
        """The step of what is asked by the minute, as far as Prometheus gives so many points."""
        return MINUTE * math.ceil((self.end - self.start) / ALERT_POINTS / MINUTE)

    @property
    def seconds(self) -> int:
        """How long it is."""
        return self.end - self.start

    def fitted(self, values: dict[int, float]) -> Points:
        """Samples by time as one value a bucket, None where there is none."""
        return [values.get(at) for at in self.times]

    def ticks(self, offset: int = 0) -> list[int]:
        """Where the time axis has labels: round times of a zone that is `offset` ahead of UTC."""
        every = next((t for t in TICKS if self.seconds / t <= MOST_TICKS), None)
        every = every or DAY * math.ceil(self.seconds / DAY / MOST_TICKS)
        first = math.ceil((self.start + offset) / every) * every - offset
        return list(range(first, self.end + 1, every))


def gaps(span: Span, known: list[bool]) -> list[tuple[int, int]]:
    """Stretches without any figure, as (from, to); `known` says it of each bucket."""
    found: list[tuple[int, int]] = []
    for at, there in zip(span.times, known, strict=True):
        if there:
            continue
        if found and found[-1][1] == at - span.step:
            found[-1] = (found[-1][0], at)
        else:
            found.append((at - span.step, at))
    return found
