"""Which of the settings' rules are about an image. Pure."""

import fnmatch
from collections.abc import Collection, Iterable

from horcrux.settings.signatures import SignatureRule


def about(rules: Iterable[SignatureRule], names: Collection[str]) -> list[SignatureRule]:
    """The rules about an image with these whole names; it needs a signature for each of them."""
    return [rule for rule in rules if any(fnmatch.fnmatchcase(name, rule.images) for name in names)]
