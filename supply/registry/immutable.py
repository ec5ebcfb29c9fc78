"""Which tags never change their meaning. Pure."""

import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from supply import oci


@dataclass(frozen=True)
class Immutable:
    """Patterns of REPOSITORY:TAG."""

    patterns: tuple[str, ...] = ()

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> "Immutable":
        """As the registry's settings say it."""
        return cls(tuple(told.get("immutable", ())))

    def has(self, repository: str, reference: str) -> bool:
        """Whether a reference is a tag that stays what it is; what is said of an image may grow."""
        named = f"{repository}:{reference}"
        if oci.is_digest(reference) or oci.ABOUT.fullmatch(reference):
            return False
        return any(fnmatch.fnmatchcase(named, pattern) for pattern in self.patterns)


def refusal(repository: str, tag: str, known: str) -> str:
    """What a client is told that would change such a tag."""
    return (
        f"{repository}:{tag} is {known} and stays that: tags like it never change their meaning "
        "(registry.immutable). Push under another tag."
    )
