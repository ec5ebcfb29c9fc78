"""One round of keeping the replica level: the list, what it is asked, and what is brought there."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from supply.cache.failure import MissingError, UpstreamError, WrongError
from supply.registry import replica_list
from supply.registry.copy import Copy, ImageError, together
from supply.registry.failures import Failures
from supply.registry.immutable import Immutable
from supply.registry.refusal import RefusedError
from supply.registry.replica_gap import Gap, Meaning
from supply.registry.replica_plan import LIST, held, held_tag
from supply.registry.retention import with_children
from supply.registry.storage import Tagged

QUESTIONS = 8  # at once, when all is compared
RESERVED = (
    f"{LIST} is what the replica's list of repositories is called: push it under another name"
)
log = logging.getLogger("replica")


@dataclass
class Bringing:
    """`children`: the digests of the manifests that one here names; `prefix`: before names at the replica."""

    copy: Copy
    gap: Gap
    immutable: Immutable
    children: Callable[[str], Sequence[str]]
    prefix: str
    _listed: set[str] = field(default_factory=set)

    async def round(self, *, full: bool) -> UpstreamError | None:
        """Bring what is missing, the oldest first; the first failure of an image, when others went on.

        Raises UpstreamError when it is not about single images.
        """
        failures = Failures()
        asked = self.gap.asked(full=full)
        await self._list({each.repository for each in asked} - {LIST}, full=full)
        meanings = await self._meanings(asked, failures, full=full)
        for each in self.gap.answered(meanings):
            await self._tried(each, failures)
        return failures.first

    async def _list(self, names: set[str], *, full: bool) -> None:
        """Have all repositories in the list that lies there, before there is anything of them."""
        if not full and names <= self._listed:
            return
        place = self.copy.target
        try:
            there = await replica_list.read(place, self.prefix) or set()
        except replica_list.UnreadableError as error:
            log.warning("%s; it is written anew", error)
            there, names = set(), names | self._listed
        if names - there:
            await replica_list.write(place, self.prefix, there | names)
        self._listed = there | names

    async def _meanings(
        self, asked: Sequence[Tagged], failures: Failures, *, full: bool
    ) -> list[Meaning]:
        found = await together(
            [partial(self._meaning, each, failures) for each in asked], QUESTIONS
        )
        if not full:
            return found
        named = await asyncio.to_thread(self._named, asked)
        children = {(each.repository, child) for each in asked for child in named[each.digest]}
        work = [partial(self._lacks, *each, failures) for each in sorted(children)]
        lacking = set(filter(None, await together(work, QUESTIONS)))
        return [
            replace(
                each, whole=not lacking & {(each.of.repository, c) for c in named[each.of.digest]}
            )
            for each in found
        ]

    async def _meaning(self, each: Tagged, failures: Failures) -> Meaning:
        try:
            known = await self.copy.target.meaning(self.copy.there(each.repository), each.tag)
        except UpstreamError as error:
            failures.add(error)
            return Meaning(each, None, failed=True)
        failures.well()
        return Meaning(each, known)

    async def _lacks(
        self, repository: str, digest: str, failures: Failures
    ) -> tuple[str, str] | None:
        """A manifest of a repository that is not there, or of which that is not known."""
        try:
            has = await self.copy.target.has_manifest(self.copy.there(repository), digest)
        except UpstreamError as error:
            failures.add(error)
            return repository, digest
        failures.well()
        return None if has else (repository, digest)

    def _named(self, asked: Iterable[Tagged]) -> dict[str, set[str]]:
        digests = {each.digest for each in asked}
        return {d: with_children(d, self.children) - {d} for d in digests}

    async def _tried(self, each: Meaning, failures: Failures) -> None:
        """Bring one; what cannot be is told, and the others go on. Raises UpstreamError when none can be."""
        name = f"{each.of.repository}:{each.of.tag}"
        try:
            await self._one(each.of, each.digest)
        except ImageError as error:
            self.gap.fails(each.of, str(error))
            log.error("%s is not in the replica: %s", name, error)
        except UpstreamError as error:
            log.warning("%s is not in the replica yet: %s", name, error)
            failures.add(error)
        else:
            failures.well()

    async def _one(self, each: Tagged, known: str | None) -> None:
        repository, tag, digest = each.repository, each.tag, each.digest
        if repository == LIST:
            raise ImageError(RESERVED)
        if known == digest:
            await self.copy.image(repository, digest, None, deep=True)
            self.gap.brought(each)
        elif known is None or not self._stays(repository, tag):
            if known is not None:
                await self._keep(repository, known)
            await self.copy.image(repository, digest, tag)
            self.gap.brought(each)
        else:
            await self.copy.image(repository, digest, held_tag(digest))
            reason = f"it is {digest} here and {known} there, and a tag like it keeps its meaning"
            self.gap.differs(each, reason)
            kept = held_tag(digest)
            log.error("%s:%s: %s; what is here is there as %s", repository, tag, reason, kept)

    async def _keep(self, repository: str, digest: str) -> None:
        """What a tag has meant there is not lost with it: it may be all that is left of another place."""
        place, there = self.copy.target, self.copy.there(repository)
        try:
            await place.put_manifest(there, held_tag(digest), await place.manifest(there, digest))
        except (MissingError, WrongError, RefusedError) as error:  # it is broken there
            log.warning("%s@%s cannot be kept in the replica: %s", repository, digest, error)

    def _stays(self, repository: str, tag: str) -> bool:
        return held(tag) is not None or self.immutable.has(repository, tag)
