"""A component in a package of its own, which the engine runs as a plugin."""

from typing import TypedDict

import pulumi
import pulumi_docker as docker
from pulumi.provider.experimental import component_provider_host


class PairArgs(TypedDict):
    prefix: pulumi.Input[str]


class Pair(pulumi.ComponentResource):
    first: pulumi.Output[str]

    def __init__(
        self, name: str, args: PairArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("engine-pair:index:Pair", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        first = pulumi.Output.concat(args["prefix"], "-a")
        self.first = docker.Volume(f"{name}-a", name=first, opts=child).name
        self.register_outputs({"first": self.first})


component_provider_host(name="engine-pair", components=[Pair])
