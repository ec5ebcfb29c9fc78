"""What distribution has on its disk: read from its own layout, which is fixed by its specification.

https://distribution.github.io/distribution/spec/implementations/ (filesystem driver, version 2)
"""

import contextlib
import errno
import hashlib
import logging
import math
import os
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from supply import oci

MANIFESTS = "_manifests"  # names of repositories do not begin so
ASIDE = "damaged"  # beside a blob's file, until the next collection
log = logging.getLogger("registry")


@dataclass(frozen=True)
class Tagged:
    """A tag, what it means, and when it was last pushed (seconds since the epoch)."""

    repository: str
    tag: str
    digest: str
    pushed: float


class Storage:
    """The folder of a registry; `root` is its configuration's rootdirectory."""

    def __init__(self, root: Path) -> None:
        self._root = root / "docker" / "registry" / "v2"
        self._lock = threading.Lock()

    def tags(self) -> Iterator[Tagged]:
        """All tags of all repositories."""
        for repository, manifests in self._repositories():
            for name in _names(manifests / "tags"):
                link = manifests / "tags" / name / "current" / "link"
                with contextlib.suppress(FileNotFoundError):  # deleted meanwhile
                    digest, pushed = link.read_text().strip(), link.stat().st_mtime
                    yield Tagged(repository, name, digest, pushed)

    def revisions(self) -> Iterator[tuple[str, str]]:
        """All manifests of all repositories, tagged or not: repository, digest."""
        for repository, _ in self._repositories():
            for digest in self.manifests_of(repository):
                yield repository, digest

    def manifests_of(self, repository: str) -> Iterator[str]:
        """The digests of a repository's manifests, tagged or not."""
        revisions = self._revisions(repository)
        return (f"sha256:{n}" for n in _names(revisions) if (revisions / n / "link").exists())

    def pushed(self) -> Iterator[Tagged]:
        """The same, each with the time of its push; the tag is empty."""
        for repository, digest in self.revisions():
            link = self._revisions(repository) / digest.partition(":")[2] / "link"
            with contextlib.suppress(FileNotFoundError):  # deleted meanwhile
                yield Tagged(repository, "", digest, link.stat().st_mtime)

    def silent(self, repository: str) -> float:
        """Seconds since an upload to a repository last grew; infinite where there is none."""
        uploads = self._uploads(repository)
        grown = -math.inf
        for name in _names(uploads):
            with contextlib.suppress(FileNotFoundError):  # ended meanwhile
                grown = max(grown, (uploads / name / "data").stat().st_mtime)
        return time.time() - grown

    def forget_upload(self, repository: str, name: str) -> None:
        """Remove the content of half a layer. Distribution may still write the rest, and purges it itself."""
        if name:
            (self._uploads(repository) / name / "data").unlink(missing_ok=True)

    def empty(self) -> bool:
        """Whether nothing was ever pushed."""
        return not (self._root / "repositories").is_dir()

    def manifest(self, digest: str) -> oci.Manifest | None:
        """A manifest; None where there is none."""
        try:
            return oci.manifest(self._blob(digest).read_bytes())
        except (FileNotFoundError, oci.ManifestError):
            return None

    def content(self, digests: Iterable[str]) -> dict[str, int]:
        """Manifests and all that they name, children and all, with their sizes in bytes; each read once."""
        sizes: dict[str, int] = {}
        left = list(digests)
        while left:
            found = None if (each := left.pop()) in sizes else self.manifest(each)
            if found is None:
                continue
            sizes[each] = len(found.data)
            sizes |= {r.digest: r.size for r in found.references if r.kind == "blob"}
            left += [r.digest for r in found.references if r.kind == "manifest"]
        return sizes

    def used(self) -> int:
        """Bytes of all blobs, also of those that are set aside."""
        found = 0
        for file in self._files():
            with contextlib.suppress(FileNotFoundError):  # collected meanwhile
                found += file.stat().st_size
        return found

    def clear_aside(self) -> None:
        """Remove what was set aside: distribution's collector does not see it."""
        for file in self._files():
            if file.name == ASIDE:
                file.unlink(missing_ok=True)

    def sound(self, digest: str) -> bool:
        """Whether a blob is there and is what its digest says. What is not is set aside.

        Distribution writes over nothing that it has: no push could mend a damaged blob in its place.
        """
        file = self._blob(digest)
        with self._lock:  # what has just come must not be set aside for what was there before
            try:
                with file.open("rb") as content:
                    if hashlib.file_digest(content, "sha256").hexdigest() == file.parent.name:
                        return True
            except FileNotFoundError:
                return False
            except OSError as error:
                log.warning("%s cannot be read: %s", file, error.strerror)
                if error.errno != errno.EIO:  # it is not the disk
                    return False
            with contextlib.suppress(FileNotFoundError):
                file.replace(file.with_name(ASIDE))
            log.error("%s is damaged and set aside as %s", digest, file.with_name(ASIDE))
            return False

    def _blob(self, digest: str) -> Path:
        name = digest.partition(":")[2]
        return self._root / "blobs" / "sha256" / name[:2] / name / "data"

    def _revisions(self, repository: str) -> Path:
        return self._root / "repositories" / repository / MANIFESTS / "revisions" / "sha256"

    def _uploads(self, repository: str) -> Path:
        return self._root / "repositories" / repository / "_uploads"

    def _files(self) -> Iterator[Path]:
        for folder, _, names in os.walk(self._root / "blobs"):
            yield from (Path(folder) / name for name in names)

    def _repositories(self) -> Iterator[tuple[str, Path]]:
        """All repositories, each with the folder of its manifests; what vanishes meanwhile is left out."""
        repositories = self._root / "repositories"
        for folder, names, _ in os.walk(repositories):
            if MANIFESTS in names:
                yield str(Path(folder).relative_to(repositories)), Path(folder) / MANIFESTS
            names[:] = sorted(name for name in names if not name.startswith("_"))


def _names(folder: Path) -> list[str]:
    """What is in a folder, in order; nothing where there is none."""
    try:
        return sorted(each.name for each in folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
