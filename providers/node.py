"""A host's membership in the cluster: waited for, labelled, and ended in good order."""

from typing import Any

import pulumi
from pulumi.dynamic import Resource

from providers.delegate import Delegate

JOIN_SECONDS = 120  # a host boots and joins in 5 to 10 s; a busy machine may take a minute
DEMOTE_SECONDS = 30  # the other managers agree within a second or two
DRAIN_SECONDS = 90  # above the longest time that Swarm gives a task to stop by default


class Node(Resource, module="horcrux", name="Node"):
    """The host `host` as a member with `role` and `labels`."""

    def __init__(
        self,
        name: str,
        host: str,
        role: str,
        labels: dict[str, str],
        access: pulumi.Input[dict[str, Any]],
        opts: pulumi.ResourceOptions,
    ) -> None:
        """`access`: see `horcrux.docker_api.Access`."""
        props = {"host": host, "role": role, "labels": labels, "access": access}
        super().__init__(Delegate("providers.node"), name, props, opts)


def create(props: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Wait until it has joined; label it."""
    _settle(props)
    return props["host"], props


def diff(old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Other labels or another role, or another way to the cluster."""
    return any(old[k] != new[k] for k in ("host", "role", "labels", "access"))


def update(_old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Label it anew."""
    _settle(new)
    return new


def delete(props: dict[str, Any]) -> None:
    """Move its tasks to others, then take it off the list of members."""
    from docker.errors import APIError, NotFound

    from providers.waiting import wait

    client = _client(props)
    node = _find(client, props["host"])
    if node is None:
        return
    if node["Status"]["State"] == "ready":
        _update(client, node["ID"], Availability="drain")
        wait(DRAIN_SECONDS, lambda: not _running(client, node["ID"]))
    if node["Spec"]["Role"] == "manager":
        _update(client, node["ID"], Role="worker")
        wait(DEMOTE_SECONDS, lambda: not client.inspect_node(node["ID"]).get("ManagerStatus"))
    try:
        client.remove_node(node["ID"], force=True)
    except NotFound:
        return
    except APIError as error:
        raise RuntimeError(
            f"{props['host']} cannot be taken off the cluster: {error.explanation}"
        ) from error


def _settle(props: dict[str, Any]) -> None:
    from providers.waiting import wait

    client = _client(props)

    def joined() -> Any:
        node = _find(client, props["host"])
        ready = node and node["Status"]["State"] == "ready"
        manager = props["role"] != "manager" or (
            ready and node.get("ManagerStatus", {}).get("Reachability") == "reachable"
        )
        return node if ready and manager else None

    node = wait(JOIN_SECONDS, joined)
    if not node:
        raise RuntimeError(
            f"{props['host']} did not join the cluster within {JOIN_SECONDS} s; "
            "`docker logs` of its container says why"
        )
    _update(client, node["ID"], Labels=props["labels"], Availability="active")


def _client(props: dict[str, Any]) -> Any:
    from horcrux.docker_api import Access, connect

    return connect(Access.of(props["access"]))


def _find(client: Any, host: str) -> Any:
    """The node of a host; of several identities the one that lives."""
    nodes = [n for n in client.nodes() if n["Description"].get("Hostname") == host]
    return max(nodes, key=lambda n: n["Status"]["State"] == "ready", default=None)


def _update(client: Any, node_id: str, **changes: Any) -> None:
    """Change a node's spec; again when somebody else changed it meanwhile."""
    from docker.errors import APIError

    for attempt in range(5):
        node = client.inspect_node(node_id)
        try:
            client.update_node(node_id, node["Version"]["Index"], {**node["Spec"], **changes})
        except APIError as error:
            if attempt == 4 or "out of sequence" not in str(error.explanation):
                raise
        else:
            return


def _running(client: Any, node_id: str) -> list[Any]:
    tasks = client.tasks({"node": node_id})
    return [t for t in tasks if t["Status"]["State"] in ("running", "starting", "preparing")]
