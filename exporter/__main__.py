"""`python3 -m exporter` serves `/metrics` and, from the engine itself, `/engine` on port 9101."""

import asyncio
import contextlib
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import aiohttp
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from exporter import containers, host
from exporter.engine import Engine

PORT = 9101
GROUPS, PROC = Path("/host/cgroup"), Path("/host/proc")
RETRY_SECONDS = 1.0  # the engine restarts
MOST_NAMES = 1000  # of containers that ran out of memory: beyond it the count begins anew

log = logging.getLogger("exporter")


class Ready(Collector):
    """Families that were made already."""

    def __init__(self, made: Sequence[Metric]) -> None:
        self._made = made

    def collect(self) -> Iterator[Metric]:
        """The families."""
        return iter(self._made)


class Exporter:
    """The engine, and what is counted between two scrapes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._killed: dict[containers.Named, int] = {}

    async def listen(self) -> None:
        """Count kills for want of memory, for ever."""
        while True:
            with contextlib.suppress(aiohttp.ClientError, TimeoutError, ValueError, KeyError):
                async for container in self._engine.out_of_memory():
                    self._count(containers.labels_of(container))
            await asyncio.sleep(RETRY_SECONDS)

    def _count(self, name: containers.Named) -> None:
        if len(self._killed) >= MOST_NAMES:
            self._killed.clear()
        self._killed[name] = self._killed.get(name, 0) + 1

    async def metrics(self, _: web.Request) -> web.Response:
        """Containers and host; 503 when the engine does not answer, so that the scrape has failed."""
        try:
            running = await self._engine.containers()
        except (aiohttp.ClientError, TimeoutError) as error:
            return web.Response(status=503, text=f"the engine does not answer: {error!r}\n")
        made = [
            *containers.families(running, self._killed),
            *host.families(host.read(GROUPS, PROC)),
        ]
        registry = CollectorRegistry(auto_describe=False)
        registry.register(Ready(made))
        headers = {"Content-Type": CONTENT_TYPE_LATEST}
        return web.Response(body=generate_latest(registry), headers=headers)

    async def engine(self, _: web.Request) -> web.Response:
        """The engine's own metrics."""
        try:
            text = await self._engine.metrics()
        except (aiohttp.ClientError, TimeoutError) as error:
            return web.Response(status=503, text=f"the engine's metrics: {error!r}\n")
        return web.Response(text=text, headers={"Content-Type": CONTENT_TYPE_LATEST})


async def serve() -> None:
    """Serve until the process is told to stop."""
    exporter = Exporter(Engine())
    app = web.Application()
    app.add_routes([web.get("/metrics", exporter.metrics), web.get("/engine", exporter.engine)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, port=PORT).start()
    await exporter.listen()


def main() -> None:
    """The container's entry point."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    asyncio.run(serve())


if __name__ == "__main__":
    main()
