"""Version numbers as tools print them, and Python versions as plugins want them."""

import pytest

from engine import versions
from engine.language_host.packages import Package, plugin_version, plugins


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("v3.259.0\n", (3, 259, 0)),
        ("go version go1.26.8 linux/amd64", (1, 26, 8)),
        ("v3.260.0-alpha.1", (3, 260, 0)),
        ("", ()),
        ("no version here", ()),
    ],
)
def test_the_first_dotted_number_in_a_text_is_the_version(
    text: str, expected: tuple[int, ...]
) -> None:
    assert versions.numbers(text) == expected


@pytest.mark.parametrize(
    ("python", "semver"),
    [
        ("5.2.0", "5.2.0"),
        ("1.2", "1.2.0"),
        ("1", "1.0.0"),
        ("1.2a4", "1.2.0-alpha.4"),
        ("1.2.3b1", "1.2.3-beta.1"),
        ("1.2.3rc7", "1.2.3-rc.7"),
        ("1.2.3.post1", "1.2.3+post1"),
        ("1.2.3.dev5", "1.2.3+dev5"),
        ("1.2.3rc1.post2.dev3", "1.2.3-rc.1+post2dev3"),
        ("1!2.0", None),
        ("1.2.3+local", None),
    ],
)
def test_a_python_version_is_translated_for_the_engine(python: str, semver: str | None) -> None:
    assert plugin_version(python) == semver


def package(name: str, version: str = "1.0.0", plugin: dict[str, object] | None = None) -> Package:
    return {"name": name, "version": version, "direct": True, "plugin": plugin}


def test_a_package_named_for_pulumi_asks_for_the_plugin_of_its_name_and_version() -> None:
    (found,) = plugins([package("pulumi-docker", "5.2.0"), package("requests")])
    assert found == {
        "kind": "resource",
        "name": "docker",
        "version": "v5.2.0",
        "server": "",
        "parameterization": None,
    }


def test_the_policy_sdk_asks_for_no_plugin() -> None:
    assert not list(plugins([package("pulumi-policy"), package("pulumi-esc-sdk")]))


def test_what_a_package_says_about_its_plugin_goes_before_its_own_name() -> None:
    says = {"resource": True, "name": "other", "version": "2.0.0", "server": "https://example.org"}
    (found,) = plugins([package("mine", plugin=dict(says))])
    assert (found["name"], found["version"]) == ("other", "v2.0.0")
    assert found["server"] == "https://example.org"


def test_a_package_may_say_that_it_has_no_plugin() -> None:
    assert not list(plugins([package("pulumi-docker", plugin={"resource": False})]))


def test_a_version_that_has_no_translation_asks_for_no_plugin() -> None:
    assert not list(plugins([package("pulumi-docker", "1!2.0")]))
