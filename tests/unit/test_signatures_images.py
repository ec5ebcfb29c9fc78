"""Signatures in registries: in a real one, through a real cache, and from one that has every fault."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from horcrux.exits import HorcruxError
from horcrux.images import client as clients
from horcrux.images import resolve
from horcrux.images.client import Client
from horcrux.images.failures import UnansweredError
from horcrux.signatures import kept_signatures, signed_images
from horcrux.signatures.kept_signatures import Reader
from horcrux.signatures.signature_manifest import ANNOTATION, ENTRIES, MANIFEST_BYTES, layer_of, tag
from horcrux.signatures.signing import Signature, signed
from horcrux.signatures.signing_keys import fingerprint, sign
from tests.support import played_cache
from tests.support.answering import Answering, Reply, authority
from tests.support.image import Image
from tests.support.played_registry import RIGHT, Played, registry
from tests.support.signed import (
    DIGEST,
    OTHER,
    RECORDED,
    kept,
    key,
    listing,
    of,
    of_cosign,
    public_pem,
    signature,
)
from tests.support.upstream import FakeUpstream, upstream

SHOP = "shop/web"
OURS = fingerprint(key().public_key())


@pytest.fixture
async def played(tmp_path: Path) -> AsyncIterator[Played]:
    async with registry(tmp_path / "registry") as found:
        yield found


def place(played: Played, account: str = "push") -> dict[str, Any]:
    """As a stack's outputs name the registry."""
    ca = (played.folder / "cert.pem").read_text()
    url = f"https://127.0.0.1:{played.port}"
    return {"url": url, "username": account, "password": RIGHT, "ca": ca}


@pytest.fixture
def fake() -> Iterator[FakeUpstream]:
    with upstream() as found:
        yield found


def client_of(fake: FakeUpstream) -> Client:
    account = {"username": "", "password": "", "ca": authority()[0]}
    return Client(resolve.REGISTRY, {"url": fake.url, **account})


def check(fake: FakeUpstream, found: Image, *numbers: int) -> list[str]:
    """What a check says when this lies beside the image."""
    fake.put(SHOP, tag(DIGEST), found)
    keys = [public_pem(key(number)) for number in numbers or (0,)]
    with client_of(fake) as client:
        return signed_images.check(client, SHOP, DIGEST, keys)


async def test_what_cosign_left_in_a_registry_is_accepted(played: Played) -> None:
    digest = RECORDED["digest"]
    assert (await played.client().push(SHOP, tag(digest), of_cosign())).status == 201
    with Client(resolve.REGISTRY, place(played, "pull")) as client:
        for file in ("cosign.pub", "rsa.pub"):
            by = await asyncio.to_thread(
                signed_images.check, client, SHOP, digest, [RECORDED[file]]
            )
            assert len(by) == 1
        with pytest.raises(HorcruxError, match="2 signatures there by other keys"):
            await asyncio.to_thread(signed_images.check, client, SHOP, digest, [public_pem(key())])


async def test_a_signature_is_added_to_those_of_cosign_and_leaves_them_as_they_are(
    played: Played,
) -> None:
    digest = RECORDED["digest"]
    await played.client().push(SHOP, tag(digest), of_cosign())
    with Client(resolve.REGISTRY, place(played)) as client:
        for number in (0, 1):
            new = signed(key(number), "127.0.0.1/shop/web", digest)
            await asyncio.to_thread(signed_images.add, client, SHOP, digest, new)
        keys = [RECORDED["cosign.pub"], public_pem(key(1)), public_pem(key())]
        by = await asyncio.to_thread(signed_images.check, client, SHOP, digest, keys)
        assert len(by) == 3
        there = await asyncio.to_thread(Reader(client, SHOP, digest).layers)
    assert list(there.layers[:2]) == json.loads(RECORDED["manifest"])["layers"]
    assert len(there.layers) == 4


async def test_whoever_may_only_pull_cannot_add_a_signature(played: Played) -> None:
    with Client(resolve.REGISTRY, place(played, "pull")) as client:
        with pytest.raises(
            HorcruxError, match="does not let the account 'pull' do this: POST /v2/shop/web/"
        ):
            await asyncio.to_thread(signed_images.add, client, SHOP, DIGEST, signature())
        assert (await asyncio.to_thread(Reader(client, SHOP, DIGEST).layers)).layers == ()


