"""Where an app's image comes from, known by its content before anything is made.

`identity` tells two images apart at preview; `reference` is what hosts pull. What is pushed from here is
tagged with its identity, so that a reference that `horcrux rollback` pins is the same release again.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import docker
import pulumi
from docker.errors import DockerException, ImageNotFound

from components.build_context import source
from components.image_cache import ImageCache
from components.images import Images
from components.supply import Supply
from horcrux.images.names import through_cache, whole
from horcrux.settings import App, SettingsError

IDENTITY = 16  # characters: as good as unique among the images of one app
IDENTITIES = ("source-", "image-")


@dataclass(frozen=True)
class AppImage:
    """An image by what it is and by what it is called.

    `written`: as the settings have it; `names`: what rules about images call it; `auth`: what a service needs
    to pull it, None where nothing; `through`: what must be there before hosts can pull it.
    """

    identity: str
    reference: pulumi.Output[str]
    written: str
    names: tuple[str, ...]
    auth: dict[str, pulumi.Input[str]] | None
    through: tuple[pulumi.Resource, ...] = ()


def resolve(
    name: str,
    app: App,
    images: Images,
    supply: Supply,
    cache: ImageCache | None,
    engine: docker.DockerClient,
    project: Path,
) -> AppImage:
    """The image of an app: pinned, built, on this machine's engine, or in a registry.

    Raises SettingsError when there is no such image or folder.
    """
    if app.image is None:
        return _built(name, app, images, supply, project)
    return found(name, app.image, f"apps.{name}.image", supply, cache, engine)


def found(
    name: str,
    image: str,
    setting: str,
    supply: Supply,
    cache: ImageCache | None,
    engine: docker.DockerClient,
) -> AppImage:
    """An image that exists already. Raises SettingsError, naming the setting, when it does not."""
    registry, _, rest = image.partition("/")
    if registry in supply.names:
        inside = f"{supply.address}/{rest}"
        reference = pulumi.Output.from_input(inside)
        own = (whole(image, own=True),)
        return AppImage(identity_of(inside), reference, image, own, supply.auth)
    if "@sha256:" in image:
        return _of_others(image, image, cache)
    try:
        local = engine.images.get(image)
    except ImageNotFound:
        return _of_others(image, _pinned(setting, image, engine), cache)
    identity = f"image-{str(local.id).removeprefix('sha256:')[:IDENTITY]}"
    pushed = supply.push_tag(name, image, str(local.id), identity)
    names = (whole(image, own=False), whole(name, own=True))
    return AppImage(identity, pushed, image, names, supply.auth)


def _of_others(written: str, pinned: str, cache: ImageCache | None) -> AppImage:
    """An image of another registry: pulled through the cache, if that has the registry.

    An account is shown to nobody but to whom it is for.
    """
    names = (whole(pinned, own=False),)
    if cache is None:
        return AppImage(pinned, pulumi.Output.from_input(pinned), written, names, None)
    pulled = through_cache(pinned, cache.name, cache.upstreams, cache.mirrors_hub)
    auth = cache.auth if pulled != pinned else None
    reference = pulumi.Output.from_input(pulled)
    return AppImage(pulled, reference, written, names, auth, (cache.service,))


def identity_of(reference: str) -> str:
    """What tells an image of the environment's registry apart: its tag, if we gave it, else its digest."""
    name, _, digest = reference.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    return tag if digest and tag.startswith(IDENTITIES) else digest or reference


def _built(name: str, app: App, images: Images, supply: Supply, project: Path) -> AppImage:
    assert app.build
    build = app.build
    try:
        content = source(project, build.context, build.dockerfile)
    except FileNotFoundError as error:
        raise SettingsError("the settings", [(f"apps.{name}.build", str(error))]) from None
    image = images.build(name, build.context, build.dockerfile, dict(build.args))
    arguments = ",".join(f"{k}={v}" for k, v in sorted(build.args.items()))
    told = hashlib.sha256(f"{content['digest']}?{arguments}".encode()).hexdigest()
    identity = f"source-{told[:IDENTITY]}"
    reference = supply.push(name, image, identity)
    names = (whole(name, own=True),)
    return AppImage(identity, reference, f"build {build.context}", names, supply.auth)


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
