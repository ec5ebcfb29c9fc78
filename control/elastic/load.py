"""What an app is asked, and how it bears it."""

from dataclasses import dataclass

# Over which a load is averaged: three looks, so that one burst of a second is none.
WINDOW_SECONDS = 6.0


@dataclass(frozen=True)
class Cpu:
    """Processor time of the tasks that have run for a while: in tasks' limits, of how many tasks."""

    used: float
    tasks: int


@dataclass(frozen=True)
class Latency:
    """The time in seconds within which 95 of 100 requests were answered, and how many there were."""

    p95: float | None
    requests: float


@dataclass(frozen=True)
class Load:
    """None is what nobody could tell.

    `rate`: requests per second at all edges, also those that found no task; `sessions`: requests under
    way or waiting; `idle`: whether surely nothing was asked and nothing is under way, at any edge.
    """

    rate: float | None = None
    sessions: float | None = None
    idle: bool = False
    cpu: Cpu | None = None
    latency: Latency | None = None
