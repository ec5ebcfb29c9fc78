"""When alerts fired, out of the ALERTS series. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from horcrux.report.ask import Labels
from horcrux.report.span import Span

RANK = {"critical": 0, "warning": 1}
SUBJECTS = ("app", "service", "host", "member", "receiver", "what", "mountpoint")


@dataclass(frozen=True)
class Firing:
    """One alert about one thing, and the stretches in which it fired."""

    name: str
    severity: str
    subject: str
    stretches: tuple[tuple[int, int], ...]

    @property
    def seconds(self) -> int:
        """How long it fired in all."""
        return sum(end - start for start, end in self.stretches)


def firings(series: dict[Labels, dict[int, float]], span: Span) -> list[Firing]:
    """Alerts, the most severe first, of those what fired longest."""
    found = []
    for key, samples in series.items():
        labels = dict(key)
        stretches = tuple(_stretches(sorted(samples), span.fine))
        if stretches:
            subject = [labels[name] for name in SUBJECTS if labels.get(name)]
            severity = labels.get("severity", "info")
            found.append(
                Firing(labels.get("alertname", "?"), severity, " ".join(subject), stretches)
            )
    return sorted(found, key=lambda f: (RANK.get(f.severity, 2), -f.seconds, f.name, f.subject))


def _stretches(times: list[int], step: int) -> Iterator[tuple[int, int]]:
    """Samples that follow each other as (from, to): each tells of the step before it."""
    start = end = None
    for at in times:
        if end is None or at - end > step:
            if start is not None and end is not None:
                yield start, end
            start = at - step
        end = at
    if start is not None and end is not None:
        yield start, end


def union_seconds(alerts: list[Firing]) -> int:
    """How long at least one of them fired."""
    total, reached = 0, 0
    for start, end in sorted(s for alert in alerts for s in alert.stretches):
        total += max(0, end - max(start, reached))
        reached = max(reached, end)
    return total
