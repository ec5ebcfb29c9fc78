"""A replica is kept level: with two real registries, and a way between them that can fail."""

import asyncio
import logging
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from supply.registry import replica_gap
from tests.support.image import digest_of, image
from tests.support.played_registry import Played, registry
from tests.support.vault import (
    PREFIX,
    Way,
    blob_file,
    has,
    level,
    lines,
    new_password,
    platforms,
    tell,
    told,
    until,
)

OLD, NEW = (f"source-{n:016x}" for n in (1, 2))


async def test_what_is_pushed_is_soon_there_by_the_same_digest(here: Played, vault: Played) -> None:
    web, base = image(70_000, 900), image(3000, seed=1)
    client = here.client()
    assert (await client.push("shop/web", "v1", web)).status == 201
    assert (await client.push("base", "latest", base)).status == 201
    now = await level(client)
    await vault.client().pull(f"{PREFIX}/shop/web", "v1", web)
    await vault.client().pull(f"{PREFIX}/base", "latest", base)
    assert (now["pending"], now["since"], now["failure"], now["problems"]) == (0, None, None, [])
    assert now["copied"] == {"manifests": 2, "blobs": 5, "bytes": web.size + base.size}


async def test_an_index_comes_with_all_its_platforms(here: Played, vault: Played) -> None:
    both = platforms(image(5000), image(6000, seed=1))
    assert (await here.client().push("shop/web", "v1", both)).status == 201
    await level(here.client())
    await vault.client().pull(f"{PREFIX}/shop/web", "v1", both)
    tags = await vault.client().ask("GET", f"/v2/{PREFIX}/shop/web/tags/list")
    assert tags.json["tags"] == ["v1"], "what an index names needs no tag of its own"


async def test_a_signature_is_a_tag_like_any_other(here: Played, vault: Played) -> None:
    web, signature = image(5000), image(10, seed=9)
    tag = f"{web.digest.replace(':', '-')}.sig"
    await here.client().push("web", "v1", web)
    await here.client().push("web", tag, signature)
    await level(here.client())
    await vault.client().pull(f"{PREFIX}/web", tag, signature)


async def test_pushes_go_on_while_the_replica_is_gone_and_it_catches_up(
    here: Played, vault: Played, there: Way
) -> None:
    first, second = image(4000), image(5000, seed=1)
    client = here.client()
    await client.push("web", "v1", first)
    await level(client)
    await there.close()
    assert (await client.push("web", "v2", second)).status == 201
    failing = await until(lambda: told(client), lambda now: now["failure"] and now["pending"])
    assert "does not answer" in failing["failure"]
    assert failing["pending"] == 1
    assert 0 <= time.time() - failing["since"] < 30
    measured = (await client.admin("GET", "/metrics")).body.decode()
    assert "horcrux_registry_replica_pending 1.0" in measured
    assert "horcrux_registry_replica_behind_seconds 0.0\n" not in measured
    await there.open()
    now = await level(client)
    assert (now["failure"], now["pending"]) == (None, 0)
    await vault.client().pull(f"{PREFIX}/web", "v2", second)
    measured = (await client.admin("GET", "/metrics")).body.decode()
    assert "horcrux_registry_replica_behind_seconds 0.0\n" in measured


async def test_a_registry_killed_in_the_middle_goes_on_where_it_was(
    tmp_path: Path, vault: Played, there: Way
) -> None:
    big = image(200_000, 200_000, 200_000, 200_000)
    there.budget = 500_000
    async with registry(tell(tmp_path / "registry", vault, there.port)) as first:
        await first.client().push("web", "v1", big)
        await until(lambda: told(first.client()), lambda now: now["failure"])
        await there.close()
    sent, there.budget = sum(map(vault.has_blob, big.blobs)), float("inf")
    assert 0 < sent < len(big.blobs), "it was killed in the middle"
    assert not await has(vault.client(), f"{PREFIX}/web", "v1")
    await there.open()
    again = tell(tmp_path / "again", vault, there.port)
    shutil.move(tmp_path / "registry" / "storage", again / "storage")
    async with registry(again) as second:
        now = await level(second.client())
    await vault.client().pull(f"{PREFIX}/web", "v1", big)
    assert now["copied"]["blobs"] == len(big.blobs) - sent


