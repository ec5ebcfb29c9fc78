"""A service of the platform's own, as all of them are: global, limited, named and labelled alike."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_docker as docker

from components.app_spec import placement
from components.cluster import Cluster
from components.environment import Environment, as_list
from components.supply import Supply
from providers.converged import Converged

ON_MANAGERS = ("node.role==manager",)


@dataclass(frozen=True)
class PlatformService:
    """`role` names it (horcrux-ROLE); `memory`: bytes at most; `constraints`: which hosts, all without.

    `container` is the part of the container's specification that is its own; `account` is for images
    that are not in the environment's registry, and empty where none is wanted.
    """

    role: str
    image: pulumi.Output[str]
    memory: int
    container: dict[str, Any]
    networks: list[docker.Network]
    constraints: tuple[str, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    ports: list[dict[str, Any]] = field(default_factory=list)
    account: dict[str, pulumi.Input[str]] | None = None

    def make(
        self, cluster: Cluster, supply: Supply, parent: pulumi.Resource, **options: Any
    ) -> Converged:
        """One task on every host that the constraints allow; what is returned is there when they run."""
        labels = cluster.environment.labels(platform=self.role)
        container = {"image": self.image, "labels": as_list(labels), **self.container}
        task = {
            "container_spec": container,
            "networks_advanceds": [{"id": network.id} for network in self.networks],
            "resources": {"limits": {"memory_bytes": self.memory}},
            "restart_policy": {"condition": "any", "delay": "1s", "window": "0s"},
            **placement(list(self.constraints)),
        }
        service = docker.Service(
            self.role,
            name=f"horcrux-{self.role}",
            labels=as_list({**labels, **self.labels}),
            auth=supply.auth if self.account is None else self.account or None,
            mode={"global_": True},
            task_spec=task,
            update_config={"parallelism": 1, "order": "stop-first", "failure_action": "pause"},
            endpoint_spec={"mode": "dnsrr", "ports": self.ports},
            opts=cluster.object(parent, **options),
        )
        version = pulumi.Output.json_dumps(task).apply(
            lambda text: hashlib.sha256(text.encode()).hexdigest()[:16]
        )
        return Converged(
            f"{self.role}-converged",
            service.name,
            version,
            cluster.access,
            cluster.inside(parent, depends_on=[service]),
        )


def bind(source: str, target: str | None = None, **options: Any) -> dict[str, Any]:
    """A mount of a host's path, read-only; the socket works all the same."""
    return {
        "type": "bind",
        "source": source,
        "target": target or source,
        "read_only": True,
        **options,
    }


def volume(environment: Environment, name: str, target: str, **labels: str) -> dict[str, Any]:
    """A mount of a volume of the host's, made when it is not there."""
    return {
        "type": "volume",
        "source": name,
        "target": target,
        "volume_options": {"labels": environment.label_list(**labels)},
    }
