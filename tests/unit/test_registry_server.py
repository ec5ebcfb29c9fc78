"""The registry as a whole: the real nginx and CNCF distribution, and the gate between them."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.played_registry import Played, registry
from tests.support.upstream import image


@pytest.fixture
async def played(tmp_path: Path) -> AsyncIterator[Played]:
    async with registry(tmp_path / "registry") as found:
        yield found


async def test_an_image_and_an_index_are_pushed_and_pulled(played: Played) -> None:
    plain, index = image(100_000, 2000), image(3000, seed=1, index=True)
    assert (await played.client().push("shop/web", "1", plain)).status == 201
    assert (await played.client().push("base", "1", index)).status == 201
    await played.client("pull").pull("shop/web", "1", plain)
    await played.client("pull").pull("base", "1", index)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_anonymous_is_sent_for_a_token_to_the_name_it_asked(
    played: Played, host: str
) -> None:
    client = played.client(None, host)
    answer = await client.raw("GET", "/v2/shop/web/manifests/1")
    assert answer.status == 401
    told = answer.headers["WWW-Authenticate"]
    assert f'realm="https://{host}:{played.port}/auth/token"' in told
    assert (await client.ask("GET", "/v2/shop/web/manifests/1")).status == 401
    assert (await client.raw("GET", "/token")).status == 401


async def test_an_account_without_push_cannot_push(played: Played) -> None:
    wanted = image(1000)
    data, kind = wanted.manifests[wanted.digest]
    assert (await played.client().push("shop/web", "1", wanted)).status == 201
    pull = played.client("pull")
    assert (await pull.ask("POST", "/v2/shop/web/blobs/uploads/")).status == 401
    assert (await played.client("pull").manifest("shop/web", "2", data, kind)).status == 401
    reader = played.client("pull")
    await reader.pull("shop/web", "1", wanted)
    path = f"/v2/shop/web/manifests/{wanted.digest}"
    assert (await reader.ask("DELETE", path)).status == 401
    assert (await reader.ask("PUT", "/v2/shop/web/manifests/2", data)).status == 401


async def test_an_account_reaches_its_own_repositories_alone(played: Played) -> None:
    wanted = image(1000)
    assert (await played.client("shop-ci").push("shop/web", "1", wanted)).status == 201
    assert (await played.client().push("blog", "1", wanted)).status == 201
    await played.client("shop-ci").pull("shop/web", "1", wanted)
    assert (await played.client("shop-ci").ask("GET", "/v2/blog/manifests/1")).status == 401
    assert (await played.client("shop-ci").ask("POST", "/v2/base/blobs/uploads/")).status == 401
    digest = next(iter(wanted.blobs))
    mount = f"/v2/shop/web/blobs/uploads/?mount={digest}&from=blog"
    answer = await played.client("shop-ci").ask("POST", mount)
    assert answer.status != 201


async def test_only_administrators_reach_the_upkeep(played: Played) -> None:
    for method, path in (
        ("GET", "/horcrux/catalog"), ("POST", "/horcrux/gc"), ("POST", "/horcrux/prune"),
    ):  # fmt: skip
        assert (await played.client(None).admin(method, path)).status == 401
        assert (await played.client("shop-ci").admin(method, path)).status == 403
    assert (await played.client("shop-ci").ask("GET", "/v2/_catalog")).status == 401
    assert (await played.client().ask("GET", "/v2/_catalog")).status == 200


async def test_whoever_has_an_account_reaches_the_measurements(played: Played) -> None:
    assert (await played.client(None).admin("GET", "/metrics")).status == 401
    assert (await played.client(password="wrong").admin("GET", "/metrics")).status == 401
    assert (await played.client().ask("GET", "/v2/shop/web/tags/list")).status == 404
    told = await played.client("shop-ci").admin("GET", "/metrics")
    assert b'horcrux_registry_tokens_total{result="given"}' in told.body


async def test_a_manifest_that_names_a_missing_layer_is_refused(played: Played) -> None:
    wanted = image(1000, 2000)
    wanted.blobs.popitem()
    for digest in list(wanted.blobs)[1:]:
        del wanted.blobs[digest]
    answer = await played.client().push("shop/web", "1", wanted)
    assert answer.status in (400, 404)
    assert answer.json["errors"][0]["code"] == "MANIFEST_BLOB_UNKNOWN"
    assert (await played.client().ask("GET", "/v2/shop/web/manifests/1")).status == 404


async def test_an_immutable_tag_takes_the_same_digest_and_no_other(played: Played) -> None:
    one, two = image(1000), image(1000, seed=1)
    client = played.client()
    assert (await client.push("shop/web", "v1", one)).status == 201
    refused = await client.push("shop/web", "v1", two)
    assert refused.status == 409
    assert refused.json["errors"][0]["code"] == "DENIED"
    assert "Push under another tag" in refused.json["errors"][0]["message"]
    assert (await client.push("shop/web", "v1", one)).status == 201
    await client.pull("shop/web", "v1", one)


async def test_another_tag_changes_its_meaning(played: Played) -> None:
    one, two = image(1000), image(1000, seed=1)
    for each in (one, two):
        assert (await played.client().push("shop/web", "latest", each)).status == 201
    await played.client().pull("shop/web", "latest", two)


async def test_of_two_digests_for_one_immutable_tag_at_once_one_wins(played: Played) -> None:
    images = [image(1000, seed=n) for n in range(6)]
    client = played.client()
    for n, each in enumerate(images):
        assert (await client.push("shop/web", f"part-{n}", each)).status == 201
    for attempt in range(5):
        answers = await asyncio.gather(
            *(client.manifest("shop/web", f"v{attempt}", *i.manifests[i.digest]) for i in images)
        )
        statuses = sorted(answer.status for answer in answers)
        assert statuses == [201, *[409] * 5]
        winner = next(i for i, a in zip(images, answers, strict=True) if a.status == 201)
        await client.pull("shop/web", f"v{attempt}", winner)


@pytest.mark.parametrize(
    "path",
    [
        "/v2/shop/web/manifests/v1/",
        "/v2//shop/web/manifests/v1",
        "/v2/shop/web/manifests//v1",
        "/v2/shop/web/manifests%2Fv1",
        "/v2/shop/web/%6Danifests/%76%31",
        "/v2/x/../shop/web/manifests/v1",
    ],
)
async def test_no_way_of_writing_a_path_leads_round_the_gate(played: Played, path: str) -> None:
    from yarl import URL

    one, two = image(1000), image(1000, seed=1)
    client = played.client()
    assert (await client.push("shop/web", "v1", one)).status == 201
    assert (await client.push("shop/web", "two", two)).status == 201
    data, kind = two.manifests[two.digest]
    async with played.session.put(
        URL(f"{client.url}{path}", encoded=True),
        data=data,
        headers={
            "Content-Type": kind, "Authorization": f"Bearer {client.tokens['/v2/shop/web']}",
        },
        allow_redirects=False,
    ) as answer:  # fmt: skip
        assert answer.status != 201
    await client.pull("shop/web", "v1", one)


async def test_a_part_of_a_layer_is_given_and_one_beyond_its_end_is_refused(
    played: Played,
) -> None:
    client, wanted = played.client(), image(50_000)
    assert (await client.push("web", "1", wanted)).status == 201
    for digest, content in wanted.blobs.items():
        path = f"/v2/web/blobs/{digest}"
        part = await client.ask("GET", path, Range="bytes=100-")
        assert (part.status, part.body) == (206, content[100:])
        assert (await client.ask("GET", path, Range=f"bytes={len(content)}-")).status == 416


async def test_keys_change_while_clients_push_and_pull(played: Played) -> None:
    ended = asyncio.Event()
    rounds = [0, 0]

    async def client(which: int) -> None:
        while not ended.is_set() or not rounds[which]:
            wanted = image(20_000, seed=which * 1000 + rounds[which])
            fresh = played.client()  # with tokens of its own, some before a change, some after
            assert (await fresh.push(f"app-{which}", f"v{rounds[which]}", wanted)).status == 201
            await fresh.pull(f"app-{which}", f"v{rounds[which]}", wanted)
            rounds[which] += 1

    async def change() -> None:
        for _ in range(8):
            played.keys.rotate()
            before = list(rounds)
            while not all(b < r for b, r in zip(before, rounds, strict=True)):
                await asyncio.sleep(0.005)
        ended.set()

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        group.create_task(client(0))
        group.create_task(client(1))
        group.create_task(change())
    assert min(rounds) >= 8


async def test_a_token_outlives_the_change_of_its_key(played: Played) -> None:
    client, one, two = played.client(), image(1000), image(1000, seed=1)
    assert (await client.push("shop/web", "v1", one)).status == 201
    played.keys.rotate()
    assert (await client.push("shop/web", "v2", two)).status == 201
    assert (await client.push("shop/web", "v1", two)).status == 409


async def test_a_wrong_password_is_slow_and_in_no_log(
    played: Played, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("push", "nobody"):
        begun = time.monotonic()
        answer = await played.client(name, password="hunter2-wrong").raw(
            "GET", "/token", **played.client(name, password="hunter2-wrong").basic
        )
        assert answer.status == 401
        assert b"hunter2" not in answer.body
        assert time.monotonic() - begun >= 1
    written = caplog.text + "".join(capfd.readouterr())
    basic = replace(played.client("push"), password="hunter2-wrong").basic["Authorization"]
    assert "hunter2" not in written
    assert basic.partition(" ")[2] not in written