@pytest.mark.parametrize("harm", ["changed", "shorter", "missing"])
async def test_a_layer_that_is_damaged_here_is_told_and_others_go_on(
    harm: str, here: Played, vault: Played, there: Way
) -> None:
    await there.close()
    client, damaged, well = here.client(), image(9000), image(8000, seed=1)
    await client.push("web", "v1", damaged)
    file = blob_file(here, next(iter(damaged.blobs)))
    content = file.read_bytes()
    if harm == "changed":
        file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    elif harm == "shorter":
        file.write_bytes(content[:-1])
    else:
        file.unlink()
    await client.push("shop", "v1", well)
    await there.open()
    now = await until(lambda: told(client), lambda now: now["problems"])
    (problem,) = now["problems"]
    assert problem["image"] == "web:v1"
    assert problem["digest"] == damaged.digest
    assert {"changed": "damaged", "shorter": "bytes in place of", "missing": "no such thing"}[
        harm
    ] in problem["reason"]
    assert not now["level"]
    there_now = vault.client()
    await until(lambda: has(there_now, f"{PREFIX}/shop", "v1"), bool)
    await vault.client().pull(f"{PREFIX}/shop", "v1", well)
    assert not await has(vault.client(), f"{PREFIX}/web", "v1")
    file.write_bytes(content)
    ended = (await lines(client, "/horcrux/replica"))[-1]
    assert (ended["level"], ended["problems"]) == (True, [])


async def test_a_tag_that_moves_moves_there_and_what_it_was_stays_there(
    here: Played, vault: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replica_gap, "YOUNG_SECONDS", 0.0)
    old, new = image(4000), image(5000, seed=1)
    client = here.client()
    await client.push("web", "latest", old)
    await level(client)
    await client.push("web", "latest", new)
    await lines(client, "/horcrux/replica")
    await vault.client().pull(f"{PREFIX}/web", "latest", new)
    await vault.client().pull(f"{PREFIX}/web", f"digest-{old.digest[7:]}", old)


async def test_an_immutable_tag_that_differs_there_is_told_and_not_overwritten(
    here: Played, vault: Played
) -> None:
    other, own = image(4000), image(5000, seed=1)
    await vault.client().push(f"{PREFIX}/web", "v1", other)
    client = here.client()
    await client.push("web", "v1", own)
    now = await level(client)
    (conflict,) = now["conflicts"]
    assert conflict["image"] == "web:v1"
    assert own.digest in conflict["reason"]
    assert other.digest in conflict["reason"]
    await vault.client().pull(f"{PREFIX}/web", "v1", other)
    await vault.client().pull(f"{PREFIX}/web", f"digest-{own.digest[7:]}", own)
    measured = (await client.admin("GET", "/metrics")).body.decode()
    assert "horcrux_registry_replica_conflicts 1.0" in measured


async def test_what_is_forgotten_here_stays_there(here: Played, vault: Played) -> None:
    web = image(4000)
    client = here.client()
    await client.push("web", OLD, web)
    await client.push("web", NEW, image(5000, seed=1))
    await level(client)
    gone = await client.admin("POST", "/horcrux/prune", {"keep": 1, "used": []})
    assert [each["tag"] for each in gone.json["deleted"]] == [OLD]
    assert (await client.admin("POST", "/horcrux/gc", {})).status == 200
    ended = (await lines(client, "/horcrux/replica"))[-1]
    assert ended["level"]
    await vault.client().pull(f"{PREFIX}/web", OLD, web)


async def test_what_the_replica_lost_is_brought_again(here: Played, vault: Played) -> None:
    web = image(4000)
    client = here.client()
    await client.push("web", "source-1", web)
    await level(client)
    removed = vault.client()
    path = f"/v2/{PREFIX}/web/manifests/{web.digest}"
    assert (await removed.ask("DELETE", path)).status == 202
    assert (await vault.client().admin("POST", "/horcrux/gc", {})).json["freed"] > 0
    ended = (await lines(client, "/horcrux/replica"))[-1]
    assert ended["level"]
    await vault.client().pull(f"{PREFIX}/web", "source-1", web)


