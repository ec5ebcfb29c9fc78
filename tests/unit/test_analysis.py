"""Whether a canary is good: the statistics against known values, and against chance itself."""

import random
from dataclasses import replace
from itertools import accumulate
from math import comb, inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control.rollouts.analysis import judge
from control.rollouts.measure import BUCKETS, ERRORS, REQUESTS, Measured, Sample, measure
from control.rollouts.plan import Analysis, Plan, Query, Step, plan_of
from control.rollouts.progress import Progress
from control.rollouts.statistics import above, alpha, fisher, quantile
from control.rollouts.watching import decided, looked, planned
from control.upstream import UpstreamError
from tests.support.walked import BOUNDS, poisson

ANALYSIS = Analysis()
PLAN = Plan(
    "id", "canary", "web-2", "2", 2, "web-1", 1, 4, 1, True, 30, 300, 0.0,
    tuple(Step(w, 60) for w in (5, 25, 50)),
)  # fmt: skip
STEP_SECONDS = 5
SEEDS = 1000


def exact(hits: int, of: int, others: int, of_others: int) -> float:
    """Fisher's test by counting."""
    total, found = of + of_others, hits + others
    ways = sum(comb(of, k) * comb(of_others, found - k) for k in range(hits, min(of, found) + 1))
    return ways / comb(total, found)


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 200), st.integers(0, 200))
def test_fishers_test_is_exact(hits: int, others: int, good: int, other_good: int) -> None:
    of, of_others = hits + good, others + other_good
    expected = exact(hits, of, others, of_others)
    assert fisher(hits, of, others, of_others) == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_fishers_test_of_the_lady_tasting_tea() -> None:
    assert fisher(4, 4, 0, 4) == pytest.approx(1 / 70)
    assert fisher(3, 4, 1, 4) == pytest.approx(17 / 70)


@pytest.mark.parametrize(
    ("counts", "least", "most"),
    [
        ((500_000, 1_000_000, 499_000, 1_000_000), 0.07, 0.08),  # z = 1.414
        ((1, 1_000_000, 900_000, 1_000_000), 1.0, 1.0),
        ((5_000, 100_000, 1_000, 1_000_000), 0.0, 1e-300),
    ],
)
def test_fishers_test_of_large_numbers(counts: tuple[int, ...], least: float, most: float) -> None:
    assert least <= fisher(*counts) <= most


def test_more_hits_than_cases_are_refused() -> None:
    with pytest.raises(ValueError, match="more hits than cases"):
        fisher(3, 2, 0, 1)


@pytest.mark.parametrize(
    ("share", "buckets", "expected"),
    [
        (0.5, ((0.1, 50), (0.2, 100), (inf, 100)), 0.1),
        (0.95, ((0.1, 50), (0.2, 100), (inf, 100)), 0.19),
        (0.95, ((0.1, 0), (0.2, 100), (inf, 100)), 0.195),
        (0.99, ((0.1, 50), (0.2, 90), (inf, 100)), 0.2),
        (0.5, ((0.1, 0), (inf, 0)), None),
        (0.5, (), None),
    ],
)
def test_a_quantile_is_interpolated_as_prometheus_does(
    share: float, buckets: Any, expected: float | None
) -> None:
    found = quantile(share, buckets)
    assert found == (None if expected is None else pytest.approx(expected))


def test_requests_above_the_next_bound_are_counted() -> None:
    buckets = ((0.1, 50.0), (0.2, 90.0), (inf, 100.0))
    assert above(0.15, buckets) == (0.2, 10, 100)
    assert above(0.2, buckets) == (0.2, 10, 100)
    assert above(0.3, buckets) == (inf, 0, 100)


def test_all_looks_together_err_no_more_often_than_allowed() -> None:
    assert planned(PLAN) == 36
    spent = sum(3 * alpha(0.99, 36, 3, look) for look in range(1, 100_000))
    assert 0.0099 < spent <= 0.01


# Judging.


def sample(requests: int, errors: int = 0, slow: int = 0) -> Sample:
    """Requests that take between 25 and 35 ms, but for the slow ones, which take between 0.7 and 1 s."""
    fast, all_ = float(requests - slow), float(requests)
    return Sample(
        requests, errors, ((0.025, 0.0), (0.035, fast), (0.7, fast), (1.0, all_), (inf, all_))
    )


def verdict(new: Sample | None, old: Sample | None, **queries: tuple[Any, Any]) -> Any:
    """What is made of these."""
    analysis = replace(ANALYSIS, queries=tuple(Query(name, "x", max=5.0) for name in queries))
    return judge(analysis, Measured(60.0, new, old, queries), 1e-4, [])


