"""WebSockets that are kept open: each message must come back, and each end must be a clean one."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp

ANSWER_SECONDS = 10.0  # an echo that takes longer is lost
GOODBYE_SECONDS = 2.0  # for the other side's close frame
CLEAN = (aiohttp.WSCloseCode.OK, aiohttp.WSCloseCode.GOING_AWAY)
AGAIN_SECONDS = 0.2  # between attempts to connect again: a refusal is no reason to hammer


@dataclass(frozen=True)
class Told:
    """Who hears what became of messages; times are seconds since 1970, when each was to go out."""

    answered: Callable[[float], None]
    failed: Callable[[str, float], None]
    repeated: Callable[[], None]


class SocketClient:
    """One WebSocket at a time, on which a message goes out every `between` seconds."""

    def __init__(self, url: str, host: str, between: float, told: Told) -> None:
        self._url, self._host, self._between, self._told = url, host, between, told
        self._number, self._due = 0, 0.0

    async def run(self, first: float, stop: asyncio.Event) -> None:
        """Send from the time `first` (of the loop) on, over ever new sockets, until `stop`."""
        self._due = first
        limit = aiohttp.ClientWSTimeout(ws_close=GOODBYE_SECONDS)
        async with aiohttp.ClientSession(headers={"Host": self._host}) as session:
            while not stop.is_set():
                began = time.time()
                try:
                    async with asyncio.timeout(ANSWER_SECONDS):
                        socket = await session.ws_connect(self._url, timeout=limit)
                except (aiohttp.ClientError, OSError, TimeoutError) as error:
                    self._told.failed(_kind(error), began)
                    await asyncio.sleep(AGAIN_SECONDS)
                    continue
                try:
                    await self._talk(socket, stop)
                finally:
                    await socket.close()

    async def _talk(self, socket: aiohttp.ClientWebSocketResponse, stop: asyncio.Event) -> None:
        """Send and receive until the socket ends, or `stop`."""
        loop = asyncio.get_running_loop()
        self._due = max(self._due, loop.time())
        while not stop.is_set():
            await asyncio.sleep(max(0.0, self._due - loop.time()))
            if not await self._echoed(socket):
                return
            self._due += self._between

    async def _echoed(self, socket: aiohttp.ClientWebSocketResponse) -> bool:
        """Send the next message and await its echo; False when the socket has ended.

        A message that crossed a clean close frame was never taken: it goes out over the next socket.
        """
        text, began = f"message {self._number}", time.time()
        try:
            await socket.send_str(text)
            message = await socket.receive(ANSWER_SECONDS)
        except TimeoutError:
            self._told.failed(f"no echo within {ANSWER_SECONDS:g} s", began)
            self._number += 1
            return False
        except (OSError, aiohttp.ClientError):
            message = None
            # The other side's close frame may have come while nobody read.
            with contextlib.suppress(OSError, aiohttp.ClientError, TimeoutError):
                message = await socket.receive(GOODBYE_SECONDS)
        if message is not None and message.type is aiohttp.WSMsgType.TEXT:
            self._number += 1
            if message.data == text:
                self._told.answered(began)
            else:
                self._told.failed("another message came back", began)
            return True
        said = message.data if message and message.type is aiohttp.WSMsgType.CLOSE else None
        if said in CLEAN or socket.close_code in CLEAN:
            self._told.repeated()
        else:
            self._told.failed(f"ended uncleanly, with {socket.close_code}", began)
        return False


def _kind(error: Exception) -> str:
    if isinstance(error, aiohttp.WSServerHandshakeError):
        return f"status {error.status}"
    return type(error).__name__
