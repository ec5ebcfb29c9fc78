"""A component, a network, a volume, a container that isn't started, a dynamic provider, outputs."""

from typing import Any

import pulumi
import pulumi_docker as docker
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult

config = pulumi.Config()
prefix = config.require("prefix")
label = config.get("label") or "none"


class Note(ResourceProvider):
    """Counts the letters of a text."""

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult(id_="note-1", outs={**props, "length": len(props["text"])})

    def diff(self, _id: str, old: dict[str, Any], new: dict[str, Any]) -> DiffResult:
        return DiffResult(changes=old.get("text") != new.get("text"))

    def update(self, _id: str, _old: dict[str, Any], new: dict[str, Any]) -> UpdateResult:
        return UpdateResult(outs={**new, "length": len(new["text"])})


class NoteResource(Resource):
    text: pulumi.Output[str]
    length: pulumi.Output[int]

    def __init__(self, name: str, text: pulumi.Input[str]) -> None:
        super().__init__(Note(), name, {"text": text, "length": None})


class App(pulumi.ComponentResource):
    def __init__(self, name: str) -> None:
        super().__init__("engine:index:App", name)
        child = pulumi.ResourceOptions(parent=self)
        labels = [{"label": "engine", "value": label}]
        network = docker.Network(f"{name}-net", name=f"{prefix}-net", driver="bridge", opts=child)
        volume = docker.Volume(f"{name}-vol", name=f"{prefix}-vol", labels=labels, opts=child)
        self.container = docker.Container(
            f"{name}-web",
            name=f"{prefix}-web",
            image=config.require("image"),
            command=["never-started"],
            start=False,
            must_run=False,
            restart="unless-stopped",
            labels=labels,
            networks_advanced=[{"name": network.name}],
            volumes=[{"volume_name": volume.name, "container_path": "/data"}],
            opts=child,
        )
        self.register_outputs({"container": self.container.id})


app = App("app")
note = NoteResource("note", config.get_secret("password") or "nothing")
print("hello from the program's stdout")
pulumi.export("container", app.container.name)
pulumi.export("length", note.length)
pulumi.export("password", config.get_secret("password"))
