"""The network that plays the VPC: hosts, registry and front door are on it."""

import pulumi
import pulumi_docker as docker

from components import leftovers
from components.environment import Component, Environment


class Network(Component):
    """A bridge network of this machine's engine; `resource` is the network itself."""

    def __init__(
        self, environment: Environment, subnet: str, provider: pulumi.ProviderResource
    ) -> None:
        super().__init__("network")
        self.resource = docker.Network(
            "vpc",
            name=f"horcrux-{environment.name}",
            driver="bridge",
            ipam_configs=[{"subnet": subnet}],
            labels=environment.label_list(),
            opts=self.child(
                provider=provider, hooks=leftovers.hook("leftover-vpc", None, environment.project)
            ),
        )
        self.register_outputs({})
