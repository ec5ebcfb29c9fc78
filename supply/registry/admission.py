"""Pushes wait while room is freed, and room is freed only when no push is under way.

What a push has brought is not needed by any manifest until its manifest comes: a collection in between
would take it away.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable

WAIT_SECONDS = (
    60.0  # for a collection to end, or for pushes to; clients wait that long without a word
)
# A push that has not been heard of for so long was broken off.
QUIET_SECONDS = 120.0


class BusyError(Exception):
    """It cannot be waited for any longer."""


class Admission:
    """Which repositories are pushed to now, and whether they may be."""

    def __init__(self) -> None:
        self._pushing: dict[str, float] = {}
        self._changed = asyncio.Condition()
        self._collecting = False

    async def begin(self, repository: str) -> None:
        """A push begins or goes on. Raises BusyError when a collection takes too long."""
        async with self._changed:
            await self._until(lambda: not self._collecting, "room is being freed")
            self._pushing[repository] = time.monotonic()

    async def end(self, repository: str) -> None:
        """Its manifest has come."""
        async with self._changed:
            self._pushing.pop(repository, None)
            self._changed.notify_all()

    @contextlib.asynccontextmanager
    async def collecting(self) -> AsyncIterator[None]:
        """No push begins in here, and none is under way. Raises BusyError."""
        async with self._changed:
            await self._until(lambda: not self._collecting, "room is being freed already")
            self._collecting = True
            try:
                await self._until(lambda: not self._under_way(), "a push is under way")
            except BusyError:
                self._stop()
                raise
        try:
            yield
        finally:
            async with self._changed:
                self._stop()

    def _stop(self) -> None:
        self._collecting = False
        self._changed.notify_all()

    def _under_way(self) -> bool:
        return any(time.monotonic() - at < QUIET_SECONDS for at in self._pushing.values())

    async def _until(self, condition: Callable[[], bool], why: str) -> None:
        try:
            await asyncio.wait_for(self._changed.wait_for(condition), WAIT_SECONDS)
        except TimeoutError:
            raise BusyError(why) from None
