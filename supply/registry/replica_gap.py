"""What is here and not in the replica, as far as is known. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from supply.registry.replica_plan import held
from supply.registry.storage import Tagged

# What is pushed by its digest alone may be an index's, which comes within moments.
YOUNG_SECONDS = 60.0
Key = tuple[str, str]  # repository and tag


@dataclass(frozen=True)
class Found:
    """Why something is not there as it is here. `digest`: what it is here."""

    digest: str
    reason: str


class Gap:
    """Between what was seen here and what is known to be there.

    `problems`: what cannot be brought; `conflicts`: tags that mean something else there, and keep it; `ripe`:
    when to look again, for what was too young.
    """

    def __init__(self) -> None:
        self._here: dict[Key, Tagged] = {}
        self._there: dict[Key, str] = {}
        self.problems: dict[Key, Found] = {}
        self.conflicts: dict[Key, Found] = {}
        self.ripe = math.inf

    def see(self, every: Sequence[Tagged], now: float) -> None:
        """Take what is here now, but for what is too young to be known for what it is."""
        young = {t for t in every if held(t.tag) and t.pushed > now - YOUNG_SECONDS}
        self.ripe = min((each.pushed for each in young), default=math.inf) + YOUNG_SECONDS
        self._here = {_key(each): each for each in every if each not in young}
        for told in (self.problems, self.conflicts):
            for key, found in list(told.items()):
                if key not in self._here or self._here[key].digest != found.digest:
                    del told[key]

    def pending(self) -> list[Tagged]:
        """What is not known to be there, the oldest first."""
        return [
            each
            for key, each in self._here.items()
            if self._there.get(key) != each.digest and key not in self.conflicts
        ]

    def asked(self, *, full: bool) -> list[Tagged]:
        """What the replica is to be asked for: everything, or what is pending and may be brought."""
        if full:
            return list(self._here.values())
        return [each for each in self.pending() if _key(each) not in self.problems]

    def answered(
        self, asked: Sequence[Tagged], meanings: Sequence[str | None], *, full: bool
    ) -> list[tuple[Tagged, str | None]]:
        """Take what tags mean there; what is to be brought, each with what it means there now."""
        if full:
            self._there, self.problems, self.conflicts = {}, {}, {}
        missing = []
        for each, known in zip(asked, meanings, strict=True):
            if known == each.digest:
                self.brought(each)
            else:
                missing.append((each, known))
        return missing

    def brought(self, each: Tagged) -> None:
        """It is there."""
        self._there[_key(each)] = each.digest

    def fails(self, each: Tagged, reason: str) -> None:
        """It cannot be brought."""
        self.problems[_key(each)] = Found(each.digest, reason)

    def differs(self, each: Tagged, reason: str) -> None:
        """Its tag keeps another meaning there."""
        self.conflicts[_key(each)] = Found(each.digest, reason)


def _key(each: Tagged) -> Key:
    return each.repository, each.tag
