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
from supply.registry import catalog
from supply.registry.copy import Copy
from supply.registry.immutable import Immutable
from supply.registry.replica_bringing import Bringing
from supply.registry.replica_gap import Found, Gap, Key
from supply.registry.replica_level import Level
from supply.registry.replica_plan import wanted
from supply.registry.replica_settings import ReplicaSettings
from supply.registry.storage import Storage, Tagged

COMPARE_SECONDS = (
    3600.0  # between two comparisons of all: a request for each tag, and for each platform
)
FIRST_SECONDS, LONGEST_SECONDS = 5.0, 300.0  # between two tries when it fails; doubled each time
ASKED_SECONDS = 3600.0  # that a replica which limits us is waited for at most
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
        self._storage, self._level = storage, level
        children = partial(catalog.children, storage)
        self._bringing = Bringing(copy, self.gap, immutable, children, settings.prefix)
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
        now = self._asked.is_set()  # who asks does not want to wait for what is too young
        self._full, began = False, time.time()
        self._came.clear()  # what comes from now on is for the next round
        self._asked.clear()
        try:
            self.gap.see(await asyncio.to_thread(self._wanted), began, young=now)
            failure = await self._bringing.round(full=full)
        except UpstreamError as error:
            self._fails(str(error), error.seconds if isinstance(error, LimitedError) else 0.0)
        except Exception as error:  # whatever it is, pushes go on
            log.exception("the replica cannot be brought up to date")
            self._fails(f"an error of the registry's own: {type(error).__name__}", 0.0)
        else:
            self._compared = began if full else self._compared
            self._ends(failure, began)
            return
        self._full = self._full or full

    def _ends(self, failure: UpstreamError | None, began: float) -> None:
        """All was gone through; `failure`: of an image, which is tried again."""
        if failure is not None:
            self._fails(str(failure), 0.0)
            return
        self._failure, self._in_a_row = None, 0
        if not self.gap.pending():
            self._level.reached(began)

    def _wanted(self) -> list[Tagged]:
        return wanted(
            list(self._storage.tags()),
            list(self._storage.pushed()),
            partial(catalog.children, self._storage),
        )

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
