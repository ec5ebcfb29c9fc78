"""The registry's upkeep on the real CNCF distribution: collections, and what is forgotten."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from supply.registry import collection
from tests.support.played_registry import Client, Played, registry
from tests.support.upstream import Image, digest_of, image


@pytest.fixture
async def played(tmp_path: Path) -> AsyncIterator[Played]:
    async with registry(tmp_path / "registry") as found:
        yield found


class Held:
    """A collector that begins only when it is told to."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.began, self.gate = folder / "began", folder / "go"
        program = folder / "collector"
        program.write_text(
            f"#!/bin/sh\ntouch {self.began}\nuntil [ -e {self.gate} ]; do sleep 0.01; done\n"
            'exec /usr/bin/docker-registry "$@"\n'
        )
        program.chmod(0o755)
        monkeypatch.setattr(collection, "PROGRAM", str(program))

    async def begun(self) -> None:
        async with asyncio.timeout(10):
            while not self.began.exists():
                await asyncio.sleep(0.005)

    def go(self) -> None:
        self.gate.touch()


async def deleted(client: Client, repository: str, wanted: Image) -> None:
    answer = await client.ask("DELETE", f"/v2/{repository}/manifests/{wanted.digest}")
    if answer.status == 401:  # the token was for a push
        client.tokens.clear()
        answer = await client.ask("DELETE", f"/v2/{repository}/manifests/{wanted.digest}")
    assert answer.status == 202, answer


def source(seed: int) -> str:
    return f"source-{hashlib.sha256(str(seed).encode()).hexdigest()[:16]}"


async def test_a_collection_in_an_empty_registry_frees_nothing(played: Played) -> None:
    answer = await played.client().admin("POST", "/horcrux/gc", {})
    assert (answer.status, answer.json) == (200, {"freed": 0})


