"""What a disk has lost or changed comes back: from the replica, or with a push."""

import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from supply.registry.storage import ASIDE, Storage
from tests.support.image import Image, digest_of, image
from tests.support.played_registry import Client, Played, registry
from tests.support.vault import Way, blob_file, has, level, lines, platforms, tell, told, until

WEB = platforms(image(9000), image(6000, seed=1))
HARMS: dict[str, Callable[[Path], object]] = {
    "changed": lambda file: file.write_bytes(b"x" * file.stat().st_size),
    "shorter": lambda file: file.write_bytes(file.read_bytes()[:-1]),
    "gone": lambda file: file.unlink(),
}


async def restored(client: Client, name: str, wanted: Image) -> None:
    ended = (await lines(client, "/horcrux/restore", {"images": [name]}))[-1]
    assert (ended["problems"], ended["present"]) == ([], 0)
    await client.pull("web", "v1", wanted)
    again = (await lines(client, "/horcrux/restore", {"images": [name]}))[-1]
    assert (again["present"], again["copied"]["bytes"]) == (1, 0), "now it is whole"


@pytest.mark.parametrize("harm", HARMS)
async def test_layers_that_are_damaged_here_come_back_from_the_replica(
    harm: str, here: Played
) -> None:
    client = here.client()
    await client.push("web", "v1", WEB)
    await level(client)
    for digest in WEB.blobs:
        HARMS[harm](blob_file(here, digest))
    await restored(client, "web:v1", WEB)


@pytest.mark.parametrize("harm", HARMS)
async def test_manifests_that_are_damaged_here_come_back_from_the_replica(
    harm: str, here: Played
) -> None:
    client = here.client()
    await client.push("web", "v1", WEB)
    await level(client)
    for digest in WEB.manifests:
        HARMS[harm](blob_file(here, digest))
    await restored(client, f"web@{WEB.digest}", WEB)


async def test_a_layer_that_was_found_damaged_comes_back_with_a_push(
    here: Played, there: Way
) -> None:
    await there.close()
    client = here.client()
    await client.push("web", "v1", WEB)
    HARMS["changed"](blob_file(here, next(iter(WEB.blobs))))
    await there.open()
    now = await until(lambda: told(client), lambda now: now["problems"])
    assert now["problems"][0]["reason"].startswith("sha256:"), "its name is said once"
    await client.push("web", "v1", WEB)
    assert (await client.admin("POST", "/horcrux/gc", {})).status == 200
    await client.pull("web", "v1", WEB)
    assert (await lines(client, "/horcrux/replica"))[-1]["level"]


async def test_a_manifest_that_is_damaged_here_stops_no_other_image(
    here: Played, vault: Played, there: Way
) -> None:
    await there.close()
    client, bad, well = here.client(), image(900), image(8000, seed=5)
    await client.push("web", "v1", bad)
    HARMS["shorter"](blob_file(here, bad.digest))
    await client.push("shop", "v1", well)
    await there.open()
    now = await until(lambda: told(client), lambda now: now["problems"] and now["pending"] == 1)
    (problem,) = now["problems"]
    assert problem["image"] == "web:v1"
    assert "damaged on the disk" in problem["reason"]
    assert now["failure"] is None
    await vault.client().pull("dev/shop", "v1", well)


async def test_a_manifest_that_is_damaged_in_the_replica_stops_no_other_image(
    tmp_path: Path, vault: Played, there: Way
) -> None:
    well = image(8000, seed=5)
    async with registry(tell(tmp_path / "lost", vault, there.port)) as lost:
        await lost.client().push("aaa", "v1", WEB)
        await lost.client().push("shop", "v1", well)
        await level(lost.client())
    blob_file(vault, WEB.digest).write_bytes(b"")
    async with registry(tell(tmp_path / "new", vault, there.port)) as new:
        ended = (await lines(new.client(), "/horcrux/restore"))[-1]
        await new.client().pull("shop", "v1", well)
        assert not await has(new.client(), "aaa", "v1")
    assert "failure" not in ended
    (problem,) = ended["problems"]
    assert problem.startswith("aaa:v1: ")
    assert (ended["images"], ended["done"]) == (2, 1)


async def test_a_collection_takes_what_is_set_aside(here: Played) -> None:
    client, gone = here.client(), image(9000)
    await client.push("web", "latest", gone)
    await level(client)
    digest = next(iter(gone.blobs))
    HARMS["changed"](blob_file(here, digest))
    assert not here.server.storage.sound(digest)
    client.tokens.clear()
    assert (await client.ask("DELETE", f"/v2/web/manifests/{gone.digest}")).status == 202
    aside = blob_file(here, digest).with_name(ASIDE)
    assert aside.exists()
    assert (await client.admin("POST", "/horcrux/gc", {})).status == 200
    assert not aside.exists()


def test_what_cannot_be_opened_now_is_not_taken_for_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = digest_of(b"a layer")
    name = digest.partition(":")[2]
    file = tmp_path / f"docker/registry/v2/blobs/sha256/{name[:2]}/{name}/data"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"a layer")

    def fails(*_: object) -> None:
        raise OSError(errno.EMFILE, "too many open files")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", fails)
        assert not Storage(tmp_path).sound(digest)
    assert Storage(tmp_path).sound(digest)


def test_only_what_is_damaged_is_set_aside(tmp_path: Path) -> None:
    content = b"a layer"
    digest = digest_of(content)
    name = digest.partition(":")[2]
    file = tmp_path / f"docker/registry/v2/blobs/sha256/{name[:2]}/{name}/data"
    storage = Storage(tmp_path)
    assert not storage.sound(digest), "it is not there"
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    assert storage.sound(digest)
    file.write_bytes(content[:-1])
    assert not storage.sound(digest)
    assert not file.exists()
    assert file.with_name(ASIDE).read_bytes() == content[:-1]
    assert storage.used() == len(content) - 1, "it takes room until a collection"
