"""Changes to Swarm services that are no new release: their number of tasks, labels, and going back."""

import base64
import json
from collections.abc import Callable
from typing import Any

import docker
from docker.errors import NotFound

from horcrux.cluster.tasks import RELEASE_LABEL
from horcrux.cluster.versioned import TRIES, BusyError, sent


def find(client: docker.APIClient, service: str) -> dict[str, Any] | None:
    """The service as the cluster has it, if it has it."""
    try:
        found: dict[str, Any] = client.inspect_service(service)
    except NotFound:
        return None
    return found if found["Spec"]["Name"] == service else None


def existing(client: docker.APIClient, service: str) -> dict[str, Any]:
    """The service as the cluster has it. Raises RuntimeError, with what to do, when it is gone."""
    found = find(client, service)
    if found is None:
        raise RuntimeError(f"the service {service} is gone; make it anew: pulumi up --refresh")
    return found


def of_app(client: docker.APIClient, environment: str, app: str) -> dict[str, dict[str, Any]]:
    """All of an app's services by name: the one that serves, and those that are kept."""
    listed = client.services(
        {"label": [f"horcrux.environment={environment}", f"horcrux.app={app}"]}
    )
    return {s["Spec"]["Name"]: s for s in listed}


def template(spec: dict[str, Any]) -> dict[str, Any]:
    """What a service's tasks are made of; how often they were started anew by hand is no part of it."""
    return {k: v for k, v in spec["TaskTemplate"].items() if k != "ForceUpdate"}


def restore(client: docker.APIClient, spec: dict[str, Any], auth: dict[str, str]) -> None:
    """Make a service what it was made as: anew when it is gone, changed back when it was changed.

    `auth`: the account that hosts pull its image with.
    """
    wanted = spec["TaskTemplate"]
    if find(client, spec["Name"]) is None:
        headers = {"X-Registry-Auth": _header(auth)}
        response = client._post_json(client._url("/services/create"), data=spec, headers=headers)
        client._raise_for_status(response)
        return

    def change(found: dict[str, Any]) -> bool:
        if template(found) == wanted:
            return False
        found["TaskTemplate"] = wanted
        return True

    _update(client, spec["Name"], change)


def relabel(client: docker.APIClient, service: str, labels: dict[str, str]) -> None:
    """Give a service these labels; its tasks run on."""

    def change(spec: dict[str, Any]) -> bool:
        if (spec.get("Labels") or {}) == labels:
            return False
        spec["Labels"] = labels
        return True

    _update(client, service, change)


def authorize(client: docker.APIClient, service: str, auth: dict[str, str]) -> None:
    """Let hosts pull the service's image with another account; its tasks run on."""
    _update(client, service, lambda _: True, headers={"X-Registry-Auth": _header(auth)})


def registry_account(auth: dict[str, str]) -> dict[str, str]:
    """An account in the words of Docker's API; empty for none."""
    names = {"username": "username", "password": "password", "serveraddress": "server_address"}
    return {told: auth[own] for told, own in names.items()} if auth else {}


def _header(auth: dict[str, str]) -> str:
    account = registry_account(auth)
    return base64.urlsafe_b64encode(json.dumps(account).encode()).decode()


def replicas(client: docker.APIClient, service: str) -> int:
    """How many tasks a replicated service is to have, as the cluster has it."""
    return wanted_tasks(client.inspect_service(service))


def wanted_tasks(service: dict[str, Any]) -> int:
    """The same of a service that was looked at."""
    return int(service["Spec"]["Mode"].get("Replicated", {}).get("Replicas", 0))


def scale(client: docker.APIClient, service: str, replicas: int) -> None:
    """Set how many tasks a replicated service has; nothing happens when it has them."""

    def change(spec: dict[str, Any]) -> bool:
        mode = spec["Mode"].get("Replicated")
        if mode is None or mode.get("Replicas") == replicas:
            return False
        mode["Replicas"] = replicas
        return True

    _update(client, service, change)


def has_before(client: docker.APIClient, service: str) -> bool:
    """Whether the Swarm knows what the service was before its last change."""
    return bool(client.inspect_service(service).get("PreviousSpec"))


def roll_back(client: docker.APIClient, service: str) -> None:
    """Make the service what it was before its last change, where there is such a before."""
    if has_before(client, service):
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
    headers: dict[str, str] | None = None,
) -> None:
    for _ in range(TRIES):
        found = client.inspect_service(service)
        if not change(found["Spec"]):
            return
        if sent(client, "services", found, found["Spec"], parameters, headers):
            return
    raise BusyError(f"the service {service} is changed by somebody else all the time; try again")
