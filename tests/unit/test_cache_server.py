"""The image cache as a whole, before an upstream that has every fault."""

import asyncio
import base64
import json
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from prometheus_client import generate_latest

from supply.cache.__main__ import made
from supply.cache.index import Index
from supply.cache.peers import HEADER, Peers
from supply.cache.server import Server
from supply.cache.settings import Settings, Upstream
from supply.cache.store import Store
from tests.support.played_cache import ACCOUNTS
from tests.support.upstream import FakeUpstream, Image, digest_of, image, upstream

LAYERS = (300_000, 200_000)


@pytest.fixture
def fake() -> Iterator[FakeUpstream]:
    with upstream() as found:
        found.put("team/app", "1", image(*LAYERS))
        yield found


@dataclass
class Cache:
    """A cache under test, and a client of it."""

    server: Server
    store: Store
    session: aiohttp.ClientSession
    url: str

    async def get(
        self, path: str, user: str | None = None, method: str = "GET", **headers: str
    ) -> "Answer":
        if user:
            word = base64.b64encode(f"{user}:right".encode()).decode()
            headers["Authorization"] = f"Basic {word}"
        async with self.session.request(method, self.url + path, headers=headers) as answer:
            return Answer(answer.status, await answer.read(), dict(answer.headers))

    async def pull(
        self, found: Image, reference: str = "1", name: str = "up.test/team/app"
    ) -> None:
        """All that a client asks for."""
        answer = await self.get(f"/v2/{name}/manifests/{reference}")
        assert (answer.status, digest_of(answer.body)) == (200, found.digest)
        for digest, content in found.blobs.items():
            answer = await self.get(f"/v2/{name}/blobs/{digest}")
            assert (answer.status, answer.body) == (200, content)


@dataclass
class Answer:
    status: int
    body: bytes
    headers: dict[str, str]


@asynccontextmanager
async def cache(
    folder: Path,
    fake: FakeUpstream,
    *,
    limit: int = 1 << 30,
    ttl: float = 3600,
    address: str = "127.0.0.1",
    port: int = 0,
    **account: Any,
) -> AsyncIterator[Cache]:
    folder.mkdir(exist_ok=True)
    told = Upstream("up.test", fake.url, ttl, **account)
    hub = replace(told, name="docker.io", username=None, password=None)
    upstreams = {"up.test": told, "docker.io": hub}
    settings = Settings("manager-1", "cache.test", "", limit, upstreams, ACCOUNTS)
    index = Index(folder / "index.db")
    store = Store(folder, index, limit)
    # nginx says of whoever comes by the peers' own port that he is one.
    as_peer = aiohttp.ClientSession(auto_decompress=False, headers={HEADER: "1"})
    async with aiohttp.ClientSession(auto_decompress=False) as session, as_peer:
        server = made(settings, store, session, Peers(as_peer, "", port))
        app = server.application()
        app.middlewares.append(sends_files(folder))
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, address, port)
        await site.start()
        assert site._server
        found = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
        yield Cache(server, store, session, f"http://{address}:{found}")
        await server.blobs.fetches.close()
        await runner.cleanup()
        index.close()


def sends_files(folder: Path) -> Any:
    """What nginx does."""

    @web.middleware
    async def sent(request: web.Request, handler: Any) -> web.StreamResponse:
        answer: web.StreamResponse = await handler(request)
        path = answer.headers.get("X-Accel-Redirect")
        if not path:
            return answer
        file = folder / "blobs" / path.removeprefix("/_blobs/")
        kept = {k: answer.headers[k] for k in ("Cache-Control", "Docker-Content-Digest")}
        return web.FileResponse(file, headers=kept)

    return sent


def results(found: Cache) -> dict[str, float]:
    """Requests by their results, of which there were any."""
    return {
        f"{s.labels['kind']} {s.labels['result']}": s.value
        for m in found.server.metrics.registry.collect()
        for s in m.samples
        if s.name == "horcrux_cache_requests_total" and s.value
    }


async def test_what_is_counted_is_there_from_the_start(tmp_path: Path, fake: FakeUpstream) -> None:
    """So that the first of anything is an increase, and a dashboard has something to show."""
    async with cache(tmp_path, fake) as found:
        told = generate_latest(found.server.metrics.registry).decode()
    for name in (
        "requests",
        "served_bytes",
        "fetched_bytes",
        "upstream_seconds",
        "upstream_errors",
    ):
        assert re.search(
            rf'^horcrux_cache_{name}_total{{.*upstream="docker.io".*}} 0.0$', told, re.M
        )