def test_a_verdict_tells_numbers_and_confidence() -> None:
    found = verdict(sample(412, 21), sample(7904, 8))
    assert found.grade == "bad"
    assert found.text == (
        "errors 5.1 % of 412 requests against 0.1 % of 7,904 requests (p = 7e-22, confidence 99 %)"
    )
    good = verdict(sample(412), sample(7904, 8))
    assert good.text == "errors 0.0 % of 412 requests against 0.1 % of 7,904 requests"


@pytest.mark.parametrize(
    ("new", "old", "grade"),
    [
        (sample(1000, 1), sample(10_000, 10), "good"),
        (sample(1000, 3), sample(10_000, 10), "good"),  # chance
        (sample(100_000, 150), sample(1_000_000, 1000), "good"),  # no chance, but allowed
        (sample(99), sample(10_000), "no data"),
        (sample(30, 30), sample(570), "bad"),  # few, and certain
        (sample(1000, 0, 90), sample(10_000, 0, 100), "bad"),
        (sample(1000, 0, 12), sample(10_000, 0, 100), "good"),
        (None, sample(10_000), "no data"),
        (sample(500, 100), None, "no data"),  # nothing to compare it with
        (sample(0), sample(0), "no data"),
    ],
)
def test_a_difference_counts_when_it_is_large_and_no_chance(
    new: Sample | None, old: Sample | None, grade: str
) -> None:
    assert verdict(new, old).grade == grade


def test_a_query_without_an_answer_is_no_data() -> None:
    found = verdict(sample(500), sample(500), orders=(None, 3.0))
    assert (found.grade, found.text) == (
        "no data",
        "the query orders has no answer for the new release",
    )


def test_a_query_must_fail_three_times_in_a_row() -> None:
    analysis = replace(ANALYSIS, queries=(Query("orders", "x", max=5.0),))

    def look(value: float, before: list[Any]) -> Any:
        measured = Measured(60.0, sample(500), sample(500), {"orders": (value, 1.0)})
        found = judge(analysis, measured, 1e-4, before)
        before.append(found.as_json(0.0, 0, 5, 60.0))
        return found

    before: list[Any] = []
    assert [look(v, before).grade for v in (6, 6, 4, 6, 6, 6)] == [*["good"] * 5, "bad"]
    assert before[-1]["text"] == "orders is 6, above 5, in 3 looks in a row"


# Chance itself.


def walked(seed: int, new: dict[str, float], old: dict[str, float], requests: float = 100) -> Any:
    """A whole canary's looks with drawn traffic: None when it is good, else why not, and when."""
    source, progress, now = random.Random(seed), Progress("id", "watching", 0.0), 0.0
    for number, step in enumerate(PLAN.steps):
        progress = replace(progress, step=number, since=now)
        sums = {side: [0, 0, *[0] * len(BOUNDS)] for side in ("new", "old")}
        while now - progress.since < step.pause:
            now += STEP_SECONDS
            for side, how, share in (("new", new, step.weight), ("old", old, 100 - step.weight)):
                expected = requests * STEP_SECONDS * share / 100
                drawn = [poisson(source, expected * part) for part in classes(how)]
                count = sum(drawn)
                errors = min(count, poisson(source, expected * how.get("errors", 0.001)))
                sums[side] = [
                    a + b for a, b in zip(sums[side], [count, errors, *drawn], strict=True)
                ]
            if now - progress.since < 10:
                continue
            sides = [
                Sample(s[0], s[1], tuple(zip(BOUNDS, accumulate(s[2:]), strict=True)))
                for s in (sums["new"], sums["old"])
            ]
            progress = looked(PLAN, progress, Measured(now - progress.since, *sides), now)
            decision = decided(PLAN, progress, now)
            if decision not in ("on", "wait"):
                return decision, now
    return None


def classes(how: dict[str, float]) -> list[float]:
    """Shares of requests in a histogram's classes: around 30 ms, times `times`, and a slow share at 1 s."""
    around = {
        0.018: 0.15,
        0.025: 0.25,
        0.035: 0.25,
        0.05: 0.2,
        0.07: 0.1,
        0.1: 0.03,
        0.14: 0.015,
        0.18: 0.005,
    }
    slow, found = how.get("slow", 0.0), [0.0] * len(BOUNDS)
    for bound, share in around.items():
        index = next(i for i, b in enumerate(BOUNDS) if b >= bound * how.get("times", 1.0))
        found[index] += share * (1 - slow)
    found[BOUNDS.index(1.0)] += slow
    return found


def test_a_release_that_is_as_good_is_promoted_with_the_promised_confidence() -> None:
    bad = [seed for seed in range(SEEDS) if walked(seed, {}, {})]
    assert len(bad) <= SEEDS * (1 - ANALYSIS.confidence)


