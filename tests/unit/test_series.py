"""The curves: whole steps, every moment, and names that stay names."""

import asyncio
from itertools import pairwise
from typing import Any

import pytest

from control.prometheus import Series
from control.series import FINEST_SECONDS, POINTS, QUERIES, curves, laid_out, moments, quoted
from control.upstream import UpstreamError

NOW = 1_790_000_003.7
KEYS = {
    "app": ["requests", "errors", "p50", "p95", "p99"],
    "release": ["requests", "errors", "p50", "p95", "p99"],
    "host": ["cpu", "memory", "disk", "receive", "transmit"],
}


class Prometheus:
    """One that has a value at every second moment."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, float, float, float]] = []

    async def over(self, query: str, start: float, end: float, step: float) -> list[Series]:
        self.asked.append((query, start, end, step))
        return [{"labels": {}, "values": [[start, 1.0], [end, 3.0]]}]


async def asked(what: str, name: str, minutes: int = 60) -> tuple[Prometheus, dict[str, Any]]:
    prometheus = Prometheus()
    return prometheus, await curves(prometheus, what, name, minutes, NOW)  # type: ignore[arg-type]


@pytest.mark.parametrize("minutes", [1, 2, 7, 15, 60, 61, 360, 1440, 10080, 5256000])
def test_moments_are_on_whole_steps_and_not_too_many(minutes: int) -> None:
    times = moments(minutes, NOW)
    step = times[1] - times[0]
    assert step >= FINEST_SECONDS
    assert all(b - a == step for a, b in pairwise(times))
    assert all(time % step == 0 for time in times)
    assert NOW - step < times[-1] <= NOW
    assert times[-1] - times[0] <= minutes * 60 < times[-1] - times[0] + 2 * step
    assert 10 < len(times) <= POINTS * 1.2


def test_a_chart_that_is_renewed_moves_and_does_not_jump() -> None:
    before, after = moments(60, NOW), moments(60, NOW + 20)
    assert after[:-1] == before[1:]
    assert moments(60, NOW + 1) == before


@pytest.mark.parametrize("what", KEYS)
async def test_each_curve_is_asked_for_by_name(what: str) -> None:
    prometheus, told = await asked(what, "hello")
    assert list(told["series"]) == KEYS[what]
    label = {"app": "app", "release": "service", "host": "host"}[what]
    assert all(q.endswith(f'{{{label}="hello"}}') for q, *_ in prometheus.asked)
    assert {q.partition(":")[0] for q, *_ in prometheus.asked} == {what}


async def test_every_curve_has_a_value_or_nothing_at_every_moment() -> None:
    prometheus, told = await asked("app", "hello")
    times = told["times"]
    assert {tuple(span) for _, *span in prometheus.asked} == {(times[0], times[-1], 20.0)}
    for values in told["series"].values():
        assert values == [1.0, *[None] * (len(times) - 2), 3.0]


async def test_what_there_are_no_curves_of_is_an_error() -> None:
    with pytest.raises(KeyError):
        await asked("zone", "a")
    assert set(QUERIES) == set(KEYS)


async def test_a_prometheus_that_is_away_is_an_error() -> None:
    class Away:
        async def over(self, *_: Any) -> list[Series]:
            await asyncio.sleep(0)
            raise UpstreamError("no task runs")

    with pytest.raises(UpstreamError):
        await curves(Away(), "app", "hello", 60, NOW)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("hello", '"hello"'),
        ('a"b', r'"a\"b"'),
        ("a\\b", r'"a\\b"'),
        ('a\\"b', r'"a\\\"b"'),
        ("a\nb", r'"a\nb"'),
        ('"} or up{a="', r'"\"} or up{a=\""'),
        ("{name}", '"{name}"'),
        ("", '""'),
    ],
)
async def test_a_name_stays_one_string_of_the_query(name: str, expected: str) -> None:
    assert quoted(name) == expected
    prometheus, _ = await asked("host", name)
    assert prometheus.asked[0][0] == f"host:cpu:ratio{{host={expected}}}"


def test_of_several_series_the_greatest_is_shown_and_none_is_no_value() -> None:
    answer = [
        {"labels": {"a": "1"}, "values": [[0.0, 1.0], [5.0, None], [10.0, 5.0], [12.0, 9.0]]},
        {"labels": {"a": "2"}, "values": [[0.0, 2.0], [5.0, 0.0], [10.0, None]]},
    ]
    assert laid_out(answer, [0.0, 5.0, 10.0, 15.0]) == [2.0, 0.0, 5.0, None]
    assert laid_out([], [0.0, 5.0]) == [None, None]
