"""An image built from a folder on this machine's engine, with the `docker build` that is there.

The command line tool is used, not the API: only it speaks to BuildKit where there is one.
"""

from typing import Any

import pulumi
from pulumi.dynamic import Resource

from providers.delegate import Delegate

BUILD_SECONDS = 1800  # half an hour: a build that takes longer hangs
TAIL_LINES = 25  # of a failed build's output, shown in the error


class Image(Resource, module="horcrux", name="Image"):
    """`image_id` is the built image's content; `tag` its name on this machine's engine."""

    image_id: pulumi.Output[str]
    tag: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        repository: str,
        source: dict[str, str],
        arguments: dict[str, pulumi.Input[str]],
        labels: dict[str, str],
        opts: pulumi.ResourceOptions,
    ) -> None:
        """`source`: `context` and `dockerfile`, relative to the project, and `digest` of their content."""
        props = {
            "repository": repository,
            "source": source,
            "arguments": arguments,
            "labels": labels,
            "image_id": None,
            "tag": None,
        }
        super().__init__(Delegate("providers.image"), name, props, opts)


def create(props: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Build it."""
    return props["repository"], _built(props)


def diff(old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Other content, or the image is gone from the engine."""
    changed = any(old[k] != new[k] for k in ("repository", "source", "arguments", "labels"))
    return changed or not exists(old["tag"], old["image_id"])


def update(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Build it anew; the former name is let go, so that old images do not pile up."""
    built = _built(new)
    if old["tag"] != built["tag"]:
        _untag(old["tag"])
    return built


def exists(tag: str, image_id: str) -> bool:
    """Whether the engine still has it."""
    from docker.errors import ImageNotFound

    from horcrux.docker_api import machine

    with machine() as engine:
        try:
            return bool(engine.images.get(tag).id == image_id)
        except ImageNotFound:
            return False


def _built(props: dict[str, Any]) -> dict[str, Any]:
    import os
    import subprocess

    from horcrux.docker_api import machine, machine_address

    source = props["source"]
    tag = f"{props['repository']}:{source['digest'][:12]}"
    command = build_command(tag, source, props["arguments"], props["labels"])
    environment = {**os.environ, "DOCKER_HOST": machine_address(), "BUILDKIT_PROGRESS": "plain"}
    done = subprocess.run(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=BUILD_SECONDS,
        check=False,
    )
    if done.returncode:
        tail = "\n".join(f"    {line}" for line in done.stdout.strip().splitlines()[-TAIL_LINES:])
        raise RuntimeError(f"{source['context']}/{source['dockerfile']} does not build:\n{tail}")
    with machine() as engine:
        return {**props, "tag": tag, "image_id": engine.images.get(tag).id}


def build_command(
    tag: str, source: dict[str, str], arguments: dict[str, str], labels: dict[str, str]
) -> list[str]:
    """The `docker build` command."""
    words = [
        "docker",
        "build",
        "--tag",
        tag,
        "--file",
        f"{source['context']}/{source['dockerfile']}",
    ]
    words.append("--force-rm")  # or a build that fails leaves a container
    for key, value in sorted(arguments.items()):
        words += ["--build-arg", f"{key}={value}"]
    for key, value in sorted(labels.items()):
        words += ["--label", f"{key}={value}"]
    return [*words, source["context"]]


def _untag(tag: str) -> None:
    import contextlib

    from docker.errors import APIError

    from horcrux.docker_api import machine

    with machine() as engine, contextlib.suppress(APIError):
        engine.images.remove(tag, noprune=True)
