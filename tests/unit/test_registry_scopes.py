"""What accounts get of what they ask for, and which tags stay what they are."""

import pytest

from supply.registry.immutable import Immutable
from supply.registry.scopes import Rights, granted

CI = Rights(pull=("shop/*", "base"), push=("shop/*",))
ADMIN = Rights(pull=("*",), push=("*",), delete=True, admin=True)


@pytest.mark.parametrize(
    ("rights", "asked", "given"),
    [
        (CI, "repository:shop/web:pull,push", ["pull", "push"]),
        (CI, "repository:shop/web:pull,push,delete", ["pull", "push"]),
        (CI, "repository:shop/web:*", ["pull", "push"]),
        (CI, "repository:base:pull,push", ["pull"]),
        (CI, "repository:blog:pull,push", []),
        (CI, "repository:shop:pull", []),
        (CI, "repository:Shop/web:pull", []),
        (CI, "repository:shop/../secret:pull", []),
        (CI, "repository:shop//web:pull", []),
        (CI, "registry:catalog:*", []),
        (CI, "registry:shop/web:pull", []),
        (Rights(push=("a",)), "repository:a:pull", ["pull"]),
        (Rights(pull=("a",), delete=True), "repository:a:delete", []),
        (ADMIN, "repository:blog:delete,pull,push", ["delete", "pull", "push"]),
        (ADMIN, "registry:catalog:*", ["*"]),
        (ADMIN, "registry:other:*", []),
        (ADMIN, "nonsense", []),
        (ADMIN, "", []),
    ],
)
def test_what_is_asked_for_and_what_is_allowed_are_intersected(
    rights: Rights, asked: str, given: list[str]
) -> None:
    kind, _, rest = asked.partition(":")
    entry = {"type": kind, "name": rest.rpartition(":")[0], "actions": given}
    assert granted(rights, [asked]) == ([entry] if given else [])


def test_each_of_several_scopes_is_looked_at() -> None:
    found = granted(
        CI, ["repository:shop/web:push", "repository:blog:pull", "repository:base:pull"]
    )
    assert [each["name"] for each in found] == ["shop/web", "base"]


@pytest.mark.parametrize(
    ("repository", "reference", "stays"),
    [
        ("shop/web", "source-1", True),
        ("web", "1.0", False),
        ("web", "v1", True),
        ("web", f"sha256:{'a' * 64}", False),
    ],
)
def test_tags_are_immutable_by_patterns(repository: str, reference: str, stays: bool) -> None:
    rule = Immutable.read({"immutable": ["*:source-*", "*:v*"]})
    assert rule.has(repository, reference) is stays


def test_settings_without_patterns_let_all_tags_change() -> None:
    assert not Immutable.read({}).has("web", "v1")
    assert not Immutable.read({"immutable": ["*"]}).has("web", f"sha256:{'a' * 64}")
