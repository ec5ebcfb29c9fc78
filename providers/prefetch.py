"""A release's image on the hosts before its first task starts: none of them waits for a pull then."""

import sys
from typing import Any

import docker

from control.elastic.capacity import may_run
from horcrux.cluster import services
from horcrux.docker_api import Access
from horcrux.images.prefetch import pull_on_hosts


def prefetched(client: docker.APIClient, plan: dict[str, Any]) -> None:
    """Pull it on every host that may run the release, all at once.

    A host that fails is told of and left: its tasks pull for themselves, and say why they cannot.
    """
    template = services.existing(client, plan["service"])["Spec"]["TaskTemplate"]
    hosts = [
        str(node["Description"]["Hostname"]) for node in client.nodes() if may_run(template, node)
    ]
    failed = pull_on_hosts(Access.of(plan["access"]), hosts, plan["image"], plan.get("auth") or {})
    for host, reason in failed.items():
        if reason:
            print(f"{plan['app']}: {host} cannot pull its image yet: {reason}", file=sys.stderr)
