"""Which images a registry may forget. Pure: what there is and what is used in, what goes out."""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from supply import oci
from supply.registry.storage import Tagged

Children = Callable[[str], Collection[str]]
About = Callable[[str, str], Collection[str]]

# The platform's own tags, one for each content of an app; see components/app_image.py.
OWN = re.compile(r"(source|image)-[a-f0-9]{16}|[a-f0-9]{12}")


@dataclass(frozen=True)
class Forgotten:
    """Tags that go, and the manifests (repository, digest) that go with them, indexes first."""

    tags: tuple[Tagged, ...] = ()
    manifests: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Rule:
    """`keep`: how many of a repository's newest stay. `used`: REPOSITORY@DIGEST of what stays anyway."""

    keep: int
    used: Collection[str] = ()


def forgettable(tags: Iterable[Tagged], rule: Rule, children: Children, about: About) -> Forgotten:
    """What goes: of the platform's own tags, those beyond the newest of each repository that nothing used
    needs.

    An image goes by its digest, so it stays while any tag of its repository that stays means the same.
    `children`: the manifests that an index names; `about`: those of a repository that are about one.
    """
    by_repository = defaultdict(list)
    for tagged in tags:
        by_repository[tagged.repository].append(tagged)
    gone: list[Tagged] = []
    manifests: list[tuple[str, str]] = []
    for repository, its in by_repository.items():
        its_gone, digests = _of_repository(repository, its, rule, children)
        gone += its_gone
        staying = {t.digest for t in its if t not in its_gone}
        digests += [
            each for digest in digests for each in about(repository, digest) if each not in staying
        ]
        manifests += [(repository, digest) for digest in dict.fromkeys(digests)]
    return Forgotten(tuple(gone), tuple(manifests))


def _of_repository(
    repository: str, its: Collection[Tagged], rule: Rule, children: Children
) -> tuple[list[Tagged], list[str]]:
    used = {u.partition("@")[2] for u in rule.used if u.partition("@")[0] == repository}
    about = [t for t in its if oci.ABOUT.fullmatch(t.tag)]
    counted = sorted(
        (t for t in its if OWN.fullmatch(t.tag)),
        key=lambda t: (t.pushed, t.tag),
        reverse=True,
    )
    others = [t for t in its if t not in about and t not in counted]
    staying = {t.digest for t in (*counted[: rule.keep], *others)} | used
    staying |= {t.digest for t in counted if used & with_children(t.digest, children)}
    whole = {each for digest in staying for each in with_children(digest, children)}
    gone = [t for t in counted[rule.keep :] if t.digest not in whole]
    digests = _forgotten(gone, whole, children)
    # What is about something that goes, goes too, unless it is used or means what stays.
    its_about = [t for t in about if f"sha256:{_subject(t)}" in digests and t.digest not in whole]
    kept = {t.digest for t in about if t not in its_about}
    whole |= {each for digest in kept for each in with_children(digest, children)}
    its_about = [t for t in its_about if t.digest not in whole]
    gone = [t for t in gone if t.digest not in whole]
    return [*gone, *its_about], _forgotten([*gone, *its_about], whole, children)


def with_children(digest: str, children: Children) -> set[str]:
    """A manifest, and all that it names directly or by another."""
    found, left = set(), [digest]
    while left:
        each = left.pop()
        if each not in found:
            found.add(each)
            left += children(each)
    return found


def _forgotten(gone: Iterable[Tagged], staying: Collection[str], children: Children) -> list[str]:
    """The digests that go with tags: each index before its children, none twice."""
    found: dict[str, None] = {}
    for tagged in gone:
        others = sorted(with_children(tagged.digest, children) - {tagged.digest})
        found |= dict.fromkeys(d for d in (tagged.digest, *others) if d not in staying)
    return list(found)


def _subject(tagged: Tagged) -> str:
    named = oci.ABOUT.fullmatch(tagged.tag)
    return named[1] if named else ""
