"""The curves of one app, release or host, for the portal's charts. Pure but for the questions."""

import asyncio
from collections.abc import Sequence
from typing import Any

from control.prometheus import Prometheus, Series

POINTS = 180  # more than a chart on a phone has pixels for, fewer than slow it down
FINEST_SECONDS = 5  # how often edges are asked
QUERIES = {
    "app": {
        "requests": "app:requests:rate1m{{app={name}}}",
        "errors": "app:errors:ratio1m{{app={name}}}",
        "p50": "app:latency:p50_1m{{app={name}}}",
        "p95": "app:latency:p95_1m{{app={name}}}",
        "p99": "app:latency:p99_1m{{app={name}}}",
    },
    "release": {
        "requests": "release:requests:rate1m{{service={name}}}",
        "errors": "release:errors:ratio1m{{service={name}}}",
        "p50": "release:latency:p50_1m{{service={name}}}",
        "p95": "release:latency:p95_1m{{service={name}}}",
        "p99": "release:latency:p99_1m{{service={name}}}",
    },
    "host": {
        "cpu": "host:cpu:ratio{{host={name}}}",
        "memory": "host:memory:ratio{{host={name}}}",
        "disk": "host:disk:ratio{{host={name}}}",
        "receive": "host:network_receive:rate1m{{host={name}}}",
        "transmit": "host:network_transmit:rate1m{{host={name}}}",
    },
}


async def curves(
    prometheus: Prometheus, what: str, name: str, minutes: int, now: float
) -> dict[str, Any]:
    """`{"times": [...], "series": {KEY: [value or None, ...]}}`. Raises KeyError for an unknown `what`."""
    times = moments(minutes, now)
    asked = {key: query.format(name=quoted(name)) for key, query in QUERIES[what].items()}
    step = times[1] - times[0]
    answers = await asyncio.gather(
        *(prometheus.over(query, times[0], times[-1], step) for query in asked.values())
    )
    series = {key: laid_out(a, times) for key, a in zip(asked, answers, strict=True)}
    return {"times": times, "series": series}


def moments(minutes: int, now: float) -> list[float]:
    """The moments of a chart that ends now, on whole steps, so that a renewed one moves and does not jump."""
    step = max(FINEST_SECONDS, round(minutes * 60 / POINTS))
    end = now // step * step
    count = int(minutes * 60 / step)
    return [end - step * (count - i) for i in range(count + 1)]


def laid_out(answer: Sequence[Series], times: Sequence[float]) -> list[float | None]:
    """The values at these moments, None where there is none; of several series the greatest."""
    values: dict[float, float] = {}
    for one in answer:
        for time, value in one["values"]:
            if value is not None:
                values[time] = max(value, values.get(time, value))
    return [values.get(time) for time in times]


def quoted(name: str) -> str:
    """A PromQL string; names are checked, yet this is what keeps a query a query."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
