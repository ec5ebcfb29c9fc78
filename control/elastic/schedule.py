"""Which bounds hold at a moment. Pure.

An entry holds from its time until the next entry's, by the clock on the wall: an hour that comes twice,
or never, when clocks are changed does so here too. Before the week's first entry its last one holds.
"""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from control.elastic.policy import DAYS, Entry, Policy

MINUTES_A_DAY = 24 * 60


@dataclass(frozen=True)
class Bounds:
    """At least and at most so many tasks; `since` tells of the entry that says so: "Monday 08:30"."""

    min: int
    max: int
    since: str = ""


def bounds(policy: Policy, now: float) -> Bounds:
    """The bounds at `now`, seconds since 1970."""
    if not policy.schedule:
        return Bounds(policy.min, policy.max)
    local = datetime.fromtimestamp(now, ZoneInfo(policy.timezone))
    minute = local.weekday() * MINUTES_A_DAY + local.hour * 60 + local.minute
    moment, entry = _current(policy.schedule, minute)
    most = policy.max if entry.max is None else entry.max
    day, at = divmod(moment, MINUTES_A_DAY)
    return Bounds(min(entry.min, most), most, f"{DAYS[day]} {at // 60:02}:{at % 60:02}")


def _current(schedule: tuple[Entry, ...], minute: int) -> tuple[int, Entry]:
    """The entry that began last, and when, in minutes of the week; of two at once the later in the list."""
    begins = sorted(
        ((day * MINUTES_A_DAY + entry.at, entry) for entry in schedule for day in entry.days),
        key=lambda begin: begin[0],
    )
    return next((b for b in reversed(begins) if b[0] <= minute), begins[-1])
