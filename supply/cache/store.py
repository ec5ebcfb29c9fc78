"""Content by its digest, on disk: written once and checked, served until the room is wanted for others."""

import asyncio
import hashlib
import logging
import os
import time
from pathlib import Path

from supply.cache.index import Index
from supply.cache.room import Room, StoreFullError

__all__ = ["CorruptError", "Store", "StoreFullError"]

VERIFY_SECONDS = 3600.0  # a blob is read and checked at most so often: disks decay over months
PIECE = 1 << 20  # bytes read at once

log = logging.getLogger("cache")


class CorruptError(Exception):
    """Content does not have the digest that it should have."""


class Store(Room):
    """Content: put here when it has been checked, and checked again from time to time."""

    def __init__(self, folder: Path, index: Index, limit: int) -> None:
        super().__init__(folder, index, limit)
        self._verified: dict[str, float] = {}
        self._checking: dict[str, asyncio.Task[bool]] = {}
        self.corrupted = 0
        self._reconcile()

    def size(self, digest: str) -> int | None:
        """Bytes; None where it is not here. A file that went without us is noticed."""
        size = self.index.size(digest)
        if size is None:
            return None
        try:
            if self.path(digest).stat().st_size == size:
                return size
        except FileNotFoundError:
            pass
        self.remove(digest)
        return None

    async def good(self, digest: str) -> int | None:
        """Bytes of content that is here and is what its digest says; what is not is removed."""
        size = self.size(digest)
        if size is None:
            return None
        if time.monotonic() - self._verified.get(digest, float("-inf")) > VERIFY_SECONDS:
            if digest not in self._checking:
                task = asyncio.create_task(self._check(digest))
                self._checking[digest] = task
                task.add_done_callback(lambda _: self._checking.pop(digest, None))
            if not await asyncio.shield(self._checking[digest]):
                return None
        self.index.use(digest)
        return size

    async def _check(self, digest: str) -> bool:
        """Whether content is what its digest says; what is not, or cannot be read, is removed."""
        try:
            with self.using(digest):
                found = await asyncio.to_thread(_digest_of_file, self.path(digest))
        except OSError as error:
            found = str(error)
        if found == digest:
            self._verified[digest] = time.monotonic()
            return True
        log.warning("%s is damaged on the disk (%s): it is removed", digest, found)
        self.corrupted += 1
        self.remove(digest)
        return False

    def read(self, digest: str) -> bytes:
        """All of it: for manifests."""
        return self.path(digest).read_bytes()

    def add(self, digest: str, data: bytes) -> None:
        """A manifest whose digest has been checked."""
        self.make_room(len(data))
        part = self.partial(digest)
        part.write_bytes(data)
        self._put(part, digest, len(data), manifest=True)

    def keep(self, digest: str, size: int, found: str) -> None:
        """What has grown in `partial` becomes content. What is not that is dropped: CorruptError."""
        part = self.partial(digest)
        if found != digest:
            part.unlink(missing_ok=True)
            raise CorruptError(f"what came for {digest} has the digest {found}")
        self._put(part, digest, size, manifest=False)

    def remove(self, digest: str) -> None:
        """It is not here any more."""
        self._verified.pop(digest, None)
        super().remove(digest)

    def _reconcile(self) -> None:
        """The index may have been lost, or files; what there is gets checked when it is asked for."""
        there = {f"sha256:{p.name}": p for p in (self._folder / "blobs").glob("*/*")}
        known = self.index.digests()
        for digest in known - there.keys():
            self.index.remove(digest)
        for digest in there.keys() - known:
            self.index.add(digest, there[digest].stat().st_size, manifest=False)

    def _put(self, part: Path, digest: str, size: int, *, manifest: bool) -> None:
        target = self.path(digest)
        target.parent.mkdir(exist_ok=True)
        part.replace(target)
        self._promised.pop(digest, None)
        self.index.add(digest, size, manifest=manifest)
        self._verified[digest] = time.monotonic()


def _digest_of_file(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_SEQUENTIAL)
        while piece := file.read(PIECE):
            found.update(piece)
    return f"sha256:{found.hexdigest()}"
