"""What is remembered of one elastic app from look to look. Pure.

It may all be lost: a control that begins anew takes away no task before `cooldown` has passed, and lets
no app sleep before it has been idle under its own eyes.
"""

import math
from dataclasses import dataclass, replace

from control.elastic.decision import Decision, Sample, decide, remember
from control.elastic.load import Load
from control.elastic.measure import LATENCY_SECONDS
from control.elastic.need import Tasks, need
from control.elastic.policy import Policy
from control.prometheus import EDGE_SCRAPE_SECONDS

# Then what Prometheus says of latency, which is as old as its last look, is all of the present tasks.
SETTLE_SECONDS = LATENCY_SECONDS + EDGE_SCRAPE_SECONDS


@dataclass(frozen=True)
class State:
    """Of a service: how many tasks it was to have, since when, and what led to the last decision."""

    service: str
    current: int
    changed_at: float
    asked_at: float
    samples: tuple[Sample, ...] = ()
    decision: Decision | None = None
    set_at: float | None = None  # when `current` was set from here, if it was

    def set(self, current: int, now: float) -> "State":
        """With the number of tasks that was just set by what was decided here."""
        return replace(self, current=current, changed_at=now, set_at=now)

    def at(self, current: int, now: float) -> "State":
        """With the number of tasks that the Swarm says: somebody else's holds for a while."""
        if current == self.current:
            return self
        seen = Sample(now, current, "somebody else set the number of tasks")
        return replace(
            self,
            current=current,
            changed_at=now,
            samples=(*self.samples, seen),
            set_at=None,
            asked_at=self.asked_at if current else -math.inf,
        )

    def asked(self, load: Load, now: float) -> "State":
        """With what the edges say. What nobody can tell keeps an app awake, but wakes none."""
        busy = bool(load.rate or load.sessions)
        if busy or (self.current and not load.idle):
            return replace(self, asked_at=now)
        return self


def begin(service: str, current: int, now: float) -> State:
    """Nothing is known but the number of tasks; an app that sleeps was asked long ago."""
    seen = Sample(now, current, "nothing known of earlier")
    return State(service, current, now, now if current else -math.inf, (seen,))


def step(
    state: State, policy: Policy, load: Load, running: int, now: float, capacity: int | None = None
) -> State:
    """The state with its next decision. `running`: how many tasks serve."""
    state = state.asked(load, now)
    settled = now - state.changed_at >= SETTLE_SECONDS and running >= state.current
    found = need(policy, load, Tasks(state.current, settled))
    sample = Sample(now, found.tasks, found.text, now - state.asked_at)
    samples = remember(state.samples, sample, policy.cooldown)
    decision = decide(policy, samples, state.current, now, capacity)
    return replace(state, samples=samples, decision=decision)
