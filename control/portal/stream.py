"""One page's stream of events, until it goes away, its session expires or the process stops."""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from control.portal.feed import GZIP_START, Feed, Frame, event
from control.portal.files import takes_gzip
from control.portal.sessions import Session, Sessions

HEARTBEAT_SECONDS = 15  # a quarter of the edge's idle limit, and a page that is gone is noticed
WRITE_SECONDS = 30  # a page that takes nothing for so long is gone, or comes again
HEARTBEAT = Frame.of(b": still here\n\n")
RECONNECT = Frame.of(b"retry: 2000\n\n")  # when a control stops, another one answers within that
EXPIRED = Frame.of(event("expired", None))

Send = Callable[[Frame], Awaitable[None]]


async def stream(
    request: web.Request, feed: Feed, sessions: Sessions, session: Session
) -> web.StreamResponse:
    """Send overviews as they come."""
    packed = takes_gzip(request)
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    await response.prepare(request)

    async def send(frame: Frame) -> None:
        async with asyncio.timeout(WRITE_SECONDS):
            await response.write(frame.packed if packed else frame.plain)

    try:
        if packed:
            await response.write(GZIP_START)
        await send(RECONNECT)
        await _follow(feed, sessions, session, send)
    except (ConnectionError, TimeoutError):
        pass  # the page is gone
    return response


async def _follow(feed: Feed, sessions: Sessions, session: Session, send: Send) -> None:
    seen = 0
    while not feed.ended:
        news = await feed.after(seen, min(HEARTBEAT_SECONDS, sessions.left(session)))
        if sessions.expired(session):
            await send(EXPIRED)
            return
        seen, frame = news or (seen, HEARTBEAT)
        await send(frame)
