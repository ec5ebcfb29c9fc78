"""What images of other registries are called at the cache."""

import pytest

from horcrux.images.names import Name, through_cache

CACHE = "cache.dev.internal:5443"
DIGEST = "sha256:" + "ab" * 32
UPSTREAMS = {"docker.io", "quay.io", "registry.acme.internal:5000"}


@pytest.mark.parametrize(
    ("image", "registry", "repository", "version"),
    [
        ("nginx", "docker.io", "library/nginx", ""),
        ("nginx:1.27", "docker.io", "library/nginx", ":1.27"),
        ("grafana/grafana", "docker.io", "grafana/grafana", ""),
        ("docker.io/nginx:1", "docker.io", "library/nginx", ":1"),
        ("index.docker.io/library/nginx", "docker.io", "library/nginx", ""),
        ("registry-1.docker.io:443/library/nginx", "docker.io", "library/nginx", ""),
        ("Quay.io:443/a/b:1", "quay.io", "a/b", ":1"),
        (f"quay.io/a/b:1@{DIGEST}", "quay.io", "a/b", f":1@{DIGEST}"),
        (f"quay.io/a/b@{DIGEST}", "quay.io", "a/b", f"@{DIGEST}"),
        ("localhost:5000/x:1", "localhost:5000", "x", ":1"),
        ("registry.acme.internal:5000/x", "registry.acme.internal:5000", "x", ""),
    ],
)
def test_a_name_has_the_parts_that_docker_gives_it(
    image: str, registry: str, repository: str, version: str
) -> None:
    assert Name.of(image) == Name(registry, repository, version)


@pytest.mark.parametrize(
    ("image", "pulled"),
    [
        (f"quay.io/a/b:1@{DIGEST}", f"{CACHE}/quay.io/a/b:1@{DIGEST}"),
        ("registry.acme.internal:5000/x:2", f"{CACHE}/registry.acme.internal:5000/x:2"),
        (f"nginx:1@{DIGEST}", f"nginx:1@{DIGEST}"),
        ("other.example.org/x", "other.example.org/x"),
    ],
)
def test_images_are_pulled_through_the_cache_where_it_has_their_registry(
    image: str, pulled: str
) -> None:
    assert through_cache(image, CACHE, UPSTREAMS, mirrored=True) == pulled


def test_docker_io_is_renamed_too_where_it_is_asked_with_an_account() -> None:
    """Engines ask mirrors without an account, so private images need the cache's own name."""
    pulled = through_cache("acme/shop:1", CACHE, UPSTREAMS, mirrored=False)
    assert pulled == f"{CACHE}/docker.io/acme/shop:1"
