"""Small helpers around files: a lock, a write in one step, a scratch folder."""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path


@contextlib.contextmanager
def locked(path: Path, when_waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock file at `path`; call `when_waiting` once if another process holds it.

    The system lets go of the lock when its holder ends, however it ends.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            when_waiting()
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def put(content: bytes | Path, target: Path, mode: int = 0o755) -> None:
    """Write `content` (bytes, or the file to copy) to `target` in one step.

    A reader sees the old file or the new one, never half of it. What is there already and equal
    is left alone.
    """
    if isinstance(content, bytes) and target.is_file() and target.read_bytes() == content:
        target.chmod(mode)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{os.getpid()}")
    if isinstance(content, bytes):
        part.write_bytes(content)
    else:
        shutil.copyfile(content, part)
    part.chmod(mode)
    part.replace(target)


@contextlib.contextmanager
def scratch(parent: Path) -> Iterator[Path]:
    """Give an empty folder below `parent`; the caller holds the lock.

    Its name is fixed, so that what a killed run left behind is cleared by the next one.
    """
    path = parent / ".build"
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def read(path: Path) -> str:
    """Return the text of a stamp file; "" where there is none."""
    return path.read_text().strip() if path.is_file() else ""
