"""Where an image lies that the environment can read, by the name under which hosts pull it."""

from typing import Any

import pytest

from horcrux.exits import Exit, HorcruxError
from horcrux.images import resolve
from horcrux.images.located import located
from tests.support.answering import DIGEST

VALUES: dict[str, Any] = {
    "registry": {"url": "https://127.0.0.1:8500", "name": "registry.dev.internal:5000", "password": "secret"},
    "cache": {"name": "cache.dev.internal:5443", "upstreams": ["docker.io", "quay.io"], "password": "secret"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("pulled", "what", "repository", "name"),
    [
        ("registry.dev.internal:5000/shop/web", resolve.REGISTRY, "shop/web", "registry/shop/web"),
        ("127.0.0.1:8500/shop:1", resolve.REGISTRY, "shop", "registry/shop"),
        ("cache.dev.internal:5443/quay.io/a/b:1", resolve.CACHE, "quay.io/a/b", "quay.io/a/b"),
        ("quay.io/a/b", resolve.CACHE, "quay.io/a/b", "quay.io/a/b"),
        ("nginx:1.27", resolve.CACHE, "docker.io/library/nginx", "docker.io/library/nginx"),
    ],
)
def test_an_image_is_where_its_name_says(
    pulled: str, what: str, repository: str, name: str
) -> None:
    found = located(VALUES, f"{pulled}@{DIGEST}")
    assert (found.what, found.repository, found.name, found.digest) == (
        what,
        repository,
        name,
        DIGEST,
    )
    assert "secret" not in repr(found)


@pytest.mark.parametrize(
    ("pulled", "told"),
    [
        (f"far.test/x@{DIGEST}", "horcrux:images.cache.upstreams.far.test"),
        ("nginx:1.27", "says no digest"),
        ("nginx@sha512:00", "says no digest"),
    ],
)
def test_what_nobody_here_can_read_is_told(pulled: str, told: str) -> None:
    with pytest.raises(HorcruxError, match=told) as error:
        located(VALUES, pulled)
    assert error.value.code == Exit.USAGE


def test_without_a_cache_images_of_other_registries_cannot_be_read() -> None:
    with pytest.raises(HorcruxError, match="neither in the registry nor"):
        located({**VALUES, "cache": None}, f"quay.io/a/b@{DIGEST}")
