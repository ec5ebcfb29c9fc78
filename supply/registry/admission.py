"""Pushes wait while room is freed, and room is freed only when no push is under way.

A layer that has come is needed by no manifest until its manifest comes: a collection in between would
take it away. So a push is under way from its first layer's end until a manifest names what it has
brought. What is still on its way is nothing that a collection sees, and goes on afterwards.
"""

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

# For a collection to end, or for pushes to; clients wait that long without a word.
WAIT_SECONDS = 60.0
# A push that has brought nothing for so long was broken off. Less than a collection waits: what is broken
# off keeps nobody from freeing room.
QUIET_SECONDS = 50.0
LOOK_SECONDS = 1.0  # between two looks at whether a push has become quiet


class BusyError(Exception):
    """It cannot be waited for any longer."""


@dataclass
class Push:
    """What has come to a repository that no manifest names yet; `heard`: when its last part did."""

    heard: float = 0.0
    digests: set[str] = field(default_factory=set)


class Admission:
    """Which repositories are pushed to now, and whether they may be."""

    def __init__(
        self,
        silent: Callable[[str], float] = lambda _: math.inf,
        wait: float = WAIT_SECONDS,
        quiet: float = QUIET_SECONDS,
    ) -> None:
        """`silent`: the seconds since an upload to a repository last grew."""
        self._silent, self._wait, self._quiet = silent, wait, quiet
        self._pushes: dict[str, Push] = {}
        self._changes = 0
        self._state: Literal["open", "closing", "closed"] = "open"
        self._changed = asyncio.Condition()

    async def begin(self, repository: str, digest: str = "", *, goes_on: bool = False) -> None:
        """Something comes; `digest` when it is a layer's end. Raises BusyError.

        `goes_on`: it belongs to an upload that has begun, so it waits for the collection alone and
        not for that which the collection waits for.
        """
        async with self._changed:
            await self._admitted(repository, goes_on=goes_on)
            self._heard(repository, digest)

    async def relies(self, repository: str, digest: str) -> None:
        """A push will name a layer that is there already; to be said within `changing`."""
        async with self._changed:
            self._heard(repository, digest)

    @contextlib.asynccontextmanager
    async def changing(self, repository: str) -> AsyncIterator[None]:
        """No collection begins in here. Raises BusyError when one takes too long."""
        async with self._changed:
            await self._admitted(repository)
            self._changes += 1
        try:
            yield
        finally:
            self._changes -= 1
            async with self._changed:
                self._changed.notify_all()

    async def named(self, repository: str, digests: Iterable[str]) -> None:
        """A manifest has come that needs these."""
        push = self._pushes.get(repository)
        if push is None:
            return
        push.digests.difference_update(digests)
        if not push.digests:
            del self._pushes[repository]
        async with self._changed:
            self._changed.notify_all()

    @contextlib.asynccontextmanager
    async def collecting(self) -> AsyncIterator[None]:
        """No push begins in here, and none is under way. Raises BusyError."""
        async with self._changed:
            await self._until(lambda: self._state == "open", "room is being freed already")
            self._state = "closing"
            try:
                await self._until(lambda: not self._under_way(), "a push is under way")
                self._state = "closed"
            finally:
                if self._state == "closing":
                    self._open()
        try:
            yield
        finally:
            self._state = "open"
            async with self._changed:
                self._open()

    def _heard(self, repository: str, digest: str) -> None:
        if digest:
            self._pushes.setdefault(repository, Push()).digests.add(digest)
        if repository in self._pushes:
            self._pushes[repository].heard = time.monotonic()

    def _open(self) -> None:
        self._state = "open"
        self._changed.notify_all()

    async def _admitted(self, repository: str, *, goes_on: bool = False) -> None:
        def may() -> bool:
            on = goes_on or self._goes_on(repository)
            return self._state == "open" or (self._state == "closing" and on)

        await self._until(may, "room is being freed")

    def _under_way(self) -> bool:
        for repository in list(self._pushes):
            if not self._goes_on(repository):
                del self._pushes[repository]
        return bool(self._pushes) or self._changes > 0

    def _goes_on(self, repository: str) -> bool:
        push = self._pushes.get(repository)
        if push is None:
            return False
        quiet = time.monotonic() - push.heard
        return quiet < self._quiet or self._silent(repository) < self._quiet

    async def _until(self, condition: Callable[[], bool], why: str) -> None:
        """Wait, with the lock held whenever the condition is looked at."""
        end = time.monotonic() + self._wait
        while not condition():
            left = end - time.monotonic()
            if left <= 0:
                raise BusyError(why)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), min(left, LOOK_SECONDS))
