"""Counts requests and writes them in Prometheus' text format.

Written by hand because it is one counter, one gauge and one histogram: a client
library would be the service's second dependency. Label values come from hello's
own routes and from status numbers, so nothing needs escaping.
"""

import asyncio
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Histogram:
    """Durations in seconds, counted by the smallest bucket that holds them."""

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS) + 1)
        self.total = 0.0

    def observe(self, seconds: float) -> None:
        """Count one duration."""
        self.counts[bisect_left(BUCKETS, seconds)] += 1
        self.total += seconds

    def lines(self, name: str, label: str) -> Iterator[str]:
        """The cumulative buckets, sum and count of one series."""
        running = 0
        for bound, count in zip((*BUCKETS, "+Inf"), self.counts, strict=True):
            running += count
            yield f'{name}_bucket{{{label},le="{bound}"}} {running}'
        yield f"{name}_sum{{{label}}} {self.total:.6f}"
        yield f"{name}_count{{{label}}} {running}"


class Meter:
    """The requests of one process: how many, how long, how many are being answered now."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, int]] = Counter()
        self.durations: dict[str, Histogram] = {}
        self.in_flight = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def begin(self) -> None:
        """A request has arrived."""
        self.in_flight += 1
        self._idle.clear()

    def end(self, path: str, status: int, seconds: float) -> None:
        """The request has been answered, or its client is gone."""
        self.requests[path, status] += 1
        self.durations.setdefault(path, Histogram()).observe(seconds)
        self.in_flight -= 1
        if not self.in_flight:
            self._idle.set()

    async def idle(self) -> None:
        """Return once no request is being answered."""
        await self._idle.wait()

    def render(self) -> str:
        """Everything, in Prometheus' text format 0.0.4."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        yield "# HELP hello_requests_total Requests answered, by path and status."
        yield "# TYPE hello_requests_total counter"
        for (path, status), count in sorted(self.requests.items()):
            yield f'hello_requests_total{{path="{path}",status="{status}"}} {count}'
        yield "# HELP hello_requests_in_flight Requests being answered now."
        yield "# TYPE hello_requests_in_flight gauge"
        yield f"hello_requests_in_flight {self.in_flight}"
        yield "# HELP hello_request_duration_seconds Time to answer, by path."
        yield "# TYPE hello_request_duration_seconds histogram"
        for path, histogram in sorted(self.durations.items()):
            yield from histogram.lines("hello_request_duration_seconds", f'path="{path}"')
