"""What an interrupted update or a lost state left behind under a name that is wanted now.

Docker's names are fixed here, so a container, network, service, secret or config that Pulumi does
not know of would be in the way for ever. A hook before each creation removes it, and says so. Data
is never touched: volumes are taken over as they are.
"""

import sys
from typing import Any

import docker
import pulumi
from docker.errors import APIError, DockerException, NotFound

from horcrux.cluster.services import wanted_tasks
from horcrux.docker_api import Access, connect, machine

PROJECT = "horcrux.project"
STOP_SECONDS = 5  # of a leftover host; its tasks are not known to anybody


def hook(
    name: str, access: pulumi.Output[dict[str, Any]] | None, project: str
) -> pulumi.ResourceHookBinding:
    """For the objects of this machine's engine, or (with `access`) of the cluster."""

    async def remove(args: pulumi.ResourceHookArgs) -> None:
        wanted = dict(args.new_inputs or {})
        kind = args.type.rpartition(":")[2]
        if access is None:
            with machine() as engine:
                _remove(engine.api, kind, str(wanted["name"]), project)
            return
        value = await access.future()
        if value:
            _remove(connect(Access.of(value)), kind, str(wanted["name"]), project)

    return pulumi.ResourceHookBinding(before_create=[pulumi.ResourceHook(name, remove)])


def _remove(client: docker.APIClient, kind: str, name: str, project: str) -> None:
    found = _find(client, kind, name)
    if found is None:
        return
    labels = _labels(found)
    if not labels.get("horcrux.environment"):
        raise RuntimeError(
            f"there is a {kind.lower()} {name!r} that is not Horcrux's; rename it or take it away"
        )
    owner = labels.get(PROJECT, project)
    if owner != project and _in_use(client, kind, found):
        raise RuntimeError(
            f"{name} is up already, run from {owner}: take it down there (`make down`), "
            "or give this environment another name"
        )
    try:
        _delete(client, kind, found)
    except DockerException as error:
        if isinstance(error, NotFound) or _is_gone(error, str(found.get("Id") or found.get("ID"))):
            return
        raise RuntimeError(
            f"the leftover {kind.lower()} {name} cannot be removed: {error}"
        ) from error
    if kind == "Service" and _is_parked(found):
        return  # it is gone back to, and made anew from the same image
    print(
        f"removed the {kind.lower()} {name}, left by an update that did not finish", file=sys.stderr
    )


def _find(client: docker.APIClient, kind: str, name: str) -> Any:
    """The object of exactly this name: asked for `db`, Docker also gives what has an id that begins so."""
    try:
        match kind:
            case "Container":
                container = client.inspect_container(name)
                return container if container["Name"] == f"/{name}" else None
            case "Service":
                service = client.inspect_service(name)
                return service if service["Spec"]["Name"] == name else None
            case "Network":
                found = [n for n in client.networks(names=[name]) if n["Name"] == name]
            case "Secret":
                found = [s for s in client.secrets({"name": name}) if s["Spec"]["Name"] == name]
            case "ServiceConfig":
                found = [c for c in client.configs({"name": name}) if c["Spec"]["Name"] == name]
            case _:
                return None
    except NotFound:
        return None
    return found[0] if found else None


def _is_gone(error: DockerException, identity: str) -> bool:
    """Whether an engine lists a network that its cluster has removed: docker.io 20.10 then answers 500."""
    told = str(getattr(error, "explanation", ""))
    return f"{identity} not found" in told


def _in_use(client: docker.APIClient, kind: str, found: dict[str, Any]) -> bool:
    """Whether something runs in it: a network's list of containers has only those that run."""
    if kind == "Network":
        return bool(client.inspect_network(found["Id"]).get("Containers"))
    return bool(found.get("State", {}).get("Running"))


def _labels(found: dict[str, Any]) -> dict[str, str]:
    labels = (
        found.get("Labels")
        or found.get("Config", {}).get("Labels")
        or found.get("Spec", {}).get("Labels")
    )
    return labels or {}


def _free(client: docker.APIClient, secret: str) -> None:
    """Remove earlier releases that are kept without tasks, where they use a secret that comes back."""
    for service in client.services():
        used = service["Spec"]["TaskTemplate"]["ContainerSpec"].get("Secrets") or []
        if _is_parked(service) and any(reference["SecretID"] == secret for reference in used):
            client.remove_service(service["ID"])


def _is_parked(service: dict[str, Any]) -> bool:
    """Whether it is an app's earlier release, kept without tasks."""
    return "horcrux.app" in _labels(service) and not wanted_tasks(service)


def _delete(client: docker.APIClient, kind: str, found: dict[str, Any]) -> None:
    identity = found.get("Id") or found["ID"]
    match kind:
        case "Container":
            client.stop(identity, timeout=STOP_SECONDS)
            client.remove_container(identity, force=True)
        case "Service":
            client.remove_service(identity)
        case "Network":
            for container in client.inspect_network(identity).get("Containers") or {}:
                try:
                    client.disconnect_container_from_network(container, identity, force=True)
                except APIError:
                    continue  # gone meanwhile
            client.remove_network(identity)
        case "Secret":
            _free(client, identity)
            client.remove_secret(identity)
        case "ServiceConfig":
            client.remove_config(identity)