async def test_signatures_of_other_registries_are_read_through_the_cache(
    tmp_path: Path, fake: FakeUpstream
) -> None:
    fake.put("team/app", tag(DIGEST), kept(signature()))
    async with played_cache.front(tmp_path, fake) as front:
        cache = {"url": front.hosts, "username": "pull", "password": "right", "ca": front.ca}
        with Client(resolve.CACHE, cache) as client:
            keys = [public_pem(key())]
            asked = ("up.test/team/app", DIGEST, keys)
            assert await asyncio.to_thread(signed_images.check, client, *asked) == [OURS]
            unsigned = ("up.test/team/app", OTHER, keys)
            remedy = f"Sign it .cosign sign --key FILE up.test/team/app@{OTHER}."
            with pytest.raises(HorcruxError, match=remedy):
                await asyncio.to_thread(signed_images.check, client, *unsigned)
            fake.gone = True  # what was read once is known
            assert await asyncio.to_thread(signed_images.check, client, *asked) == [OURS]
            with pytest.raises(HorcruxError, match=r"the image cache .*up.test does not answer"):
                await asyncio.to_thread(signed_images.check, client, *unsigned)


def test_keys_that_signed_are_told(fake: FakeUpstream) -> None:
    both = [OURS, fingerprint(key(1).public_key())]
    assert check(fake, kept(signature(), signature(1), signature(2)), 0, 1) == both
    assert check(fake, kept(signature(2), signature(1)), 0, 1) == both[1:]


def test_an_image_without_a_signature_is_told_with_what_to_do(fake: FakeUpstream) -> None:
    with client_of(fake) as client, pytest.raises(HorcruxError) as error:
        signed_images.check(client, SHOP, DIGEST, [public_pem(key())])
    tags = f"{tag(DIGEST)} and sha256-{'a' * 64}"
    assert str(error.value) == (
        f"{SHOP}@{DIGEST} is not signed by the key {OURS}: the registry at {fake.url} has no signature of "
        f"it (looked for the tags {tags}). Sign it (horcrux images sign 127.0.0.1:{fake.port}/{SHOP}@"
        f"{DIGEST} --key FILE), or correct the keys in horcrux:images.signatures"
    )


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (kept(signature(3), signature(4)), "any of the keys .*: 2 signatures there by other keys"),
        (kept(signature(digest=OTHER)), f"is another image, {OTHER}, and lies here as this one's"),
        (kept(), "has no signature of it"),
        (kept(signature(0, OTHER), signature(5)), "another image.*; 1 signature there by other"),
    ],
)
def test_what_does_not_prove_it_is_refused_with_the_reason(
    fake: FakeUpstream, found: Image, why: str
) -> None:
    with pytest.raises(HorcruxError, match=why):
        check(fake, found, 0, 1)


GOOD = layer_of(signature())


def signed_with(value: object) -> dict[str, Any]:
    return {**GOOD, "annotations": {ANNOTATION: value}}


SPOILED: list[tuple[Any, str]] = [
    (None, "not of the type"),
    ("layer", "not of the type"),
    ({**GOOD, "mediaType": "application/vnd.oci.image.layer.v1.tar"}, "not of the type"),
    ({**GOOD, "digest": "sha256:abc"}, "no payload by its SHA-256"),
    ({**GOOD, "digest": f"../../../{DIGEST}"}, "no payload by its SHA-256"),
    ({**GOOD, "digest": 7}, "no payload by its SHA-256"),
    ({**GOOD, "size": 1 << 30}, "a payload above 65536 bytes"),
    ({**GOOD, "size": None}, "a payload above 65536 bytes"),
    ({**GOOD, "annotations": None}, "no signature in"),
    (signed_with(1), "no signature in"),
    (
        signed_with("A" * 4096),
        "a longer one than keys make",
    ),
    (signed_with("ä!"), "no signature in"),
    ({**GOOD, "digest": OTHER}, "content that is not there"),
]


@pytest.mark.parametrize(("layer", "why"), SPOILED)
def test_an_entry_of_no_use_proves_nothing_and_spoils_no_other(
    fake: FakeUpstream, layer: Any, why: str
) -> None:
    blob = signature().payload
    with pytest.raises(HorcruxError, match=f"entry 1 .*{why}"):
        check(fake, listing([layer], blob))
    assert check(fake, listing([layer, GOOD], blob)) == [OURS]


def test_only_some_of_many_useless_entries_are_told(fake: FakeUpstream) -> None:
    with pytest.raises(HorcruxError, match=r"entry 3 [^;]*; and 57 more like it") as error:
        check(fake, listing([{}] * 60))
    assert "entry 4" not in str(error.value)


def test_a_payload_larger_than_it_says_is_not_read_to_its_end(fake: FakeUpstream) -> None:
    blob = b" " * 10_000_000 + signature().payload
    large = {**layer_of(Signature(blob, sign(key(), blob))), "size": 200}
    with pytest.raises(
        HorcruxError, match=r"entry 1 cannot be had: .* sends more than 65536 bytes"
    ):
        check(fake, listing([large], blob))


def test_content_that_is_not_the_digest_s_is_refused(fake: FakeUpstream) -> None:
    fake.wrong_digest = True
    with pytest.raises(HorcruxError, match=r"entry 1 cannot be had: .* with other content"):
        check(fake, kept(signature()))


def test_several_signatures_of_one_payload_are_read_with_two_requests(fake: FakeUpstream) -> None:
    check(fake, kept(*(signature(number) for number in range(9))))
    assert len(fake.requests) == 2


