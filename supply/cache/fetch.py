"""A blob on its way: fetched once for all who ask, resumed where it breaks, given on while it grows."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable
from typing import BinaryIO

from supply.cache.failure import UnavailableError, WrongError
from supply.cache.partial import Partial
from supply.cache.source import Source
from supply.cache.store import PIECE, CorruptError, Store, StoreFullError

RESUMES = 5  # times that a broken transfer is gone on with, without a byte more in between
RESUME_SECONDS = 0.5
# The end of a blob is held back until all of it is known to be right, so that a client never has
# the whole of something wrong.
HELD_BACK = 64 << 10

log = logging.getLogger("cache")


class Fetch:
    """One blob; `chunks` may be called by any number of readers at any time."""

    def __init__(self, store: Store, digest: str, source: Source) -> None:
        self._store, self.digest, self._source = store, digest, source
        self.size: int | None = None
        self._partial = Partial(store, digest)
        self.got = 0
        self._whole = False
        self._failure: Exception | None = None
        self._news = asyncio.Condition()

    async def run(self) -> None:
        """Fetch it to its end, whoever is still there to read it."""
        try:
            with self._store.using(self.digest):
                await self._fetched()
        except asyncio.CancelledError:
            self._failure = UnavailableError("the cache stops")
            raise
        except Exception as error:
            self._failure = error
            if isinstance(error, WrongError | StoreFullError):  # it is nothing to go on with
                self._partial.drop()
            log.warning("%s: %s", self.digest, error)
        finally:
            async with self._news:
                self._news.notify_all()

    async def begun(self) -> None:
        """Wait until its size is known. Raises what keeps it from coming."""
        await self._until(lambda: self.size is not None or self._over)

    async def ended(self) -> None:
        """Wait until it is content. Raises what keeps it from being that."""
        await self._until(lambda: self._over)

    async def _until(self, true: Callable[[], bool]) -> None:
        with self._store.using(self.digest):  # it is not to go before who waits has opened it
            async with self._news:
                await self._news.wait_for(true)
        if self._failure:
            raise self._failure

    async def chunks(self) -> AsyncIterator[bytes]:
        """All of it, as it comes. Raises when it breaks off for good: the reader then lacks its end."""
        given = False
        with self._store.using(self.digest):
            await self.begun()
            while True:
                edition = self._partial.edition
                with self._partial.open() as file:
                    try:
                        async for piece in self._pieces(file, edition):
                            given = True
                            yield piece
                    except StoreFullError as error:  # what is begun cannot be given in another way
                        if not given:
                            raise
                        raise UnavailableError(str(error)) from error
                if edition == self._partial.edition:
                    return
                if given:  # its beginning and the end of another edition may not be one blob
                    raise UnavailableError(f"{self.digest}: it has been begun anew")

    async def _pieces(self, file: BinaryIO, edition: int) -> AsyncIterator[bytes]:
        """What one edition has, until it is whole or another is begun. Raises what it ends with."""
        at = 0

        def news() -> bool:
            return self._over or edition != self._partial.edition or self._given > at

        while True:
            await self._until(news)
            while at < self._given and edition == self._partial.edition:
                size = min(PIECE, self._given - at)
                piece = await asyncio.to_thread(os.pread, file.fileno(), size, at)
                if not piece and edition == self._partial.edition:
                    raise UnavailableError(f"{self.digest}: its file has become shorter")
                if edition == self._partial.edition:
                    at += len(piece)
                    yield piece
            if self._whole or edition != self._partial.edition:
                return

    @property
    def _over(self) -> bool:
        return self._whole or self._failure is not None

    @property
    def _given(self) -> int:
        """How far readers may read."""
        return self._partial.have if self._whole else max(0, self._partial.have - HELD_BACK)

    async def _fetched(self) -> None:
        await asyncio.to_thread(self._partial.take_up)
        left = self._partial.have > 0  # by a process whose machine may have lost its power
        while True:
            try:
                if self._partial.found != self.digest:
                    await self._completed()
                self._partial.keep()
                break
            except (CorruptError, WrongError) as error:
                if not left and not self._source.distrust():
                    raise WrongError(str(error)) from error
                left = False
                log.warning("%s; it is begun anew", error)
                self._partial.restart()
        self.size, self._whole = self._partial.have, True

    async def _completed(self) -> None:
        """Transfer it until nothing is left, however often it breaks off."""
        failures = 0
        while True:
            before = self._partial.have
            try:
                return await self._transfer()
            except UnavailableError:
                failures = failures + 1 if self._partial.have == before else 1
                if failures > RESUMES:
                    raise
                await asyncio.sleep(RESUME_SECONDS)

    async def _transfer(self) -> None:
        async with self._source(self._partial.have) as body:
            if body.start != self._partial.have:
                self._partial.restart()
            if body.size is not None:
                self._store.promise(self.digest, body.size)
            async with self._news:
                self.size = body.size if body.size is not None else self.size
                self._news.notify_all()
            with self._partial.growing() as file:
                async for chunk in body.chunks:
                    self._partial.write(file, chunk)
                    self.got += len(chunk)
                    async with self._news:
                        self._news.notify_all()
        if self.size is not None and self._partial.have < self.size:
            raise UnavailableError(
                f"{self.digest}: broke off at {self._partial.have} of {self.size} bytes"
            )


class Fetches:
    """All that is on its way; whoever asks for a blob that is joins in."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._running: dict[str, tuple[Fetch, asyncio.Task[None]]] = {}

    def of(self, digest: str, source: Source) -> Fetch:
        """The fetch of a blob that is not here."""
        if digest in self._running:
            return self._running[digest][0]
        fetch = Fetch(self._store, digest, source)
        task = asyncio.create_task(fetch.run())
        self._running[digest] = (fetch, task)
        task.add_done_callback(lambda _: self._running.pop(digest, None))
        return fetch

    async def close(self) -> None:
        """Break off; what has come is taken up by the next process."""
        tasks = [task for _, task in self._running.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
