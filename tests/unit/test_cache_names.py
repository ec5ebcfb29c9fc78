"""Which repository of which upstream a path means, and what the cache's settings say."""

import json
from pathlib import Path

import pytest

from supply.cache.names import Name, Wanted, parse
from supply.cache.settings import Account, Settings, Upstream
from supply.oci import digest_of

DIGEST = digest_of(b"")
UPSTREAMS = ("docker.io", "quay.io", "registry.local:5000")


@pytest.mark.parametrize(
    ("path", "namespace", "seen"),
    [
        ("library/nginx/manifests/1.27", None, ("docker.io", "library/nginx", "manifests", "1.27")),
        ("quay.io/prometheus/node/manifests/v1", None, ("quay.io", "prometheus/node", "manifests", "v1")),
        ("docker.io/library/nginx/manifests/1", None, ("docker.io", "library/nginx", "manifests", "1")),
        ("prometheus/node/manifests/v1", "quay.io", ("quay.io", "prometheus/node", "manifests", "v1")),
        ("a/manifests/1", "nobody.example", ("docker.io", "a", "manifests", "1")),
        (f"a/b/blobs/{DIGEST}", None, ("docker.io", "a/b", "blobs", DIGEST)),
        (f"a/manifests/{DIGEST}", None, ("docker.io", "a", "manifests", DIGEST)),
        ("quay.io/a/tags/list", None, ("quay.io", "a", "tags", "list")),
        ("registry.local:5000/a/manifests/1", None, ("registry.local:5000", "a", "manifests", "1")),
        # A repository may be named as the kinds of things are.
        ("manifests/blobs/manifests/1", None, ("docker.io", "manifests/blobs", "manifests", "1")),
    ],
)  # fmt: skip
def test_a_path_means(path: str, namespace: str | None, seen: tuple[str, str, str, str]) -> None:
    found = parse(f"/v2/{path}", namespace, UPSTREAMS)
    assert found
    assert (found.name.upstream, found.name.repository, found.kind, found.reference) == seen


@pytest.mark.parametrize(
    "path",
    [
        "",
        "manifests/1",
        "quay.io/manifests/1",
        "a/manifests/",
        "a/manifests/.hidden",
        "a/manifests/sha256:abc",
        "a/manifests/" + "t" * 129,
        "a/blobs/latest",
        f"a/blobs/{DIGEST}/x",
        "a/tags/other",
        "a/uploads/1",
        "A/manifests/1",
        "a//b/manifests/1",
        "../a/manifests/1",
        "a/../../b/manifests/1",
        "a/manifests/1\n",
        "a?b/manifests/1",
    ],
)
def test_a_path_that_means_nothing(path: str) -> None:
    assert parse(f"/v2/{path}", None, UPSTREAMS) is None


def test_without_docker_io_a_bare_name_means_nothing() -> None:
    assert parse("/v2/library/nginx/manifests/1", None, ("quay.io",)) is None


def test_a_peer_is_asked_for_the_same() -> None:
    wanted = Wanted("blobs", Name("quay.io", "a/b"), DIGEST)
    assert parse(wanted.path, None, UPSTREAMS) == wanted


VARIABLES = {"HORCRUX_HOST": "manager-1", "HORCRUX_CACHE_NAME": "cache.dev.internal:5443"}


def test_settings_are_read_from_the_secret_and_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "cache.json"
    hub = {"url": "https://registry-1.docker.io", "ttl": 60, "username": None, "password": None}
    account = {"bcrypt": "$2b$x", "private": ["quay.io/team/*"]}
    path.write_text(
        json.dumps({"upstreams": {"docker.io": hub}, "accounts": {"pull": account}, "limit": 9})
    )
    found = Settings.read(path, {**VARIABLES, "HORCRUX_CACHE_PEERS": "tasks.cache"})
    assert found == Settings(
        "manager-1",
        "cache.dev.internal:5443",
        "tasks.cache",
        9,
        {"docker.io": Upstream("docker.io", "https://registry-1.docker.io", 60.0)},
        {"pull": Account("$2b$x", ("quay.io/team/*",))},
    )
    assert Settings.read(path, VARIABLES).peers == ""


def test_settings_without_a_limit_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "cache.json"
    path.write_text(json.dumps({"upstreams": {}, "accounts": {}}))
    with pytest.raises(KeyError, match="limit"):
        Settings.read(path, VARIABLES)