async def test_a_collection_frees_layers_without_a_manifest_while_pulls_go_on(
    played: Played, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(tmp_path, monkeypatch)
    client, kept, gone = played.client(), image(50_000, 1000), image(70_000, seed=1)
    assert (await client.push("shop/web", "v1", kept)).status == 201
    assert (await client.push("shop/web", "v2", gone)).status == 201
    await deleted(client, "shop/web", gone)
    assert all(map(played.has_blob, gone.blobs))
    pulls, ended = 0, asyncio.Event()

    async def pull() -> None:
        nonlocal pulls
        puller = played.client("pull")
        while not ended.is_set():
            await puller.pull("shop/web", "v1", kept)
            pulls += 1

    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        collecting = group.create_task(client.admin("POST", "/horcrux/gc", {}))
        await held.begun()
        group.create_task(pull())
        while pulls < 3:
            await asyncio.sleep(0.005)
        held.go()
        answer = await collecting
        ended.set()
    assert answer.status == 200
    size = sum(map(len, gone.blobs.values())) + len(gone.manifests[gone.digest][0])
    assert answer.json["freed"] == size
    assert not any(map(played.has_blob, gone.blobs))
    await played.client("pull").pull("shop/web", "v1", kept)


async def test_an_upload_that_began_before_a_collection_ends_well(
    played: Played, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(tmp_path, monkeypatch)
    client, wanted = played.client(), image(50_000)
    assert (await client.push("base", "1", image(10, seed=9))).status == 201
    await client.authorized("shop/web")
    content = wanted.blobs[next(iter(wanted.blobs))]
    upload = await client.part(await client.begun("shop/web"), content[:20_000])
    collecting = asyncio.create_task(client.admin("POST", "/horcrux/gc", {}))
    await held.begun()
    rest = asyncio.create_task(client.part(upload, content[20_000:]))
    _, pending = await asyncio.wait([rest], timeout=0.2)
    assert pending  # it waits for the collection
    held.go()
    assert (await collecting).status == 200
    assert (await client.ended(await rest, digest_of(content))).status == 201
    assert (await client.push("shop/web", "v1", wanted)).status == 201
    await client.pull("shop/web", "v1", wanted)


async def test_a_collection_waits_for_the_manifest_of_layers_that_have_come(
    played: Played,
) -> None:
    client, wanted = played.client(), image(5000, 6000)
    await client.authorized("shop/web")
    blobs = list(wanted.blobs.values())
    assert (await client.blob("shop/web", blobs[0])).status == 201
    collecting = asyncio.create_task(client.admin("POST", "/horcrux/gc", {}))
    _, pending = await asyncio.wait([collecting], timeout=0.2)
    assert pending
    for blob in blobs[1:]:
        assert (await client.blob("shop/web", blob)).status == 201
    answer = await client.manifest("shop/web", "v1", *wanted.manifests[wanted.digest])
    assert answer.status == 201
    answer = await collecting
    assert (answer.status, answer.json["freed"]) == (200, 0)
    await client.pull("shop/web", "v1", wanted)


async def test_a_push_that_relies_on_a_layer_that_nothing_needs_keeps_it(played: Played) -> None:
    client, wanted = played.client(), image(5000)
    assert (await client.push("shop/web", "v1", wanted)).status == 201
    await deleted(client, "shop/web", wanted)
    await client.authorized("shop/web")
    for digest in wanted.blobs:
        assert (await client.ask("HEAD", f"/v2/shop/web/blobs/{digest}")).status == 200
    collecting = asyncio.create_task(client.admin("POST", "/horcrux/gc", {}))
    _, pending = await asyncio.wait([collecting], timeout=0.2)
    assert pending
    answer = await client.manifest("shop/web", "v1", *wanted.manifests[wanted.digest])
    assert answer.status == 201
    assert (await collecting).json["freed"] == 0
    await client.pull("shop/web", "v1", wanted)


async def test_who_waits_too_long_for_a_collection_is_told_to_come_again(
    played: Played, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(tmp_path, monkeypatch)
    client, wanted = played.client(), image(1000)
    assert (await client.push("base", "1", wanted)).status == 201
    played.server.gate.admission._wait = 0.1
    collecting = asyncio.create_task(client.admin("POST", "/horcrux/gc", {}))
    await held.begun()
    begun = await client.ask("POST", "/v2/base/blobs/uploads/")
    manifest = await client.manifest("base", "2", *wanted.manifests[wanted.digest])
    for answer in (begun, manifest):
        assert (answer.status, answer.headers["Retry-After"]) == (503, "30")
        assert answer.json["errors"][0]["code"] == "UNAVAILABLE"
    await played.client("pull").pull("base", "1", wanted)
    held.go()
    assert (await collecting).status == 200


async def test_a_collector_that_fails_is_told_and_pushes_go_on(
    played: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = played.client()
    assert (await client.push("base", "1", image(1000))).status == 201
    monkeypatch.setattr(collection, "PROGRAM", "false")
    answer = await client.admin("POST", "/horcrux/gc", {})
    assert answer.status == 500
    assert "the collection failed" in answer.json["errors"][0]["message"]
    assert (await client.push("base", "2", image(1000, seed=1))).status == 201


async def test_an_upload_that_was_broken_off_is_in_no_collection_s_way(played: Played) -> None:
    client = played.client()
    assert (await client.push("base", "1", image(1000))).status == 201
    await client.authorized("other")
    await client.part(await client.begun("other"), b"a part")
    assert (await client.admin("POST", "/horcrux/gc", {})).status == 200


async def test_the_catalog_tells_tags_sizes_and_when_they_were_pushed(played: Played) -> None:
    wanted = image(5000, index=True)
    assert (await played.client().push("shop/web", "v1", wanted)).status == 201
    told = (await played.client().admin("GET", "/horcrux/catalog")).json
    assert [each["name"] for each in told["repositories"]] == ["shop/web"]
    tag = told["repositories"][0]["tags"][0]
    assert tag["pushed"] > 0
    assert tag | {"pushed": 0} == {
        "repository": "shop/web",
        "tag": "v1",
        "digest": wanted.digest,
        "size": wanted.size,
        "pushed": 0,
    }


async def pruned(client: Client, **told: Any) -> Any:
    answer = await client.admin("POST", "/horcrux/prune", {"keep": 1, "used": [], **told})
    assert answer.status == 200, answer
    return answer.json


async def test_what_is_forgotten_frees_what_was_told(played: Played) -> None:
    client = played.client()
    images = [image(10_000 + n, seed=n, index=n == 0) for n in range(3)]
    for n, each in enumerate(images):
        assert (await client.push("web", source(n), each)).status == 201
    other = Image(images[1].digest, images[1].manifests, images[1].blobs)
    assert (await client.push("copy", "mine", other)).status == 201

    tried = await pruned(client, dry_run=True)
    for n, each in enumerate(images):
        await client.pull("web", source(n), each)
    told = await pruned(client, dry_run=False)
    assert told == tried
    assert {each["tag"] for each in told["deleted"]} == {source(0), source(1)}
    assert {(e["repository"], e["tag"]) for e in told["kept"]} == {
        ("web", source(2)), ("copy", "mine"),
    }  # fmt: skip
    freed = (await client.admin("POST", "/horcrux/gc", {})).json["freed"]
    # What `copy` needs stays, and so does not count.
    assert told["freed"] == freed == images[0].size
    await client.pull("web", source(2), images[2])
    await client.pull("copy", "mine", images[1])
    for gone in (0, 1):
        assert (await client.ask("GET", f"/v2/web/manifests/{source(gone)}")).status == 404


async def test_what_runs_and_what_a_tag_shares_stays(played: Played) -> None:
    client = played.client()
    images = [image(1000 + n, seed=n, index=True) for n in range(4)]
    for n, each in enumerate(images):
        assert (await client.push("web", source(n), each)).status == 201
    assert (await client.push("web", "release", images[1])).status == 201
    told = await pruned(client, used=[f"web@{images[2].digest}"])
    assert [each["tag"] for each in told["deleted"]] == [source(0)]
    assert (await client.admin("POST", "/horcrux/gc", {})).status == 200
    for n in (1, 2, 3):
        await client.pull("web", source(n), images[n])
    await client.pull("web", "release", images[1])


@pytest.mark.parametrize(
    "told",
    [
        {"used": []}, {"keep": 0, "used": []}, {"keep": 1, "used": "web"},
        {"keep": "1", "used": []}, [], "keep",
    ],
)  # fmt: skip
async def test_a_question_that_lacks_something_forgets_nothing(played: Played, told: Any) -> None:
    answer = await played.client().admin("POST", "/horcrux/prune", json.loads(json.dumps(told)))
    assert answer.status == 400
