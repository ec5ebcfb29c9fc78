"""What a repository has about a manifest: signatures, attestations, whatever names it as its subject.

https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers
"""

import json
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from supply import oci
from supply.registry.storage import Storage

REMEMBERED = 20_000  # manifests, of some 100 bytes each: those of all releases that are kept


class Referrers:
    """Found by reading each manifest of a repository once: content never changes its subject."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._known: OrderedDict[str, tuple[str, dict[str, Any]] | None] = OrderedDict()

    def of(self, repository: str, subject: str) -> list[dict[str, Any]]:
        """The descriptors of what refers to a manifest, which need not be there itself."""
        found = (self._described(digest) for digest in self._storage.manifests_of(repository))
        return [its[1] for its in found if its and its[0] == subject]

    def _described(self, digest: str) -> tuple[str, dict[str, Any]] | None:
        """A manifest's subject and descriptor; None where it has no subject."""
        if digest not in self._known:
            manifest = self._storage.manifest(digest)
            if manifest is None:  # deleted meanwhile, or of another kind
                return None
            self._known[digest] = described(manifest)
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return self._known[digest]


def described(manifest: oci.Manifest) -> tuple[str, dict[str, Any]] | None:
    """A manifest's subject, and the descriptor that a list of referrers has; None without a subject."""
    if manifest.subject is None:
        return None
    told: Mapping[str, Any] = json.loads(manifest.data)
    config = told.get("config") or {}
    found = {
        "mediaType": manifest.media_type,
        "digest": manifest.digest,
        "size": len(manifest.data),
        "artifactType": told.get("artifactType") or config.get("mediaType"),
        "annotations": told.get("annotations"),
    }
    return manifest.subject, {key: value for key, value in found.items() if value}


def index(descriptors: list[dict[str, Any]]) -> dict[str, Any]:
    """The answer: an index of them."""
    return {"schemaVersion": 2, "mediaType": oci.INDEX_TYPES[0], "manifests": descriptors}
