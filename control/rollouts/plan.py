"""What a walk is asked to do: the label `horcrux.walk`, written once by whoever wants a release to serve."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Strategy = Literal["rolling", "blue-green", "canary"]
NoData = Literal["wait", "promote", "rollback"]
STRATEGIES = ("rolling", "blue-green", "canary")


@dataclass(frozen=True)
class Step:
    """A canary's step: its share of requests in percent, and the seconds for which it is measured."""

    weight: int
    pause: float


@dataclass(frozen=True)
class Query:
    """A measurement of the user's own, and what it must keep to."""

    name: str
    query: str
    max: float | None = None
    min: float | None = None
    max_ratio: float | None = None  # to the old release's value


@dataclass(frozen=True)
class Analysis:
    """When a canary is good; see docs/releases.md."""

    errors: float = 0.001
    latency: float = 1.5
    confidence: float = 0.99
    min_requests: int = 100
    on_no_data: NoData = "wait"
    no_data_limit: float = 600.0
    queries: tuple[Query, ...] = ()


@dataclass(frozen=True)
class Smoke:
    """What a new release must pass before its first request: a path at the edge, or a command in it."""

    path: str | None
    command: tuple[str, ...]
    timeout: float


@dataclass(frozen=True)
class Plan:
    """A walk from the service `old` to the service `new`, which is to have `replicas` tasks."""

    id: str
    strategy: Strategy
    new: str
    release: str
    number: int
    old: str
    old_number: int | None
    replicas: int
    surge: int  # tasks above `replicas`, in a rolling walk
    routed: bool
    drain: float  # seconds for requests under way
    start_timeout: float  # seconds until a batch is healthy
    began: float
    steps: tuple[Step, ...] = ()
    analysis: Analysis = Analysis()
    smoke: Smoke | None = None

    @property
    def names(self) -> tuple[str, str]:
        """What people call the new and the old release."""
        return f"r{self.number}", f"r{self.old_number}" if self.old_number else self.old

    @property
    def length(self) -> int:
        """How many steps (canary) or batches (rolling) it has."""
        if self.strategy == "canary":
            return len(self.steps)
        if self.strategy == "rolling":
            return max(1, math.ceil(self.replicas / self.surge))
        return 1


class PlanError(ValueError):
    """A plan cannot be read; the message says what is wrong with it."""


def plan_of(raw: Mapping[str, Any]) -> Plan:
    """The plan that a label's JSON tells. Raises PlanError."""
    try:
        strategy = raw["strategy"]
        if strategy not in STRATEGIES:
            raise PlanError(f"{strategy!r} is no strategy")
        number = raw.get("old_number")
        plan = Plan(
            str(raw["id"]),
            strategy,
            str(raw["new"]),
            str(raw["release"]),
            int(raw["number"]),
            str(raw["old"]),
            None if number is None else int(number),
            int(raw["replicas"]),
            max(1, int(raw.get("surge") or 1)),
            bool(raw["routed"]),
            float(raw["drain"]),
            float(raw["start_timeout"]),
            float(raw["began"]),
            tuple(Step(int(s["weight"]), float(s["pause"])) for s in raw.get("steps") or ()),
            _analysis(raw.get("analysis") or {}),
            _smoke(raw.get("smoke")),
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise PlanError(f"the plan of a walk cannot be read ({error!r})") from None
    if plan.strategy == "canary" and not plan.steps:
        raise PlanError("the plan of a walk cannot be read: a canary without steps")
    return plan


def _analysis(raw: Mapping[str, Any]) -> Analysis:
    known = {k: raw[k] for k in Analysis.__dataclass_fields__ if k in raw and k != "queries"}
    return Analysis(**known, queries=tuple(_query(q) for q in raw.get("queries") or ()))


def _query(raw: Mapping[str, Any]) -> Query:
    return Query(**{k: raw.get(k) for k in Query.__dataclass_fields__})  # type: ignore[arg-type]


def _smoke(raw: Mapping[str, Any] | None) -> Smoke | None:
    if not raw:
        return None
    command = tuple(str(word) for word in raw.get("command") or ())
    return Smoke(raw.get("path"), command, float(raw.get("timeout") or 60))


def of_label(text: str) -> tuple[Plan, dict[str, Any]]:
    """The plan in a label's text, and the JSON it was made of. Raises PlanError."""
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PlanError(f"the plan of a walk cannot be read ({error!r})") from None
    return plan_of(raw), raw
