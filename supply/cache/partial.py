"""The part of a blob that has come: a file that grows, and the digest so far."""

import contextlib
import hashlib
from collections.abc import Iterator
from io import RawIOBase
from typing import BinaryIO

from supply.cache.failure import UnavailableError
from supply.cache.room import is_full
from supply.cache.store import PIECE, Store, StoreFullError


class Partial:
    """One blob's. `edition`: how often it was begun anew, each time in a file of its own."""

    def __init__(self, store: Store, digest: str) -> None:
        self._store, self._digest = store, digest
        self._path = store.partial(digest)
        self._hash = hashlib.sha256()
        self.have = self.edition = 0

    @property
    def found(self) -> str:
        """The digest of what there is."""
        return f"sha256:{self._hash.hexdigest()}"

    def take_up(self) -> None:
        """What an earlier fetch left, which was broken off with the process."""
        self._path.touch()
        with self._path.open("rb") as file:
            while piece := file.read(PIECE):
                self._hash.update(piece)
                self.have += len(piece)

    def restart(self) -> None:
        """From the beginning; who reads the old file is not given both."""
        self._path.unlink(missing_ok=True)
        self._path.touch()
        self._hash, self.have = hashlib.sha256(), 0
        self.edition += 1

    def drop(self) -> None:
        """It is nothing to go on with."""
        self._path.unlink(missing_ok=True)

    def keep(self) -> None:
        """It is whole. Raises CorruptError."""
        self._store.keep(self._digest, self.have, self.found)

    def open(self) -> BinaryIO:
        """To read it, also when it is whole. Raises UnavailableError."""
        path = self._path if self._path.exists() else self._store.path(self._digest)
        try:
            return path.open("rb")
        except FileNotFoundError as error:
            raise UnavailableError(f"{self._digest}: it went again to make room") from error

    @contextlib.contextmanager
    def growing(self) -> Iterator[RawIOBase]:
        """To write it; without a buffer, as what one holds for a full disk cannot be taken back."""
        with self._path.open("ab", buffering=0) as file:
            yield file

    def write(self, file: RawIOBase, chunk: bytes) -> None:
        """Some more. A full disk makes others go; raises StoreFullError where that does not help."""
        try:
            _write_all(file, chunk)
        except OSError as error:
            if not is_full(error):
                raise
            file.truncate(self.have)
            self._store.shed(PIECE + len(chunk))
            try:
                _write_all(file, chunk)
            except OSError as again:
                raise StoreFullError(f"the disk is full: {again}") from again
        self._hash.update(chunk)
        self.have += len(chunk)


def _write_all(file: RawIOBase, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) or 0 :]
