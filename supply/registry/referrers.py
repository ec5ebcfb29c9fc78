"""What a repository has about a manifest: signatures, attestations, whatever names it as its subject.

https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers
"""

import json
import threading
from collections.abc import Mapping
from typing import Any

from supply import oci
from supply.registry.storage import Storage

REMEMBERED = 20_000  # manifests, of some 200 bytes each: those of all releases that are kept
TOLD = 1000  # referrers in an answer; the specification lets a registry limit it, and readers have limits too
NOTES = 4096  # bytes of annotations; a signature's have some 300


class Referrers:
    """Found by reading each manifest of a repository once: content never changes its subject."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._subjects: dict[str, str | None] = {}
        self._lock = threading.Lock()

    def of(self, repository: str, subject: str) -> list[dict[str, Any]]:
        """The descriptors of what refers to a manifest, which need not be there itself."""
        manifests = map(self._storage.manifest, self.digests(repository, subject))
        return [described(manifest) for manifest in manifests if manifest]

    def digests(self, repository: str, subject: str) -> list[str]:
        """The same by their digests."""
        found: list[str] = []
        with self._lock:
            for digest in self._storage.manifests_of(repository):
                if self._subject(digest) == subject and len(found) < TOLD:
                    found.append(digest)
        return found

    def _subject(self, digest: str) -> str | None:
        if digest not in self._subjects:
            manifest = self._storage.manifest(digest)
            if manifest is None:  # deleted meanwhile, or of another kind
                return None
            if len(self._subjects) >= REMEMBERED:
                self._subjects.clear()
            self._subjects[digest] = manifest.subject
        return self._subjects[digest]


def described(manifest: oci.Manifest) -> dict[str, Any]:
    """The descriptor that a list of referrers has; without annotations where they are a burden."""
    told: Mapping[str, Any] = json.loads(manifest.data)
    config = told.get("config")
    notes = told.get("annotations")
    found = {
        "mediaType": manifest.media_type,
        "digest": manifest.digest,
        "size": len(manifest.data),
        "artifactType": told.get("artifactType")
        or (config.get("mediaType") if isinstance(config, dict) else None),
        "annotations": notes if len(json.dumps(notes)) <= NOTES else None,
    }
    return {key: value for key, value in found.items() if value}


def index(descriptors: list[dict[str, Any]]) -> dict[str, Any]:
    """The answer: an index of them."""
    return {"schemaVersion": 2, "mediaType": oci.INDEX_TYPES[0], "manifests": descriptors}
