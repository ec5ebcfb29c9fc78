"""The local target as a whole."""

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_docker as docker

from components.environment import Component, Environment
from components.images import Images
from components.targets.local.front_door import FrontDoor
from components.targets.local.hosts import Hosts
from components.targets.local.network import Network
from components.targets.local.registry import Registry
from horcrux.settings import Settings, layout
from providers.authority import Authority
from providers.certificate import Certificate

CACHE_PORT = 5443


class LocalTarget(Component):
    """Hosts, registry and front door on this machine's engine (see components.targets.target.Target)."""

    def __init__(
        self,
        environment: Environment,
        settings: Settings,
        images: Images,
        engine: str,
        secrets: Mapping[str, str],
    ) -> None:
        """`engine`: the address of this machine's Docker engine; `secrets`: those of images, by name."""
        super().__init__("local")
        ports = settings.local.ports
        self._ports = ports
        self.hosts = layout(settings.hosts, settings.local.subnet)
        provider = docker.Provider("machine", host=engine, opts=self.child())
        ca = Authority("authority", f"Horcrux {environment.name}", self.child())
        self.authority: dict[str, pulumi.Input[str]] = {
            "certificate": ca.certificate,
            "key": ca.key,
        }

        network = Network(environment, settings.local.subnet, provider)
        self.anchor: pulumi.Resource = network.resource
        name = network.resource.name

        self.registry = Registry(
            environment, ports.registry, self.authority, settings.registry, secrets
        )
        self.registry.run(images.platform["supply"].image_id, name, provider)
        self.cache_name = f"cache.{environment.name}.internal:{CACHE_PORT}"
        self.cache_address = f"127.0.0.1:{ports.cache}"
        parts = {
            "image": images.platform["host"].image_id,
            "network": name,
            "authority": self.authority,
            "registry": self.registry.hosts_name,
            "cache": self.cache_name if settings.images.cache.enabled else None,
        }
        hosts = Hosts(environment, settings, self.hosts, parts, provider)
        self.host_resources: dict[str, pulumi.Resource] = dict(hosts.containers)
        door = FrontDoor(environment, ports, images.platform["front-door"].image_id, name, provider)
        self.ways_in: list[pulumi.Resource] = [door.container]
        self.front_door = door.addresses

        client = Certificate(
            "client-certificate", self.authority, "client", ["horcrux"], self.child()
        )
        self.access: pulumi.Output[dict[str, Any]] = pulumi.Output.all(
            address=f"127.0.0.1:{ports.api}",
            ca=ca.certificate,
            certificate=client.certificate,
            key=client.key,
        )
        self.register_outputs({})

    def url(self, host: str, path: str, scheme: str) -> str:
        """The URL of a route on this machine."""
        return f"{scheme}://{host}:{getattr(self._ports, scheme)}{path}"
