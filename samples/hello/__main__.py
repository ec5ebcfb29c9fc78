"""Serves hello until SIGTERM, then leaves without losing a request."""

import asyncio
import os
import signal
import sys

from aiohttp import web

from .app import LONGEST_SLOW_SECONDS, Hello
from .settings import Settings, SettingsError, read_settings

ANYWHERE = "0.0.0.0"  # noqa: S104 - the container's own network; one family, so one port
BACKLOG = 1024  # connections that may wait while the loop is busy
FINISH_SECONDS = LONGEST_SLOW_SECONDS + 10  # the slowest answer, and time to send it
LAST_WRITE_SECONDS = 5.0  # answered already: only the client's network is waited for
KILLED_BY_SIGTERM = 128 + signal.SIGTERM


async def serve(settings: Settings) -> int:
    """Answer until told to stop; returns the exit code."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if settings.on_sigterm == "die":
        signal.signal(signal.SIGTERM, lambda *_: os._exit(KILLED_BY_SIGTERM))
    hello = Hello(settings)
    runner = web.AppRunner(hello.application(), access_log=None)
    await runner.setup()
    assert runner.server is not None, "set up just above"
    listener = await loop.create_server(runner.server, ANYWHERE, settings.port, backlog=BACKLOG)
    say(f"listening on port {listener.sockets[0].getsockname()[1]}")
    await stop.wait()
    code = await drain(hello, listener)
    await runner.server.shutdown(LAST_WRITE_SECONDS)
    await runner.cleanup()
    return code


async def drain(hello: Hello, listener: asyncio.Server) -> int:
    """Turn unhealthy, keep answering while load balancers notice, then finish."""
    hello.draining = True
    say(f"draining for {hello.settings.drain_seconds:g} s")
    await asyncio.sleep(hello.settings.drain_seconds)
    listener.close()
    await hello.say_goodbye()
    try:
        await asyncio.wait_for(hello.meter.idle(), FINISH_SECONDS)
    except TimeoutError:
        say(f"{hello.meter.in_flight} requests unfinished after {FINISH_SECONDS:g} s, cut off")
        return 1
    say("every request is answered")
    return 0


def say(text: str) -> None:
    """One line for the log."""
    print(f"hello: {text}", flush=True)


def main() -> int:
    """Read the environment and serve."""
    try:
        settings = read_settings(os.environ)
    except SettingsError as error:
        print(f"hello: {error}", file=sys.stderr)
        return 2
    return asyncio.run(serve(settings))


if __name__ == "__main__":
    sys.exit(main())
