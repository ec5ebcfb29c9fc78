"""The cluster that a target's hosts form, as Pulumi reaches it."""

from typing import Any

import pulumi
import pulumi_docker as docker

from components import leftovers
from components.environment import Component, Environment
from components.targets.target import Target
from horcrux.settings import Host
from providers.formation import Formation
from providers.node import Node

NETWORK, PLATFORM = "apps", "platform"


class Cluster(Component):
    """Members, the provider for what runs in the cluster, and two overlay networks.

    Apps are on `network`. What the platform's services tell each other goes over `platform`, where no
    app is; those that reach apps, or are reached by them, are on both.
    """

    def __init__(self, environment: Environment, target: Target) -> None:
        super().__init__("cluster")
        self.environment, self.access = environment, target.access
        self._anchor = target.anchor
        self._hook = leftovers.hook("leftover-in-cluster", target.access, environment.project)
        formation = Formation(
            "formation",
            environment.name,
            target.access,
            self.inside(self, depends_on=[*target.host_resources.values(), *target.ways_in]),
        )
        nodes = [
            Node(
                f"{host.name}-node",
                host.name,
                host.role,
                _labels(environment, host),
                target.access,
                self.inside(self, depends_on=[target.host_resources[host.name], formation]),
            )
            for host in target.hosts
        ]
        self.provider = docker.Provider(
            "cluster",
            host=target.access.apply(lambda a: f"tcp://{a['address']}"),
            ca_material=target.access["ca"],
            cert_material=target.access["certificate"],
            key_material=target.access["key"],
            opts=self.child(depends_on=nodes),
        )
        self.network = self._overlay(NETWORK)
        self.platform = self._overlay(PLATFORM)
        self.register_outputs({})

    def _overlay(self, name: str) -> docker.Network:
        return docker.Network(
            name,
            name=name,
            driver="overlay",
            attachable=False,
            labels=self.environment.label_list(),
            opts=self.object(self),
        )

    def object(self, parent: pulumi.Resource, **options: Any) -> pulumi.ResourceOptions:
        """Options of a Docker object in the cluster."""
        return self.inside(parent, provider=self.provider, hooks=self._hook, **options)

    def inside(self, parent: pulumi.Resource, **options: Any) -> pulumi.ResourceOptions:
        """Options of anything that lives in the cluster: it goes with the environment, unasked."""
        return pulumi.ResourceOptions(parent=parent, deleted_with=self._anchor, **options)


def _labels(environment: Environment, host: Host) -> dict[str, str]:
    return {**host.labels, "zone": host.zone, "horcrux.environment": environment.name}
