"""One look at an app's walk: its plan, how far it is, and how its two releases do meanwhile."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import docker
from docker.errors import DockerException
from requests.exceptions import RequestException

from horcrux.cluster import control, traffic, walk
from horcrux.cluster.walk import Walk
from horcrux.context import Outputs
from horcrux.docker_api import connect
from horcrux.exits import HorcruxError

FAILURES = (DockerException, RequestException, traffic.EdgeError, OSError)


@dataclass(frozen=True)
class Look:
    """What was seen.

    `rates`: {SERVICE: {"requests": a second, "errors": share of 1, "p95": seconds}}, `tasks`: {SERVICE:
    {"desired", "healthy"}}; both are empty when control did not answer.
    """

    walk: Walk | None = None
    weights: Mapping[str, int] = field(default_factory=dict)
    rates: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    tasks: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def share(self, service: str) -> int:
        """The part of the app's requests that a release gets, in percent."""
        return share(self.weights, service)


def share(weights: Mapping[str, int], service: str) -> int:
    """The part of an app's requests that goes to a release, in percent."""
    return round(100 * weights.get(service, 0) / (sum(weights.values()) or 1))


def take(client: docker.APIClient, app: str) -> Look:
    """Look at an app. What the cluster has noted is told even while control is silent."""
    labels = traffic.labels(client, app)
    try:
        told = control.ask(client, "GET", f"/v1/rollouts/{app}")
    except control.ControlError:
        told = {}
    return Look(
        walk.of_labels(labels),
        traffic.weights_of(labels),
        told.get("rates") or {},
        told.get("tasks") or {},
    )


def last_walk(outputs: Outputs, app: str) -> Walk | None:
    """The app's walk; the last one, when none is under way. Raises HorcruxError."""
    try:
        return walk.find(connect(outputs.access), app)
    except FAILURES as error:
        raise HorcruxError(f"no manager answers ({error}); see: horcrux status") from error
