"""The edges' configuration as of now: kept true to the Swarm, and waited for by the edges."""

import asyncio
import contextlib
import logging
import math
import time

import aiohttp

from control.apart import apart
from control.backend import backends
from control.haproxy import Bundle, render
from control.swarm import Swarm

WAIT_SECONDS = 25  # below the usual 30 s idle limits between an edge and control
RESYNC_SECONDS = 5  # a look without an event, should one have been lost
SETTLE_SECONDS = 0.05  # changes come in groups: one configuration for all of a group
STALE_SECONDS = 30  # without a look at the Swarm for so long, control is not well

log = logging.getLogger("control")


class Routes:
    """The edges' configuration as of now, and a way to wait for the next."""

    def __init__(self) -> None:
        self.bundle: Bundle | None = None
        self.problems: list[str] = []
        self.read_at = -math.inf
        self._changed = asyncio.Event()

    async def refresh(self, swarm: Swarm) -> None:
        """Look at the Swarm and, where something changed, wake those who wait."""
        found, problems = backends(await swarm.services(), await swarm.configs())
        bundle = render(found)
        self.read_at = time.monotonic()
        for problem in set(problems) - set(self.problems):
            log.warning("%s", problem)
        self.problems = problems
        if self.bundle is None or bundle.version != self.bundle.version:
            log.info("edge configuration %s: %d apps", bundle.version, len(found))
            self.bundle = bundle
            self._changed.set()
            self._changed = asyncio.Event()

    async def newer_than(self, version: str) -> Bundle | None:
        """The configuration once it is another than `version`; None after WAIT_SECONDS."""
        deadline = time.monotonic() + WAIT_SECONDS
        while self.bundle is None or self.bundle.version == version:
            changed = self._changed
            try:
                async with asyncio.timeout(deadline - time.monotonic()):
                    await changed.wait()
            except TimeoutError:
                return None
        return self.bundle

    @property
    def healthy(self) -> bool:
        """Whether the Swarm was read lately."""
        return time.monotonic() - self.read_at < STALE_SECONDS


async def watch(routes: Routes, swarm: Swarm) -> None:
    """Keep `routes` true to the Swarm, through losses of the engine, until cancelled."""
    wake = asyncio.Event()

    async def listen() -> None:
        while True:
            with contextlib.suppress(aiohttp.ClientError, asyncio.TimeoutError):
                async for _ in swarm.changes():
                    wake.set()
            await asyncio.sleep(1)  # the engine is gone; the resync below carries on meanwhile

    listener = asyncio.create_task(listen())
    try:
        while True:
            try:
                await apart(routes.refresh(swarm))
            except (TimeoutError, aiohttp.ClientError) as error:
                log.warning("the Swarm cannot be read (%r); the edges keep what they have", error)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(RESYNC_SECONDS):
                    await wake.wait()
                await asyncio.sleep(SETTLE_SECONDS)
            wake.clear()
    finally:
        listener.cancel()
