"""A whole image cache as environments have it: the real nginx before the cache, with TLS."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import bcrypt
from aiohttp import web

from providers.x509 import self_signed, signed
from supply.cache.__main__ import NGINX, made
from supply.cache.index import Index
from supply.cache.peers import Peers
from supply.cache.settings import Account, Settings, Upstream
from supply.cache.store import Store
from tests.support.replaced import replaced
from tests.support.upstream import FakeUpstream

START_SECONDS = 10
LOOK_SECONDS = 0.02
RIGHT = "right"
HASH = bcrypt.hashpw(RIGHT.encode(), bcrypt.gensalt(4)).decode()
ACCOUNTS = {"pull": Account(HASH, ("*",)), "other": Account(HASH, ("up.test/else/*",))}


@dataclass
class Front:
    """nginx before a cache: for hosts, and for peers."""

    hosts: str
    peers: str
    ca: str
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
    new = {
        "/run/secrets/cache-tls.pem": f"{folder}/tls.pem",
        "/var/lib/cache": str(folder),
        "/tmp/nginx": f"{folder}/nginx",
        "listen 5443 ssl": f"listen 127.0.0.1:{tls} ssl",
        "listen 5080": f"listen 127.0.0.1:{plain}",
        "127.0.0.1:5081": f"127.0.0.1:{app}",
    }
    text = replaced(NGINX.read_text(), new)
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
            yield Front(f"https://127.0.0.1:{tls}", f"http://127.0.0.1:{plain}", ca, client)
        finally:
            if nginx.returncode is None:
                nginx.terminate()
            await nginx.wait()
            await server.blobs.fetches.close()
            await runner.cleanup()
            index.close()
