"""Follow control's configuration, tell how it went, leave without losing requests.

Port 8405 answers `/status` (for releases and the command) and `/metrics` (for Prometheus).
"""

import asyncio
import contextlib
import json
import logging
import os
import signal
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from edge.haproxy import HAProxy, RefusedError
from edge.metrics import EdgeCollector

CONTROL = "http://tasks.horcrux-control:8081/v1/edge/config"
STATUS_PORT = 8405
LAST = Path("/var/lib/edge/last.json")  # on a volume of the host: a start without control
WAIT_SECONDS = 35  # control answers a waiting request after 25
RETRY_SECONDS = 0.5  # control is away: short, for a new environment waits for this
NOTICE_SECONDS = (
    5.0  # the front door checks every second and needs two failures, late on a busy machine
)
FINISH_SECONDS = 23.0  # for requests under way; Swarm kills after 30

log = logging.getLogger("edge")


class Agent:
    """HAProxy, the last thing that control said, and what came of it."""

    def __init__(self) -> None:
        self.haproxy = HAProxy()
        self.error: str | None = None
        self._refused: str | None = None

    async def follow(self) -> None:
        """Apply each new configuration, for ever."""
        if LAST.exists():
            with contextlib.suppress(ValueError, KeyError, TypeError):  # half a file, or none
                await self.take(json.loads(LAST.read_text()))
        again = False
        while True:
            # What was refused is tried again after each wait: its cause may be gone by then.
            have = (None if again else self._refused) or self.haproxy.version or ""
            try:
                # In a task of its own: a time-out of aiohttp before 3.9 leaves a cancellation behind,
                # and the next asyncio.timeout of this one would end the agent (Python before 3.11.3).
                bundle = await asyncio.create_task(_fetched(have))
                again = bundle is None and self._refused is not None
                if bundle:
                    await self.take(bundle)
            except (TimeoutError, aiohttp.ClientError, OSError) as error:
                log.warning(
                    "control does not answer (%r); going on with %s", error, have or "nothing"
                )
                await asyncio.sleep(RETRY_SECONDS)

    async def take(self, bundle: dict[str, Any]) -> None:
        """Make a configuration the running one, or keep the old one and say why."""
        version, files = bundle["version"], bundle["files"]
        try:
            await self.haproxy.apply(version, files)
        except RefusedError as error:
            self.error, self._refused = str(error), version
            log.error("configuration %s refused: %s", version, error)
            return
        self.error = self._refused = None
        log.info("configuration %s", version)
        with contextlib.suppress(OSError):
            LAST.write_text(json.dumps(bundle))

    async def status(self, _: web.Request) -> web.Response:
        """What this edge runs and how its servers are."""
        return web.json_response(
            {
                "version": self.haproxy.version,
                "error": self.error,
                "refused": self._refused,
                "releases": await self.haproxy.releases(),
                "asked": await self.haproxy.asked(),
            }
        )

    async def metrics(self, _: web.Request) -> web.Response:
        """How long requests take, and whether the newest configuration runs."""
        registry = CollectorRegistry(auto_describe=False)
        durations = await self.haproxy.durations()
        registry.register(EdgeCollector(durations, refused=self.error is not None))
        headers = {"Content-Type": CONTENT_TYPE_LATEST}
        return web.Response(body=generate_latest(registry), headers=headers)

    async def leave(self) -> None:
        """The host is to be left: no new connections, then the rest may finish."""
        if self.haproxy.version is None:
            return  # nothing ever ran
        await self.haproxy.leave()
        await asyncio.sleep(NOTICE_SECONDS)
        self.haproxy.stop()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FINISH_SECONDS):
                await self.haproxy.ended()


async def _fetched(have: str) -> dict[str, Any] | None:
    """Control's configuration once it is another one; None when it has not changed for a while."""
    # A new session each time: control's tasks are found by DNS anew.
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=WAIT_SECONDS)) as session,
        session.get(CONTROL, params={"have": have}) as response,
    ):
        if response.status != 200:
            return None
        bundle: dict[str, Any] = await response.json()
        return bundle


async def run() -> int:
    """Run until told to stop (0), or until HAProxy ends by itself (its status)."""
    agent, told = Agent(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    app = web.Application()
    app.add_routes([web.get("/status", agent.status), web.get("/metrics", agent.metrics)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, port=STATUS_PORT).start()
    follower = asyncio.create_task(agent.follow())
    ended, stop = asyncio.create_task(agent.haproxy.ended()), asyncio.create_task(told.wait())
    await asyncio.wait({follower, ended, stop}, return_when=asyncio.FIRST_COMPLETED)
    if told.is_set():
        follower.cancel()
        await agent.leave()
        return 0
    if follower.done():
        follower.result()
    return ended.result() or 1


def main() -> None:
    """The container's entry point."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    raise SystemExit(asyncio.run(run()))


if __name__ == "__main__":
    os.umask(0o077)
    main()
