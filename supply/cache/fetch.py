"""A blob on its way: fetched once for all who ask, resumed where it breaks, given on while it grows."""

import asyncio
import hashlib
import logging
import os
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import BinaryIO, Protocol

from supply.cache.failure import UnavailableError, WrongError
from supply.cache.store import PIECE, CorruptError, Store, StoreFullError, is_full
from supply.cache.upstream import Body

RESUMES = 5  # times that a broken transfer is gone on with, without a byte more in between
RESUME_SECONDS = 0.5
# The end of a blob is held back until all of it is known to be right, so that a client never has
# the whole of something wrong.
HELD_BACK = 64 << 10

log = logging.getLogger("cache")


class Source(Protocol):
    """Where content comes from."""

    def __call__(self, offset: int) -> AbstractAsyncContextManager[Body]:
        """Open it from an offset on."""
        ...

    def distrust(self) -> bool:
        """What came was wrong: whether another one can be asked."""
        ...


class Fetch:
    """One blob; `chunks` may be called by any number of readers at any time."""

    def __init__(self, store: Store, digest: str, source: Source) -> None:
        self._store, self.digest, self._source = store, digest, source
        self.size: int | None = None
        self.got = self._have = 0
        self._hash = hashlib.sha256()
        self._whole = False
        self._failure: Exception | None = None
        self._news = asyncio.Condition()
        self.seconds = 0.0

    async def run(self) -> None:
        """Fetch it to its end, whoever is still there to read it."""
        began = time.monotonic()
        try:
            with self._store.using(self.digest):
                await self._fetched()
        except asyncio.CancelledError:
            self._failure = UnavailableError("the cache stops")
            raise
        except Exception as error:
            self._failure = error
            log.warning("%s: %s", self.digest, error)
        finally:
            self.seconds = time.monotonic() - began
            async with self._news:
                self._news.notify_all()

    async def begun(self) -> None:
        """Wait until its size is known. Raises what keeps it from coming."""
        async with self._news:
            await self._news.wait_for(lambda: self.size is not None or self._over)
        if self._failure:
            raise self._failure

    async def ended(self) -> None:
        """Wait until it is content. Raises what keeps it from being that."""
        async with self._news:
            await self._news.wait_for(lambda: self._over)
        if self._failure:
            raise self._failure

    async def chunks(self) -> AsyncIterator[bytes]:
        """All of it, as it comes. Raises when it breaks off for good: the reader then lacks its end."""
        await self.begun()
        with self._store.using(self.digest):
            file = self._open()
            with file:
                at = 0
                while True:
                    async with self._news:
                        await self._news.wait_for(lambda: self._given > at or self._over)  # noqa: B023
                    if self._failure:
                        raise self._failure
                    while at < self._given:
                        piece = await asyncio.to_thread(
                            os.pread, file.fileno(), min(PIECE, self._given - at), at
                        )
                        at += len(piece)
                        yield piece
                    if self._whole and at >= self._have:
                        return

    @property
    def _over(self) -> bool:
        return self._whole or self._failure is not None

    @property
    def _given(self) -> int:
        """How far readers may read."""
        return self._have if self._whole else max(0, self._have - HELD_BACK)

    def _open(self) -> BinaryIO:
        part = self._store.partial(self.digest)
        return (part if part.exists() else self._store.path(self.digest)).open("rb")

    async def _fetched(self) -> None:
        await asyncio.to_thread(self._take_up)
        while True:
            await self._completed()
            try:
                self._store.keep(self.digest, self._have, f"sha256:{self._hash.hexdigest()}")
                break
            except CorruptError as error:
                if not self._source.distrust():
                    raise WrongError(str(error)) from error
                log.warning("%s; asking another", error)
                self._restart()
        self._whole = True

    async def _completed(self) -> None:
        """Transfer it until nothing is left, however often it breaks off."""
        failures = 0
        while True:
            before = self._have
            try:
                return await self._transfer()
            except UnavailableError:
                failures = failures + 1 if self._have == before else 1
                if failures > RESUMES:
                    raise
                await asyncio.sleep(RESUME_SECONDS)

    def _take_up(self) -> None:
        """What an earlier fetch left, which was broken off with the process."""
        part = self._store.partial(self.digest)
        part.touch()
        with part.open("rb") as file:
            while piece := file.read(PIECE):
                self._hash.update(piece)
                self._have += len(piece)

    async def _transfer(self) -> None:
        try:
            opened = self._source(self._have)
            async with opened as body:
                if body.start != self._have:
                    self._restart()
                await self._announce(body)
                with self._store.partial(self.digest).open("ab") as file:
                    async for chunk in body.chunks:
                        self._write(file, chunk)
                        async with self._news:
                            self._news.notify_all()
        except WrongError:
            self._store.partial(self.digest).unlink(missing_ok=True)
            raise
        if self.size is not None and self._have < self.size:
            raise UnavailableError(f"{self.digest}: broke off at {self._have} of {self.size} bytes")

    async def _announce(self, body: Body) -> None:
        if body.size is not None:
            self._store.make_room(body.size - self._have)
        async with self._news:
            self.size = body.size if body.size is not None else self.size
            self._news.notify_all()

    def _write(self, file: BinaryIO, chunk: bytes) -> None:
        try:
            file.write(chunk)
            file.flush()
        except OSError as error:
            if not is_full(error):
                raise
            file.truncate(self._have)
            self._store.make_room(PIECE + len(chunk))
            try:
                file.write(chunk)
                file.flush()
            except OSError as again:
                raise StoreFullError(f"the disk is full: {again}") from again
        self._hash.update(chunk)
        self._have += len(chunk)
        self.got += len(chunk)

    def _restart(self) -> None:
        """The source knows no ranges: from the beginning, in a file of its own for later readers."""
        self._store.partial(self.digest).write_bytes(b"")
        self._hash, self._have = hashlib.sha256(), 0


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
