"""A second registry is kept level with this one: what is pushed here is soon there, by the same digest.

It takes nothing away there: what is forgotten here stays, and how long is that registry's own retention. A
push never waits for it. What it has to do follows from what is on the disk, so a restart loses nothing.
"""

import asyncio
import contextlib
import logging
import time
from functools import partial
from typing import Any

from supply.cache.failure import LimitedError, UpstreamError
from supply.registry import catalog, replica_list
from supply.registry.copy import Copy, ImageError, together
from supply.registry.immutable import Immutable
from supply.registry.replica_gap import Found, Gap, Key
from supply.registry.replica_level import Level
from supply.registry.replica_plan import held, held_tag, wanted
from supply.registry.replica_settings import ReplicaSettings
from supply.registry.storage import Storage, Tagged

COMPARE_SECONDS = 3600.0  # between two comparisons of all: a request for each tag
FIRST_SECONDS, LONGEST_SECONDS = 5.0, 300.0  # between two tries when it fails; doubled each time
ASKED_SECONDS = 3600.0  # that a replica which limits us is waited for at most
QUESTIONS = 8  # at once, when all is compared
log = logging.getLogger("replica")


class Replica:
    """The second registry, and what is still to be brought there."""

    def __init__(
        self,
        settings: ReplicaSettings,
        copy: Copy,
        storage: Storage,
        immutable: Immutable,
        level: Level,
    ) -> None:
        self._settings, self.copy, self.gap = settings, copy, Gap()
        self._storage, self._immutable, self._level = storage, immutable, level
        self._listed: set[str] = set()
        self._failure: str | None = None
        self._failing_since = self._next = 0.0
        self.failures = self._in_a_row = 0
        self._begun = self._ended = 0
        self._compared = 0.0  # when all was compared, in time.time()'s seconds
        self._full = True
        self._came, self._asked = asyncio.Event(), asyncio.Event()
        self._changed = asyncio.Condition()

    async def run(self) -> None:
        """Keep it level, for ever."""
        while True:
            self._begun += 1
            await self._round()
            self._ended = self._begun
            async with self._changed:
                self._changed.notify_all()
            await self._until_due()

    def pushed(self) -> None:
        """Something has come. What fails is not asked earlier for that."""
        self._came.set()

    async def compare(self) -> None:
        """Compare all at once, and bring what is missing. Ends with the round that does, also in vain."""
        self._full, number = True, self._begun + 1
        self._asked.set()
        self._came.set()
        async with self._changed:
            await self._changed.wait_for(lambda: self._ended >= number)

    def behind(self) -> float:
        """Seconds for which it has lacked something, or could not be asked; 0 when all is well."""
        since = [self._failing_since] if self._failure else []
        if pending := self.gap.pending():
            since.append(max(self._level.at, min(each.pushed for each in pending)))
        return max(0.0, time.time() - min(since)) if since else 0.0

    def told(self) -> dict[str, Any]:
        """How far it is. Times are seconds since the epoch."""
        pending, behind = len(self.gap.pending()), self.behind()
        looked = self._begun == self._ended and not self._came.is_set()
        return {
            "enabled": True,
            "replica": self._settings.name,
            "level": looked and not (pending or self._failure) and self._compared > 0,
            "pending": pending,
            "since": time.time() - behind if behind else None,
            "failure": self._failure,
            "again_seconds": max(0.0, self._next - time.time()) if self._failure else None,
            "problems": _named(self.gap.problems),
            "conflicts": _named(self.gap.conflicts),
            "compared": self._compared or None,
            "copied": vars(self.copy.copied),
        }

    async def _round(self) -> None:
        full = self._full or time.time() - self._compared >= COMPARE_SECONDS
        self._full, began = False, time.time()
        self._came.clear()  # what comes from now on is for the next round
        self._asked.clear()
        try:
            self.gap.see(await asyncio.to_thread(self._wanted), began)
            await self._list(full=full)
            await self._bring(full=full)
        except UpstreamError as error:
            self._fails(str(error), error.seconds if isinstance(error, LimitedError) else 0.0)
        except Exception as error:  # whatever it is, pushes go on
            log.exception("the replica cannot be brought up to date")
            self._fails(f"an error of the registry's own: {type(error).__name__}", 0.0)
        else:
            self._failure, self._in_a_row = None, 0
            self._compared = began if full else self._compared
            if not self.gap.pending():
                self._level.reached(began)
            return
        self._full = self._full or full

    def _wanted(self) -> list[Tagged]:
        return wanted(
            list(self._storage.tags()),
            list(self._storage.pushed()),
            lambda digest: catalog.children(self._storage, digest),
        )

    async def _list(self, *, full: bool) -> None:
        """Have all repositories in the list that lies there, before there is anything of them."""
        names = {each.repository for each in self.gap.asked(full=full)}
        if full or names - self._listed:
            place, prefix = self.copy.target, self._settings.prefix
            there = await replica_list.read(place, prefix)
            if names - there:
                await replica_list.write(place, prefix, there | names)
            self._listed = there | names

    async def _bring(self, *, full: bool) -> None:
        """Bring what is missing, the oldest first; what cannot be is told, and the others go on."""
        asked = self.gap.asked(full=full)
        meaning, there = self.copy.target.meaning, self.copy.there
        work = [partial(meaning, there(each.repository), each.tag) for each in asked]
        meanings = await together(work, QUESTIONS)
        for each, known in self.gap.answered(asked, meanings, full=full):
            try:
                await self._one(each, known)
            except ImageError as error:
                self.gap.fails(each, str(error))
                log.error("%s:%s is not in the replica: %s", each.repository, each.tag, error)

    async def _one(self, each: Tagged, known: str | None) -> None:
        repository, tag, digest = each.repository, each.tag, each.digest
        if known is None or not self._stays(repository, tag):
            await self.copy.image(repository, digest, tag)
            self.gap.brought(each)
            return
        await self.copy.image(repository, digest, held_tag(digest))
        reason = f"it is {digest} here and {known} there, and a tag like it keeps its meaning"
        self.gap.differs(each, reason)
        log.error(
            "%s:%s: %s; what is here is there as %s", repository, tag, reason, held_tag(digest)
        )

    def _stays(self, repository: str, tag: str) -> bool:
        return held(tag) is not None or self._immutable.has(repository, tag)

    def _fails(self, reason: str, asked: float) -> None:
        if self._failure is None:
            self._failing_since = time.time()
        self.failures += 1
        own = min(FIRST_SECONDS * 2.0**self._in_a_row, LONGEST_SECONDS)
        self._in_a_row = min(self._in_a_row + 1, 16)
        seconds = max(own, min(asked, ASKED_SECONDS))
        self._failure, self._next = reason, time.time() + seconds
        log.warning("%s; trying again in %.0f s", reason, seconds)

    async def _until_due(self) -> None:
        """Wait for what comes, or for the time; for the time alone when it fails, unless one is asked."""
        due = self._next if self._failure else min(self._compared + COMPARE_SECONDS, self.gap.ripe)
        awaited = self._asked if self._failure else self._came
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, due - time.time())):
                await awaited.wait()


def _named(found: dict[Key, Found]) -> list[dict[str, str]]:
    return [
        {"image": f"{repository}:{tag}", "digest": its.digest, "reason": its.reason}
        for (repository, tag), its in sorted(found.items())
    ]
