"""What distribution has on its disk: read from its own layout, which is fixed by its specification.

https://distribution.github.io/distribution/spec/implementations/ (filesystem driver, version 2)
"""

import contextlib
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from supply import oci


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

    def tags(self) -> Iterator[Tagged]:
        """All tags of all repositories."""
        repositories = self._root / "repositories"
        for link in sorted(repositories.glob("**/_manifests/tags/*/current/link")):
            tag = link.parent.parent
            repository = tag.parent.parent.parent.relative_to(repositories)
            try:
                digest, pushed = link.read_text().strip(), link.stat().st_mtime
            except FileNotFoundError:  # deleted meanwhile
                continue
            yield Tagged(str(repository), tag.name, digest, pushed)

    def revisions(self) -> Iterator[tuple[str, str]]:
        """All manifests of all repositories, tagged or not: repository, digest."""
        repositories = self._root / "repositories"
        for link in repositories.glob("**/_manifests/revisions/sha256/*/link"):
            repository = link.parents[4].relative_to(repositories)
            yield str(repository), f"sha256:{link.parent.name}"

    def manifests_of(self, repository: str) -> Iterator[str]:
        """The digests of a repository's manifests, tagged or not."""
        revisions = self._root / "repositories" / repository / "_manifests/revisions/sha256"
        return (f"sha256:{link.parent.name}" for link in revisions.glob("*/link"))

    def pushed(self) -> Iterator[Tagged]:
        """The same, each with the time of its push; the tag is empty."""
        repositories = self._root / "repositories"
        for repository, digest in self.revisions():
            name = digest.partition(":")[2]
            link = repositories / repository / "_manifests/revisions/sha256" / name / "link"
            with contextlib.suppress(FileNotFoundError):  # deleted meanwhile
                yield Tagged(repository, "", digest, link.stat().st_mtime)

    def silent(self, repository: str) -> float:
        """Seconds since an upload to a repository last grew; infinite where there is none."""
        uploads = self._root / "repositories" / repository / "_uploads"
        grown = -math.inf
        for path in uploads.glob("*/data"):
            with contextlib.suppress(FileNotFoundError):  # ended meanwhile
                grown = max(grown, path.stat().st_mtime)
        return time.time() - grown

    def empty(self) -> bool:
        """Whether nothing was ever pushed."""
        return not (self._root / "repositories").is_dir()

    def manifest(self, digest: str) -> oci.Manifest | None:
        """A manifest; None where there is none."""
        name = digest.partition(":")[2]
        try:
            data = (self._root / "blobs" / "sha256" / name[:2] / name / "data").read_bytes()
            return oci.manifest(data)
        except (FileNotFoundError, oci.ManifestError):
            return None

    def size(self, digest: str) -> int:
        """Bytes of a manifest and of all that it names, children and all, each once."""
        sizes: dict[str, int] = {}
        left = [digest]
        while left:
            found = None if (each := left.pop()) in sizes else self.manifest(each)
            if found is None:
                continue
            sizes[each] = len(found.data)
            sizes |= {r.digest: r.size for r in found.references if r.kind == "blob"}
            left += [r.digest for r in found.references if r.kind == "manifest"]
        return sum(sizes.values())

    def used(self) -> int:
        """Bytes of all blobs."""
        return sum(f.stat().st_size for f in (self._root / "blobs").glob("**/data"))
