"""When which request goes out."""

import asyncio
from collections.abc import Callable, Mapping

SHARES: Mapping[str, float] = {
    "get": 0.45,
    "get-new": 0.26,
    "post": 0.1,
    "post-new": 0.09,
    "slow": 0.01,
    "ws": 0.09,
}
WITHOUT_SOCKETS = {sort: share for sort, share in SHARES.items() if sort != "ws"}
SHORT = {sort: share for sort, share in WITHOUT_SOCKETS.items() if sort != "slow"}
SOCKETS = 4  # that share the messages among them


def rates(rate: float, sorts: Mapping[str, float]) -> dict[str, float]:
    """Requests a second of each sort, in proportion to its share, `rate` in all."""
    total = sum(sorts.values())
    return {sort: rate * share / total for sort, share in sorts.items() if share}


async def keep_time(
    first: float, rate: float, stop: asyncio.Event, go: Callable[[float], None]
) -> None:
    """Call `go` with each request's time (of the loop), `rate` times a second from `first` on.

    A call that comes late does not put off those after it: what was missed goes out at once.
    """
    loop, number = asyncio.get_running_loop(), 0
    while not stop.is_set():
        due = first + number / rate
        wait = due - loop.time()
        if wait > 0:
            await asyncio.sleep(wait)
        go(due)
        number += 1
