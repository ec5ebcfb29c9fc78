"""The cache's tasks: whose a digest is, how they are found, and what happens when one fails."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from supply.cache.peers import Peers, ranked
from tests.support.upstream import FakeUpstream, digest_of, image, upstream
from tests.unit.test_cache_server import Cache, cache

# Many: each task is to own some of them.
LAYERS = (300_000, 200_000, *range(1000, 11_000, 1000))
ONE, OTHER = "127.0.0.2", "127.0.0.3"
KEYS = [digest_of(str(n).encode()) for n in range(2000)]
BLOB = "/v2/up.test/team/app/blobs"


@pytest.fixture
def fake() -> Iterator[FakeUpstream]:
    with upstream() as found:
        found.put("team/app", "1", image(*LAYERS))
        yield found


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as found:
        yield found


@asynccontextmanager
async def pair(
    folder: Path, fake: FakeUpstream, port: int, **more: Any
) -> AsyncIterator[tuple[Cache, Cache]]:
    first = cache(folder / "1", fake, address=ONE, port=port, **more)
    second = cache(folder / "2", fake, address=OTHER, port=port, **more)
    async with first as one, second as other:
        for found, own in ((one, ONE), (other, OTHER)):
            found.server.peers.addresses = {ONE, OTHER}
            found.server.peers.own = {own}
        yield one, other


def belonging_to(address: str) -> str:
    """A blob of the image that belongs to an address."""
    return next(d for d in image(*LAYERS).blobs if ranked(d, {ONE, OTHER})[0] == address)


def test_all_tasks_find_the_same_owner() -> None:
    for key in KEYS[:50]:
        assert ranked(key, [ONE, OTHER, "10.0.0.1"]) == ranked(key, {"10.0.0.1", OTHER, ONE})


def test_each_task_owns_its_share() -> None:
    addresses = [f"10.0.0.{n}" for n in range(1, 5)]
    owned = [ranked(key, addresses)[0] for key in KEYS]
    for address in addresses:
        assert 0.2 < owned.count(address) / len(KEYS) < 0.3


def test_only_what_a_lost_task_owned_moves() -> None:
    before = ["10.0.0.1", "10.0.0.2", "10.0.0.3"]
    for key in KEYS:
        first, second, _ = ranked(key, before)
        left = ranked(key, [a for a in before if a != "10.0.0.3"])[0]
        assert left == (second if first == "10.0.0.3" else first)


async def test_tasks_are_found_by_dns_and_oneself_among_them(
    session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = {"tasks.test": ["127.0.0.1", "192.0.2.7"], socket.gethostname(): ["192.0.2.99"]}

    async def found(name: str, *_: object, **__: object) -> list[Any]:
        return [(0, 0, 0, "", (address, 0)) for address in answers[name]]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", found)
    peers = Peers(session, "tasks.test")
    await peers.look()
    assert peers.others() == ["192.0.2.7"], "127.0.0.1 is one of this machine's"
    assert set(peers.in_turn("key")) == {"", "192.0.2.7"}


async def test_without_dns_one_is_alone(
    session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object, **__: object) -> list[Any]:
        raise socket.gaierror("no such name")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", fails)
    peers = Peers(session, "tasks.test")
    peers.addresses, peers.own = {ONE, OTHER}, {ONE}
    await peers.look()
    assert (peers.others(), peers.in_turn("key")) == ([], [""])


async def test_without_a_name_nobody_is_looked_for(session: aiohttp.ClientSession) -> None:
    peers = Peers(session, "")
    await peers.watch()
    assert peers.in_turn("key") == [""]


async def test_whoever_is_asked_the_owner_alone_asks_the_upstream(
    tmp_path: Path, fake: FakeUpstream, unused_tcp_port: int
) -> None:
    wanted = image(*LAYERS)
    async with pair(tmp_path, fake, unused_tcp_port) as (one, other):
        await one.pull(wanted)
        await other.pull(wanted)
        assert fake.bytes_sent == wanted.size
        for digest in wanted.blobs:
            assert fake.asked(f"/blobs/{digest}") == 1
            assert one.store.size(digest) == other.store.size(digest) == len(wanted.blobs[digest])


async def test_the_sum_of_all_tasks_is_what_the_upstream_sent(
    tmp_path: Path, fake: FakeUpstream, unused_tcp_port: int
) -> None:
    wanted = image(*LAYERS)
    async with pair(tmp_path, fake, unused_tcp_port) as (one, other):
        for each in (one, other, other):
            await each.pull(wanted)
        told = await one.server.stats.all()
        assert len(told["hosts"]) == 2
        numbers = told["upstreams"]["up.test"]
        assert numbers["fetched_bytes"] == fake.bytes_sent == wanted.size
        assert numbers["served_bytes"] == 3 * wanted.size
        assert numbers["saved_bytes"] == 2 * wanted.size


async def test_an_owner_that_is_gone_is_done_without(
    tmp_path: Path, fake: FakeUpstream, unused_tcp_port: int
) -> None:
    wanted = image(*LAYERS)
    async with cache(tmp_path, fake, address=ONE, port=unused_tcp_port) as found:
        found.server.peers.addresses, found.server.peers.own = {ONE, OTHER}, {ONE}
        await found.pull(wanted)
        assert fake.bytes_sent == wanted.size
        numbers = (await found.server.stats.all())["hosts"]
        assert len(numbers) == 1


async def test_an_owner_that_cannot_is_done_without(
    tmp_path: Path, fake: FakeUpstream, unused_tcp_port: int
) -> None:
    """Its disk fails: it answers 500."""
    wanted, digest = image(*LAYERS), belonging_to(OTHER)
    async with pair(tmp_path, fake, unused_tcp_port) as (one, other):
        await one.get("/v2/up.test/team/app/manifests/1")

        async def fails(*_: object, **__: object) -> int:
            raise RuntimeError("the disk fails")

        other.server.blobs.get = fails  # type: ignore[method-assign]
        answer = await one.get(f"{BLOB}/{digest}")
        assert (answer.status, answer.body) == (200, wanted.blobs[digest])


async def test_what_a_peer_asks_is_not_passed_to_another(
    tmp_path: Path, fake: FakeUpstream, unused_tcp_port: int
) -> None:
    wanted, digest = image(*LAYERS), belonging_to(OTHER)
    async with pair(tmp_path, fake, unused_tcp_port) as (one, other):
        answer = await one.get(f"{BLOB}/{digest}", **{"X-Horcrux-Peer": "1"})
        assert answer.body == wanted.blobs[digest]
        assert other.store.size(digest) is None
        assert fake.asked(f"/blobs/{digest}") == 1


async def test_a_wrong_blob_of_a_peer_comes_from_the_upstream(
    tmp_path: Path, fake: FakeUpstream, unused_tcp_port: int
) -> None:
    """It decayed after it was checked."""
    wanted, digest = image(*LAYERS), belonging_to(OTHER)
    async with pair(tmp_path, fake, unused_tcp_port) as (one, other):
        await other.pull(wanted)
        file = other.store.path(digest)
        file.write_bytes(b"\0" + file.read_bytes()[1:])
        await one.get("/v2/up.test/team/app/manifests/1")
        answer = await one.get(f"{BLOB}/{digest}", Range="bytes=5-")
        assert answer.body == wanted.blobs[digest][5:]
        assert fake.asked(f"/blobs/{digest}") == 2


async def test_a_private_repository_is_as_private_where_a_peer_has_it(
    tmp_path: Path, fake: FakeUpstream, unused_tcp_port: int
) -> None:
    secret = image(5000, seed=9)
    fake.put("team/secret", "1", secret)
    fake.private = {"team/secret"}
    account = {"username": "puller", "password": "secret"}
    name = "/v2/up.test/team/secret"
    async with pair(tmp_path, fake, unused_tcp_port, **account) as (one, other):
        paths = [f"{name}/manifests/1", *(f"{name}/blobs/{digest}" for digest in secret.blobs)]
        for path in paths:
            assert (await one.get(path, "pull")).status == 200
        for path in paths:
            assert (await other.get(path)).status == 401
            assert (await other.get(path, "other")).status == 404
        assert (await other.get("/v2/up.test/team/app/manifests/1")).status == 200
        for digest in secret.blobs:
            assert (await other.get(f"{BLOB}/{digest}")).status == 404, "it is not that one's"
        for path in paths:
            assert (await other.get(path, "pull")).status == 200
