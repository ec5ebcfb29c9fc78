"""Answers that tell how far something is: a line of JSON a second, the last with `ended`."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from supply.cache.failure import UpstreamError
from supply.registry.admission import BusyError

SECONDS = 1.0  # between two lines; also how soon a client that went away is noticed


async def as_it_goes(
    request: web.Request, work: Awaitable[None], state: Callable[[], Mapping[str, Any]]
) -> web.StreamResponse:
    """Tell of the work until it ends; `failure` says why it did not end well. Who goes away ends it."""
    answer = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
    await answer.prepare(request)
    task = asyncio.ensure_future(work)
    try:
        while not (await asyncio.wait([task], timeout=SECONDS))[0]:
            await answer.write(_line(state()))
        await answer.write(_line({**state(), **_ending(task)}))
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    return answer


def _ending(task: asyncio.Future[None]) -> dict[str, Any]:
    error = task.exception()
    if error is None:
        return {"ended": True}
    if not isinstance(error, UpstreamError | BusyError):
        raise error
    return {"ended": True, "failure": str(error)}


def _line(told: Mapping[str, Any]) -> bytes:
    return json.dumps(told).encode() + b"\n"
