"""What apps' images must have before a release is made of them: which are asked, and how it is told."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pulumi.output import Unknown

from horcrux.images import resolve
from horcrux.images.client import Client
from horcrux.signatures import signed_images, signing
from providers import vetted_image
from providers.delegate import Delegate
from tests.support.known_vulnerable import HIGH, NEW, debian, place, tracker_file
from tests.support.played_registry import Played
from tests.support.played_registry import registry as playing
from tests.support.recording import Stack, build, plain_texts
from tests.support.signed import key, public_pem

PEM = public_pem(key())
KNOWN = "quay.io/acme/shop@sha256:" + "cd" * 32


def stack(images: dict[str, Any], image: str = "known:1") -> Stack:
    apps = {"shop": {"image": image}}
    hosts, off = {"managers": 1}, {"enabled": False}
    return build({"apps": apps, "hosts": hosts, "monitoring": off, "images": images})


def rule(pattern: str) -> dict[str, Any]:
    return {"signatures": [{"images": pattern, "keys": [PEM]}]}


def test_without_rules_nothing_is_asked() -> None:
    assert stack({}).of("VettedImage") == []


@pytest.mark.parametrize(
    ("image", "pattern"),
    [
        ("known:1", "docker.io/library/*"),
        (KNOWN, "quay.io/acme/*"),
        ("registry.dev.internal:5000/shop@sha256:" + "ab" * 32, "registry/shop"),
        ("local:1", "registry/shop"),
        # What this machine's engine has under a name is not what that name's registry has.
        ("local:1", "docker.io/library/local"),
    ],
)
def test_a_rule_is_about_an_image_by_whatever_it_is_called(image: str, pattern: str) -> None:
    found = stack(rule(pattern), image)
    vetted = found.one("VettedImage", "vetted-shop")
    assert json.loads(vetted.inputs["asked"])["signatures"] == [[PEM]]
    assert vetted.urn in found.release("shop").dependencies
    assert stack(rule("quay.io/else/*"), image).of("VettedImage") == []


def test_known_vulnerabilities_are_refused_of_all_images() -> None:
    found = stack({"vulnerabilities": {"refuse": "high"}})
    asked = json.loads(found.one("VettedImage", "vetted-shop").inputs["asked"])
    assert asked["vulnerabilities"]["refuse"] == "high"


def test_the_account_to_look_with_is_secret() -> None:
    vetted = stack(rule("*")).one("VettedImage", "vetted-shop")
    password = vetted.inputs["places"]["registry"]["password"]
    assert password not in set(plain_texts(vetted.wire))


@pytest.fixture
async def registry(tmp_path: Path) -> AsyncIterator[Played]:
    async with playing(tmp_path) as found:
        yield found


class Vetting:
    """The properties of `shop` in a registry, and what Pulumi is told of them."""

    def __init__(self, registry: Played, folder: Path, digest: str) -> None:
        self.where = {**place(registry), "username": "push", "name": "registry.test"}
        self.folder, self.digest = folder, digest

    def properties(self, refuse: str = "none", keys: list[str] | None = None) -> dict[str, Any]:
        data = str(tracker_file(self.folder))
        asked = {
            "signatures": [keys] if keys else [],
            "vulnerabilities": {"data": data, "refuse": refuse, "waivers": []},
        }
        places = {"registry": self.where, "cache": None, "project": str(self.folder)}
        pulled = f"registry.test/shop:1@{self.digest}"
        return {"pulled": pulled, "asked": json.dumps(asked), "places": places}

    async def failures(self, new: dict[str, Any], old: dict[str, Any] | None = None) -> list[str]:
        provider = Delegate("providers.vetted_image")
        found = await asyncio.to_thread(provider.check, old or {}, new)
        return [failure.reason for failure in found.failures]

    def sign(self) -> None:
        with Client(resolve.REGISTRY, self.where) as client:
            made = signing.signed(key(), "registry.test/shop", self.digest)
            signed_images.add(client, "shop", self.digest, made)


async def pushed(registry: Played, folder: Path, **how: Any) -> Vetting:
    image = debian(**how)
    assert (await registry.client().push("shop", "1", image)).status == 201
    return Vetting(registry, folder, image.digest)


async def test_an_unsigned_image_is_told_at_preview_and_a_signed_one_passes(
    registry: Played, tmp_path: Path
) -> None:
    shop = await pushed(registry, tmp_path)
    new = shop.properties(keys=[PEM])
    (reason,) = await shop.failures(new)
    assert "is not signed by the key" in reason
    await asyncio.to_thread(shop.sign)
    assert await shop.failures(new) == []


async def test_a_vulnerable_image_is_told_and_a_repaired_one_passes(
    registry: Played, tmp_path: Path
) -> None:
    shop = await pushed(registry, tmp_path)
    (reason,) = await shop.failures(shop.properties("high"))
    assert HIGH in reason
    repaired = await pushed(registry, tmp_path, status=NEW)
    assert await repaired.failures(repaired.properties("high")) == []


async def test_what_passed_is_not_asked_again_and_nothing_is_asked_before_it_is_known(
    registry: Played, tmp_path: Path
) -> None:
    shop = await pushed(registry, tmp_path)
    new = shop.properties("high")
    registry_gone = {
        **new,
        "places": {**new["places"], "registry": {**shop.where, "password": "x"}},
    }
    assert await shop.failures(registry_gone, old=new) == []
    unknown = Unknown()  # type: ignore[no-untyped-call]
    assert await shop.failures({**new, "pulled": unknown}) == []
    not_made = {**new["places"], "registry": {**shop.where, "password": unknown}}
    assert await shop.failures({**new, "places": not_made}) == []
    assert not vetted_image.diff(new, registry_gone)
    assert vetted_image.diff(new, {**new, "pulled": "registry.test/shop@sha256:" + "0" * 64})
