"""Where an app's requests go: weights that control reads, and what the edges make of them."""

import json
import time
from collections.abc import Callable
from typing import Any

import docker
from docker.errors import APIError, DockerException

from horcrux.cluster.versioned import TRIES, BusyError, sent

CONTROL_SERVICE, EDGE_SERVICE = "horcrux-control", "horcrux-edge"
PREFIX, WEIGHTS, NUMBERS = "horcrux-traffic-", "horcrux.weights", "horcrux.numbers"
POLL_SECONDS = 0.3  # each look costs a command in control's container


class EdgeError(RuntimeError):
    """The edges did not do what they were to do; the message says which and why."""


def set_weights(
    client: docker.APIClient,
    environment: str,
    app: str,
    weights: dict[str, int],
    numbers: dict[str, int] | None = None,
) -> None:
    """Give each release (by service name) its share of the app's requests.

    `numbers`: what people call a release by, for those that are new; the others keep theirs.
    """

    def change(labels: dict[str, str]) -> dict[str, str]:
        known = {**json.loads(labels.get(NUMBERS, "{}")), **(numbers or {})}
        return {
            **labels,
            "horcrux.environment": environment,
            "horcrux.app": app,
            WEIGHTS: json.dumps(weights, sort_keys=True),
            NUMBERS: json.dumps(known, sort_keys=True),
        }

    relabel(client, app, change)


def set_numbers(client: docker.APIClient, app: str, numbers: dict[str, int]) -> None:
    """Tell what people call the releases that there are, and forget all others."""
    told = json.dumps(numbers, sort_keys=True)
    relabel(client, app, lambda labels: {**labels, NUMBERS: told})


def labels(client: docker.APIClient, app: str) -> dict[str, str]:
    """What the cluster has noted of the app: weights, numbers, the walk from one release to the next."""
    config = _find(client, app)
    found: dict[str, str] = (config["Spec"].get("Labels") or {}) if config else {}
    return found


def relabel(
    client: docker.APIClient, app: str, change: Callable[[dict[str, str]], dict[str, str]]
) -> None:
    """Note something else; control may be faster with a note of its own, which is kept."""
    for _ in range(TRIES):
        config = _find(client, app)
        before = (config["Spec"].get("Labels") or {}) if config else {}
        after = change(dict(before))
        if config is None:
            client.create_config(f"{PREFIX}{app}", b"see the labels", labels=after)
            return
        if after == before or sent(client, "configs", config, {**config["Spec"], "Labels": after}):
            return
    raise BusyError(f"{app}: what the cluster notes of it is changed all the time; try again")


def weights(client: docker.APIClient, app: str) -> dict[str, int]:
    """Each release's share, as it was set last."""
    return weights_of(labels(client, app))


def weights_of(labels: dict[str, str]) -> dict[str, int]:
    """The shares that an app's notes tell."""
    found: dict[str, int] = json.loads(labels.get(WEIGHTS, "{}"))
    return found


def numbers(client: docker.APIClient, app: str) -> dict[str, int]:
    """What the releases that are in play are called by people."""
    found: dict[str, int] = json.loads(labels(client, app).get(NUMBERS, "{}"))
    return found


def remove(client: docker.APIClient, app: str) -> None:
    """Forget the app's shares."""
    if config := _find(client, app):
        client.remove_config(config["ID"])


def edges(client: docker.APIClient) -> dict[str, Any]:
    """What the edges say, gathered by control: see `control.edges.gather`. Raises EdgeError."""
    filters = {"label": [f"com.docker.swarm.service.name={CONTROL_SERVICE}"], "status": ["running"]}
    try:
        containers = client.containers(filters=filters)
        if not containers:
            raise EdgeError("control does not run on the manager that answers")
        command = client.exec_create(
            containers[0]["Id"], ["python3", "-m", "control", "edges"], stderr=False
        )
        found: dict[str, Any] = json.loads(client.exec_start(command["Id"]))
    except (DockerException, ValueError) as error:
        raise EdgeError(f"control cannot be asked: {error}") from error
    return found


def settle(
    client: docker.APIClient,
    seconds: float,
    condition: Callable[[dict[str, dict[str, Any]]], bool] = lambda _: True,
) -> bool:
    """Wait until every edge runs the current configuration and `condition(edges)` holds.

    False after `seconds`. Raises EdgeError at once when an edge refused the configuration.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            said = edges(client)
        except EdgeError:
            if time.monotonic() > deadline:
                raise
        else:
            for host, edge in said["edges"].items():
                if edge.get("refused") == said["version"]:
                    raise EdgeError(
                        f"the edge on {host} refused its configuration: {edge['error']}"
                    )
            current = all(e["version"] == said["version"] for e in said["edges"].values())
            if current and said["edges"] and condition(said["edges"]):
                return True
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)


def _find(client: docker.APIClient, app: str) -> Any:
    try:
        found = client.configs(filters={"name": f"{PREFIX}{app}"})
    except APIError as error:
        raise EdgeError(f"the cluster's configs cannot be read: {error.explanation}") from error
    return next((c for c in found if c["Spec"]["Name"] == f"{PREFIX}{app}"), None)
