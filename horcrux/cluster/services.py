"""Changes to Swarm services that are no new release: their number of tasks, and going back."""

from collections.abc import Callable
from typing import Any

import docker
from docker.errors import APIError

from horcrux.cluster.tasks import RELEASE_LABEL

TRIES = 5  # somebody else may change a service between our look and our change


def replicas(client: docker.APIClient, service: str) -> int:
    """How many tasks a replicated service is to have, as the cluster has it."""
    mode: dict[str, Any] = client.inspect_service(service)["Spec"]["Mode"]
    return int(mode.get("Replicated", {}).get("Replicas", 0))


def scale(client: docker.APIClient, service: str, replicas: int) -> None:
    """Set how many tasks a replicated service has; nothing happens when it has them."""

    def change(spec: dict[str, Any]) -> bool:
        mode = spec["Mode"].get("Replicated")
        if mode is None or mode.get("Replicas") == replicas:
            return False
        mode["Replicas"] = replicas
        return True

    _update(client, service, change)


def roll_back(client: docker.APIClient, service: str) -> None:
    """Make the service what it was before its last change, where there is such a before."""
    if client.inspect_service(service).get("PreviousSpec"):
        _update(client, service, lambda _: True, {"rollback": "previous"})


def return_to(client: docker.APIClient, service: str, release: str) -> None:
    """Undo a `roll_back`: make the service `release` again, where that is what it was before."""
    found = client.inspect_service(service)
    if _release(found["Spec"]) != release == _release(found.get("PreviousSpec")):
        roll_back(client, service)


def _release(spec: dict[str, Any] | None) -> str | None:
    if not spec:
        return None
    return (spec["TaskTemplate"]["ContainerSpec"].get("Labels") or {}).get(RELEASE_LABEL)


def _update(
    client: docker.APIClient,
    service: str,
    change: Callable[[dict[str, Any]], bool],
    parameters: dict[str, str] | None = None,
) -> None:
    # docker-py's update_service cannot roll back and forgets what it does not know of a spec, so
    # the spec goes back as it came.
    for attempt in range(TRIES):
        found = client.inspect_service(service)
        if not change(found["Spec"]):
            return
        response = client._post_json(
            client._url("/services/{0}/update", found["ID"]),
            data=found["Spec"],
            params={"version": found["Version"]["Index"], **(parameters or {})},
        )
        try:
            client._raise_for_status(response)
        except APIError as error:
            if attempt == TRIES - 1 or "out of sequence" not in str(error.explanation):
                raise
        else:
            return
