"""The report's questions, asked piece by piece; what is not answered is told, not fatal."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from horcrux.cluster.control import ControlError
from horcrux.report.queries import QUERIES, Query
from horcrux.report.span import Span
from horcrux.report.units import DAY, number

Asking = Callable[[str], dict[str, Any]]  # a path of control's API → its answer
Labels = tuple[tuple[str, str], ...]
# Control waits 4 s for Prometheus: a day of raw samples takes a fraction of that.
PIECE_SECONDS = DAY


@dataclass
class Answers:
    """What came back: for each query, samples by time for each set of labels."""

    series: dict[str, dict[Labels, dict[int, float]]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)  # what could not be asked, and why
    overview: dict[str, Any] = field(default_factory=dict)

    def of(self, query: str) -> dict[Labels, dict[int, float]]:
        """The series of a query; none when it was not answered."""
        return self.series.get(query, {})


def gather(ask: Asking, span: Span, told: Callable[[str, int, int], None]) -> Answers:
    """Ask everything; `told(what, done, total)` as it goes on. Raises ControlError if nothing answers."""
    answers = Answers(overview=ask("/v1/overview"))
    asked = [(query, piece) for query in QUERIES for piece in pieces(span, query)]
    for done, (query, (start, end, step)) in enumerate(asked):
        told(query.what, done, len(asked))
        if query.what in answers.failed:
            continue
        values = {"query": query.of(step), "start": start, "end": end, "step": step}
        try:
            answer = ask(f"/v1/query?{urlencode(values, quote_via=quote)}")
        except ControlError as error:
            answers.failed[query.what] = str(error)
        else:
            _keep(answers.series.setdefault(query.name, {}), answer)
    told("", len(asked), len(asked))
    if len(answers.failed) == len(QUERIES):
        raise ControlError(f"monitoring does not answer: {next(iter(answers.failed.values()))}")
    return answers


def pieces(span: Span, query: Query) -> list[tuple[int, int, int]]:
    """The stretches (first, last, step) that a query is asked in."""
    step = span.fine if query.fine else span.step
    times = range(span.start + step, span.end + 1, step)
    most = max(1, math.floor(PIECE_SECONDS / step))
    parts = [times[i : i + most] for i in range(0, len(times), most)]
    return [(part[0], part[-1], step) for part in parts]


def _keep(into: dict[Labels, dict[int, float]], answer: dict[str, Any]) -> None:
    for series in answer.get("result") or ():
        labels = {k: str(v) for k, v in series["labels"].items() if k != "__name__"}
        samples = into.setdefault(tuple(sorted(labels.items())), {})
        for at, value in series.get("values") or ():
            found = number(value)
            if found is not None:
                samples[round(at)] = found
