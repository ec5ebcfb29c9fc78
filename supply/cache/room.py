"""The room that content takes on disk: bounded, promised to what comes, and made by what is least used."""

import contextlib
import errno
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from supply.cache.index import Index

LEAST_FREE_SHARE, LEAST_FREE = 0.05, 256 << 20  # of the disk, whichever is less, is left to others


class StoreFullError(Exception):
    """There is no room, not even with everything gone that may go."""


class Room:
    """The folder `blobs/AB/HEX`, and `partial/HEX` for what is on its way."""

    def __init__(self, folder: Path, index: Index, limit: int) -> None:
        """`limit`: bytes that it may take."""
        self._folder, self.index, self.limit = folder, index, limit
        self._in_use: Counter[str] = Counter()
        self._promised: dict[str, int] = {}
        self.evicted = 0
        for name in ("blobs", "partial"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    def path(self, digest: str) -> Path:
        """Where content is, or would be."""
        name = digest.partition(":")[2]
        return self._folder / f"blobs/{name[:2]}/{name}"

    def partial(self, digest: str) -> Path:
        """Where it grows."""
        return self._folder / "partial" / digest.partition(":")[2]

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
                self._promised.pop(digest, None)

    def remove(self, digest: str) -> None:
        """It is not here any more."""
        self.path(digest).unlink(missing_ok=True)
        self.index.remove(digest)

    def promise(self, digest: str, size: int) -> None:
        """Make room for all of what grows in `partial`, while it is `using`. Raises StoreFullError."""
        self._promised.pop(digest, None)
        self._possible(size)
        self.make_room(size - dict(self._growing()).get(digest, 0))
        self._promised[digest] = size

    def make_room(self, size: int) -> None:
        """Remove the longest unused until `size` bytes more fit. Raises StoreFullError."""
        self._possible(size)
        while not self._fits(size):
            if self._drop() is None:
                raise StoreFullError(f"no room for {size} bytes within {self.limit}")

    def shed(self, size: int) -> None:
        """Remove `size` bytes though there seemed to be room: a write has failed. Raises StoreFullError."""
        while size > 0:
            dropped = self._drop()
            if dropped is None:
                raise StoreFullError(f"the disk is full, and {size} bytes more may not go")
            size -= dropped

    def _possible(self, size: int) -> None:
        """What can never fit is not to cost the others their place."""
        if size > self.limit:
            raise StoreFullError(f"{size} bytes are more than the limit of {self.limit}")

    def _drop(self) -> int | None:
        """The bytes that went with what is worth least; None where nothing may go."""
        left = ((d, s) for d, s in self._growing() if d not in self._in_use)
        victim = next(left, None) or self.index.longest_unused(self._in_use)
        if victim is None:
            return None
        digest, size = victim
        if self.index.size(digest) is None:
            self.partial(digest).unlink(missing_ok=True)
        else:
            self.remove(digest)
        self.evicted += size
        return size

    def _fits(self, size: int) -> bool:
        """With all that is promised: what is on its way has its room, what was left half-way takes some."""
        disk, growing = shutil.disk_usage(self._folder), dict(self._growing())
        coming = sum(max(0, s - growing.get(d, 0)) for d, s in self._promised.items())
        least = min(LEAST_FREE, int(disk.total * LEAST_FREE_SHARE))
        taken = self.index.stored() + sum(growing.values()) + coming
        return taken + size <= self.limit and disk.free - coming - size >= least

    def _growing(self) -> list[tuple[str, int]]:
        """What is in `partial`, with its size so far, the oldest first."""
        found = [(path, path.stat()) for path in (self._folder / "partial").iterdir()]
        found.sort(key=lambda entry: entry[1].st_mtime)
        return [(f"sha256:{path.name}", stat.st_size) for path, stat in found]


def is_full(error: OSError) -> bool:
    """Whether a write failed for want of room."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)
