"""Names of Compose as names of the settings: small letters, digits and dashes."""

import re
from collections.abc import Iterable

from horcrux.settings.checks import PLATFORM_NAMES
from horcrux.settings.fields import NAME

LONGEST = 40  # as in the settings' rule
OTHER = re.compile(r"[^a-z0-9]+")


def named(text: str, taken: Iterable[str] = ()) -> str:
    """A valid name that is like the text and is not taken."""
    plain = OTHER.sub("-", text.lower()).strip("-")
    if not plain[:1].isalpha():
        plain = f"app-{plain}".strip("-")
    plain = plain[:LONGEST].strip("-")
    assert NAME.fullmatch(plain)
    taken = set(taken)
    candidate, number = plain, 1
    while candidate in taken:
        number += 1
        ending = f"-{number}"
        candidate = plain[: LONGEST - len(ending)].strip("-") + ending
    return candidate


def app_names(services: Iterable[str]) -> dict[str, str]:
    """The app's name of every service. Names that are right already are never given to another."""
    return _all_named(services, PLATFORM_NAMES)


def volume_names(volumes: Iterable[str]) -> dict[str, str]:
    """The name of every named volume."""
    return _all_named(volumes, ())


def _all_named(texts: Iterable[str], reserved: Iterable[str]) -> dict[str, str]:
    texts = list(texts)
    names = {text: text for text in texts if NAME.fullmatch(text) and text not in set(reserved)}
    for text in texts:
        if text not in names:
            names[text] = named(text, {*names.values(), *reserved})
    return {text: names[text] for text in texts}
