"""How many tasks a load needs. Pure.

Up to a tenth above or below what the present tasks are to bear, they are the right number. The rules
for processors are those of Kubernetes' HorizontalPodAutoscaler ("Algorithm details" in its
documentation): tasks of which nothing is known yet count as idle before more are added, and as busy
as wanted before any are taken away.
"""

import math
from dataclasses import dataclass

from control.elastic.load import Cpu, Latency, Load
from control.elastic.policy import Policy

TOLERANCE = 0.1
ROUNDING = 1e-9  # 0.7 / 0.1 is not to need an eighth task
MOST_GROWTH = 2  # a queue makes latency grow without measure: one step at most doubles the tasks
LEAST_REQUESTS = 50  # so that a p95 is more than the slowest one or two


@dataclass(frozen=True)
class Tasks:
    """How many there are to be, and whether the measurements are of just these."""

    current: int
    settled: bool = True


@dataclass(frozen=True)
class Need:
    """So many tasks; `text` says what was measured."""

    tasks: int
    text: str


def need(policy: Policy, load: Load, tasks: Tasks) -> Need:
    """What the load needs; as many as there are where nothing is known."""
    found: Need | None = None
    match policy.kind:
        case "requests_per_second" if load.rate is not None:
            found = Need(_plain(load.rate, policy, tasks), f"{_number(load.rate)} requests/s")
        case "queue" if load.sessions is not None:
            text = f"{_number(load.sessions)} requests under way"
            found = Need(_plain(load.sessions, policy, tasks), text)
        case "cpu" if load.cpu is not None and load.cpu.tasks:
            found = _by_cpu(load.cpu, policy, tasks)
        case "latency_p95" if load.latency is not None:
            found = _by_latency(load.latency, policy, tasks)
    return found or Need(tasks.current, "nothing is measured")


def wanted(policy: Policy) -> str:
    """What is held for each task, in words."""
    match policy.kind:
        case "requests_per_second":
            return f"{policy.target:g} a task wanted"
        case "queue":
            return f"{policy.target:g} a task wanted"
        case "cpu":
            return f"{policy.target:.0%} wanted"
        case "latency_p95":
            return f"{policy.target:g} s wanted"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}".removesuffix(".0")


def _plain(amount: float, policy: Policy, tasks: Tasks) -> int:
    return _within(amount / policy.target, amount / policy.target, tasks.current)


def _within(least: float, most: float, current: int) -> int:
    """`least` and `most`: what is needed at least and at most, for all that is known."""
    if least > current * (1 + TOLERANCE):
        return math.ceil(least - ROUNDING)
    if most < current * (1 - TOLERANCE):
        return math.ceil(most - ROUNDING)
    return current


def _by_cpu(cpu: Cpu, policy: Policy, tasks: Tasks) -> Need:
    needed = cpu.used / policy.target
    unknown = max(0, tasks.current - cpu.tasks)
    many = "1 task" if cpu.tasks == 1 else f"{cpu.tasks} tasks"
    text = f"cpu {cpu.used / cpu.tasks:.0%} of {many}"
    return Need(_within(needed, needed + unknown, tasks.current), text)


def _by_latency(latency: Latency, policy: Policy, tasks: Tasks) -> Need:
    """In proportion, in steps: latency tells that there are too few tasks, but hardly how many.

    Where few requests come, slow ones are not for want of tasks. Tasks go by a quarter at a time, for
    latency stays low until the last one that was needed is gone.
    """
    current = tasks.current
    few = latency.p95 is None or latency.requests < LEAST_REQUESTS
    text = "hardly any requests" if few else f"p95 {latency.p95:.3g} s"
    if not tasks.settled:
        return Need(current, text)
    share = 0.0 if few or latency.p95 is None else latency.p95 / policy.target
    needed = _within(current * share, current * share, current)
    least = current - max(1, current // 4)
    return Need(max(0, least, min(needed, MOST_GROWTH * current)), text)
