"""The place is lost: a new and empty registry has everything again, by the digests that are pinned."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from supply import oci
from supply.registry import replica_gap, replica_list
from supply.registry.restore import Wanted
from tests.support.image import Image, image
from tests.support.played_registry import Client, Played, registry
from tests.support.vault import PREFIX, Way, has, level, lines, platforms, tell, until

BOTH = platforms(image(5000, 800), image(6000, seed=1))
WEB, OLD, SIGNATURE = image(7000, seed=2), image(8000, seed=3), image(20, seed=4)


@asynccontextmanager
async def place(tmp_path: Path, name: str, vault: Played, there: Way) -> AsyncIterator[Played]:
    async with registry(tell(tmp_path / name, vault, there.port)) as found:
        yield found


async def fill(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a place has: an index, an image with a signature, and one whose tag has moved on."""
    await client.push("shop/web", "v1", BOTH)
    await client.push("web", "latest", OLD)
    await level(client)
    monkeypatch.setattr(replica_gap, "YOUNG_SECONDS", 0.0)
    await client.push("web", "latest", WEB)
    await client.push("web", f"sha256-{WEB.digest[7:]}.sig", SIGNATURE)
    assert (await lines(client, "/horcrux/replica"))[-1]["level"]


async def pinned(client: Client, repository: str, wanted: Image) -> None:
    await client.pull(repository, wanted.digest, wanted)