async def test_an_image_comes_once_and_is_given_many_times(
    tmp_path: Path, fake: FakeUpstream
) -> None:
    wanted = image(*LAYERS)
    async with cache(tmp_path, fake) as found:
        for _ in range(3):
            await found.pull(wanted)
        assert fake.bytes_sent == wanted.size
        told = (await found.server.stats.all())["upstreams"]["up.test"]
        assert told["fetched_bytes"] == fake.bytes_sent
        assert told["served_bytes"] == 3 * wanted.size
        assert told["saved_bytes"] == 2 * wanted.size
        assert results(found) == {
            "manifests miss": 1,
            "manifests hit": 2,
            "blobs miss": 3,
            "blobs hit": 6,
        }


async def test_ten_clients_at_once_are_one_to_the_upstream(
    tmp_path: Path, fake: FakeUpstream
) -> None:
    wanted = image(*LAYERS)
    fake.limit_rate = 2_000_000
    async with cache(tmp_path, fake) as found:
        await asyncio.gather(*(found.pull(wanted) for _ in range(10)))
    assert fake.bytes_sent == wanted.size


async def test_docker_io_is_what_a_mirror_is_asked_for(tmp_path: Path, fake: FakeUpstream) -> None:
    wanted = image(1000)
    fake.put("library/nginx", "1", wanted)
    async with cache(tmp_path, fake) as found:
        await found.pull(wanted, name="library/nginx")
        answer = await found.get("/v2/team/app/manifests/1?ns=up.test")
        assert answer.status == 200


async def test_an_upstream_that_is_gone_is_served_from_the_cache_also_by_tag(
    tmp_path: Path, fake: FakeUpstream
) -> None:
    wanted = image(*LAYERS)
    async with cache(tmp_path, fake, ttl=0) as found:
        await found.pull(wanted)
        fake.gone = True
        await found.pull(wanted)
        answer = await found.get("/v2/up.test/team/app/manifests/1")
        assert answer.headers["Warning"].startswith('110 - "up.test does not answer')
        assert results(found)["manifests stale"] == 2
        assert found.server.metrics.up() == {"up.test": False}
        answer = await found.get("/v2/up.test/team/app/manifests/2")
        assert (answer.status, b"UNAVAILABLE" in answer.body) == (503, True)


async def test_a_tag_that_moved_is_believed_until_its_time_is_over(
    tmp_path: Path, fake: FakeUpstream
) -> None:
    first, second = image(1000, seed=1), image(1000, seed=2)
    for ttl, seen in ((3600.0, first), (0.0, second)):
        fake.put("team/app", "1", first)
        async with cache(tmp_path / str(ttl), fake, ttl=ttl) as found:
            await found.pull(first)
            fake.put("team/app", "1", second)
            await found.pull(seen)
            await found.pull(first, first.digest)


async def test_a_tag_that_did_not_move_is_asked_for_without_its_content(
    tmp_path: Path, fake: FakeUpstream
) -> None:
    async with cache(tmp_path, fake, ttl=0) as found:
        await found.pull(image(*LAYERS))
        await found.pull(image(*LAYERS))
    assert fake.asked("/manifests/") == 1
    assert fake.asked("/manifests/", "HEAD") == 1


async def test_what_the_upstream_has_not_is_not_there(tmp_path: Path, fake: FakeUpstream) -> None:
    async with cache(tmp_path, fake) as found:
        for path in ("manifests/2", f"manifests/{digest_of(b'')}", f"blobs/{digest_of(b'')}"):
            answer = await found.get(f"/v2/up.test/team/app/{path}")
            assert (answer.status, b"_UNKNOWN" in answer.body) == (404, True), path
        answer = await found.get("/v2/up.test/team/app/manifests/..%2f..%2fx")
        assert (answer.status, b"NAME_INVALID" in answer.body) == (404, True)


