"""What a registry tells of itself on the real CNCF distribution: tags by pages, and referrers."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from supply import oci
from supply.registry.tag_list import PageError, page
from tests.support.played_registry import Played, registry
from tests.support.upstream import digest_of, image

REPOSITORY = "shop/web"
SIGNATURE = "application/vnd.example.signature"


@pytest.fixture
async def played(tmp_path: Path) -> AsyncIterator[Played]:
    async with registry(tmp_path) as found:
        yield found


def test_tags_come_by_pages_until_there_are_no_more() -> None:
    tags = ["c", "a", "b", "d"]
    first = page(tags, {"n": "3"})
    assert (first.tags, first.after) == (("a", "b", "c"), "n=3&last=c")
    assert page(tags, {"n": "3", "last": "c"}) == page(["d"], {})
    assert page(tags, {}).tags == ("a", "b", "c", "d")
    assert page(tags, {"n": "0"}).tags == ()
    with pytest.raises(PageError):
        page(tags, {"n": "many"})


async def test_tags_of_a_repository_by_pages(played: Played) -> None:
    client, wanted = played.client(), image(1000)
    for tag in ("one", "two", "three"):
        assert (await client.push(REPOSITORY, tag, wanted)).status == 201
    answer = await client.ask("GET", f"/v2/{REPOSITORY}/tags/list?n=2")
    assert answer.json["tags"] == ["one", "three"]
    link = answer.headers["Link"].partition(">")[0].removeprefix("<")
    assert (await client.ask("GET", link)).json["tags"] == ["two"]
    assert (await client.ask("GET", f"/v2/{REPOSITORY}/tags/list?n=x")).status == 400
    stranger = played.client(None)
    assert (await stranger.ask("GET", f"/v2/{REPOSITORY}/tags/list")).status == 401


def about(subject: str, kind: str = SIGNATURE) -> bytes:
    """A manifest without content of its own, about another."""
    empty = {
        "mediaType": "application/vnd.oci.empty.v1+json",
        "digest": digest_of(b"{}"),
        "size": 2,
    }
    told = {
        "schemaVersion": 2,
        "mediaType": oci.IMAGE_TYPES[0],
        "artifactType": kind,
        "config": empty,
        "layers": [empty],
        "subject": {"mediaType": oci.IMAGE_TYPES[0], "digest": subject, "size": 1},
        "annotations": {"by": "tests"},
    }
    return json.dumps(told).encode()


async def put(played: Played, data: bytes) -> Any:
    client = played.client()
    await client.authorized(REPOSITORY)
    assert (await client.blob(REPOSITORY, b"{}")).status == 201
    answer = await client.manifest(REPOSITORY, digest_of(data), data, oci.IMAGE_TYPES[0])
    assert answer.status == 201
    return answer


async def test_what_is_about_an_image_is_listed(played: Played) -> None:
    wanted = image(1000)
    assert (await played.client().push(REPOSITORY, "1", wanted)).status == 201
    path = f"/v2/{REPOSITORY}/referrers/{wanted.digest}"
    assert (await played.client().ask("GET", path)).json["manifests"] == []
    signature, report = about(wanted.digest), about(wanted.digest, "application/vnd.example.report")
    assert (await put(played, signature)).headers["OCI-Subject"] == wanted.digest
    await put(played, report)
    answer = await played.client().ask("GET", path)
    assert answer.headers["Content-Type"] == oci.INDEX_TYPES[0]
    listed = {each["digest"]: each for each in answer.json["manifests"]}
    assert set(listed) == {digest_of(signature), digest_of(report)}
    assert listed[digest_of(signature)] == {
        "mediaType": oci.IMAGE_TYPES[0],
        "digest": digest_of(signature),
        "size": len(signature),
        "artifactType": SIGNATURE,
        "annotations": {"by": "tests"},
    }
    only = await played.client().ask("GET", f"{path}?artifactType={SIGNATURE}")
    assert [each["digest"] for each in only.json["manifests"]] == [digest_of(signature)]
    assert only.headers["OCI-Filters-Applied"] == "artifactType"


async def test_who_may_not_pull_is_told_nothing(played: Played) -> None:
    wanted = image(1000)
    assert (await played.client().push(REPOSITORY, "1", wanted)).status == 201
    answer = await played.client(None).raw("GET", f"/v2/{REPOSITORY}/referrers/{wanted.digest}")
    assert answer.status == 401
    assert "Bearer" in answer.headers["WWW-Authenticate"]


async def test_what_is_no_digest_is_no_reference(played: Played) -> None:
    client = played.client()
    await client.authorized(REPOSITORY)
    for path in ("manifests/sha256:short", "referrers/sha256:short"):
        answer = await client.ask("GET", f"/v2/{REPOSITORY}/{path}")
        assert (answer.status, answer.json["errors"][0]["code"]) == (400, "DIGEST_INVALID")


async def test_a_chunk_out_of_its_order_is_refused_and_the_layer_can_go_on(played: Played) -> None:
    client, data = played.client(), b"0123456789"
    await client.authorized(REPOSITORY)
    begun = await client.ask("POST", f"/v2/{REPOSITORY}/blobs/uploads/")
    place = begun.headers["Location"]
    for first, last, status in ((0, 3, 202), (6, 9, 416), (4, 9, 202)):
        answer = await client.ask(
            "PATCH", place, data[first : last + 1], **{"Content-Range": f"{first}-{last}"}
        )
        assert answer.status == status, answer
        place = answer.headers.get("Location", place)
    mark = "&" if "?" in place else "?"
    ended = await client.ask("PUT", f"{place}{mark}digest={digest_of(data)}")
    assert ended.status == 201
