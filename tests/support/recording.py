"""A Pulumi monitor that records what a program registers, and a program to record: a whole Cloud.

Unlike Pulumi's own mock it keeps what was asked for beside the inputs (parent, dependencies, what
the resource is deleted with), and keeps secrets secret: outputs that a resource declares secret
come back as such, and inputs are kept as they went over the wire.
"""

import asyncio
import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pulumi
from docker.errors import ImageNotFound
from google.protobuf import json_format, struct_pb2
from pulumi.runtime import mocks, rpc
from pulumi.runtime.proto import resource_pb2

from components.cloud import Cloud
from components.environment import Environment
from horcrux.settings import parse
from providers.authority import Authority
from providers.base_image import BaseImage
from providers.certificate import Certificate
from providers.formation import Formation
from providers.image import Image
from providers.password import Password
from providers.pushed_image import PushedImage
from providers.rollout import Rollout

PROJECT = Path(__file__).parents[2]
LOCAL_IMAGE = "sha256:" + "ab" * 32
MADE = {
    kind.__name__: kind
    for kind in (
        Authority,
        BaseImage,
        Certificate,
        Formation,
        Image,
        Password,
        PushedImage,
        Rollout,
    )
}
DOCKER_KINDS = ("Container", "Network", "Volume", "Service", "Secret", "ServiceConfig")


@dataclass
class Registered:
    """One resource as it was registered. `wire` has secrets marked, `inputs` has them plain."""

    urn: str
    kind: str  # Container, Service, Rollout …
    token: str
    name: str
    parent: str
    wire: dict[str, Any]
    inputs: dict[str, Any]
    provider: str
    dependencies: list[str]
    deleted_with: str
    secret_outputs: list[str]
    custom: bool

    @property
    def labels(self) -> dict[str, str]:
        """Docker's labels as a mapping."""
        return {pair["label"]: pair["value"] for pair in self.inputs.get("labels", [])}


class Recorder(mocks.MockMonitor):
    """Registers everything; `found` is what there is, in order."""

    def __init__(self) -> None:
        super().__init__(_Outputs())
        self.found: list[Registered] = []

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802
        response = super().RegisterResource(request)
        if request.type == "pulumi:pulumi:Stack":
            return response
        wire = json_format.MessageToDict(request.object)
        self.found.append(
            Registered(
                urn=response.urn,
                kind=request.type.rpartition(":")[2],
                token=request.type,
                name=request.name,
                parent=request.parent,
                wire=wire,
                inputs=without_secrecy(wire),
                provider=request.provider,
                dependencies=list(request.dependencies),
                deleted_with=request.deletedWith,
                secret_outputs=list(request.additionalSecretOutputs),
                custom=request.custom,
            )
        )
        return self._kept_secret(response, wire, request)

    def _kept_secret(self, response: Any, wire: dict[str, Any], request: Any) -> Any:
        """The outputs as an engine gives them: what is secret stays secret."""
        outputs = json_format.MessageToDict(response.object)
        for key, value in outputs.items():
            if key in request.additionalSecretOutputs:
                outputs[key] = {rpc._special_sig_key: rpc._special_secret_sig, "value": value}
            elif key in wire:
                outputs[key] = wire[key]
        kept = struct_pb2.Struct()
        json_format.ParseDict(outputs, kept)
        return resource_pb2.RegisterResourceResponse(urn=response.urn, id=response.id, object=kept)


class _Outputs(mocks.Mocks):
    """Outputs that tell where they come from: `authority.key` is `key` of `authority`."""

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        declared = MADE.get(args.typ.rpartition(":")[2])
        made = {key: f"{args.name}.{key}" for key in declared.__annotations__} if declared else {}
        return f"{args.name}-id", {**made, **args.inputs}

    def call(self, _: mocks.MockCallArgs) -> tuple[dict[str, Any], None]:
        return {}, None


@dataclass
class Stack:
    """What a Cloud registered, and its outputs, each as (value, whether it is secret)."""

    resources: list[Registered]
    outputs: dict[str, tuple[Any, bool]]

    def of(self, *kinds: str) -> list[Registered]:
        """Resources of some kinds."""
        return [r for r in self.resources if r.kind in kinds]

    def one(self, kind: str, name: str) -> Registered:
        """The resource of a kind with a name in the program."""
        (found,) = (r for r in self.resources if r.kind == kind and r.name == name)
        return found

    def release(self, app: str) -> Registered:
        """The service of an app."""
        (found,) = (r for r in self.of("Service") if r.labels.get("horcrux.app") == app)
        return found

    @property
    def docker(self) -> list[Registered]:
        """All Docker objects."""
        return [
            r for r in self.resources if r.token.startswith("docker:") and r.kind in DOCKER_KINDS
        ]


def build(
    raw: Mapping[str, Any],
    environment: str = "dev",
    secrets: Mapping[str, Mapping[str, str]] | None = None,
    project: Path = PROJECT,
) -> Stack:
    """Run the real Cloud over a recorder, and wait until all is registered."""
    recorder, settings = Recorder(), parse(raw, environment)
    outputs: dict[str, Any] = {}

    def program() -> None:
        made = Cloud(
            Environment(environment, str(project)),
            settings,
            secrets or {},
            engine(),
            "unix:///nowhere/docker.sock",
        )
        outputs.update(made.outputs())

    with _own_loop() as loop:
        mocks.set_mocks(_Outputs(), project="horcrux", stack=environment, monitor=recorder)
        # Hooks are registered, and never run.
        pulumi.runtime.settings.SETTINGS.callbacks = MagicMock()
        pulumi.runtime.test(program)()
        return Stack(recorder.found, loop.run_until_complete(_resolved(outputs)))


@contextlib.contextmanager
def _own_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop for one build: other tests have theirs, and Pulumi wants a current one."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        yield loop
    finally:
        asyncio.set_event_loop(None)
        loop.close()


async def _resolved(outputs: dict[str, Any]) -> dict[str, tuple[Any, bool]]:
    found = {key: pulumi.Output.from_input(value) for key, value in outputs.items()}
    return {key: (await o.future(), await o.is_secret()) for key, o in found.items()}


def engine() -> MagicMock:
    """This machine's engine: it has `local:1`, and its registries know `known:1` by digest."""
    client = MagicMock()

    def get(name: str) -> MagicMock:
        if name.startswith("local:"):
            return MagicMock(id=LOCAL_IMAGE)
        raise ImageNotFound(name)

    client.images.get.side_effect = get
    client.images.get_registry_data.side_effect = lambda _: MagicMock(id="sha256:" + "cd" * 32)
    return client


def without_secrecy(value: Any) -> Any:
    """A wire value with its secrets laid open."""
    if isinstance(value, dict):
        if value.get(rpc._special_sig_key) == rpc._special_secret_sig:
            return without_secrecy(value["value"])
        return {k: without_secrecy(v) for k, v in value.items()}
    return [without_secrecy(v) for v in value] if isinstance(value, list) else value


def plain_texts(value: Any) -> Iterator[str]:
    """Every text in a wire value that is not marked secret."""
    if isinstance(value, dict):
        if value.get(rpc._special_sig_key) == rpc._special_secret_sig:
            return
        for inner in value.values():
            yield from plain_texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from plain_texts(inner)
    elif isinstance(value, str):
        yield value