async def test_nothing_private_is_given_to_whoever_has_no_right_to_it(
    tmp_path: Path, fake: FakeUpstream
) -> None:
    secret = image(5000, seed=9)
    fake.put("team/secret", "1", secret)
    fake.private = {"team/secret"}
    layer = next(iter(secret.blobs))
    manifest = f"/v2/up.test/team/secret/manifests/{secret.digest}"
    blob = f"/v2/up.test/team/secret/blobs/{layer}"
    async with cache(tmp_path, fake, username="puller", password="secret") as found:
        for _ in range(2):  # the first time it is not cached, the second time it is
            for path in (manifest, blob):
                assert (await found.get(path)).status == 401
                assert (await found.get(path, "other")).status == 404
            assert (await found.get(manifest, "pull")).status == 200
            assert (await found.get(blob, "pull")).body == secret.blobs[layer]
        kept = (await found.get(blob, "pull")).headers["Cache-Control"]
        assert kept == "private, no-store"
        # A public repository has not what it has, and docker.io's name is another upstream's.
        assert (await found.get(f"/v2/up.test/team/app/blobs/{layer}", "other")).status == 404
        assert (await found.get(f"/v2/team/secret/blobs/{layer}")).status == 404
        assert (await found.get("/v2/up.test/team/app/manifests/1")).status == 200
        word = base64.b64encode(b"pull:wrong").decode()
        assert (await found.get(blob, Authorization=f"Basic {word}")).status == 401


async def test_a_corrupted_blob_is_found_by_its_digest_and_comes_anew(
    tmp_path: Path, fake: FakeUpstream
) -> None:
    wanted = image(*LAYERS)
    async with cache(tmp_path, fake) as found:
        await found.pull(wanted)
        digest = next(iter(wanted.blobs))
        file = found.store.path(digest)
        file.write_bytes(b"\0" + file.read_bytes()[1:])
    async with cache(tmp_path, fake) as found:
        await found.pull(wanted)
        assert found.store.corrupted == 1
    assert fake.asked(f"/blobs/{digest}") == 2


async def test_wrong_content_is_refused_and_not_kept(tmp_path: Path, fake: FakeUpstream) -> None:
    wanted = image(*LAYERS)
    async with cache(tmp_path, fake) as found:
        fake.wrong_digest = True
        answer = await found.get(f"/v2/up.test/team/app/manifests/{wanted.digest}")
        assert answer.status == 502
        fake.wrong_digest = False
        await found.get("/v2/up.test/team/app/manifests/1")
        fake.wrong_digest = True
        digest = next(iter(wanted.blobs))
        with pytest.raises(aiohttp.ClientError):
            await found.get(f"/v2/up.test/team/app/blobs/{digest}")
        assert found.store.size(digest) is None
        fake.wrong_digest = False
        await found.pull(wanted)


async def test_a_page_in_place_of_an_answer_is_refused(tmp_path: Path, fake: FakeUpstream) -> None:
    async with cache(tmp_path, fake) as found:
        fake.html = True
        answer = await found.get("/v2/up.test/team/app/manifests/1")
        assert (answer.status, b"no manifest" in answer.body or b"JSON" in answer.body) == (
            502,
            True,
        )


async def test_a_limit_is_waited_for_and_told_when_it_lasts_too_long(
    tmp_path: Path, fake: FakeUpstream
) -> None:
    async with cache(tmp_path, fake) as found:
        fake.status, fake.retry_after, fake.busy_times = 429, "1", 1
        began = time.monotonic()
        answer = await found.get("/v2/up.test/team/app/manifests/1")
        assert (answer.status, time.monotonic() - began >= 1) == (200, True)
        fake.busy_times, fake.retry_after = None, "600"
        answer = await found.get("/v2/up.test/team/app/manifests/2")
        assert (answer.status, answer.headers["Retry-After"]) == (429, "600")
        asked = len(fake.requests)
        assert (await found.get("/v2/up.test/team/app/manifests/3")).status == 429
        assert len(fake.requests) == asked, "it asked us to wait, so it is not asked"


async def test_a_broken_transfer_is_gone_on_with(tmp_path: Path, fake: FakeUpstream) -> None:
    wanted = image(*LAYERS)
    async with cache(tmp_path, fake) as found:
        await found.get("/v2/up.test/team/app/manifests/1")
        fake.break_after = 100_000
        await found.pull(wanted)
    assert fake.bytes_sent <= wanted.size + 2000


async def test_a_missing_blob_is_told_as_missing(tmp_path: Path, fake: FakeUpstream) -> None:
    wanted = image(*LAYERS)
    fake.missing = {next(iter(wanted.blobs))}
    async with cache(tmp_path, fake) as found:
        await found.get("/v2/up.test/team/app/manifests/1")
        (digest,) = fake.missing
        answer = await found.get(f"/v2/up.test/team/app/blobs/{digest}")
        assert (answer.status, b"BLOB_UNKNOWN" in answer.body) == (404, True)


