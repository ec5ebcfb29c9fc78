"""When releases began, out of the series of what ran. Pure."""

from dataclasses import dataclass

from horcrux.report.ask import Labels
from horcrux.report.span import Span


@dataclass(frozen=True)
class Release:
    """A release's first moment, as monitoring saw it."""

    app: str
    name: str
    at: int


def began(series: dict[Labels, dict[int, float]], span: Span) -> tuple[Release, ...]:
    """Releases that began within the span: not those that were there when the records begin."""
    first: dict[tuple[str, str], tuple[float, str]] = {}
    for key, samples in series.items():
        labels = dict(key)
        if not samples:
            continue
        at, known = min(samples.values()), (labels.get("app", ""), labels.get("release", ""))
        before, number = first.get(known, (at, ""))
        first[known] = (min(at, before), labels.get("number") or number)
    records = min((at for at, _ in first.values()), default=0)
    return tuple(
        Release(app, f"r{number}" if number else release, round(at))
        for (app, release), (at, number) in sorted(first.items(), key=lambda item: item[1])
        if at > records + span.fine
    )