@pytest.mark.parametrize(
    ("new", "seconds", "why"),
    [
        ({"errors": 0.05}, 60, "errors"),
        ({"times": 3.0}, 60, "p95"),
        ({"slow": 0.025}, 120, "p99"),
    ],
)
def test_a_worse_release_is_found_nearly_always_and_soon(
    new: dict[str, float], seconds: float, why: str
) -> None:
    found = [walked(seed, new, {}) for seed in range(100)]
    soon = [f for f in found if f and f[1] <= seconds and f[0].reason.startswith(why)]
    assert len(soon) >= 95


# Measuring.


class Recorded:
    """A Prometheus that answers what it was told, in its API's own form."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers, self.asked = answers, []  # type: ignore[var-annotated]

    async def now(self, query: str, at: float | None = None) -> list[dict[str, Any]]:
        self.asked.append((query, at))
        found = self.answers.get(query, [])
        if isinstance(found, Exception):
            raise found
        return [{"labels": labels, "values": [[1.0, value]]} for labels, value in found]


def answers(service: str, window: str, requests: float, errors: float) -> dict[str, Any]:
    asked = {"service": service, "window": window}
    times = [({"le": "+Inf"}, requests), ({"le": "0.1"}, requests / 2)]
    return {
        REQUESTS.format(**asked): [({}, requests)],
        ERRORS.format(**asked): [({}, errors)],
        BUCKETS.format(**asked): times,
    }


async def test_counts_are_of_the_seconds_between_two_looks_of_prometheus() -> None:
    told = Recorded(answers("web-2", "50s", 100, 10) | answers("web-1", "50s", 1000, 0))
    found = await measure(told, "web", PLAN, 50, None)
    assert found.new == Sample(90, 9, ((0.1, 45.0), (inf, 90.0)))
    assert found.old == Sample(900, 0, ((0.1, 450.0), (inf, 900.0)))
    assert {at for _, at in told.asked} == {None}


async def test_an_old_release_without_requests_is_measured_before_they_went() -> None:
    told = Recorded({})
    await measure(told, "web", PLAN, 50, 1234.0)
    assert {at for query, at in told.asked if "web-1" in query} == {1234.0}
    assert {at for query, at in told.asked if "web-2" in query} == {None}


async def test_what_prometheus_does_not_tell_is_nothing() -> None:
    assert await measure(Recorded({}), "web", PLAN, 60, None) == Measured(60, None, None)
    away = Recorded({REQUESTS.format(service="web-2", window="60s"): UpstreamError("away")})
    assert await measure(away, "web", PLAN, 60, None) == Measured(60, None, None)


async def test_a_query_is_asked_for_both_releases() -> None:
    queries = (Query("orders", "f($service, $app, $window)", max=1), Query("bad", "x(", max=1))
    plan = replace(PLAN, analysis=replace(ANALYSIS, queries=queries))
    told = Recorded(
        {
            "f(web-2, web, 60s)": [({}, 3.0)],
            "f(web-1, web, 60s)": [({}, 4.0)],
            "x(": UpstreamError("parse error"),
        }
    )
    found = await measure(told, "web", plan, 60, None)
    assert found.queries == {"orders": (3.0, 4.0), "bad": (None, None)}


# Plans.


def test_a_plan_is_read_as_the_provider_writes_it() -> None:
    raw = {
        "id": "1", "strategy": "canary", "new": "web-2", "release": "2", "number": 2, "old": "web-1",
        "old_number": None, "replicas": 4, "surge": 1, "routed": True, "drain": 30,
        "start_timeout": 300, "began": 0.0, "steps": [{"weight": 5, "pause": 60}],
        "analysis": {
            "errors": 0, "latency": 1.5, "confidence": 0.99, "min_requests": 100, "on_no_data": "wait",
            "no_data_limit": 600, "queries": [{"name": "q", "query": "x", "max": None, "min": 1.0,
            "max_ratio": None}],
        },
        "image": "x", "settings": {},
    }  # fmt: skip
    plan = plan_of(raw)
    assert plan.steps == (Step(5, 60.0),)
    assert plan.analysis.queries == (Query("q", "x", min=1.0),)
    assert plan.names == ("r2", "web-1")


@pytest.mark.parametrize(
    "change",
    [
        {"strategy": "dance"}, {"steps": []}, {"steps": [{"weight": 5}]}, {"replicas": None},
        {"analysis": 3}, {"steps": 3},
    ],
)  # fmt: skip
def test_a_plan_that_cannot_be_read_is_refused(change: dict[str, Any]) -> None:
    raw = {
        "id": "1", "strategy": "canary", "new": "b", "release": "2", "number": 2, "old": "a",
        "replicas": 4, "routed": True, "drain": 30, "start_timeout": 300, "began": 0.0,
        "steps": [{"weight": 5, "pause": 60}],
    }  # fmt: skip
    plan_of(raw)
    with pytest.raises(ValueError, match=r"strategy|cannot be read"):
        plan_of({**raw, **change})
