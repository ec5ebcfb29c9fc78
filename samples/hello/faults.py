"""Faults on order, for tests and demonstrations: answers that fail, and answers that take long.

`/healthz` and `/metrics` are spared: a release with such faults is healthy to the platform, and only
what its clients see tells that it is bad.
"""

import asyncio
import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web
from aiohttp.typedefs import Handler

if TYPE_CHECKING:
    from aiohttp.typedefs import Middleware  # not there before aiohttp 3.9

SPARED = ("/healthz", "/metrics")


@dataclass(frozen=True)
class Faults:
    """Ratios are shares of the answers, from 0 to 1; times are seconds."""

    fail_ratio: float = 0.0
    """Answered with 500, before the route sees the request."""
    fail_after: float = 0.0
    """The process's age from which on answers fail."""
    delay: float = 0.0
    """Added to each answer."""
    slow_ratio: float = 0.0
    slow_seconds: float = 0.0
    """Added to that share of the answers."""


def misbehaving(faults: Faults, release: str | None) -> "Middleware":
    """Middleware that brings the faults about; a failed answer names the release. Its age begins now."""
    began = time.monotonic()

    @web.middleware
    async def misbehave(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path in SPARED:
            return await handler(request)
        wait = faults.delay + (faults.slow_seconds if _falls_on(faults.slow_ratio) else 0.0)
        if wait:
            await asyncio.sleep(wait)
        if time.monotonic() - began >= faults.fail_after and _falls_on(faults.fail_ratio):
            return web.json_response({"failed": True, "release": release}, status=500)
        return await handler(request)

    return misbehave


def _falls_on(ratio: float) -> bool:
    return random.random() < ratio  # noqa: S311 - a coin, not a key
