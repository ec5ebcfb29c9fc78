"""Questions to Prometheus. Every manager has one, and each measures everything by itself.

One that was away has a gap: over a stretch of time all are asked, and each fills the others' gaps.
See Prometheus' HTTP API, version 1.
"""

from collections.abc import Sequence
from typing import Any

from control.upstream import Upstream, UpstreamError, parameters

EDGE_SCRAPE_SECONDS = 5  # as often as the edges are asked: monitoring/prometheus.yml
Series = dict[str, Any]  # {"labels": {...}, "values": [[time, number], ...]}


class Prometheus:
    """Asks in PromQL."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    async def now(self, query: str, at: float | None = None) -> list[Series]:
        """The values at this moment, or at an earlier one. Raises UpstreamError."""
        asked = parameters(query=query, time=at, timeout="3s")
        answer = await self._upstream.ask("GET", "/api/v1/query", params=asked)
        return [_series(r["metric"], [r["value"]]) for r in _result(answer)]

    async def over(self, query: str, start: float, end: float, step: float) -> list[Series]:
        """The values over a stretch of time, merged over all that answer. Raises UpstreamError."""
        asked = parameters(query=query, start=start, end=end, step=step)
        answers = await self._upstream.ask_all("GET", "/api/v1/query_range", params=asked)
        if not answers:
            raise UpstreamError(f"{self._upstream.service} does not answer the query {query}")
        return merged(
            [[_series(r["metric"], r["values"]) for r in _result(answer)] for answer in answers]
        )

    async def alerts(self) -> list[dict[str, Any]]:
        """The alerts that fire, as Prometheus has them. Raises UpstreamError."""
        answer = await self._upstream.ask("GET", "/api/v1/alerts")
        return [a for a in answer["data"]["alerts"] if a["state"] == "firing"]


def merged(answers: Sequence[Sequence[Series]]) -> list[Series]:
    """One list of several: the first that has a moment of a series tells it."""
    found: dict[frozenset[tuple[str, str]], dict[float, float | None]] = {}
    for answer in answers:
        for series in answer:
            values = found.setdefault(frozenset(series["labels"].items()), {})
            for time, value in series["values"]:
                values.setdefault(time, value)
    return [
        {"labels": dict(labels), "values": [list(pair) for pair in sorted(values.items())]}
        for labels, values in found.items()
    ]


def _result(answer: Any) -> list[dict[str, Any]]:
    data = answer["data"]
    if data["resultType"] == "scalar":
        return [{"metric": {}, "value": data["result"], "values": [data["result"]]}]
    found: list[dict[str, Any]] = data["result"]
    return found


def _series(metric: dict[str, str], values: list[Any]) -> Series:
    return {"labels": metric, "values": [[float(t), _number(v)] for t, v in values]}


def _number(text: str) -> float | None:
    """JSON knows neither NaN nor infinity."""
    value = float(text)
    return value if abs(value) < float("inf") else None
