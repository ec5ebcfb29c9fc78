"""What people are told of decisions: sentences, and a summary for the portal. Pure but for what it told."""

from collections.abc import Iterator, Mapping
from typing import Any

from control.elastic.state import State
from control.events import Event, event

AGAIN_SECONDS = 600.0  # what lasts is told again, but not at every look


class Teller:
    """Turns decisions into events; what limits an app is told when it begins, then now and then."""

    def __init__(self) -> None:
        self._limited: dict[str, float] = {}  # by app: when it was told

    def of(self, app: str, state: State, now: float) -> list[Event]:
        """The events of an app's decision, which was just carried out."""
        return list(self._events(app, state, now))

    def _events(self, app: str, state: State, now: float) -> Iterator[Event]:
        decision = state.decision
        if decision is None:
            return
        changes = decision.replicas != state.current
        level = "warning" if decision.limited == "room" else "info"
        if not decision.limited:
            self._limited.pop(app, None)
        elif now - self._limited.get(app, float("-inf")) >= AGAIN_SECONDS or changes:
            self._limited[app] = now
            if not changes:
                text = f"{app}: stays at {tasks(state.current)}: {decision.reason}"
                yield event(now, "release", level, app, text)
        if changes:
            text = f"{app}: {state.current} → {tasks(decision.replicas)}: {decision.reason}"
            yield event(now, "release", level, app, text)


def tasks(count: int) -> str:
    """A number of tasks in words."""
    return "1 task" if count == 1 else f"{count} tasks"


def summary(state: State | None) -> dict[str, Any] | None:
    """For the portal and the command; None for an app that is not elastic, or of which nothing is known yet.

    `short`: how many tasks more are wanted than hosts have room for.
    """
    if state is None or state.decision is None:
        return None
    decision = state.decision
    allowed = min(max(decision.wanted, decision.bounds.min), decision.bounds.max)
    return {
        "min": decision.bounds.min,
        "max": decision.bounds.max,
        "wanted": decision.wanted,
        "limited": decision.limited or None,
        "short": allowed - decision.replicas if decision.limited == "room" else 0,
        "reason": decision.reason,
    }


def summaries(states: Mapping[str, State]) -> dict[str, dict[str, Any] | None]:
    """The summaries of all elastic apps."""
    return {app: summary(state) for app, state in states.items()}
