"""Which tags never change their meaning. Pure."""

import fnmatch
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from supply import oci


@dataclass(frozen=True)
class Immutable:
    """Patterns of REPOSITORY:TAG; `mutable` are exceptions from `patterns`."""

    patterns: tuple[str, ...] = ()
    mutable: tuple[str, ...] = ()

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> "Immutable":
        """As the registry's settings say it."""
        return cls(tuple(told.get("immutable", ())), tuple(told.get("mutable", ())))

    def has(self, repository: str, reference: str) -> bool:
        """Whether a reference is a tag that stays what it is."""
        named = f"{repository}:{reference}"
        return (
            not oci.is_digest(reference)
            and _matches(named, self.patterns)
            and not _matches(named, self.mutable)
        )


def refusal(repository: str, tag: str, known: str) -> str:
    """What a client is told that would change such a tag."""
    return (
        f"{repository}:{tag} is {known} and stays that: tags like it never change their meaning "
        "(registry.immutable). Push under another tag."
    )


def _matches(named: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(named, pattern) for pattern in patterns)
