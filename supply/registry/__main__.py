"""`python3 -m supply.registry`: nginx, CNCF distribution and the gate, as one."""

import asyncio
import json
import logging
from pathlib import Path

import aiohttp
from aiohttp import web

from supply.children import run_together
from supply.registry.accounts import Accounts
from supply.registry.admission import Admission
from supply.registry.distribution import Distribution
from supply.registry.gate import Gate
from supply.registry.storage import Storage
from supply.registry.tokens import Tokens

FOLDER, STORAGE = Path("/etc/horcrux/registry"), Path("/var/lib/registry")
BUNDLE = Path("/run/registry/tokens.pem")
HERE = Path(__file__).parent
DISTRIBUTION, NGINX = HERE / "distribution.yml", HERE / "nginx.conf"
PORT = 5002


async def main() -> None:
    """Serve until told to stop."""
    BUNDLE.parent.mkdir(exist_ok=True)
    told = json.loads((FOLDER / "settings.json").read_text())
    tokens = Tokens(BUNDLE)
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        gate = Gate(
            Accounts(FOLDER / "accounts.json"),
            tokens,
            Distribution(session, tokens),
            Storage(STORAGE),
            Admission(),
            DISTRIBUTION,
            tuple(told["immutable"]),
        )
        runner = web.AppRunner(gate.application(), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", PORT).start()
        children = [
            ["docker-registry", "serve", str(DISTRIBUTION)],
            ["/usr/sbin/nginx", "-c", str(NGINX), "-g", "daemon off;"],
        ]
        try:
            await run_together(children, forever())
        finally:
            await runner.cleanup()


async def forever() -> None:
    """The gate answers; nothing else goes on."""
    await asyncio.Event().wait()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    asyncio.run(main())
