"""What images are called, in parts, and at the cache. Pure."""

from collections.abc import Collection
from dataclasses import dataclass

HUB = "docker.io"
OWN = "registry"  # the environment's own; no other is called so: their names have a dot or a port
HUB_NAMES = {"docker.io", "index.docker.io", "registry-1.docker.io"}


@dataclass(frozen=True)
class Name:
    """An image by its parts; `version` begins with `:` or `@`, or is empty."""

    registry: str
    repository: str
    version: str

    @classmethod
    def of(cls, image: str) -> "Name":
        """`nginx` is docker.io's library/nginx, as Docker has it."""
        head, slash, rest = image.partition("/")
        registry, path = (head, rest) if slash and _is_registry(head) else (HUB, image)
        # Other spellings of a registry are the same registry.
        registry = registry.lower().removesuffix(":443")
        registry = HUB if registry in HUB_NAMES else registry
        name, at, digest = path.partition("@")
        last = name.rpartition("/")[2]
        tag = f":{last.partition(':')[2]}" if ":" in last else ""
        repository = name.removesuffix(tag) if tag else name
        if registry == HUB and "/" not in repository:
            repository = f"library/{repository}"
        return cls(registry, repository, f"{tag}{at}{digest}")


def _is_registry(word: str) -> bool:
    return "." in word or ":" in word or word == "localhost"


def through_cache(image: str, cache: str, upstreams: Collection[str], mirrored: bool) -> str:
    """The name under which hosts pull an image: the cache's, or its own where the cache has not its registry.

    `mirrored`: hosts' engines ask the cache for docker.io's by themselves, so these keep their names.
    """
    name = Name.of(image)
    if name.registry not in upstreams or (name.registry == HUB and mirrored):
        return image
    return f"{cache}/{name.registry}/{name.repository}{name.version}"


def split(image: str) -> tuple[str, str]:
    """An image's name and its version as engines want them: the digest where there is one, else the tag."""
    version = Name.of(image).version
    tag, _, digest = version.partition("@")
    name = image[: len(image) - len(version)] if version else image
    return name, digest or tag.removeprefix(":") or "latest"


def whole(image: str, *, own: bool) -> str:
    """An image's name as patterns are about it, with its registry and without a version.

    `own`: it is in the environment's registry, by whichever of its names, or by its repository alone. Other
    spellings of a registry do not lead around a rule.
    """
    name = Name.of(image)
    if not own:
        return f"{name.registry}/{name.repository}"
    bare = name.registry == HUB
    return f"{OWN}/{name.repository.removeprefix('library/') if bare else name.repository}"
