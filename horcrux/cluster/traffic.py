"""Where an app's requests go: weights that control reads, and what the edges make of them."""

import json
import time
from collections.abc import Callable
from typing import Any

import docker
from docker.errors import APIError, DockerException

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
    config = _find(client, app)
    known = json.loads((config["Spec"].get("Labels") or {}).get(NUMBERS, "{}")) if config else {}
    known |= numbers or {}
    labels = {
        "horcrux.environment": environment,
        "horcrux.app": app,
        WEIGHTS: json.dumps(weights, sort_keys=True),
        NUMBERS: json.dumps({s: n for s, n in known.items() if s in weights}, sort_keys=True),
    }
    if config is None:
        client.create_config(f"{PREFIX}{app}", b"see the labels", labels=labels)
        return
    if (config["Spec"].get("Labels") or {}) == labels:
        return
    # docker-py has no call for a config's update; only labels may change, which is what is needed.
    url = client._url("/configs/{0}/update", config["ID"])
    response = client._post_json(
        url,
        data={**config["Spec"], "Labels": labels},
        params={"version": config["Version"]["Index"]},
    )
    client._raise_for_status(response)


def weights(client: docker.APIClient, app: str) -> dict[str, int]:
    """Each release's share, as it was set last."""
    config = _find(client, app)
    found: dict[str, int] = json.loads(config["Spec"]["Labels"][WEIGHTS]) if config else {}
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
