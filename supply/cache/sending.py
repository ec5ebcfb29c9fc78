"""Blobs to clients: as they come, or which part of them is wanted."""

import logging
from collections.abc import AsyncIterator

from aiohttp import web

from supply.cache.failure import UpstreamError
from supply.cache.store import StoreFullError

log = logging.getLogger("cache")


async def sent(
    request: web.Request, answer: web.StreamResponse, chunks: AsyncIterator[bytes]
) -> int:
    """Send what comes; how many bytes. What breaks off after its beginning cuts the connection: the
    client is to notice that it lacks the end."""
    count = 0
    try:
        async for chunk in chunks:
            if not answer.prepared:
                await answer.prepare(request)
            await answer.write(chunk)
            count += len(chunk)
    except (UpstreamError, StoreFullError) as error:
        if not answer.prepared:
            raise
        log.warning("%s: %s", request.path, error)
        if request.transport:
            request.transport.abort()
    if not answer.prepared:  # a blob of no bytes
        await answer.prepare(request)
    return count


def part_of(request: web.Request) -> slice | None:
    """The part of a blob that is wanted; None for all of it, which is also what a bad header gets."""
    try:
        found = request.http_range
    except ValueError:
        return None
    return None if found.start is None and found.stop is None else found


def wanted_bytes(request: web.Request, size: int) -> int:
    """How much of a blob a request gets."""
    if request.method == "HEAD":
        return 0
    part = part_of(request)
    return len(range(*part.indices(size))) if part else size
