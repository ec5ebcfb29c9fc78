"""Which images a registry may forget. Pure: what there is and what is used in, what goes out."""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable

from supply.registry.storage import Tagged

# The platform's own tags, one for each content of an app; see components/app_image.py.
OWN = re.compile(r"(source|image)-[a-f0-9]{16}|[a-f0-9]{12}")
# Cosign's names for what belongs to the image with this digest: signatures, attestations, SBOMs.
ABOUT = re.compile(r"sha256-([a-f0-9]{64})\.(sig|att|sbom)")


def forgettable(
    tags: Iterable[Tagged],
    keep: int,
    used: Collection[str],
    children: Callable[[str], Collection[str]],
) -> list[Tagged]:
    """The tags that go: of the platform's own, those beyond the newest `keep` of each repository that
    nothing in `used` (REPOSITORY@DIGEST) needs. People's own tags stay.

    An image goes by its digest, so it stays while any tag of its repository that stays means the same.
    `children`: the manifests that an index names.
    """
    by_repository = defaultdict(list)
    for tagged in tags:
        by_repository[tagged.repository].append(tagged)
    gone: list[Tagged] = []
    for repository, its in by_repository.items():
        needed = {u.partition("@")[2] for u in used if u.partition("@")[0] == repository}
        needed |= {child for digest in needed for child in children(digest)}
        gone += _of_repository(its, keep, needed, children)
    return gone


def _of_repository(
    its: Collection[Tagged],
    keep: int,
    needed: Collection[str],
    children: Callable[[str], Collection[str]],
) -> list[Tagged]:
    own = sorted((t for t in its if OWN.fullmatch(t.tag)), key=lambda t: t.pushed, reverse=True)
    others = [t for t in its if not OWN.fullmatch(t.tag) and not ABOUT.fullmatch(t.tag)]
    staying = {t.digest for t in (*own[:keep], *others)} | set(needed)
    staying |= {child for digest in staying for child in children(digest)}
    gone = [t for t in own[keep:] if t.digest not in staying]
    forgotten = {t.digest for t in gone}
    about = [
        t for t in its if (named := ABOUT.fullmatch(t.tag)) and f"sha256:{named[1]}" in forgotten
    ]
    return [*gone, *(t for t in about if t.digest not in staying)]
