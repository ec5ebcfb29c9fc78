"""SBOMs: valid by CycloneDX' own schema, and as good to read as what they were made from."""

import json

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from horcrux.contents import sbom
from horcrux.contents.packages import Contents, Package, System

DIGEST = f"sha256:{'a' * 64}"
DEBIAN = System("debian", "bookworm", "Debian GNU/Linux 12 (bookworm)")
WORD = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Z"]), min_size=1, max_size=8
)
PACKAGE = st.builds(
    Package, st.sampled_from(["deb", "apk", "pypi"]), WORD, WORD,
    st.sampled_from(["", "amd64"]), WORD | st.just(""), WORD | st.just(""),
)  # fmt: skip
CONTENTS = st.builds(
    lambda system, packages, unread: Contents(
        system, tuple(sorted(packages)), tuple(sorted(unread))
    ),
    st.none() | st.builds(System, WORD, WORD, WORD),
    st.lists(
        PACKAGE, unique_by=lambda p: (p.kind, p.name.lower(), p.version, p.architecture), max_size=5
    ),
    st.lists(WORD, max_size=2, unique=True),
)
VALIDATOR = JsonStrictValidator(SchemaVersion.V1_6)


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(CONTENTS)
def test_a_document_is_valid_and_says_all_that_it_was_made_from(contents: Contents) -> None:
    text = sbom.document(contents, "shop/web", DIGEST)
    assert VALIDATOR.validate_str(text) is None
    assert sbom.parse(text) == contents


def test_packages_are_named_as_others_name_them() -> None:
    package = Package("deb", "libssl3", "3.0.15-1~deb12u1", "amd64", "openssl", "3.0.15-1~deb12u1")
    told = json.loads(sbom.document(Contents(DEBIAN, (package,)), "shop/web", DIGEST))
    urls = [part.get("purl") for part in told["components"]]
    assert "pkg:deb/debian/libssl3@3.0.15-1~deb12u1?arch=amd64&distro=bookworm" in urls
    assert told["metadata"]["component"]["version"] == DIGEST


def test_it_is_the_same_again_but_for_its_time() -> None:
    def made() -> dict[str, object]:
        told = json.loads(sbom.document(Contents(DEBIAN, ()), "shop", DIGEST))
        told["metadata"].pop("timestamp")
        return dict(told)

    assert made() == made()


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", '{"metadata": {"component": {}}}', "<html>"]
)
def test_documents_of_others_are_not_taken_for_ours(text: str) -> None:
    assert sbom.parse(text) is None
