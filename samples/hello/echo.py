"""`POST /echo`: the body comes back while it is still arriving.

The body is read as fast as the client sends it, even while the client does not read
its answer yet: many clients send everything first, and would otherwise wait for a
server that waits for them. What is held for such a client is bounded by the limit.
"""

import asyncio

from aiohttp import web

CHUNK = 2**16


class TooLargeError(Exception):
    """The body went over the limit after the answer had begun."""


def refuse_if_declared_too_large(request: web.Request, limit: int) -> None:
    """413 before anything is read, when the client says how much will come."""
    declared = request.content_length
    if declared is not None and declared > limit:
        raise web.HTTPRequestEntityTooLarge(
            max_size=limit,
            actual_size=declared,
            text=f"The body has {declared} bytes: at most {limit} are echoed.\n",
        )


async def echo(request: web.Request, limit: int) -> web.StreamResponse:
    """Send the body back under its own content type.

    A body of undeclared length that turns out too large ends in a broken connection,
    because the status has been sent by then and a short 200 would be a lie.
    """
    refuse_if_declared_too_large(request, limit)
    response = web.StreamResponse()
    response.headers["Content-Type"] = request.headers.get(
        "Content-Type", "application/octet-stream"
    )
    response.content_length = request.content_length
    await response.prepare(request)
    chunks: asyncio.Queue[bytes | None] = asyncio.Queue()
    reader = asyncio.ensure_future(_read(request, chunks, limit))
    try:
        while (chunk := await chunks.get()) is not None:
            await response.write(chunk)
        await reader
        await response.write_eof()
    except TooLargeError:
        if request.transport is not None:
            request.transport.abort()
    finally:
        reader.cancel()
    return response


async def _read(request: web.Request, chunks: "asyncio.Queue[bytes | None]", limit: int) -> None:
    received = 0
    try:
        async for chunk in request.content.iter_chunked(CHUNK):
            received += len(chunk)
            if received > limit:
                raise TooLargeError
            chunks.put_nowait(chunk)
    finally:
        chunks.put_nowait(None)
