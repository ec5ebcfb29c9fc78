"""How many tasks there are to be. Pure.

More at once; fewer only as far as nothing in the last `cooldown` seconds needed more. So two decisions
against each other, first up and then down, are at least that far apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from control.elastic.load import WINDOW_SECONDS
from control.elastic.need import wanted
from control.elastic.policy import Policy
from control.elastic.schedule import Bounds, bounds

Limited = Literal["", "max", "room"]


@dataclass(frozen=True)
class Sample:
    """What was needed at a moment; `idle`: for how many seconds nothing has been asked."""

    at: float
    tasks: int
    text: str
    idle: float = 0.0


@dataclass(frozen=True)
class Decision:
    """So many tasks, and why; `wanted`: how many there would be if nothing limited them."""

    replicas: int
    reason: str
    wanted: int
    bounds: Bounds
    limited: Limited = ""


def remember(samples: Sequence[Sample], new: Sample, cooldown: float) -> tuple[Sample, ...]:
    """The samples that can still matter: none of an earlier one that needed no more than a later one."""
    kept = [s for s in samples if s.at > new.at - cooldown and s.tasks > new.tasks]
    return (*kept, new)


def decide(
    policy: Policy,
    samples: Sequence[Sample],
    current: int,
    now: float,
    capacity: int | None = None,
) -> Decision:
    """`samples`: at least one, the latest last; `capacity`: how many more tasks find room, if it is known."""
    limits, latest = bounds(policy, now), samples[-1]
    if _may_sleep(policy, limits):
        if latest.idle >= max(policy.scale_to_zero or 0.0, WINDOW_SECONDS):
            return Decision(0, _asleep(policy, current), 0, limits)
        if current == 0:
            needed = max(1, limits.min, latest.tasks)
            return _limited(needed, current, capacity, limits, "asked while it slept")
    highest = max(samples, key=lambda s: s.tasks)
    if latest.tasks > current:
        needed, reason = latest.tasks, f"{latest.text}, {wanted(policy)}"
    else:
        needed = min(current, highest.tasks)
        at_most = "at most " if needed < current and len(samples) > 1 else ""
        within = f" in the last {policy.cooldown:.0f} s" if at_most else ""
        reason = f"{at_most}{highest.text}{within}, {wanted(policy)}"
    return _limited(needed, current, capacity, limits, reason)


def _may_sleep(policy: Policy, limits: Bounds) -> bool:
    """An entry of the schedule that asks for more than `min` is there to have tasks ready."""
    return policy.scale_to_zero is not None and limits.min <= policy.min


def _asleep(policy: Policy, current: int) -> str:
    return f"no request for {policy.scale_to_zero:.0f} s" if current else "asleep"


def _limited(
    needed: int,
    current: int,
    capacity: int | None,
    limits: Bounds,
    reason: str,
) -> Decision:
    """The decision within the bounds and the room that there is."""
    since = f" since {limits.since}" if limits.since else ""
    most = limits.max
    replicas = min(max(needed, limits.min), most)
    limited: Limited = ""
    if needed < limits.min:
        reason = f"at least {limits.min}{since}; {reason}"
    if needed > most:
        limited = "max"
        reason = f"{reason}; {needed} are needed, at most {most} allowed{since}"
    if capacity is not None and replicas > current + capacity:
        limited = "room"
        more = f"only {capacity} more" if capacity else "no more"
        reason = f"{reason}; {replicas} are wanted, hosts have room for {more}"
        replicas = current + capacity
    return Decision(replicas, reason, max(needed, limits.min), limits, limited)