@pytest.mark.parametrize("kind", ["index", "zstd"])
async def test_indexes_and_zstd_are_like_any_other(
    kind: str, tmp_path: Path, fake: FakeUpstream
) -> None:
    wanted = image(*LAYERS, seed=3, **{kind: True})
    fake.put("team/app", "2", wanted)
    async with cache(tmp_path, fake) as found:
        for _ in range(2):
            await found.pull(wanted, "2")
            for digest, (data, media_type) in wanted.manifests.items():
                answer = await found.get(f"/v2/up.test/team/app/manifests/{digest}")
                assert (answer.body, answer.headers["Content-Type"]) == (data, media_type)
    assert fake.bytes_sent == wanted.size


async def test_the_longest_unused_goes_when_there_is_no_room(
    tmp_path: Path, fake: FakeUpstream
) -> None:
    images = [image(100_000, seed=n) for n in range(4)]
    for n, each in enumerate(images):
        fake.put("team/app", f"v{n}", each)
    async with cache(tmp_path, fake, limit=310_000) as found:
        for n in (0, 1, 0, 2, 0, 3):
            await found.pull(images[n], f"v{n}")
        assert found.store.index.stored() <= 310_000
        sent = fake.bytes_sent
        await found.pull(images[0], "v0")
        assert fake.bytes_sent == sent, "what is used stays"
        fake.put("team/app", "large", large := image(400_000, seed=9))
        await found.pull(large, "large")  # there is no room for it: it is passed on


async def test_engines_get_tokens_for_an_account_or_for_nobody(
    tmp_path: Path, fake: FakeUpstream
) -> None:
    secret = image(5000, seed=9)
    fake.put("team/secret", "1", secret)
    fake.private = {"team/secret"}
    path = f"/v2/up.test/team/secret/manifests/{secret.digest}"
    async with cache(tmp_path, fake, username="puller", password="secret") as found:
        begun = await found.get("/v2/")
        assert begun.status == 401
        assert 'Bearer realm="https://127.0.0.1' in begun.headers["WWW-Authenticate"]
        statuses = {}
        for user in ("pull", "other", None):
            token = json.loads((await found.get("/token", user)).body)["token"]
            shown = {"Authorization": f"Bearer {token}"}
            assert (await found.get("/v2/", **shown)).status == 200
            statuses[user] = (await found.get(path, **shown)).status
            public = await found.get("/v2/up.test/team/app/manifests/1", **shown)
            assert public.status == 200
            forged = {"Authorization": f"Bearer pull{token[token.index('.') :]}x"}
            assert (await found.get(path, **forged)).status == 401
        assert statuses == {"pull": 200, "other": 404, None: 401}
        word = base64.b64encode(b"pull:wrong").decode()
        assert (await found.get("/token", Authorization=f"Basic {word}")).status == 401


async def test_it_takes_nothing(tmp_path: Path, fake: FakeUpstream) -> None:
    async with cache(tmp_path, fake) as found:
        for method in ("PUT", "POST", "PATCH", "DELETE"):
            answer = await found.get("/v2/up.test/team/app/manifests/1", "pull", method)
            assert (answer.status, b"UNSUPPORTED" in answer.body) == (405, True)
        assert (await found.get("/metrics")).status == 404, "it is for the cluster alone"
        assert (await found.get("/horcrux/stats")).status == 401
        assert (await found.get("/horcrux/stats", "pull")).status == 200


async def test_two_tasks_ask_the_upstream_once_and_each_has_it_then(
    tmp_path: Path, fake: FakeUpstream, unused_tcp_port: int
) -> None:
    wanted = image(*LAYERS, 1000, 2000, seed=5)
    fake.put("team/app", "5", wanted)
    first = cache(tmp_path / "1", fake, address="127.0.0.2", port=unused_tcp_port)
    second = cache(tmp_path / "2", fake, address="127.0.0.3", port=unused_tcp_port)
    async with first as one, second as other:
        for found, own in ((one, "127.0.0.2"), (other, "127.0.0.3")):
            found.server.peers.addresses = {"127.0.0.2", "127.0.0.3"}
            found.server.peers.own = {own}
        await asyncio.gather(one.pull(wanted, "5"), other.pull(wanted, "5"))
        assert fake.bytes_sent == wanted.size
        fake.gone = True
        other.server.peers.addresses = {"127.0.0.3"}  # the first is lost
        await other.pull(wanted, "5")
