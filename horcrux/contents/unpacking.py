"""A layer on its way: checked against its digest, and unpacked (gzip, zstd or neither) as it comes.

Nothing is written to a disk, and no more of it is in memory than a piece.
"""

import gzip
import hashlib
import io
import tarfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO, cast

from horcrux.exits import HorcruxError

PIECE = 1 << 20
GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"  # RFC 1952 2.3.1, RFC 8878 3.1.1
# What an image may take unpacked; above it, a small download is meant to keep us busy for hours.
UNPACKED_LIMIT = 64 << 30
ENTRIES_LIMIT = 5_000_000  # of a layer; a large image has 200,000 files in all
HEADER_LIMIT = 1 << 20  # of a file's extended attributes and long names, which tarfile reads whole
HEADERS = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE)
NAMES = (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)


class LimitError(tarfile.ReadError):
    """It is more than anybody's image has."""


class Checked(io.RawIOBase):
    """What a registry sends for a digest, counted and hashed while it is read."""

    def __init__(self, pieces: Iterator[bytes], digest: str, what: str) -> None:
        """`digest`: sha256:…; `what` it is, for errors. Raises HorcruxError for other digests."""
        super().__init__()
        if not digest.startswith("sha256:"):
            raise HorcruxError(
                f"{what}: digests other than sha256 are not read, and this is {digest}"
            )
        self._pieces, self._digest, self._what = pieces, digest, what
        self._hash, self._rest = hashlib.sha256(), memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        into = memoryview(buffer)  # type: ignore[arg-type]
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._hash.update(piece)
            self._rest = memoryview(piece)
        count = min(len(into), len(self._rest))
        into[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def finish(self) -> None:
        """Read what is left; raises HorcruxError when all of it is not what its digest says."""
        for piece in self._pieces:
            self._hash.update(piece)
        if (found := f"sha256:{self._hash.hexdigest()}") != self._digest:
            raise HorcruxError(
                f"{self._what}: {self._digest} has other content than its digest says ({found}); "
                "it was damaged where it lies, or on its way: try again, else push the image again"
            )


class Entry(tarfile.TarInfo):
    """A header of an archive by somebody else."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        if self.type in (*HEADERS, *NAMES) and self.size > HEADER_LIMIT:
            raise tarfile.ReadError(f"a header of {self.size} bytes")
        process = super()._proc_member  # type: ignore[misc]
        return cast(tarfile.TarInfo, process(archive))


class Limited:
    """A stream that ends with an error after so many bytes."""

    def __init__(self, stream: BinaryIO, left: int) -> None:
        self._stream, self.left = stream, left

    def read(self, size: int) -> bytes:
        """At most so many bytes. Raises LimitError."""
        data = self._stream.read(size)
        self.left -= len(data)
        if self.left < 0:
            raise LimitError(f"more than {UNPACKED_LIMIT >> 30} GiB unpacked")
        return data


def entries(stream: Checked, left: int) -> Iterator[tuple[tarfile.TarInfo, tarfile.TarFile]]:
    """Each entry with the archive to read it from before the next is asked for.

    `left`: bytes that may be unpacked. What is wrong with the archive is one of `FAILURES`.
    """
    plain = Limited(_unpacked(stream), left)
    with tarfile.open(fileobj=plain, mode="r|", bufsize=PIECE, tarinfo=Entry) as archive:  # type: ignore[call-overload]
        count = 0
        while (entry := archive.next()) is not None:
            if (count := count + 1) > ENTRIES_LIMIT:
                raise LimitError(f"more than {ENTRIES_LIMIT} entries")
            yield entry, archive
            archive.members.clear()  # it remembers all of them, which may be millions


def _unpacked(stream: Checked) -> BinaryIO:
    import zstandard

    buffered = io.BufferedReader(stream, PIECE)
    start = buffered.peek(len(ZSTD))
    if start.startswith(GZIP):
        return cast(BinaryIO, io.BufferedReader(gzip.GzipFile(fileobj=buffered), PIECE))
    if start.startswith(ZSTD):
        reader = zstandard.ZstdDecompressor().stream_reader(buffered, read_across_frames=True)
        return cast(BinaryIO, reader)
    return buffered


def failures() -> tuple[type[Exception], ...]:
    """What a layer that is no archive, or a broken one, raises while it is read."""
    import zstandard

    broken = (tarfile.TarError, zlib.error, zstandard.ZstdError, EOFError, OSError, ValueError)
    return (
        *broken,
        RecursionError,
    )  # tarfile goes from one long name to the next by calling itself