async def test_a_password_that_the_replica_refuses_is_told_and_appears_nowhere(
    tmp_path: Path, vault: Played, there: Way, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    folder = tell(tmp_path / "registry", vault, there.port, password="vault-cipher-71c")
    async with registry(folder) as here:
        client = here.client()
        assert (await client.push("web", "v1", image(4000))).status == 201
        failing = await until(lambda: told(client), lambda now: now["failure"] and now["pending"])
        assert "does not let us" in failing["failure"]
        new_password(vault, "vault-cipher-71c")
        await level(client)
        commands = subprocess.run(
            ["ps", "-Aww", "-o", "args"], capture_output=True, text=True, check=True
        )
        files = [
            f.read_bytes()
            for f in folder.rglob("*")
            if f.is_file() and f.name != "replica.json" and not f.is_socket()
        ]
        shown = [
            caplog.text,
            str(failing),
            str(await told(client)),
            (await client.admin("GET", "/metrics")).body.decode(),
            commands.stdout,
            repr(here.server.replication),
        ]
    assert not any("vault-cipher" in text for text in shown)
    assert not any(b"vault-cipher" in data for data in files)


async def test_a_restart_alone_is_no_loss(tmp_path: Path, vault: Played, there: Way) -> None:
    async with registry(tell(tmp_path / "registry", vault, there.port)) as first:
        await first.client().push("web", "v1", image(4000))
        await level(first.client())
        ended = time.time()
    links = (tmp_path / "registry" / "storage").rglob("link")
    for link in links:  # pushed a year ago
        os.utime(link, (ended - 365 * 86400,) * 2)
    await there.close()
    again = tell(tmp_path / "again", vault, there.port)
    shutil.move(tmp_path / "registry" / "storage", again / "storage")
    async with registry(again) as second:
        now = await until(lambda: told(second.client()), lambda now: now["failure"])
        assert now["pending"] == 1
        assert time.time() - now["since"] < 60, "it was level until the restart"


async def test_a_replica_that_cannot_be_compared_keeps_what_is_known_of_it(
    here: Played, there: Way
) -> None:
    client = here.client()
    await client.push("web", "v1", image(4000))
    await level(client)
    await there.close()
    ended = (await lines(client, "/horcrux/replica"))[-1]
    assert "does not answer" in ended["failure"]
    assert (ended["level"], ended["pending"]) == (False, 0), (
        "it had all, and is not known to lack it"
    )
    assert time.time() - ended["since"] < 30, "since when it does not answer"
    await there.open()
    await level(client)


async def test_only_admins_ask_for_the_replica(here: Played) -> None:
    for method, path in (
        ("GET", "/horcrux/replica"),
        ("POST", "/horcrux/replica"),
        ("POST", "/horcrux/restore"),
    ):
        assert (await here.client("shop-ci").admin(method, path)).status == 403
        assert (await here.client(None).admin(method, path)).status == 401


async def test_a_registry_without_a_replica_says_so(vault: Played) -> None:
    assert await told(vault.client()) == {"enabled": False}
    for path in ("/horcrux/replica", "/horcrux/restore"):
        answer = await vault.client().admin("POST", path, {})
        assert answer.status == 404
        assert "registry.replica" in answer.json["errors"][0]["message"]


async def test_two_environments_share_a_replica_by_their_prefixes(
    tmp_path: Path, vault: Played
) -> None:
    one, two = image(4000), image(5000, seed=1)
    for name, its in (("blue", one), ("green", two)):
        folder = tell(tmp_path / name, vault, vault.port, prefix=name)
        async with registry(folder) as here:
            await here.client().push("web", "v1", its)
            await level(here.client())
    await vault.client().pull("blue/web", "v1", one)
    await vault.client().pull("green/web", "v1", two)


async def test_many_pushes_at_once_all_arrive(here: Played, vault: Played) -> None:
    images = {f"v{n}": image(1000 + n, seed=n) for n in range(12)}
    async with asyncio.TaskGroup() as group:
        for tag, each in images.items():
            group.create_task(here.client().push("web", tag, each))
    ended = (await lines(here.client(), "/horcrux/replica"))[-1]
    assert ended["level"]
    for tag, each in images.items():
        await vault.client().pull(f"{PREFIX}/web", tag, each)
    assert digest_of(b"") not in images
