"""What a target offers to the components above it."""

from collections.abc import Mapping
from typing import Any, Protocol

import pulumi

from horcrux.settings import Host


class Registry(Protocol):
    """Where images are pushed to, and where hosts pull them from.

    `push` has push_address, address, username, password and instance (see providers.pushed_image);
    `pull` and `metrics` have address, username and password; the latter fetches its measurements.
    """

    hosts_name: str  # HOST:PORT, as hosts call it
    names: set[str]  # all that people may call it
    push: dict[str, pulumi.Input[str]]
    pull: dict[str, pulumi.Input[str]]
    metrics: dict[str, pulumi.Input[str]]
    accounts: Mapping[str, Mapping[str, pulumi.Input[str]]]  # the settings' own, by name


class Target(Protocol):
    """Hosts that have been started, and the ways to them.

    `access` is how the hosts' engines are reached (see horcrux.docker_api.Access); `anchor` is a
    resource that goes only when the whole environment goes; `host_resources` are the hosts' own;
    `front_door` is where tasks reach it: `http` and `https`, each host:port; `cache_address` is where
    the image cache is reached from where Pulumi runs.
    """

    cache_address: str

    access: pulumi.Output[dict[str, Any]]
    anchor: pulumi.Resource
    hosts: list[Host]
    host_resources: dict[str, pulumi.Resource]
    ways_in: list[pulumi.Resource]
    authority: dict[str, pulumi.Input[str]]
    front_door: dict[str, str]

    cache_name: str  # HOST:PORT, as hosts call the image cache; it is on every manager

    @property
    def registry(self) -> Registry:
        """Where this target keeps images."""
        ...

    def url(self, host: str, path: str, scheme: str) -> str:
        """The URL at which a route is reached from where Pulumi runs."""
        ...
