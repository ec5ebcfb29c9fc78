"""Where an image lies that the environment can read: in its registry, or in its cache. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from horcrux.exits import Exit, HorcruxError
from horcrux.images import resolve
from horcrux.images.names import OWN, Name
from supply import oci


@dataclass(frozen=True)
class Located:
    """An image by digest. `what` and `place`: see client.Client; `repository`: its path there."""

    what: str
    place: Mapping[str, Any] = field(repr=False)  # with a password
    repository: str
    digest: str

    @property
    def name(self) -> str:
        """As patterns in the settings are about it: with its registry, and without a version."""
        own = self.what == resolve.REGISTRY
        return f"{OWN}/{self.repository}" if own else self.repository


def located(values: Mapping[str, Any], pulled: str) -> Located:
    """Where to read an image that hosts pull as `pulled`; `values`: the stack's outputs.

    Raises HorcruxError.
    """
    name, cache = Name.of(pulled), values.get("cache")
    digest = name.version.partition("@")[2]
    if not oci.is_digest(digest):
        raise HorcruxError(
            f"{pulled} says no digest, and what a tag means may change: write the digest "
            "(horcrux images resolve tells it), or let horcrux deploy APP --image do so",
            Exit.USAGE,
        )
    if resolve.in_registry(values["registry"], pulled):
        return Located(resolve.REGISTRY, values["registry"], name.repository, digest)
    if cache and name.registry == cache["name"]:
        return Located(resolve.CACHE, cache, name.repository, digest)
    if cache and name.registry in cache["upstreams"]:
        return Located(resolve.CACHE, cache, f"{name.registry}/{name.repository}", digest)
    raise HorcruxError(
        f"{pulled} lies where hosts alone read it, neither in the registry nor in a registry that the cache "
        f"has. To add it: horcrux:images.cache.upstreams.{name.registry}, then horcrux up",
        Exit.USAGE,
    )
