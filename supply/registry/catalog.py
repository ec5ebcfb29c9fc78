"""What the registry has, and how much room what is forgotten would leave."""

from collections import defaultdict
from collections.abc import Collection
from typing import Any

from supply.registry.referrers import Referrers
from supply.registry.retention import Forgotten, Rule, forgettable
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
        "size": sum(storage.content([tagged.digest]).values()),
        "pushed": tagged.pushed,
    }


def forgotten(storage: Storage, about: Referrers, rule: Rule) -> tuple[Forgotten, dict[str, Any]]:
    """What a rule lets go, and the same as it is answered."""
    tags = list(storage.tags())
    found = forgettable(tags, rule, lambda digest: children(storage, digest), about.digests)
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
    gone = storage.content({digest for _, digest in going})
    for digest in storage.content({digest for _, digest in staying}):
        gone.pop(digest, None)
    return sum(gone.values())
