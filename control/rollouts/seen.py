"""What a walk sees of the cluster at one moment; conductor.py gathers it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from control.rollouts.measure import Measured


@dataclass(frozen=True)
class Tasks:
    """A release's tasks: how many there are to be, serve, and have failed since the walk began."""

    desired: int
    healthy: int = 0
    failed: int = 0


@dataclass(frozen=True)
class Edges:
    """What the edges say that run on hosts that are well."""

    current: bool = True  # those that answer run the configuration of now
    silent: tuple[str, ...] = ()  # hosts whose edge does not answer
    refused: str = ""  # what is wrong with the configuration of now, in an edge's words
    up: Mapping[str, int] = field(default_factory=dict)  # the fewest tasks that an edge finds well
    sessions: Mapping[str, int] = field(default_factory=dict)  # under way, at all edges together


@dataclass(frozen=True)
class Tried:
    """How a smoke test ended."""

    ok: bool
    text: str = ""


@dataclass(frozen=True)
class Seen:
    """All of it; `tasks` by service, without those that are gone."""

    tasks: Mapping[str, Tasks]
    weights: Mapping[str, int]
    edges: Edges = Edges()
    smoke: Tried | None = None  # None: it has not ended
    measured: Measured | None = None  # None: nothing was measured at this moment
