"""The setting `images.signatures`: which images it is about, and what is refused."""

from typing import Any

import pytest

from horcrux.images.names import whole
from horcrux.settings import SettingsError, parse
from horcrux.settings.signatures import SignatureRule
from horcrux.signatures.signing_rules import about
from tests.support.signed import key, public_pem

PEM = public_pem(key())


def rules(*patterns: str) -> list[SignatureRule]:
    return [SignatureRule(images=pattern, keys=(PEM,)) for pattern in patterns]


@pytest.mark.parametrize(
    ("pattern", "image", "own"),
    [
        ("*", "nginx", False),
        ("docker.io/*", "nginx:1.27", False),
        ("docker.io/library/nginx", "docker.io/nginx@sha256:abc", False),
        ("docker.io/library/nginx", "index.docker.io/library/nginx", False),
        ("quay.io/acme/*", "quay.io/acme/shop/web:1", False),
        ("quay.io/acme/*", "QUAY.IO/acme/shop:1", False),
        ("quay.io/acme/*", "quay.io:443/acme/shop:1", False),
        ("quay.io/acme/sho?", "quay.io/acme/shop:1@sha256:abc", False),
        ("host:5000/shop", "host:5000/shop:1", False),
        ("registry/shop", "127.0.0.1:8500/shop:1", True),
        ("registry/*", "registry.dev.internal:5000/shop@sha256:abc", True),
    ],
)
def test_a_rule_is_about_an_image_however_its_name_is_spelled(
    pattern: str, image: str, own: bool
) -> None:
    wanted = rules(pattern)
    assert about(wanted, (whole(image, own=own),)) == wanted


@pytest.mark.parametrize(
    ("pattern", "image", "own"),
    [
        ("quay.io/acme/*", "quay.io/acmeshop", False),
        ("nginx", "nginx", False),
        ("registry/shop", "registry/shop", False),  # docker.io's
        ("127.0.0.1:8500/shop", "127.0.0.1:8500/shop", True),
        ("docker.io/library/nginx:*", "nginx:1", False),  # tags do not count
    ],
)
def test_a_rule_is_about_no_other_image(pattern: str, image: str, own: bool) -> None:
    assert about(rules(pattern), (whole(image, own=own),)) == []


def test_every_rule_about_an_image_counts() -> None:
    all_, other, acme = rules("*", "docker.io/*", "quay.io/acme/*")
    assert about([all_, other, acme], ["quay.io/acme/shop"]) == [all_, acme]
    assert about([all_, other, acme], ["quay.io/acme/shop", "docker.io/x"]) == [all_, other, acme]
    assert about([all_], []) == []


@pytest.mark.parametrize(
    "image",
    ["shop", "shop:1", "127.0.0.1:8500/shop:1", "registry.dev.internal:5000/shop@sha256:abc"],
)
def test_what_the_environment_s_registry_has_is_called_by_its_repository(image: str) -> None:
    assert whole(image, own=True) == "registry/shop"


def findings(rule: dict[str, Any]) -> list[tuple[str, str]]:
    with pytest.raises(SettingsError) as error:
        parse({"images": {"signatures": [rule]}}, "dev")
    return error.value.findings


@pytest.mark.parametrize(
    ("rule", "path", "why"),
    [
        ({"images": "*", "keys": []}, "images.signatures[0].keys", "is empty"),
        ({"images": "*"}, "images.signatures[0].keys", "required"),
        ({"keys": [PEM]}, "images.signatures[0].images", "required"),
        ({"images": "Quay.io/*", "keys": [PEM]}, "images.signatures[0].images", "not a pattern"),
        (
            {"images": "*", "keys": ["cosign.pub"]},
            "images.signatures[0].keys[0]",
            "public key in PEM",
        ),
        ({"images": "*", "keys": [PEM, ""]}, "images.signatures[0].keys[1]", "public key in PEM"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(rule: dict[str, Any], path: str, why: str) -> None:
    ((where, said),) = findings(rule)
    assert where == path
    assert why in said


def test_a_right_rule_is_taken() -> None:
    found = parse({"images": {"signatures": [{"images": "quay.io/*", "keys": [PEM]}]}}, "dev")
    assert found.images.signatures == tuple(rules("quay.io/*"))
