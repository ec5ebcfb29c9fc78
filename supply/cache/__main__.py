"""`python3 -m supply.cache`: one task of the image cache."""

import asyncio
import logging
import socket
from pathlib import Path

import aiohttp
from aiohttp import web

from supply.cache.blob_answers import BlobAnswers
from supply.cache.blobs import Blobs
from supply.cache.index import Index
from supply.cache.manifests import Manifests
from supply.cache.metrics import Metrics
from supply.cache.peers import Peers
from supply.cache.rights import Accounts, Rights
from supply.cache.server import Server
from supply.cache.settings import Settings
from supply.cache.stats import Stats
from supply.cache.store import Store
from supply.cache.upstream import Client
from supply.children import run_together
from supply.session import session as plain_session

SETTINGS, FOLDER = Path("/run/secrets/cache.json"), Path("/var/lib/cache")
NGINX = Path(__file__).with_name("nginx.conf")
PORT = 5081
NOTE_SECONDS = 1.0  # of counting are lost when the process is killed
CONNECTIONS = 64  # to one host at once: some hundred hosts that pull ask for a few blobs each


async def main() -> None:
    """Serve until told to stop."""
    settings, index = Settings.read(SETTINGS), Index(FOLDER / "index.db")
    store = Store(FOLDER, index, settings.limit)
    connector = aiohttp.TCPConnector(limit_per_host=CONNECTIONS)
    async with plain_session("horcrux-image-cache", connector=connector) as session:
        server = made(settings, store, session, Peers(session, settings.peers))
        runner = web.AppRunner(server.application(), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", PORT).start()
        nginx = ["/usr/sbin/nginx", "-c", str(NGINX), "-g", "daemon off;"]
        try:
            await run_together([nginx], watch(server, index))
        finally:
            await server.blobs.fetches.close()
            await runner.cleanup()
            index.close()


def made(settings: Settings, store: Store, session: aiohttp.ClientSession, peers: Peers) -> Server:
    """The server with all its parts."""
    clients = {name: Client(upstream, session) for name, upstream in settings.upstreams.items()}
    metrics = Metrics(store, settings.upstreams)
    blobs = Blobs(store, clients, peers, metrics)
    return Server(
        settings,
        clients,
        Accounts(settings.accounts),
        Rights(clients, store.index),
        Manifests(store, clients, peers, metrics),
        blobs,
        BlobAnswers(clients, blobs, metrics),
        metrics,
        Stats(settings, store, peers, metrics),
        peers,
    )


async def watch(server: Server, index: Index) -> None:
    """What goes on beside the answers."""
    await asyncio.gather(server.peers.watch(), _noted(index))


async def _noted(index: Index) -> None:
    while True:
        await asyncio.sleep(NOTE_SECONDS)
        index.write_notes()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.info("image cache on %s", socket.gethostname())
    asyncio.run(main())
