"""The cluster as it has formed itself, taken over once.

When this resource is made, Pulumi knows of nothing in the cluster yet. Whatever of this environment
is in it comes from a state that was lost: services, secrets, configs and networks are removed, so
that they can be made anew; volumes, and so data, stay.
"""

from typing import Any

import pulumi
from pulumi.dynamic import Resource

from providers.delegate import Delegate

FORM_SECONDS = 120  # 5 s with built images; a machine under load may need much longer
SWEEP_SECONDS = 60  # above the time that Swarm gives tasks to stop by default


class Formation(Resource, module="horcrux", name="Formation"):
    """`cluster_id`: the Swarm's own id."""

    cluster_id: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        environment: str,
        access: pulumi.Input[dict[str, Any]],
        opts: pulumi.ResourceOptions,
    ) -> None:
        """`access`: see `horcrux.docker_api.Access`."""
        props = {"environment": environment, "access": access, "cluster_id": None}
        super().__init__(Delegate("providers.formation"), name, props, opts)


def create(props: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Wait for a manager that speaks for the cluster; sweep what nobody knows of."""
    from horcrux.docker_api import Access, connect
    from providers.waiting import wait

    client = connect(Access.of(props["access"]))
    swarm = wait(FORM_SECONDS, client.inspect_swarm)
    if not swarm:
        raise RuntimeError(
            f"no manager spoke for the cluster within {FORM_SECONDS} s; "
            "`docker logs` of the manager containers says why"
        )
    _sweep(client, props["environment"])
    return props["environment"], {**props, "cluster_id": swarm["ID"]}


def diff(old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Only the way to it can change."""
    return bool(old["access"] != new["access"])


def update(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Remember the new way to it."""
    return {**new, "cluster_id": old["cluster_id"]}


def _sweep(client: Any, environment: str) -> None:
    from providers.waiting import wait

    mine = {"label": f"horcrux.environment={environment}"}
    services = client.services(filters=mine)
    for service in services:
        client.remove_service(service["ID"])
    if services:
        wait(SWEEP_SECONDS, lambda: not _running(client))
    for secret in client.secrets(filters=mine):
        client.remove_secret(secret["ID"])
    for config in client.configs(filters=mine):
        client.remove_config(config["ID"])
    for network in client.networks(filters={**mine, "driver": "overlay"}):
        client.remove_network(network["Id"])
    if services:
        print(f"removed {len(services)} services that a lost state left in the cluster")


def _running(client: Any) -> bool:
    return any(t["Status"]["State"] == "running" for t in client.tasks())