def test_there_are_no_more_entries_than_are_looked_at(fake: FakeUpstream) -> None:
    full = kept(*[signature(1)] * (ENTRIES - 1), signature())
    assert check(fake, full) == [OURS]
    with client_of(fake) as client, pytest.raises(HorcruxError, match="no more are looked at"):
        signed_images.add(client, SHOP, DIGEST, signature(2))
    with pytest.raises(HorcruxError, match="has 65 entries, and no more than 64"):
        check(fake, kept(*[signature(1)] * ENTRIES, signature()))


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (of(b"<html>"), "not a manifest of signatures"),
        (of(b"[" * 100_000), "not a manifest of signatures"),
        (of(b"[]"), "not a manifest of signatures"),
        (of(b'{"layers": {}}'), "not a manifest of signatures"),
        (of(b"\xff\xfe\x00"), "not a manifest of signatures"),
        (
            listing([GOOD], kind="application/vnd.oci.image.index.v1+json"),
            r"not a manifest of signatures \(but 'application/vnd.oci.image.index",
        ),
        (of(b" " * (MANIFEST_BYTES + 1)), "sends more than 1048576 bytes"),
    ],
)
def test_a_tag_with_something_else_proves_nothing_and_is_not_written_over(
    fake: FakeUpstream, found: Image, why: str
) -> None:
    with pytest.raises(HorcruxError, match=why):
        check(fake, found)
    with client_of(fake) as client, pytest.raises(HorcruxError, match=why):
        signed_images.add(client, SHOP, DIGEST, signature())
    assert not any(method in ("POST", "PUT") for method, _ in fake.requests)


def test_entries_that_are_no_layers_are_not_written_over(fake: FakeUpstream) -> None:
    fake.put(SHOP, tag(DIGEST), listing([None]))
    with client_of(fake) as client, pytest.raises(HorcruxError, match="stays as it is"):
        signed_images.add(client, SHOP, DIGEST, signature())
    assert not any(method in ("POST", "PUT") for method, _ in fake.requests)


def test_a_registry_that_is_gone_is_no_registry_without_signatures(fake: FakeUpstream) -> None:
    fake.gone = True
    with pytest.raises(UnansweredError, match="the registry does not answer at"):
        check(fake, kept(signature()))


def test_a_registry_that_goes_in_between_is_told(fake: FakeUpstream) -> None:
    found = kept(signature())
    fake.break_after = 0
    with pytest.raises(UnansweredError, match="the registry does not answer at"):
        check(fake, found)


@pytest.mark.parametrize(("status", "why"), [(429, "try again in 7 s"), (500, "500")])
def test_a_registry_that_refuses_is_told_with_its_reason(
    fake: FakeUpstream, status: int, why: str
) -> None:
    fake.status, fake.retry_after = status, "7"
    with pytest.raises(HorcruxError, match=why):
        check(fake, kept(signature()))


def test_a_page_in_place_of_a_manifest_is_told(fake: FakeUpstream) -> None:
    fake.html = True
    with pytest.raises(HorcruxError, match=r"not a manifest of signatures .but 'text/html'"):
        check(fake, kept(signature()))


@pytest.mark.parametrize(
    ("step", "why"),
    [(61, "did not answer within 59 s"), (1000, "did not tell the signatures of .* within 120 s")],
)
def test_an_answer_that_takes_for_ever_is_over_in_time(
    fake: FakeUpstream, monkeypatch: pytest.MonkeyPatch, step: int, why: str
) -> None:
    """`step`: seconds that pass between any two looks at the clock."""
    clock = SimpleNamespace(monotonic=count(0, step).__next__)
    for module in (clients, kept_signatures):
        monkeypatch.setattr(module, "time", clock)
    with pytest.raises(UnansweredError, match=why):
        check(fake, kept(signature()))


@pytest.mark.parametrize("digest", ["sha256:abc", "", f"{DIGEST}/../x", DIGEST.upper()])
def test_what_is_no_digest_is_not_asked_for(fake: FakeUpstream, digest: str) -> None:
    with client_of(fake) as client, pytest.raises(HorcruxError, match="not the digest of an image"):
        signed_images.check(client, SHOP, digest, [public_pem(key())])
    assert fake.requests == []


def test_a_registry_that_sends_uploads_elsewhere_is_not_followed() -> None:
    """The account would be shown there."""
    path = f"/v2/{SHOP}/blobs/uploads/"
    elsewhere = Reply(202, headers={"Location": "https://elsewhere.test/upload?state=1"})
    with Answering({("POST", path): elsewhere}) as server:
        with (
            Client(resolve.REGISTRY, server.place) as client,
            pytest.raises(HorcruxError, match="wants uploads to go elsewhere"),
        ):
            signed_images.add(client, SHOP, DIGEST, signature())
        assert server.paths()[-1] == f"POST {path}"
