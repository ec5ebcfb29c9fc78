"""`python -m tests.support.load ADDRESS PORT HOST`: load until SIGTERM, then one line of JSON.

A line `begun` comes before it, once the first requests go out. Anything on standard input, or its end,
stops it as well: whoever began it may be gone.
"""

import argparse
import asyncio
import contextlib
import json
import signal
import sys

from tests.support.load.run import Run
from tests.support.load.timetable import SHARES


async def load(arguments: argparse.Namespace) -> str:
    """Send until told to stop; the result as JSON."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    with contextlib.suppress(PermissionError):  # /dev/null cannot be waited for
        loop.add_reader(sys.stdin.fileno(), stop.set)
    if arguments.seconds:
        loop.call_later(arguments.seconds, stop.set)
    run = Run(arguments.address, arguments.port, arguments.host)
    print("begun", flush=True)
    await run.until(stop, arguments.rate, arguments.sorts)
    loop.remove_reader(sys.stdin.fileno())
    return run.result.as_json()


def main(words: list[str]) -> int:
    """Read the command line, and run."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.load", description=__doc__)
    parser.add_argument("address")
    parser.add_argument("port", type=int)
    parser.add_argument("host", help="for the header of that name")
    parser.add_argument("--rate", type=float, default=220.0, help="requests a second, in all")
    parser.add_argument("--sorts", type=json.loads, default=SHARES, help="JSON: shares by sort")
    parser.add_argument("--seconds", type=float, help="stop by itself")
    print(asyncio.run(load(parser.parse_args(words))), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
