"""`python3 -m control serve` runs the service; `python3 -m control edges` prints what the edges say."""

import asyncio
import json
import logging
import sys

from aiohttp import web

from control.edges import gather
from control.server import PORT, Routes, application, watch
from control.swarm import Swarm


async def serve() -> None:
    """Serve until the process is told to stop."""
    routes, swarm = Routes(), Swarm()
    runner = web.AppRunner(application(routes), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, port=PORT).start()
    await watch(routes, swarm)


async def edges() -> None:
    """Print the edges' answers as JSON."""
    swarm = Swarm()
    try:
        print(json.dumps(await gather(swarm)))
    finally:
        await swarm.close()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    asyncio.run({"serve": serve, "edges": edges}[sys.argv[1]]())
