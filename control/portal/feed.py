"""The overview as server-sent events: made and compressed once, however many pages look on.

With a hundred apps an overview has some 80 kB, and 8 kB packed. Each event is packed by itself and
flushed, so that one and the same bytes fit into everybody's stream, wherever that began.
"""

import asyncio
import logging
import time
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from aiohttp import web

from control.portal.answers import compact
from control.portal.source import Source

RETRY_SECONDS = 2  # the source failed: soon enough to be news, too slow to be a burden
IDLE_SECONDS = (
    40  # pages ask anew every 15 s at least: after this nobody looks on, and nobody is asked
)
GZIP_START = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"

log = logging.getLogger("control.portal")


@dataclass(frozen=True)
class Frame:
    """A piece of a stream, plain and packed."""

    plain: bytes
    packed: bytes

    @classmethod
    def of(cls, text: bytes) -> "Frame":
        """`text`, which ends an event or is a comment."""
        packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        return cls(text, packer.compress(text) + packer.flush(zlib.Z_FULL_FLUSH))


class Feed:
    """The newest overview while somebody looks on, and a way to wait for the next."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._changed = asyncio.Condition()
        self._frame: Frame | None = None
        self._number = 0
        self._wanted = asyncio.Event()
        self._asked = 0.0
        self.ended = False

    async def run(self, _: web.Application) -> AsyncIterator[None]:
        """Follow the source for as long as the application runs."""
        follower = asyncio.create_task(self._follow())
        yield
        follower.cancel()
        await asyncio.gather(follower, return_exceptions=True)

    async def end(self, _: web.Application) -> None:
        """Let go of all who wait: the process is told to stop."""
        self.ended = True
        async with self._changed:
            self._changed.notify_all()

    async def after(self, number: int, seconds: float) -> tuple[int, Frame] | None:
        """The newest frame and its number, once that is not `number`; None after `seconds`, or at the end."""
        self._asked = time.monotonic()
        self._wanted.set()
        try:
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait_for(lambda: self._number != number or self.ended)
        except TimeoutError:
            return None
        return None if self.ended or self._frame is None else (self._number, self._frame)

    async def _follow(self) -> None:
        while True:
            await self._wanted.wait()
            try:
                async for overview in self._source.changes():
                    await self._publish(Frame.of(event("overview", overview)))
                    if time.monotonic() - self._asked > IDLE_SECONDS:
                        self._rest()
                        break
                else:
                    await asyncio.sleep(RETRY_SECONDS)
            except Exception as error:
                log.warning("no overview (%r); trying again in %d s", error, RETRY_SECONDS)
                await asyncio.sleep(RETRY_SECONDS)

    def _rest(self) -> None:
        """Ask no more until somebody looks on, who is to be shown nothing old."""
        self._wanted.clear()
        self._frame, self._number = None, 0

    async def _publish(self, frame: Frame) -> None:
        async with self._changed:
            self._frame = frame
            self._number += 1
            self._changed.notify_all()


def event(name: str, data: object) -> bytes:
    """One server-sent event."""
    return f"event: {name}\ndata: {compact(data)}\n\n".encode()
