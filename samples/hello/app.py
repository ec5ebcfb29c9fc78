"""The routes of hello."""

import asyncio
import hashlib
import random
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import TYPE_CHECKING

from aiohttp import WSCloseCode, web
from aiohttp.typedefs import Handler

from .echo import echo
from .faults import Faults, misbehaving
from .meter import Meter
from .parameters import capped, number
from .settings import Settings

if TYPE_CHECKING:
    from aiohttp.typedefs import Middleware  # not there before aiohttp 3.9

LONGEST_SLOW_SECONDS = 60.0  # longer answers say nothing new, and hold a drain up
LONGEST_BURN_MS = 10_000.0  # a burning thread cannot be stopped from outside
BURNERS = 4  # threads; more than that only queue for the same few CPUs
BURN_BLOCK = bytes(2**18)  # about half a millisecond a hash, computed without Python's lock
WS_HEARTBEAT_SECONDS = 20.0  # notices a client that vanished; below usual proxy idle limits
WS_GOODBYE_SECONDS = 5.0  # a client that does not answer a close frame by then never will
CLIENT_GONE = 499  # as other servers log it: the client left before its answer


class Hello:
    """One process's service: its handlers and what they share."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.meter = Meter()
        self.draining = False
        self.sockets: set[web.WebSocketResponse] = set()
        self.burners = ThreadPoolExecutor(BURNERS, "burn")

    def application(self) -> web.Application:
        """The aiohttp application with all routes."""
        faults = self.settings.faults
        troubles = (
            [misbehaving(faults, self.settings.identity.release)] if faults != Faults() else []
        )
        app = web.Application(middlewares=[measuring(self.meter), *troubles])
        app.add_routes(
            [
                web.get("/", self.who),
                web.post("/echo", self.echo),
                web.get("/slow", self.slow),
                web.get("/ws", self.websocket),
                web.get("/fail", self.fail),
                web.get("/burn", self.burn),
                web.get("/healthz", self.healthz),
                web.get("/metrics", self.metrics),
            ]
        )
        app.on_response_prepare.append(self._part_when_draining)
        return app

    async def who(self, _: web.Request) -> web.Response:
        """Who answers."""
        return web.json_response(asdict(self.settings.identity))

    async def echo(self, request: web.Request) -> web.StreamResponse:
        """The body back."""
        return await echo(request, self.settings.echo_limit)

    async def slow(self, request: web.Request) -> web.Response:
        """An answer that takes `seconds`."""
        seconds = capped(request, "seconds", 1.0, LONGEST_SLOW_SECONDS)
        await asyncio.sleep(seconds)
        return web.json_response({"slept_seconds": seconds})

    async def fail(self, request: web.Request) -> web.Response:
        """A 500 with the probability `ratio`."""
        ratio = number(request, "ratio", 1.0, 1.0)
        if random.random() < ratio:  # noqa: S311 - a coin, not a key
            return web.json_response({"failed": True}, status=500)
        return web.json_response({"failed": False})

    async def burn(self, request: web.Request) -> web.Response:
        """One CPU kept busy for `ms` milliseconds, beside the other requests."""
        milliseconds = capped(request, "ms", 100.0, LONGEST_BURN_MS)
        loop = asyncio.get_running_loop()
        rounds = await loop.run_in_executor(self.burners, keep_busy, milliseconds / 1000)
        return web.json_response({"burned_ms": milliseconds, "rounds": rounds})

    async def websocket(self, request: web.Request) -> web.WebSocketResponse:
        """Every text or binary message back, until either side closes."""
        socket = web.WebSocketResponse(heartbeat=WS_HEARTBEAT_SECONDS, timeout=WS_GOODBYE_SECONDS)
        await socket.prepare(request)
        self.sockets.add(socket)
        try:
            async for message in socket:
                if message.type is web.WSMsgType.TEXT:
                    await socket.send_str(message.data)
                elif message.type is web.WSMsgType.BINARY:
                    await socket.send_bytes(message.data)
        finally:
            self.sockets.discard(socket)
        if self.draining:  # aiohttp 3.8 would say 'normal closure' here, before say_goodbye can
            await socket.close(code=WSCloseCode.GOING_AWAY)
        return socket

    async def healthz(self, _: web.Request) -> web.Response:
        """200 while new requests are welcome, 503 from SIGTERM on."""
        if self.draining:
            return web.Response(status=503, text="draining\n")
        return web.Response(text="ok\n")

    async def metrics(self, _: web.Request) -> web.Response:
        """The meter, for Prometheus."""
        return web.Response(
            body=self.meter.render().encode(),
            headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"},
        )

    async def say_goodbye(self) -> None:
        """Close every WebSocket, telling its client that this end goes away."""
        goodbyes = (socket.close(code=WSCloseCode.GOING_AWAY) for socket in self.sockets)
        await asyncio.gather(*goodbyes, return_exceptions=True)

    async def _part_when_draining(self, _: web.Request, response: web.StreamResponse) -> None:
        """Ask clients of kept connections to come back over a new one, elsewhere."""
        if self.draining and response.status != 101:
            response.force_close()
            response.headers["Connection"] = "close"


def keep_busy(seconds: float) -> int:
    """Compute for that long; returns how many blocks were hashed."""
    rounds = 0
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        hashlib.sha256(BURN_BLOCK).digest()
        rounds += 1
    return rounds


def measuring(meter: Meter) -> "Middleware":
    """Middleware that counts each request; unknown paths count as one, `other`."""

    @web.middleware
    async def measure(request: web.Request, handler: Handler) -> web.StreamResponse:
        resource = request.match_info.route.resource
        path = resource.canonical if resource is not None else "other"
        started, status = time.monotonic(), 500
        meter.begin()
        try:
            response = await handler(request)
            status = response.status
            return response
        except web.HTTPException as answer:
            status = answer.status
            raise
        except (asyncio.CancelledError, ConnectionResetError):
            status = CLIENT_GONE
            raise
        finally:
            meter.end(path, status, time.monotonic() - started)

    return measure
