"""Where an app's image comes from, known by its content before anything is made.

`identity` tells two images apart at preview; `reference` is what hosts pull.
"""

from dataclasses import dataclass
from pathlib import Path

import docker
import pulumi
from docker.errors import DockerException, ImageNotFound

from components.build_context import source
from components.images import Images
from components.supply import Supply
from horcrux.settings import App, SettingsError


@dataclass(frozen=True)
class AppImage:
    """An image by what it is and by what it is called."""

    identity: str
    reference: pulumi.Output[str]


def resolve(
    name: str, app: App, images: Images, supply: Supply, engine: docker.DockerClient, project: Path
) -> AppImage:
    """The image of an app: pinned, built, on this machine's engine, or in a registry.

    Raises SettingsError when there is no such image or folder.
    """
    if app.image is None:
        return _built(name, app, images, supply, project)
    return found(name, app.image, f"apps.{name}.image", supply, engine)


def found(
    name: str, image: str, setting: str, supply: Supply, engine: docker.DockerClient
) -> AppImage:
    """An image that exists already. Raises SettingsError, naming the setting, when it does not."""
    registry, _, rest = image.partition("/")
    if registry in supply.names:
        inside = f"{supply.address}/{rest}"
        return AppImage(inside, pulumi.Output.from_input(inside))
    if "@sha256:" in image:
        return AppImage(image, pulumi.Output.from_input(image))
    try:
        local = engine.images.get(image)
    except ImageNotFound:
        pinned = _pinned(setting, image, engine)
        return AppImage(pinned, pulumi.Output.from_input(pinned))
    identity = str(local.id)
    return AppImage(identity, supply.push_tag(name, image, identity))


def _built(name: str, app: App, images: Images, supply: Supply, project: Path) -> AppImage:
    assert app.build
    build = app.build
    try:
        content = source(project, build.context, build.dockerfile)
    except FileNotFoundError as error:
        raise SettingsError("the settings", [(f"apps.{name}.build", str(error))]) from None
    image = images.build(name, build.context, build.dockerfile, dict(build.args))
    arguments = ",".join(f"{k}={v}" for k, v in sorted(build.args.items()))
    return AppImage(f"{content['digest']}?{arguments}", supply.push(name, image))


def _pinned(setting: str, image: str, engine: docker.DockerClient) -> str:
    """The image by digest, as its registry tells it to this machine's engine."""
    try:
        digest = engine.images.get_registry_data(image).id
    except DockerException as error:
        reason = str(getattr(error, "explanation", None) or error).strip()
        raise SettingsError(
            "the settings",
            [
                (
                    setting,
                    f"{image!r} is neither on this machine's engine nor to be had from its registry "
                    f"({reason}); correct the name, or push it first (`horcrux registry credentials`)",
                )
            ],
        ) from None
    return f"{image.partition('@')[0]}@{digest}"
