"""Whether a canary is good: its errors and its times against those of the old release. Pure.

Both get requests of the same seconds, so what ails both (a database, the network) is no fault of the new
release. A difference counts when it is larger than allowed and, beyond that, not by chance.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import floor
from typing import Any, Literal

from control.rollouts.measure import Measured, Sample
from control.rollouts.plan import Analysis, Query
from control.rollouts.statistics import above, fisher, quantile

QUANTILES = {"p95": 0.95, "p99": 0.99}
CHECKS = 1 + len(QUANTILES)  # that may err by chance: errors and times
LOOKS_IN_A_ROW = (
    3  # in which a query of the user's own must fail: it comes without a measure of chance
)
Grade = Literal["good", "bad", "no data"]


@dataclass(frozen=True)
class Check:
    """One comparison; `ok` is None where there was nothing to compare."""

    name: str
    new: float | None
    old: float | None
    p: float | None
    ok: bool | None
    text: str = ""  # what is wrong, or what there is to say


@dataclass(frozen=True)
class Verdict:
    """What one look came to."""

    grade: Grade
    text: str
    checks: tuple[Check, ...] = ()
    new: Mapping[str, Any] = field(default_factory=dict)
    old: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self, at: float, step: int, weight: int, window: float) -> dict[str, Any]:
        """As the progress tells it."""
        checks = [{k: v for k, v in asdict(c).items() if k != "text"} for c in self.checks]
        return {
            "at": floor(at * 10) / 10,  # never later than what follows from it
            "step": step,
            "weight": weight,
            "window": round(window, 1),
            "new": self.new,
            "old": self.old,
            "checks": checks,
            "verdict": self.grade,
            "text": self.text,
        }


def judge(
    analysis: Analysis, measured: Measured, alpha: float, before: Sequence[Mapping[str, Any]]
) -> Verdict:
    """The verdict on what was measured. `before`: the step's earlier ones, as the progress has them.

    A fault that is certain is one however few requests showed it; only `good` needs `min_requests`.
    """
    new, old = measured.new, measured.old
    if new is None:
        return Verdict("no data", "Prometheus tells nothing of the new release")
    told = {"new": _told(new), "old": _told(old) if old else {}}
    checks = [*_compared(analysis, new, old, alpha), *_asked(analysis, measured)]
    wrong = [c for c in checks if c.ok is False and _certain(c, analysis, before)]
    kept = tuple(checks)
    if wrong:
        text = f"{wrong[0].text}{_confidence(wrong[0], analysis)}"
        return Verdict("bad", text, kept, **told)
    if new.requests and (old is None or not old.requests):
        return Verdict("no data", "the old release has no requests to compare with", kept, **told)
    if new.requests < analysis.min_requests:
        text = f"{_count(new.requests)} requests, and {_count(analysis.min_requests)} are needed"
        return Verdict("no data", text, kept, **told)
    if silent := [c.name for c in checks[CHECKS:] if c.ok is None]:
        text = f"the query {silent[0]} has no answer for the new release"
        return Verdict("no data", text, kept, **told)
    return Verdict("good", checks[0].text, kept, **told)


def failing(verdict: Mapping[str, Any], names: Sequence[str]) -> str | None:
    """The first of these checks that a verdict found wrong."""
    bad = (c["name"] for c in verdict["checks"] if c["ok"] is False)
    return next((name for name in bad if name in names), None)


def _certain(check: Check, analysis: Analysis, before: Sequence[Mapping[str, Any]]) -> bool:
    """Errors and times are by their p-value; a query that fails now may be well at the next look."""
    if check.name not in {q.name for q in analysis.queries}:
        return True
    last = before[-(LOOKS_IN_A_ROW - 1) :]
    return len(last) == LOOKS_IN_A_ROW - 1 and all(failing(v, [check.name]) for v in last)


def _compared(analysis: Analysis, new: Sample, old: Sample | None, alpha: float) -> Iterator[Check]:
    yield _errors(analysis, new, old, alpha)
    for name, share in QUANTILES.items():
        yield _times(name, share, analysis, new, old, alpha)


def _errors(analysis: Analysis, new: Sample, old: Sample | None, alpha: float) -> Check:
    ours = _share(new)
    if old is None or old.requests == 0 or ours is None:
        return Check(
            "errors", ours, None, None, None, f"errors {_failed(new)}; nothing to compare with"
        )
    theirs = _share(old)
    assert theirs is not None
    p = fisher(new.errors, new.requests, old.errors, old.requests)
    ok = not (ours - theirs > analysis.errors and p < alpha)
    text = f"errors {_failed(new)} against {_failed(old)}"
    return Check("errors", ours, theirs, p, ok, text)


def _times(
    name: str, share: float, analysis: Analysis, new: Sample, old: Sample | None, alpha: float
) -> Check:
    """The interpolated quantiles are compared, and requests above the class that ends next above the old
    one's are counted."""
    ours = quantile(share, new.buckets)
    theirs = quantile(share, old.buckets) if old else None
    if old is None or ours is None or theirs is None:
        return Check(name, ours, theirs, None, None)
    bound, _, _ = above(theirs, old.buckets)
    slow, of = _slower(bound, new)
    others, of_others = _slower(bound, old)
    p = fisher(slow, of, others, of_others)
    ok = not (ours > analysis.latency * theirs and p < alpha)
    text = (
        f"{name} {_seconds(ours)} against {_seconds(theirs)}; {_percent(slow, of)} of {_count(of)} "
        f"requests took longer than {_seconds(bound)}, against {_percent(others, of_others)} of "
        f"{_count(of_others)}"
    )
    return Check(name, ours, theirs, p, ok, text)


