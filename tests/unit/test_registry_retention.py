"""Which images a registry may forget."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from supply.registry.retention import Rule, forgettable
from supply.registry.storage import Tagged


def digest(name: str) -> str:
    return f"sha256:{hashlib.sha256(name.encode()).hexdigest()}"


def own(n: int, meaning: str = "", repository: str = "web") -> Tagged:
    """A tag of the platform's; the greater the number, the newer."""
    return Tagged(repository, f"source-{n:016x}", digest(meaning or str(n)), float(n))


def nothing(_repository: str, _digest: str) -> list[str]:
    """What is about a manifest, where nothing is."""
    return []


def tags(gone: list[Tagged], rule: Rule, **indexes: list[str]) -> list[str]:
    children = {digest(k): [digest(v) for v in its] for k, its in indexes.items()}
    return [t.tag for t in forgettable(gone, rule, lambda d: children.get(d, []), nothing).tags]


def test_the_newest_of_each_repository_stay() -> None:
    its = [own(n) for n in range(5)] + [own(9, repository="blog")]
    assert tags(its, Rule(2)) == [own(n).tag for n in (2, 1, 0)]


def test_what_is_used_stays() -> None:
    its = [own(n) for n in range(3)]
    assert tags(its, Rule(1, [f"web@{digest('0')}"])) == [own(1).tag]
    assert tags(its, Rule(1, [f"blog@{digest('0')}"])) == [own(1).tag, own(0).tag]


def test_an_index_stays_whose_child_is_used() -> None:
    its = [own(0, "index"), own(1)]
    assert tags(its, Rule(1, [f"web@{digest('amd64')}"]), index=["amd64", "arm64"]) == []


def test_what_an_index_that_stays_names_stays() -> None:
    its = [own(0, "amd64"), own(1, "index")]
    assert tags(its, Rule(1), index=["amd64"]) == []


def test_an_image_stays_while_another_tag_means_it() -> None:
    its = [own(0), own(1), own(2), Tagged("web", "mine", digest("0"), 0.0)]
    assert tags(its, Rule(1)) == [own(1).tag]


def test_people_s_own_tags_stay() -> None:
    its = [Tagged("web", f"pr-{n}", digest(f"pr-{n}"), float(n)) for n in range(3)]
    assert tags(its, Rule(1)) == []


def about(name: str, kind: str, meaning: str) -> Tagged:
    return Tagged("web", f"sha256-{digest(name)[7:]}{kind}", digest(meaning), 0.0)


def test_signatures_follow_what_they_are_about() -> None:
    its = [own(0), own(1)] + [
        about(name, kind, f"{name}{kind}") for name in "01" for kind in (".sig", ".att", ".sbom")
    ]
    gone = tags(its, Rule(1))
    assert gone == [own(0).tag] + [t.tag for t in its[2:5]]


def test_signatures_of_what_stays_by_another_tag_stay() -> None:
    its = [own(0), own(1), Tagged("web", "mine", digest("0"), 0.0), about("0", ".sig", "s")]
    assert tags(its, Rule(1)) == []


def test_signatures_of_an_index_s_images_go_with_it() -> None:
    its = [own(0, "index"), own(1), about("amd64", ".sig", "s"), about("other", ".sig", "o")]
    assert tags(its, Rule(1), index=["amd64"]) == [own(0).tag, its[2].tag]


def test_referrers_go_with_all_that_their_list_names() -> None:
    its = [own(0), own(1), about("0", "", "list")]
    children = {digest("list"): [digest("signature")]}
    found = forgettable(its, Rule(1), lambda d: children.get(d, []), nothing)
    assert found.manifests == tuple(("web", digest(n)) for n in ("0", "list", "signature"))


def test_an_index_goes_before_its_images_and_those_that_others_name_stay() -> None:
    its = [own(0, "old"), own(1, "new")]
    children = {
        digest("old"): [digest("a"), digest("shared")],
        digest("new"): [digest("shared")],
    }
    found = forgettable(its, Rule(1), lambda d: children.get(d, []), nothing)
    assert found.manifests == (("web", digest("old")), ("web", digest("a")))


@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.sampled_from("abcdef"), st.sampled_from(["web", "blog"])),
        unique_by=lambda t: (t[0], t[2]),
    ),
    st.integers(1, 4),
    st.sets(st.sampled_from("abcdef")),
)
def test_nothing_that_stays_loses_its_manifest(
    told: list[tuple[int, str, str]], keep: int, used: set[str]
) -> None:
    its = [own(n, meaning, repository) for n, meaning, repository in told]
    children = {digest("a"): [digest("b"), digest("c")], digest("c"): [digest("d")]}
    rule = Rule(keep, {f"web@{digest(name)}" for name in used})
    found = forgettable(its, rule, lambda d: children.get(d, []), nothing)
    deleted, gone = set(found.manifests), set(found.tags)
    for each in its:
        assert (each in gone) == ((each.repository, each.digest) in deleted)
        if each not in gone:
            named = children.get(each.digest, [])
            assert not {(each.repository, child) for child in named} & deleted
    assert not {("web", digest(name)) for name in used} & deleted
    for repository in ("web", "blog"):
        newest = sorted((t for t in its if t.repository == repository), key=lambda t: -t.pushed)
        assert not set(newest[:keep]) & gone


def test_what_is_about_an_image_goes_with_it_unless_it_has_a_tag_that_stays() -> None:
    its = [own(0), own(1), Tagged("web", "report", digest("tagged"), 2.0)]
    about = {digest("0"): [digest("signature"), digest("tagged")], digest("1"): [digest("other")]}
    found = forgettable(its, Rule(1), lambda _: [], lambda _, d: about.get(d, []))
    assert found.manifests == (("web", digest("0")), ("web", digest("signature")))
