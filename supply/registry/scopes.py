"""What of that which a client asks for it gets, in the token specification's words. Pure.

https://distribution.github.io/distribution/spec/auth/scope/
"""

import fnmatch
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from supply import oci

CATALOG = ("registry", "catalog")


@dataclass(frozen=True)
class Rights:
    """Patterns of repositories. Who may push may pull; who may push and `delete` may delete there."""

    pull: tuple[str, ...] = ()
    push: tuple[str, ...] = ()
    delete: bool = False
    admin: bool = False

    def actions(self, repository: str) -> set[str]:
        """What may be done to a repository."""
        push = _matches(repository, self.push)
        found = {"pull"} if push or _matches(repository, self.pull) else set()
        found |= {"push"} if push else set()
        return found | ({"delete"} if push and self.delete else set())


def granted(rights: Rights, scopes: Iterable[str]) -> list[dict[str, Any]]:
    """What of the scopes that are asked for (`repository:NAME:pull,push`) these rights give."""
    found = []
    for scope in scopes:
        kind, _, rest = scope.partition(":")
        name, _, asked = rest.rpartition(":")
        wanted = set(asked.split(","))
        allowed = _allowed(rights, kind, name)
        actions = allowed if "*" in wanted else wanted & allowed
        if actions:
            found.append({"type": kind, "name": name, "actions": sorted(actions)})
    return found


def _allowed(rights: Rights, kind: str, name: str) -> set[str]:
    if kind == "repository":
        # What is no repository's name, as shop/../other, matches patterns that are about names.
        return rights.actions(name) if oci.REPOSITORY.fullmatch(name) else set()
    return {"*"} if rights.admin and (kind, name) == CATALOG else set()


def _matches(repository: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(repository, pattern) for pattern in patterns)
