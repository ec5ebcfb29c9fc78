"""What the registry has, and how much room what is forgotten would leave."""

from collections import defaultdict
from collections.abc import Collection
from typing import Any

from supply.registry.referrers import Referrers
from supply.registry.retention import Forgotten, Rule, forgettable, with_children
from supply.registry.storage import Storage, Tagged


def repositories(storage: Storage) -> dict[str, Any]:
    """All repositories with their tags: digests, sizes in bytes, and the time of their last push."""
    by_name: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for each in storage.tags():
        by_name[each.repository].append(told(storage, each))
    return {"repositories": [{"name": n, "tags": its} for n, its in by_name.items()]}


def told(storage: Storage, tagged: Tagged) -> dict[str, Any]:
    """A tag as answers have it."""
    return {
        "repository": tagged.repository,
        "tag": tagged.tag,
        "digest": tagged.digest,
        "size": storage.size(tagged.digest),
        "pushed": tagged.pushed,
    }


def forgotten(storage: Storage, rule: Rule) -> tuple[Forgotten, dict[str, Any]]:
    """What a rule lets go, and the same as it is answered."""
    tags = list(storage.tags())
    about = Referrers(storage)

    def subjected(repository: str, digest: str) -> list[str]:
        return [str(its["digest"]) for its in about.of(repository, digest)]

    found = forgettable(tags, rule, lambda digest: children(storage, digest), subjected)
    gone = set(found.tags)
    return found, {
        "deleted": [told(storage, each) for each in found.tags],
        "kept": [told(storage, each) for each in tags if each not in gone],
        "freed": freed(storage, found.manifests),
    }


def children(storage: Storage, digest: str) -> list[str]:
    """The manifests that an index names; none for an image."""
    found = storage.manifest(digest)
    return [r.digest for r in found.references if r.kind == "manifest"] if found else []


def freed(storage: Storage, manifests: Collection[tuple[str, str]]) -> int:
    """Bytes of the blobs that only these manifests (repository, digest) need, in all repositories."""
    going = set(manifests)
    staying = {each for each in storage.revisions() if each not in going}
    gone = _blobs(storage, {digest for _, digest in going})
    for digest in _blobs(storage, {digest for _, digest in staying}):
        gone.pop(digest, None)
    return sum(gone.values())


def _blobs(storage: Storage, digests: Collection[str]) -> dict[str, int]:
    """All that manifests are and name, with the sizes."""
    found: dict[str, int] = {}
    for digest in digests:
        for each in with_children(digest, lambda d: children(storage, d)):
            manifest = storage.manifest(each)
            if manifest:
                found[each] = len(manifest.data)
                found |= {r.digest: r.size for r in manifest.references if r.kind == "blob"}
    return found
