"""The image of `horcrux deploy --image`: by which digest it is pinned, and when it is left as it is."""

from typing import Any

import pytest
from docker.errors import DockerException

from horcrux import registry
from horcrux.exits import HorcruxError
from tests.support.answering import DIGEST, Reply
from tests.support.played_images import REGISTRY_NAME, STALE, THERE, Played, playing


@pytest.fixture
def dev(monkeypatch: pytest.MonkeyPatch) -> Any:
    with playing(monkeypatch) as found:
        yield found


def test_an_image_of_another_registry_is_pinned_by_the_cache(dev: Played) -> None:
    dev.answers["HEAD", "/v2/quay.io/acme/shop/manifests/2"] = THERE
    image = "quay.io/acme/shop:2"
    assert registry.pinned(dev.outputs, image) == f"{image}@{DIGEST}"


def test_a_stale_pin_is_told(dev: Played, capsys: pytest.CaptureFixture[str]) -> None:
    reply = Reply(headers={**THERE.headers, "Warning": f'110 - "{STALE}"'})
    dev.answers["HEAD", "/v2/quay.io/acme/shop/manifests/2"] = reply
    assert registry.pinned(dev.outputs, "quay.io/acme/shop:2").endswith(DIGEST)
    told = capsys.readouterr()
    assert (told.out, told.err) == (
        "",
        f"! quay.io/acme/shop:2: {STALE}; deploying that: {DIGEST}\n",
    )


def test_what_the_cache_cannot_tell_stays_as_it_is_and_why_is_told(
    dev: Played, capsys: pytest.CaptureFixture[str]
) -> None:
    path = "/v2/quay.io/acme/shop/manifests/2"
    dev.answers["HEAD", path] = dev.answers["GET", path] = Reply(
        502, {"errors": [{"message": "quay.io answers with HTML"}]}
    )
    assert registry.pinned(dev.outputs, "quay.io/acme/shop:2") == "quay.io/acme/shop:2"
    assert "quay.io answers with HTML" in capsys.readouterr().err


@pytest.mark.parametrize(
    "image", ["shop:2", f"quay.io/acme/shop@{DIGEST}", "ghcr.io/acme/shop:2", "quay.io/acme/here:1"]
)
def test_what_is_here_by_digest_or_not_the_cache_s_is_not_asked_for(
    dev: Played, image: str
) -> None:
    dev.engine_has("shop:2", "quay.io/acme/here:1")
    assert registry.pinned(dev.outputs, image) == image
    assert dev.server.asked == []


def test_an_engine_that_does_not_answer_leaves_the_image_to_the_update(dev: Played) -> None:
    def broken() -> None:
        raise DockerException("no engine")

    dev.monkeypatch.setattr(registry, "machine", broken)
    assert registry.pinned(dev.outputs, "quay.io/acme/shop:2") == "quay.io/acme/shop:2"


def test_without_a_cache_an_image_stays_as_it_is(dev: Played) -> None:
    dev.values["cache"] = None
    assert registry.pinned(dev.outputs, "quay.io/acme/shop:2") == "quay.io/acme/shop:2"


def test_the_registry_s_own_is_pinned_as_this_machine_calls_it_or_refused(dev: Played) -> None:
    dev.answers["HEAD", "/v2/web/manifests/1"] = THERE
    pinned = registry.pinned(dev.outputs, f"{REGISTRY_NAME}/web:1")
    assert pinned == f"{dev.server.address}/web@{DIGEST}"
    with pytest.raises(HorcruxError, match="push it first"):
        registry.pinned(dev.outputs, f"{REGISTRY_NAME}/web:2")
