"""Signatures in bundles, as cosign 3 makes them: taken, and nothing else for one."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from horcrux.exits import HorcruxError
from horcrux.images import resolve
from horcrux.images.client import Client
from horcrux.signatures import signature_bundle, signature_manifest, signed_images
from horcrux.signatures.signature_bundle import PREDICATE
from horcrux.signatures.signing import SIGNED
from horcrux.signatures.signing_keys import fingerprint, public
from tests.support.answering import authority
from tests.support.image import Image
from tests.support.played_registry import RIGHT, registry
from tests.support.signed import (
    BUNDLES,
    DIGEST,
    OTHER,
    bundle,
    index,
    kept,
    key,
    of,
    of_cosign_3,
    public_pem,
    referring,
    signature,
    statement,
)
from tests.support.upstream import FakeUpstream, upstream

SHOP = "shop/web"
OURS = fingerprint(key().public_key())


@pytest.fixture
def fake() -> Iterator[FakeUpstream]:
    with upstream() as found:
        yield found


def check(
    fake: FakeUpstream, found: Image, digest: str = DIGEST, pem: str | None = None
) -> list[str]:
    """What a check says when this is the list of the image's referrers."""
    fake.put(SHOP, signature_bundle.tag(digest), found)
    place = {"url": fake.url, "username": "", "password": "", "ca": authority()[0]}
    with Client(resolve.REGISTRY, place) as client:
        return signed_images.check(client, SHOP, digest, [pem or public_pem(key())])


@pytest.mark.parametrize("listed_by_the_registry", [False, True])
async def test_what_cosign_3_left_in_a_registry_is_accepted(
    tmp_path: Path, listed_by_the_registry: bool
) -> None:
    told, left = BUNDLES["signed"], of_cosign_3("signed")
    async with registry(tmp_path / "registry") as played:
        tag = signature_bundle.tag(told["digest"])
        pushed = await played.client().push(SHOP, tag, left)
        assert pushed.status == 201
        if listed_by_the_registry:  # cosign then keeps no list of its own
            await played.server.gate.distribution.forget(SHOP, left.digest)
        ca = (played.folder / "cert.pem").read_text()
        place = {"url": played.client().url, "username": "pull", "password": RIGHT, "ca": ca}
        with Client(resolve.REGISTRY, place) as client:
            asked = (client, SHOP, told["digest"], [told["key"]])
            by = await asyncio.to_thread(signed_images.check, *asked)
    assert by == [fingerprint(public(told["key"]))]


def test_what_cosign_attested_of_an_image_is_no_signature(fake: FakeUpstream) -> None:
    told = BUNDLES["attested"]
    with pytest.raises(HorcruxError, match="has no signature of it"):
        check(fake, of_cosign_3("attested"), told["digest"], told["key"])
    relabelled = referring(json.loads(told["bundles"][0]), annotations={PREDICATE: SIGNED})
    with pytest.raises(HorcruxError, match="what was signed is another image, no image at all"):
        check(fake, relabelled, told["digest"], told["key"])


def test_a_bundle_counts_like_a_signature_of_the_older_kind(fake: FakeUpstream) -> None:
    assert check(fake, referring(bundle(statement()))) == [OURS]
    fake.put(SHOP, signature_manifest.tag(DIGEST), kept(signature(5)))
    assert check(fake, referring(bundle({}, 1), bundle(statement()))) == [OURS]


def test_bundles_are_not_asked_for_when_a_signature_of_the_older_kind_is_enough(
    fake: FakeUpstream,
) -> None:
    fake.put(SHOP, signature_manifest.tag(DIGEST), kept(signature()))
    assert check(fake, referring(bundle(statement()))) == [OURS]
    assert len(fake.requests) == 2


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (bundle(statement(), 3), "1 signature there by other keys"),
        (bundle(statement(OTHER)), f"another image, {OTHER}"),
        (bundle(statement(predicateType="https://spdx.dev/Document")), "no image at all"),
        (bundle(statement(_type="https://in-toto.io/Statement/v0.1")), "no image at all"),
        (bundle(statement(subject=statement()["subject"] * 2)), "no image at all"),
        (bundle(statement(subject=[])), "no image at all"),
        (bundle(statement(subject=None)), "no image at all"),
        (bundle([]), "no image at all"),
        (bundle(statement(), payloadType="text/plain"), "bundle 1 has no in-toto statement"),
        (bundle(statement(), payload="ä"), "bundle 1 has something else than Base64"),
        (bundle(statement(), payload=None), "bundle 1 has not one signature"),
        (bundle(statement(), signatures=[]), "bundle 1 has not one signature"),
        (bundle(statement(), signatures=[{"sig": "A" * 4096}]), "bundle 1 has not one signature"),
        (bundle(statement(), signatures=[{"sig": None}]), "bundle 1 has not one signature"),
        ({"dsseEnvelope": None}, "bundle 1 has no in-toto statement"),
        ([], "bundle 1 has no in-toto statement"),
        ({"fill": "x" * 70_000}, "bundle 1 names no content by its SHA-256, or some above 65536"),
    ],
)
def test_a_bundle_that_does_not_prove_it_is_refused_with_the_reason(
    fake: FakeUpstream, made: Any, why: str
) -> None:
    with pytest.raises(HorcruxError, match=why):
        check(fake, referring(made))
    assert check(fake, referring(made, bundle(statement()))) == [OURS]


def test_a_statement_that_was_changed_after_it_was_signed_proves_nothing(
    fake: FakeUpstream,
) -> None:
    other, ours = bundle(statement(OTHER)), bundle(statement())
    forged = {**ours, "dsseEnvelope": ours["dsseEnvelope"] | {
        "signatures": other["dsseEnvelope"]["signatures"]
    }}  # fmt: skip
    with pytest.raises(HorcruxError, match="1 signature there by other keys"):
        check(fake, referring(forged))


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"layers": []}, "is not of the type"),
        ({"layers": None}, "is not of the type"),
        ({"layers": [{"mediaType": "text/plain"}]}, "is not of the type"),
        ({"layers": [{"mediaType": signature_bundle.BUNDLE, "digest": "x"}]}, "names no content"),
    ],
)
def test_a_manifest_of_no_bundle_is_told(fake: FakeUpstream, changed: Any, why: str) -> None:
    with pytest.raises(HorcruxError, match=f"bundle 1 {why}"):
        check(fake, referring(bundle(statement()), **changed))


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (of(b"{}"), "is no list of referrers"),
        (index({}), "is no list of referrers"),
        (
            index([None, 1, {}, {"artifactType": signature_bundle.BUNDLE, "digest": "../x"}]),
            "no sig",
        ),
        (index([{"artifactType": "sbom", "digest": OTHER}]), "has no signature of it"),
        (
            index([{"artifactType": signature_bundle.BUNDLE, "digest": OTHER}]),
            "bundle 1 has a manifest that is not there",
        ),
        (
            index([{"artifactType": signature_bundle.BUNDLE, "digest": OTHER}] * 65),
            "lists 65 bundles about",
        ),
    ],
)
def test_a_list_of_something_else_proves_nothing(
    fake: FakeUpstream, found: Image, why: str
) -> None:
    with pytest.raises(HorcruxError, match=why):
        check(fake, found)


def test_a_manifest_that_is_not_its_digest_s_is_refused(fake: FakeUpstream) -> None:
    fake.wrong_digest = True
    with pytest.raises(HorcruxError, match=r"bundle 1 cannot be had: .* with other content"):
        check(fake, referring(bundle(statement())))
