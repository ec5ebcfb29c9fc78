"""Content by its digest, on disk: written once and checked, served until the room is wanted for others."""

import asyncio
import contextlib
import errno
import hashlib
import os
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from supply.cache.index import Index

VERIFY_SECONDS = 3600.0  # a blob is read and checked at most so often: disks decay over months
PIECE = 1 << 20  # bytes read at once
LEAST_FREE_SHARE, LEAST_FREE = 0.05, 256 << 20  # of the disk, whichever is less, is left to others


class StoreFullError(Exception):
    """There is no room, not even with everything gone that may go."""


class CorruptError(Exception):
    """Content does not have the digest that it should have."""


class Store:
    """The folder `blobs/AB/HEX`, and `partial/HEX` for what is on its way."""

    def __init__(self, folder: Path, index: Index, limit: int) -> None:
        """`limit`: bytes that it may take."""
        self._folder, self.index, self.limit = folder, index, limit
        self._verified: dict[str, float] = {}
        self._in_use: Counter[str] = Counter()
        self.evicted = self.corrupted = 0
        for name in ("blobs", "partial"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    def path(self, digest: str) -> Path:
        """Where content is, or would be."""
        name = digest.partition(":")[2]
        return self._folder / "blobs" / name[:2] / name

    def partial(self, digest: str) -> Path:
        """Where it grows."""
        return self._folder / "partial" / digest.partition(":")[2]

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
            with self.using(digest):
                found = await asyncio.to_thread(_digest_of_file, self.path(digest))
            if found != digest:
                self.corrupted += 1
                self.remove(digest)
                return None
            self._verified[digest] = time.monotonic()
        self.index.use(digest)
        return size

    @contextlib.contextmanager
    def using(self, digest: str) -> Iterator[None]:
        """While content is read or fetched it is not removed to make room."""
        self._in_use[digest] += 1
        try:
            yield
        finally:
            self._in_use[digest] -= 1
            if not self._in_use[digest]:
                del self._in_use[digest]

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
        self.path(digest).unlink(missing_ok=True)
        self._verified.pop(digest, None)
        self.index.remove(digest)

    def make_room(self, size: int) -> None:
        """Remove the longest unused until `size` bytes more fit. Raises StoreFullError."""
        while not self._fits(size):
            victim = self.index.longest_unused(self._in_use)
            if victim is None:
                raise StoreFullError(f"no room for {size} bytes within {self.limit}")
            self.remove(victim[0])
            self.evicted += victim[1]

    def _fits(self, size: int) -> bool:
        disk = shutil.disk_usage(self._folder)
        left = min(LEAST_FREE, int(disk.total * LEAST_FREE_SHARE))
        return self.index.stored() + size <= self.limit and disk.free - size >= left

    def _put(self, part: Path, digest: str, size: int, *, manifest: bool) -> None:
        target = self.path(digest)
        target.parent.mkdir(exist_ok=True)
        part.replace(target)
        self.index.add(digest, size, manifest=manifest)
        self._verified[digest] = time.monotonic()


def is_full(error: OSError) -> bool:
    """Whether a write failed for want of room."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def _digest_of_file(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_SEQUENTIAL)
        while piece := file.read(PIECE):
            found.update(piece)
    return f"sha256:{found.hexdigest()}"
