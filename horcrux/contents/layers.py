"""An image's files as its layers make them, the lowest first: those few that somebody wants to read.

Layers are archives of changes: https://github.com/opencontainers/image-spec/blob/v1.1.0/layer.md. A file's
name is only ever a key here; nothing is written anywhere by the names in an image. Pure, but for reading.
"""

import posixpath
import tarfile
from collections import ChainMap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from horcrux.contents.unpacking import Checked, LimitError, entries

FILE_LIMIT = 64 << 20  # the largest package database known to us has 9 MB
KEPT_LIMIT = 256 << 20  # of all files together
FILES_LIMIT = 100_000  # an image of a whole desktop has some 3,000 packages
WHITEOUT, OPAQUE = ".wh.", ".wh..wh..opq"


@dataclass(frozen=True)
class Unread:
    """A file that is there, and why its content is not; no reason where another file has the same content."""

    reason: str


Files = Mapping[str, bytes | Unread]


@dataclass
class Layer:
    """What one layer changes.

    `files`: what it adds; `gone`: what it takes away of the layers below, with all that is beneath;
    `emptied`: folders that it leaves empty of what is below it; `unpacked`: its size in bytes.
    """

    files: dict[str, bytes | Unread] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    emptied: set[str] = field(default_factory=set)
    unpacked: int = 0


def read(stream: Checked, below: Files, wanted: Callable[[str], bool], left: int) -> Layer:
    """One layer. `below`: the files until here; `left`: bytes that it may unpack to.

    Raises what unpacking.failures lists for what is no archive.
    """
    layer, taken = Layer(), {part for path in below for part in _with_parents(path)}
    there, room = ChainMap(layer.files, dict(below)), KEPT_LIMIT - sum(map(_size, below.values()))
    for entry, archive in entries(stream, left):
        layer.unpacked = entry.offset_data + entry.size
        path = clean(entry.name)
        folder, name = posixpath.split(path)
        if name.startswith(WHITEOUT):
            _whiteout(layer, taken, folder, name)
        else:
            if path in taken and (path in below or not entry.isdir()):
                layer.gone.add(path)
            layer.files.pop(path, None)
            if wanted(path) and not entry.isdir():
                found = _link(entry, there, wanted)
                if found is None:
                    found = _content(entry, archive, room)
                layer.files[path] = found
                room -= _size(found)
                if len(layer.files) > FILES_LIMIT:
                    raise LimitError(f"more than {FILES_LIMIT} files that tell of packages")
    return layer


def _whiteout(layer: Layer, taken: set[str], folder: str, name: str) -> None:
    """What goes of what is below, where that is anything that is read."""
    if name == OPAQUE and folder in taken:
        layer.emptied.add(folder)
    gone = posixpath.join(folder, name.removeprefix(WHITEOUT))
    if name != OPAQUE and gone in taken:
        layer.gone.add(gone)


def over(below: Files, layer: Layer) -> dict[str, bytes | Unread]:
    """The files with one layer more on top."""
    left = {
        path: content
        for path, content in below.items()
        if not layer.gone.intersection(_with_parents(path))
        and not layer.emptied.intersection(_parents(path))
    }
    return {**left, **layer.files}


def clean(name: str) -> str:
    """A path without a leading slash, and within the image wherever its dots would lead."""
    return posixpath.normpath(f"/{name}").lstrip("/")


def _link(
    entry: tarfile.TarInfo, there: Files, wanted: Callable[[str], bool]
) -> bytes | Unread | None:
    """What a link stands for; None for what is none."""
    if entry.islnk():
        return there.get(clean(entry.linkname), Unread("it is a link to what is not read"))
    if entry.issym():
        target = clean(posixpath.join("/", posixpath.dirname(clean(entry.name)), entry.linkname))
        return Unread("") if wanted(target) else Unread("it is a link to what is not read")
    return None


def _content(entry: tarfile.TarInfo, archive: tarfile.TarFile, room: int) -> bytes | Unread:
    if not entry.isreg():
        return Unread("it is no file")
    if entry.size > min(FILE_LIMIT, room):
        return Unread(f"it has {entry.size} bytes, which is too much")
    source = archive.extractfile(entry)
    return source.read() if source else b""


def _size(content: bytes | Unread) -> int:
    return len(content) if isinstance(content, bytes) else 0


def _parents(path: str) -> list[str]:
    """The folders that a path lies in, and the root, which is empty."""
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(len(parts))]


def _with_parents(path: str) -> list[str]:
    return [*_parents(path), path]