def _slower(bound: float, sample: Sample) -> tuple[int, int]:
    """How many requests took longer than a bound, and of how many."""
    _, slow, of = above(bound, sample.buckets)
    return slow, of


def _asked(analysis: Analysis, measured: Measured) -> Iterator[Check]:
    for query in analysis.queries:
        new, old = measured.queries.get(query.name, (None, None))
        trouble = None if new is None else _trouble(query, new, old)
        ok = None if new is None else trouble is None
        yield Check(query.name, new, old, None, ok, trouble or "")


def _trouble(query: Query, new: float, old: float | None) -> str | None:
    if query.max is not None and new > query.max:
        return f"{query.name} is {new:.4g}, above {query.max:g}"
    if query.min is not None and new < query.min:
        return f"{query.name} is {new:.4g}, below {query.min:g}"
    if query.max_ratio is not None and old is not None and new > query.max_ratio * old:
        return f"{query.name} is {new:.4g}, above {query.max_ratio:g} times the old one's {old:.4g}"
    return None


def _confidence(check: Check, analysis: Analysis) -> str:
    if check.p is None:
        return f", in {LOOKS_IN_A_ROW} looks in a row"
    return f" (p = {check.p:.1g}, confidence {100 * analysis.confidence:g} %)"


def _told(sample: Sample) -> dict[str, Any]:
    p95 = quantile(QUANTILES["p95"], sample.buckets)
    return {"requests": sample.requests, "errors": sample.errors, "p95": p95}


def _share(sample: Sample) -> float | None:
    return sample.errors / sample.requests if sample.requests else None


def _failed(sample: Sample) -> str:
    return f"{_percent(sample.errors, sample.requests)} of {_count(sample.requests)} requests"


def _percent(part: int, of: int) -> str:
    share = 100 * part / of if of else 0.0
    return f"{share:.2g} %" if 0 < share < 0.095 else f"{share:.1f} %"


def _count(number: int) -> str:
    return f"{number:,}"


def _seconds(value: float) -> str:
    return f"{1000 * value:.0f} ms" if value < 1 else f"{value:.2f} s"
