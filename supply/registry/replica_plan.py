"""What a replica is to have, by the tags under which it has it. Pure.

A manifest without a tag here (a release names it by its digest, and its tag has moved on) gets one there,
so that a registry which removes what has no tag keeps it, and any client can list what there is.
"""

from collections.abc import Callable, Iterable, Sequence

from supply import oci
from supply.registry.storage import Tagged

HELD = "digest-"
LIST = (
    "horcrux-repositories"  # the repository that says which others there are; see replica_list.py
)


def wanted(
    tags: Sequence[Tagged], revisions: Iterable[Tagged], children: Callable[[str], Iterable[str]]
) -> list[Tagged]:
    """All tags, and one for each manifest of `revisions` that neither a tag nor another manifest names.

    The oldest first. `children`: the digests of the manifests that an index names.
    """
    every = list(revisions)
    named = {(each.repository, each.digest) for each in tags}
    named |= {(each.repository, child) for each in every for child in children(each.digest)}
    held = [
        Tagged(each.repository, held_tag(each.digest), each.digest, each.pushed)
        for each in every
        if (each.repository, each.digest) not in named
    ]
    return sorted([*tags, *held], key=lambda each: (each.pushed, each.repository, each.tag))


def held_tag(digest: str) -> str:
    """What an untagged manifest is called there."""
    return f"{HELD}{digest.partition(':')[2]}"


def held(tag: str) -> str | None:
    """The digest that such a tag is for; None for any other tag."""
    digest = f"sha256:{tag.removeprefix(HELD)}"
    return digest if tag.startswith(HELD) and oci.is_digest(digest) else None


def named(prefix: str, repository: str) -> str:
    """What a repository is called there; `prefix` may be empty."""
    return f"{prefix}/{repository}" if prefix else repository
