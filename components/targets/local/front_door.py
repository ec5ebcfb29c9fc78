"""The L4 balancer in front of every host's edge, and the one way to the hosts' Docker API."""

import pulumi
import pulumi_docker as docker

from components import leftovers
from components.environment import Component, Environment
from horcrux.settings.hosts import LocalPorts

MEMORY_MB = 128  # HAProxy takes about 30 MB with 20,000 connections open
INSIDE = {"http": 8080, "https": 8443, "api": 8376, "cache": 5443}


class FrontDoor(Component):
    """HAProxy in TCP mode; it finds the hosts by name, so that hosts come and go without it."""

    def __init__(
        self,
        environment: Environment,
        ports: LocalPorts,
        image: pulumi.Input[str],
        network: pulumi.Input[str],
        provider: pulumi.ProviderResource,
    ) -> None:
        super().__init__("front-door")
        # A name with a dot: Docker's DNS asks the outer network for no other, and tasks are to find it.
        name = f"front-door.{environment.name}.internal"
        self.addresses = {kind: f"{name}:{INSIDE[kind]}" for kind in ("http", "https")}
        self.container = docker.Container(
            "front-door",
            name=environment.object_name("front-door"),
            image=image,
            restart="unless-stopped",
            memory=MEMORY_MB,
            memory_swap=MEMORY_MB,
            read_only=True,
            ports=[
                {"internal": inside, "external": getattr(ports, kind), "ip": "127.0.0.1"}
                for kind, inside in INSIDE.items()
            ],
            networks_advanced=[{"name": network, "aliases": ["front-door", name]}],
            labels=environment.label_list(role="front-door"),
            opts=self.child(
                provider=provider,
                hooks=leftovers.hook("leftover-front-door", None, environment.project),
            ),
        )
        self.register_outputs({})
