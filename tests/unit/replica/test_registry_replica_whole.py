"""The replica has everything when it says so, and what single images lack stops no other."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from supply import oci
from supply.cache.body import Body
from supply.cache.failure import LimitedError, UnavailableError
from supply.registry import replica_list
from supply.registry.failures import Failures
from supply.registry.place import Place
from supply.registry.replica_gap import YOUNG_SECONDS, Gap, Meaning
from supply.registry.replica_plan import LIST, held_tag
from supply.registry.storage import Tagged
from tests.support.image import Image, image
from tests.support.played_registry import Played, registry
from tests.support.vault import (
    PREFIX,
    Way,
    blob_file,
    has,
    level,
    lines,
    platforms,
    tell,
    told,
    until,
)

WEB, NEW = image(5000), image(6000, seed=1)


def target(played: Played) -> Place:
    """The replica as a registry asks it."""
    assert played.server.replication
    return played.server.replication.restore.there


async def removed(vault: Played, wanted: Image) -> None:
    client = vault.client()
    path = f"/v2/{PREFIX}/web/manifests/{wanted.digest}"
    assert (await client.ask("DELETE", path)).status == 202


async def test_who_asks_does_not_wait_for_what_is_young(here: Played, vault: Played) -> None:
    await here.client().push("web", WEB.digest, WEB)
    now = await until(lambda: told(here.client()), lambda now: now["compared"] and now["pending"])
    assert not now["level"], "it is not there yet"
    assert (await lines(here.client(), "/horcrux/replica"))[-1]["level"]
    await vault.client().pull(f"{PREFIX}/web", held_tag(WEB.digest), WEB)


def test_what_is_young_is_pending_and_waits() -> None:
    gap, young = Gap(), Tagged("web", held_tag(WEB.digest), WEB.digest, 1000.0)
    gap.see([young], 1001.0)
    assert (gap.pending(), gap.asked(full=True)) == ([young], [])
    assert gap.ripe == 1000.0 + YOUNG_SECONDS
    gap.see([young], 1001.0, young=True)
    assert gap.asked(full=False) == [young]


def test_what_could_not_be_asked_is_pending_and_not_brought() -> None:
    gap, tagged = Gap(), Tagged("web", "v1", WEB.digest, 1.0)
    gap.see([tagged], 1000.0)
    gap.brought(tagged)
    assert gap.answered([Meaning(tagged, None, failed=True)]) == []
    assert gap.pending() == [tagged]


async def test_a_platform_that_the_replica_lost_is_brought_again(
    here: Played, vault: Played
) -> None:
    both = platforms(WEB, NEW)
    await here.client().push("web", "v1", both)
    await level(here.client())
    await removed(vault, NEW)
    assert (await lines(here.client(), "/horcrux/replica"))[-1]["level"]
    await vault.client().pull(f"{PREFIX}/web", "v1", both)


async def test_what_a_tag_has_meant_in_the_replica_stays_there(
    tmp_path: Path, vault: Played, there: Way
) -> None:
    async with registry(tell(tmp_path / "lost", vault, there.port)) as lost:
        await lost.client().push("web", "latest", WEB)
        await level(lost.client())
    async with registry(tell(tmp_path / "new", vault, there.port)) as new:
        await new.client().push("web", "latest", NEW)
        await level(new.client())
    await vault.client().pull(f"{PREFIX}/web", "latest", NEW)
    await vault.client().pull(f"{PREFIX}/web", held_tag(WEB.digest), WEB)


async def test_the_name_of_the_list_is_reserved(here: Played, vault: Played) -> None:
    client = here.client()
    await client.push("web", "v1", WEB)
    await level(client)
    await client.push(LIST, "latest", NEW)
    now = await until(lambda: told(client), lambda now: now["problems"])
    assert "another name" in now["problems"][0]["reason"]
    await client.push("shop", "v1", image(100, seed=3))
    await until(lambda: has(vault.client(), f"{PREFIX}/shop", "v1"), bool)
    assert await replica_list.read(target(here), PREFIX) == {"web", "shop"}
    ended = (await lines(client, "/horcrux/restore", {"images": [f"{LIST}:latest"]}))[-1]
    assert "list of repositories" in ended["problems"][0]
    assert (await lines(client, "/horcrux/restore"))[-1]["images"] == 2


async def put_list(place: Place, content: bytes, size: int | None = None) -> str:
    """Something in the place of the list."""

    async def chunks() -> AsyncIterator[bytes]:
        yield content

    repository, digest = f"{PREFIX}/{LIST}", oci.digest_of(content)
    reference = oci.Reference(digest, len(content), "blob")
    await place.put_blob(repository, reference, Body(0, len(content), chunks()), lambda _: None)
    described: dict[str, Any] = {"digest": digest, "size": size or len(content)}
    described["mediaType"] = replica_list.KIND
    told = {"schemaVersion": 2, "config": described, "layers": [described]}
    manifest = oci.manifest(json.dumps(told).encode(), oci.IMAGE_TYPES[0])
    await place.put_manifest(repository, replica_list.TAG, manifest)
    return digest


@pytest.mark.parametrize(
    ("content", "size"),
    [
        (b'\xff\xfe{"hidden"', None),
        (b'{"repositories": 7}', None),
        (b"[" * 100_000, None),
        (b'{"repositories": ["web"], "hidden": 1}', 10),
        (b'{"repositories": ["web"], "hidden": 1}', 9 << 20),
    ],
)
async def test_a_list_that_cannot_be_read_is_refused_and_written_anew(
    content: bytes, size: int | None, here: Played, vault: Played
) -> None:
    del vault
    await put_list(target(here), content, size)
    ended = (await lines(here.client(), "/horcrux/restore"))[-1]
    assert "is no list of repositories" in ended["failure"]
    assert "hidden" not in ended["failure"]
    await here.client().push("web", "v1", WEB)
    await level(here.client())
    assert await replica_list.read(target(here), PREFIX) == {"web"}


async def test_a_list_that_is_too_large_is_not_begun_to_be_read(
    here: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = b'{"repositories": ["web"]}'
    await put_list(target(here), content)
    assert await replica_list.read(target(here), PREFIX) == {"web"}
    monkeypatch.setattr(replica_list, "LARGEST", len(content) - 1)
    with pytest.raises(replica_list.UnreadableError):
        await replica_list.read(target(here), PREFIX)


async def test_a_list_that_is_damaged_there_is_written_anew(here: Played, vault: Played) -> None:
    digest = await put_list(target(here), b'{"repositories": ["web", "shop"]}')
    file = blob_file(vault, digest)
    file.write_bytes(file.read_bytes().replace(b"shop", b"shed"))
    with pytest.raises(replica_list.UnreadableError):
        await replica_list.read(target(here), PREFIX)
    await here.client().push("web", "v1", WEB)
    await level(here.client())
    assert await replica_list.read(target(here), PREFIX) == {"web"}


def test_what_fails_for_different_images_in_a_row_is_the_place() -> None:
    failures = Failures()
    first = UnavailableError("the first")
    failures.add(first)
    failures.add(UnavailableError("the second"))
    failures.well()
    for _ in range(2):
        failures.add(UnavailableError("another"))
    with pytest.raises(UnavailableError, match="the first"):
        failures.add(UnavailableError("and another"))
    assert failures.first is first
    with pytest.raises(LimitedError):
        Failures().add(LimitedError("come back later", 90.0))


async def test_an_image_that_fails_stops_no_other(
    here: Played, vault: Played, there: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    await there.close()
    client, place = here.client(), target(here)
    meaning = place.meaning

    async def bad(repository: str, reference: str) -> str | None:
        if repository.endswith("/aaa"):
            raise UnavailableError("the replica answers 500")
        return await meaning(repository, reference)

    monkeypatch.setattr(place, "meaning", bad)
    for name, its in (("aaa", WEB), ("web", NEW), ("shop", image(100, seed=3))):
        await client.push(name, "v1", its)
    await there.open()
    await until(lambda: has(vault.client(), f"{PREFIX}/shop", "v1"), bool)
    await vault.client().pull(f"{PREFIX}/web", "v1", NEW)
    now = await until(lambda: told(client), lambda now: now["pending"] == 1)
    assert (now["failure"], now["level"]) == ("the replica answers 500", False)
    monkeypatch.undo()
    await level(client)
