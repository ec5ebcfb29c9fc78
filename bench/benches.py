"""The benches, in the order in which they disturb each other least."""

from collections.abc import Callable
from dataclasses import dataclass

from bench import (
    alerting,
    bring_up,
    cache_throughput,
    canary,
    convergence,
    edge,
    elastic,
    kills,
    memory,
    monitoring,
    no_change,
    portal,
    release,
    releases,
    supply,
)
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
    Bench("portal", "the portal's first page in a browser", portal.measure),
    Bench("monitoring", "what measuring costs, with few and many apps", monitoring.measure),
    Bench("noop", "updates and previews with nothing to do", no_change.measure),
    Bench("release", "one app's variables or image changed", release.measure),
    Bench("edge", "requests through the edge, beside other proxies", edge.measure),
    Bench("canary", "what a canary costs at the edge", canary.measure),
    Bench("convergence", "a changed route, with few and many routes", convergence.measure),
    Bench("elastic", "a step of load, to enough tasks that serve", elastic.measure),
    Bench("releases", "every strategy under 20,000 requests", releases.measure),
    Bench("alert", "from a host's loss to its alert at the receiver", alerting.measure),
    Bench("cache", "layers from the image cache's disk, beside others", cache_throughput.measure),
    Bench("supply", "an image for three hosts at once, from a slow registry", supply.measure),
    Bench("kills", "the loss of a task, a service of the platform, a host", kills.measure),
    Bench("noop-many", "nothing to do, with 100 more apps", no_change.measure_many),
    Bench("cluster", "three hosts, from images to a cluster", bring_up.measure_cluster),
    Bench("environment", "all of dev, from images", bring_up.measure_environment),
)
