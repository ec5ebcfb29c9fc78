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


@dataclass(frozen=True)
class Meaning:
    """What a tag means there (None: there is no such tag), and whether all that an index names is there, too.

    `failed`: it could not be asked.
    """

    of: Tagged
    digest: str | None
    whole: bool = True
    failed: bool = False


class Gap:
    """Between what was seen here and what is known to be there.

    `problems`: what cannot be brought; `conflicts`: tags that mean something else there, and keep it; `ripe`:
    when to look again, for what was too young.
    """

    def __init__(self) -> None:
        self._here: dict[Key, Tagged] = {}
        self._there: dict[Key, str] = {}
        self._young: set[Key] = set()
        self.problems: dict[Key, Found] = {}
        self.conflicts: dict[Key, Found] = {}
        self.ripe = math.inf

    def see(self, every: Sequence[Tagged], now: float, *, young: bool = False) -> None:
        """Take what is here now. What is too young to be known for what it is waits, unless `young`."""
        waiting = (
            [] if young else [t for t in every if held(t.tag) and t.pushed > now - YOUNG_SECONDS]
        )
        self.ripe = min((each.pushed for each in waiting), default=math.inf) + YOUNG_SECONDS
        self._young = {key_of(each) for each in waiting}
        self._here = {key_of(each): each for each in every}
        self._there = {key: known for key, known in self._there.items() if key in self._here}
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
            found = list(self._here.values())
        else:
            found = [each for each in self.pending() if key_of(each) not in self.problems]
        return [each for each in found if key_of(each) not in self._young]

    def answered(self, meanings: Sequence[Meaning]) -> list[Meaning]:
        """Take what tags mean there; what is to be brought, each with what it means there now."""
        missing = []
        for meaning in meanings:
            key = key_of(meaning.of)
            for known in (self._there, self.problems, self.conflicts):
                known.pop(key, None)
            if meaning.digest == meaning.of.digest and meaning.whole:
                self.brought(meaning.of)
            elif not meaning.failed:
                missing.append(meaning)
        return missing

    def brought(self, each: Tagged) -> None:
        """It is there."""
        self._there[key_of(each)] = each.digest

    def fails(self, each: Tagged, reason: str) -> None:
        """It cannot be brought."""
        self.problems[key_of(each)] = Found(each.digest, reason)

    def differs(self, each: Tagged, reason: str) -> None:
        """Its tag keeps another meaning there."""
        self.conflicts[key_of(each)] = Found(each.digest, reason)


def key_of(each: Tagged) -> Key:
    """What it is known by."""
    return each.repository, each.tag
