"""The image cache behind the real nginx: TLS, files, ranges, and who is believed to be a peer."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from providers.x509 import self_signed, signed
from supply.cache.__main__ import NGINX, made
from supply.cache.index import Index
from supply.cache.peers import HEADER, Peers
from supply.cache.settings import Settings, Upstream
from supply.cache.store import Store
from tests.support.upstream import FakeUpstream, image, upstream
from tests.unit.test_cache_server import ACCOUNTS

START_SECONDS = 10
LOOK_SECONDS = 0.02
WANTED = image(300_000, 200_000)
APP = "/v2/up.test/team/app"


@pytest.fixture
def fake() -> Iterator[FakeUpstream]:
    with upstream() as found:
        found.put("team/app", "1", WANTED)
        yield found


@dataclass
class Front:
    """nginx before a cache: for hosts, and for peers."""

    hosts: str
    peers: str
    session: aiohttp.ClientSession

    async def get(
        self, path: str, *, peer: bool = False, **headers: str
    ) -> tuple[int, bytes, dict[str, str]]:
        url = (self.peers if peer else self.hosts) + path
        async with self.session.get(url, headers=headers) as answer:
            return answer.status, await answer.read(), dict(answer.headers)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def configuration(folder: Path, tls: int, plain: int, app: int) -> Path:
    text = NGINX.read_text()
    for theirs, ours in {
        "/run/secrets/cache-tls.pem": f"{folder}/tls.pem",
        "/var/lib/cache": str(folder),
        "/tmp/nginx": f"{folder}/nginx",
        "listen 5443 ssl": f"listen 127.0.0.1:{tls} ssl",
        "listen 5080": f"listen 127.0.0.1:{plain}",
        "127.0.0.1:5081": f"127.0.0.1:{app}",
    }.items():
        assert theirs in text, f"nginx.conf has no {theirs!r} any more"
        text = text.replace(theirs, ours)
    found = folder / "nginx.conf"
    # Files are made by whoever runs the tests; in its container the cache's nginx is nobody else either.
    found.write_text(f"user root;\n{text}")
    return found


async def listens(port: int, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(START_SECONDS):
        while process.returncode is None:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(LOOK_SECONDS)
            else:
                writer.close()
                return
    raise AssertionError("nginx did not start")


@asynccontextmanager
async def front(folder: Path, fake: FakeUpstream, **account: str) -> AsyncIterator[Front]:
    tls, plain = free_port(), free_port()
    ca, key = self_signed("tests", 1)
    (folder / "tls.pem").write_text("".join(signed(ca, key, ["127.0.0.1"], "server", 1)))
    settings = Settings(
        *("manager-1", "cache.test", "", 1 << 30),
        {"up.test": Upstream("up.test", fake.url, 3600, **account)},
        ACCOUNTS,
    )
    index = Index(folder / "index.db")
    connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cadata=ca))
    async with (
        aiohttp.ClientSession(auto_decompress=False) as to_upstream,
        aiohttp.ClientSession(connector=connector) as client,
    ):
        store = Store(folder, index, 1 << 30)
        server = made(settings, store, to_upstream, Peers(to_upstream, ""))
        runner = web.AppRunner(server.application(), access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        assert site._server
        app = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
        file = configuration(folder, tls, plain, app)
        nginx = await asyncio.create_subprocess_exec("nginx", "-c", file, "-g", "daemon off;")
        try:
            await listens(tls, nginx)
            yield Front(f"https://127.0.0.1:{tls}", f"http://127.0.0.1:{plain}", client)
        finally:
            if nginx.returncode is None:
                nginx.terminate()
            await nginx.wait()
            await server.blobs.fetches.close()
            await runner.cleanup()
            index.close()


async def test_an_image_is_pulled_through_tls_and_then_from_the_disk(
    tmp_path: Path, fake: FakeUpstream
) -> None:
    async with front(tmp_path, fake) as found:
        for _ in range(2):
            status, body, _ = await found.get(f"{APP}/manifests/1")
            assert (status, body) == (200, WANTED.manifests[WANTED.digest][0])
            for digest, content in WANTED.blobs.items():
                status, body, headers = await found.get(f"{APP}/blobs/{digest}")
                assert (status, body) == (200, content)
                assert headers["Cache-Control"] == "public, max-age=31536000, immutable"
                assert "X-Accel-Redirect" not in headers
        assert fake.bytes_sent == WANTED.size


@pytest.mark.parametrize("cached", [False, True])
async def test_a_part_of_a_blob_is_given(cached: bool, tmp_path: Path, fake: FakeUpstream) -> None:
    digest, content = next(iter(WANTED.blobs.items()))
    path = f"{APP}/blobs/{digest}"
    async with front(tmp_path, fake) as found:
        if cached:
            await found.get(path)
        for told, part in (("1000-", content[1000:]), ("5-9", content[5:10])):
            status, body, headers = await found.get(path, Range=f"bytes={told}")
            assert (status, body) == (206, part)
            assert headers["Content-Range"].endswith(f"/{len(content)}")


async def test_files_are_nobody_s_without_the_cache(tmp_path: Path, fake: FakeUpstream) -> None:
    digest = next(iter(WANTED.blobs))
    name = digest.partition(":")[2]
    async with front(tmp_path, fake) as found:
        await found.get(f"{APP}/blobs/{digest}")
        for peer in (False, True):
            status, _, _ = await found.get(f"/_blobs/{name[:2]}/{name}", peer=peer)
            assert status == 404


@pytest.mark.parametrize("header", [HEADER, HEADER.lower(), HEADER.replace("-", "_")])
async def test_no_host_is_believed_to_be_a_peer(
    header: str, tmp_path: Path, fake: FakeUpstream
) -> None:
    secret = image(5000, seed=9)
    fake.put("team/secret", "1", secret)
    fake.private = {"team/secret"}
    path = f"/v2/up.test/team/secret/blobs/{next(iter(secret.blobs))}"
    async with front(tmp_path, fake, username="puller", password="secret") as found:
        status, body, _ = await found.get(path, peer=True)
        assert (status, body) == (200, next(iter(secret.blobs.values()))), "a peer asks"
        for of_peers, otherwise in ((path, 401), ("/metrics", 404), ("/horcrux/stats", 401)):
            assert (await found.get(of_peers, peer=True))[0] == 200
            assert (await found.get(of_peers, peer=False, **{header: "1"}))[0] == otherwise
