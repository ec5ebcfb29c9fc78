"""What Prometheus says of two releases over the same seconds.

`increase` stretches what it saw to the whole window. A test that believed in requests nobody counted
would find differences too easily, so counts are brought back to the seconds between the first and the
last look of Prometheus within the window.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from control.prometheus import EDGE_SCRAPE_SECONDS
from control.rollouts.plan import Plan, Query
from control.upstream import UpstreamError

REQUESTS = 'sum(increase(haproxy_backend_http_responses_total{{service="{service}"}}[{window}]))'
ERRORS = 'sum(increase(haproxy_backend_http_responses_total{{service="{service}",code="5xx"}}[{window}]))'
BUCKETS = 'sum by (le) (increase(horcrux_request_duration_seconds_bucket{{service="{service}"}}[{window}]))'
Bucket = tuple[float, float]  # seconds, and how many requests took at most so long


class Asked(Protocol):
    """The part of control.prometheus.Prometheus that is needed here."""

    async def now(self, query: str, at: float | None = None) -> list[dict[str, Any]]:
        """The values at this moment, or at an earlier one. Raises UpstreamError."""


@dataclass(frozen=True)
class Sample:
    """A release over a window: requests, those that failed, and their times (cumulative, ascending)."""

    requests: int
    errors: int
    buckets: tuple[Bucket, ...] = ()


@dataclass(frozen=True)
class Measured:
    """Both releases over `window` seconds; None where Prometheus tells nothing.

    `queries`: the new and the old release's value by the query's name.
    """

    window: float
    new: Sample | None
    old: Sample | None
    queries: Mapping[str, tuple[float | None, float | None]] = field(default_factory=dict)


async def measure(
    prometheus: Asked, app: str, plan: Plan, window: float, former: float | None
) -> Measured:
    """Measure the last `window` seconds. `former`: the old release has had no requests since then, so
    it is measured over as many seconds before."""
    try:
        new, old, queries = await asyncio.gather(
            _sample(prometheus, plan.new, window, None),
            _sample(prometheus, plan.old, window, former),
            _queries(prometheus, app, plan, window, former),
        )
    except UpstreamError:
        return Measured(window, None, None)
    return Measured(window, new, old, queries)


async def _sample(
    prometheus: Asked, service: str, window: float, at: float | None
) -> Sample | None:
    asked = {"service": service, "window": f"{window:.0f}s"}
    requests, errors, buckets = await asyncio.gather(
        *(prometheus.now(query.format(**asked), at) for query in (REQUESTS, ERRORS, BUCKETS))
    )
    seen = max(0.0, window - EDGE_SCRAPE_SECONDS) / window
    count = _value(requests)
    if count is None:
        return None
    times = sorted((float(one["labels"]["le"]), (_value([one]) or 0) * seen) for one in buckets)
    return Sample(round(count * seen), round((_value(errors) or 0) * seen), tuple(times))


async def _queries(
    prometheus: Asked, app: str, plan: Plan, window: float, former: float | None
) -> dict[str, tuple[float | None, float | None]]:
    asked = plan.analysis.queries
    sides = ((plan.new, None), (plan.old, former))
    answers = await asyncio.gather(
        *(_query(prometheus, q, app, s, window, at) for q in asked for s, at in sides)
    )
    pairs = zip(answers[::2], answers[1::2], strict=True)
    return {query.name: pair for query, pair in zip(asked, pairs, strict=True)}


async def _query(
    prometheus: Asked, query: Query, app: str, service: str, window: float, at: float | None
) -> float | None:
    """A query of the user's own. One that Prometheus cannot answer has no value."""
    words = {"$service": service, "$app": app, "$window": f"{window:.0f}s"}
    text = query.query
    for word, value in words.items():
        text = text.replace(word, value)
    try:
        return _value(await prometheus.now(text, at))
    except UpstreamError:
        return None


def _value(series: Sequence[Mapping[str, Any]]) -> float | None:
    """The one number of an answer."""
    if not series:
        return None
    value = series[0]["values"][-1][1]
    return None if value is None else float(value)
