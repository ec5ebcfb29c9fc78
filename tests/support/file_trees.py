"""Files by their paths: in folders, and in tar archives as images' layers are."""

import io
import tarfile
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

Files = dict[str, bytes]


def to_folder(folder: Path, files: Files) -> Path:
    """The folder, with the files in it."""
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


def packed(files: Files) -> bytes:
    """A tar archive of programs: each file may be run."""
    found = io.BytesIO()
    with tarfile.open(fileobj=found, mode="w") as archive:
        for path, content in files.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(content), 0o755
            archive.addfile(entry, io.BytesIO(content))
    return found.getvalue()


def unpacked(layers: Iterable[bytes]) -> Files:
    """The files of archives, the later ones over the others."""
    found: Files = {}
    for layer in layers:
        with tarfile.open(fileobj=io.BytesIO(layer)) as archive:
            found |= {m.name: member(archive, m.name) for m in archive if m.isfile()}
    return found


def member(archive: tarfile.TarFile, name: str) -> bytes:
    """The content of one file."""
    content = archive.extractfile(name)
    assert content, name
    with closing(content):
        return content.read()
