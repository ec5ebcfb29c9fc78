"""The product's own configurations with other ports and folders."""

import re
from collections.abc import Mapping


def replaced(text: str, new: Mapping[str, str]) -> str:
    """Each text by its other, all in one go: what is put in may look like what is to be replaced."""
    for old in new:
        assert old in text, f"the configuration has no {old!r} any more"
    either = "|".join(map(re.escape, sorted(new, key=len, reverse=True)))
    return re.sub(either, lambda found: new[found[0]], text)
