"""`python3 -m supply.registry`: nginx, CNCF distribution and the gate, as one."""

import asyncio
import json
import logging
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from aiohttp import web

from supply.children import run_together
from supply.registry import replication
from supply.registry.accounts import Accounts
from supply.registry.admission import Admission
from supply.registry.discovery import Discovery
from supply.registry.distribution import ADDRESS, Distribution
from supply.registry.gate import Gate
from supply.registry.immutable import Immutable
from supply.registry.keys import Keys
from supply.registry.metrics import Metrics
from supply.registry.referrers import Referrers
from supply.registry.replica_settings import ReplicaSettings
from supply.registry.server import Server
from supply.registry.storage import Storage
from supply.registry.tokens import Tokens
from supply.session import session as plain_session

HERE = Path(__file__).parent
PORT = 5002


@dataclass(frozen=True)
class Places:
    """Where things are; `bundle`, `distribution` and `nginx` agree with the two configurations."""

    folder: Path = Path("/etc/horcrux/registry")
    storage: Path = Path("/var/lib/registry")
    bundle: Path = Path("/run/registry/tokens.pem")
    distribution: Path = HERE / "distribution.yml"
    nginx: Path = HERE / "nginx.conf"
    port: int = PORT
    address: str = ADDRESS


async def main() -> None:
    """Serve until told to stop."""
    places = Places()
    places.bundle.parent.mkdir(exist_ok=True)
    keys = Keys(places.bundle)
    async with plain_session() as session:
        server = made(places, keys, session)
        runner = web.AppRunner(server.application(), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", places.port).start()
        try:
            await run_together(children(places), forever())
        finally:
            await runner.cleanup()


def made(places: Places, keys: Keys, session: aiohttp.ClientSession) -> Server:
    """The server with all its parts."""
    told = json.loads((places.folder / "settings.json").read_text())
    tokens, storage = Tokens(keys), Storage(places.storage)
    distribution = Distribution(session, tokens, places.address)
    gate = Gate(
        tokens,
        distribution,
        Admission(storage.silent),
        Immutable.read(told),
        Metrics(),
    )
    settings = ReplicaSettings.read(places.folder)
    return Server(
        Accounts(places.folder / "accounts.json"),
        gate,
        Discovery(tokens, distribution, Referrers(storage)),
        storage,
        places.distribution,
        replication.made(settings, gate, storage, session, places.storage) if settings else None,
    )


def children(places: Places) -> list[list[str]]:
    """The commands of what runs beside the gate."""
    return [
        ["docker-registry", "serve", str(places.distribution)],
        ["/usr/sbin/nginx", "-c", str(places.nginx), "-g", "daemon off;"],
    ]


async def forever() -> None:
    """The gate answers; nothing else goes on."""
    await asyncio.Event().wait()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    asyncio.run(main())
