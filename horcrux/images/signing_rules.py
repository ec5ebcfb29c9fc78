"""Which of the settings' rules are about an image. Pure."""

import fnmatch
from collections.abc import Collection, Iterable

from horcrux.images.names import HUB, Name
from horcrux.settings.signatures import SignatureRule

OWN = "registry"  # no other registry is called so: their names have a dot or a port


def about(rules: Iterable[SignatureRule], names: Collection[str]) -> list[SignatureRule]:
    """The rules about an image with these whole names; it needs a signature for each of them."""
    return [rule for rule in rules if any(fnmatch.fnmatchcase(name, rule.images) for name in names)]


def whole(image: str, *, own: bool) -> str:
    """An image's name as patterns are about it, with its registry and without a version.

    `own`: it is in the environment's registry, by whichever of its names, or by its repository alone. Other
    spellings of a registry do not lead around a rule.
    """
    name = Name.of(image)
    if not own:
        return f"{name.registry.lower().removesuffix(':443')}/{name.repository}"
    bare = name.registry == HUB
    return f"{OWN}/{name.repository.removeprefix('library/') if bare else name.repository}"
