"""The benches, in the order in which they disturb each other least."""

from collections.abc import Callable
from dataclasses import dataclass

from bench import bring_up, edge, failover, memory, no_change, release
from bench.environment import Environment
from bench.figures import Figure


@dataclass(frozen=True)
class Bench:
    """What `--only` names, and the function that measures it."""

    name: str
    title: str
    measure: Callable[[Environment, int], list[Figure]]


BENCHES = (
    Bench("memory", "memory of the platform at rest", memory.measure),
    Bench("noop", "updates and previews with nothing to do", no_change.measure),
    Bench("release", "one app's variables or image changed", release.measure),
    Bench("edge", "requests through the edge, beside other proxies", edge.measure),
    Bench("failover", "the loss of a host", failover.measure),
    Bench("noop-many", "nothing to do, with 100 more apps", no_change.measure_many),
    Bench("cluster", "three hosts, from images to a cluster", bring_up.measure_cluster),
    Bench("environment", "all of dev, from images", bring_up.measure_environment),
)