async def test_every_pinned_reference_works_again(
    tmp_path: Path, vault: Played, there: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with place(tmp_path, "lost", vault, there) as lost:
        await fill(lost.client(), monkeypatch)
    async with place(tmp_path, "new", vault, there) as new:
        assert not await has(new.client("pull"), "web", OLD.digest), "it is empty"
        ended = (await lines(new.client(), "/horcrux/restore"))[-1]
        puller = new.client("pull")
        for repository, its in (("shop/web", BOTH), ("web", OLD), ("web", WEB), ("web", SIGNATURE)):
            await pinned(puller, repository, its)
        await puller.pull("shop/web", "v1", BOTH)
        await puller.pull("web", "latest", WEB)
        await puller.pull("web", f"sha256-{WEB.digest[7:]}.sig", SIGNATURE)
        tags = (await puller.ask("GET", "/v2/web/tags/list")).json["tags"]
        assert sorted(tags) == ["latest", f"sha256-{WEB.digest[7:]}.sig"]
        again = (await lines(new.client(), "/horcrux/restore"))[-1]
        compared = (await lines(new.client(), "/horcrux/replica"))[-1]
    assert (ended["images"], ended["done"], ended["present"]) == (4, 4, 0)
    assert (ended["problems"], ended["absent"], ended["kept"]) == ([], [], [])
    assert ended["copied"]["bytes"] == BOTH.size + OLD.size + WEB.size + SIGNATURE.size
    assert (again["present"], again["copied"]["bytes"]) == (4, 0), "all of it is there"
    assert (compared["level"], compared["copied"]["bytes"]) == (True, 0), "nothing goes back"


async def test_images_that_are_named_come_alone(
    tmp_path: Path, vault: Played, there: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with place(tmp_path, "lost", vault, there) as lost:
        await fill(lost.client(), monkeypatch)
    absent = f"web@sha256:{'0' * 64}"
    asked = {"images": [f"web@{OLD.digest}", "shop/web:v1", absent, "nothing:v1"]}
    async with place(tmp_path, "new", vault, there) as new:
        ended = (await lines(new.client(), "/horcrux/restore", asked))[-1]
        await pinned(new.client(), "web", OLD)
        await new.client().pull("shop/web", "v1", BOTH)
        assert not await has(new.client(), "web", WEB.digest)
    assert ended["absent"] == [absent, "nothing:v1"]
    assert (ended["images"], ended["problems"]) == (4, [])


async def test_a_tag_that_is_here_keeps_its_meaning_and_the_other_comes_by_its_digest(
    tmp_path: Path, vault: Played, there: Way
) -> None:
    async with place(tmp_path, "lost", vault, there) as lost:
        await lost.client().push("web", "v1", OLD)
        await level(lost.client())
    async with place(tmp_path, "new", vault, there) as new:
        await new.client().push("web", "v1", WEB)
        ended = (await lines(new.client(), "/horcrux/restore", {"images": ["web:v1"]}))[-1]
        await new.client().pull("web", "v1", WEB)
        await pinned(new.client(), "web", OLD)
    assert ended["kept"] == ["web:v1"]


async def test_a_tag_that_is_pushed_during_a_restore_keeps_its_meaning(
    tmp_path: Path, vault: Played, there: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with place(tmp_path, "lost", vault, there) as lost:
        await lost.client().push("web", "v1", OLD)
        await level(lost.client())
    async with place(tmp_path, "new", vault, there) as new:
        began, go = asyncio.Event(), asyncio.Event()
        assert new.server.replication
        source = new.server.replication.restore.there
        manifest = source.manifest

        async def held(repository: str, reference: str) -> oci.Manifest:
            began.set()
            await go.wait()
            return await manifest(repository, reference)

        monkeypatch.setattr(source, "manifest", held)
        asked = {"images": ["web:v1"]}
        restoring = asyncio.create_task(lines(new.client(), "/horcrux/restore", asked))
        await began.wait()
        assert (await new.client().push("web", "v1", WEB)).status == 201
        go.set()
        ended = (await restoring)[-1]
        await new.client().pull("web", "v1", WEB)
        await pinned(new.client(), "web", OLD)
    assert ended["kept"] == ["web:v1"]


async def test_a_restore_gives_no_tag_a_meaning_while_a_push_does(
    tmp_path: Path, vault: Played, there: Way
) -> None:
    async with place(tmp_path, "lost", vault, there) as lost:
        await lost.client().push("web", "v1", OLD)
        await level(lost.client())
    async with place(tmp_path, "new", vault, there) as new:
        client, replication = new.client(), new.server.replication
        assert replication
        await client.push("web", "other", WEB)
        async with new.server.gate.naming("web", "v1"):
            asked = {"images": ["web:v1"]}
            restoring = asyncio.create_task(lines(client, "/horcrux/restore", asked))
            await until(lambda: has(new.client("pull"), "web", OLD.digest), bool)
            manifest = oci.manifest(WEB.manifests[WEB.digest][0])
            await replication.restore.here.put_manifest("web", "v1", manifest)
        ended = (await restoring)[-1]
        await client.pull("web", "v1", WEB)
    assert ended["kept"] == ["web:v1"]


async def test_a_tag_of_the_replica_that_names_a_digest_and_means_another_is_told(
    tmp_path: Path, vault: Played, there: Way
) -> None:
    lie = f"digest-{OLD.digest[7:]}"
    await vault.client().push(f"{PREFIX}/web", lie, WEB)
    async with place(tmp_path, "new", vault, there) as new:
        ended = (await lines(new.client(), "/horcrux/restore", {"images": [f"web:{lie}"]}))[-1]
        assert not await has(new.client(), "web", WEB.digest)
    assert ended["problems"] == [f"web:{lie}: it is {WEB.digest} in the replica"]


async def test_a_repository_of_the_list_that_the_replica_lacks_is_told(
    tmp_path: Path, vault: Played, there: Way
) -> None:
    async with place(tmp_path, "new", vault, there) as new:
        assert new.server.replication
        source = new.server.replication.restore.there
        await replica_list.write(source, PREFIX, ["web"])
        ended = (await lines(new.client(), "/horcrux/restore"))[-1]
    assert ended["absent"] == ["web"]


async def test_an_empty_registry_takes_nothing_out_of_the_list_that_it_is_restored_from(
    tmp_path: Path, vault: Played, there: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with place(tmp_path, "lost", vault, there) as lost:
        await fill(lost.client(), monkeypatch)
    async with place(tmp_path, "new", vault, there) as new:
        await new.client().push("control", "source-1", image(100))
        await level(new.client())
        ended = (await lines(new.client(), "/horcrux/restore"))[-1]
        await pinned(new.client(), "shop/web", BOTH)
    assert (ended["images"], ended["present"]) == (5, 1)


async def test_a_restore_that_is_cut_off_goes_on_where_it_was(
    tmp_path: Path, vault: Played, there: Way
) -> None:
    images = {f"v{n}": image(120_000, seed=n) for n in range(6)}
    async with place(tmp_path, "lost", vault, there) as lost:
        for tag, its in images.items():
            await lost.client().push("web", tag, its)
        await level(lost.client())
    async with place(tmp_path, "new", vault, there) as new:
        there.back = 300_000
        first = (await lines(new.client(), "/horcrux/restore"))[-1]
        assert "does not answer" in first["failure"] or "broke off" in first["failure"]
        assert 0 < first["done"] < 4
        assert len(first["problems"]) == 3, "then it is not the images"
        there.back = float("inf")
        second = (await lines(new.client(), "/horcrux/restore"))[-1]
        for tag, its in images.items():
            await new.client().pull("web", tag, its)
    assert second["present"] >= first["done"]
    assert second["copied"]["bytes"] < sum(its.size for its in images.values())


async def test_half_a_layer_does_not_stay_here(tmp_path: Path, vault: Played, there: Way) -> None:
    async with place(tmp_path, "lost", vault, there) as lost:
        await lost.client().push("web", "v1", image(6_000_000))
        await level(lost.client())
    async with place(tmp_path, "new", vault, there) as new:
        there.back = 4_000_000
        ended = (await lines(new.client(), "/horcrux/restore"))[-1]
        assert ended["copied"]["bytes"] > 200_000, "it broke off in the middle"
        assert len(ended["problems"]) == 1
        storage = tmp_path / "new/storage"
        assert list(storage.glob("**/_uploads/*/data")) == []


async def test_a_restore_ends_when_nobody_waits_for_it(
    tmp_path: Path, vault: Played, there: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("supply.registry.telling.SECONDS", 0.01)
    async with place(tmp_path, "lost", vault, there) as lost:
        await lost.client().push("web", "v1", WEB)
        await level(lost.client())
    async with place(tmp_path, "new", vault, there) as new:
        held, client = asyncio.Event(), new.client()
        replication = new.server.replication
        assert replication
        monkeypatch.setattr(replication.restore.there, "manifest", lambda *_: held.wait())
        url = f"{client.url}/horcrux/restore"
        asked = json.dumps({"images": ["web:v1"]})
        async with new.session.post(url, data=asked, headers=client.basic) as answer:
            await answer.content.readline()
            lock = replication.restore._one
            assert lock.locked()

        async def free() -> bool:
            return not lock.locked()

        assert await until(free, bool)
        monkeypatch.undo()
        await lines(client, "/horcrux/restore")
        await client.pull("web", "v1", WEB)


async def test_what_is_damaged_in_the_replica_is_told_and_others_come(
    tmp_path: Path, vault: Played, there: Way
) -> None:
    async with place(tmp_path, "lost", vault, there) as lost:
        await lost.client().push("web", "v1", WEB)
        await lost.client().push("web", "v2", OLD)
        await level(lost.client())
    name = next(iter(WEB.blobs)).partition(":")[2]
    file = vault.folder / f"storage/docker/registry/v2/blobs/sha256/{name[:2]}/{name}/data"
    file.write_bytes(b"x" * file.stat().st_size)
    async with place(tmp_path, "new", vault, there) as new:
        ended = (await lines(new.client(), "/horcrux/restore"))[-1]
        await new.client().pull("web", "v2", OLD)
        assert not await has(new.client(), "web", "v1")
    (problem,) = ended["problems"]
    assert problem.startswith("web:v1: ")
    assert "damaged" in problem


async def test_a_replica_without_a_list_is_no_success(
    tmp_path: Path, vault: Played, there: Way
) -> None:
    async with place(tmp_path, "lost", vault, there) as lost:
        await lost.client().push("web", "v1", WEB)
        await level(lost.client())
    elsewhere = tell(tmp_path / "new", vault, there.port, prefix="prod")
    async with registry(elsewhere) as new:
        ended = (await lines(new.client(), "/horcrux/restore"))[-1]
    assert ended["images"] == 0
    assert "/prod has no list of repositories" in ended["failure"]


async def test_a_replica_that_does_not_answer_is_told(
    tmp_path: Path, vault: Played, there: Way
) -> None:
    async with place(tmp_path, "new", vault, there) as new:
        await there.close()
        ended = (await lines(new.client(), "/horcrux/restore"))[-1]
    assert f"127.0.0.1:{there.port}/{PREFIX} does not answer" in ended["failure"]


@pytest.mark.parametrize(
    "text",
    ["web", "web:", "web@sha256:12", "web@md5:aa", "Web:v1", "../x:v1", ":v1", "web:v 1", ""],
)
async def test_what_names_no_image_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not REPOSITORY"):
        Wanted.of(text)
