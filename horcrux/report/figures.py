"""The report's figures, computed from the answers: apps, hosts, alerts, releases. Pure."""

from dataclasses import dataclass, field

from horcrux.report.ask import Answers
from horcrux.report.firing import Firing, firings
from horcrux.report.releases import Release, began
from horcrux.report.span import Points, Span, gaps

KINDS = ("cpu", "memory", "disk")


@dataclass(frozen=True)
class App:
    """One app over the span."""

    name: str
    requests: float | None  # how many
    bad: float | None  # of them, answered 5xx
    down_minutes: float
    load: Points
    errors: Points
    p50: Points
    p95: Points
    p99: Points
    peak: float | None
    replicas: int | None = None
    releases: tuple[Release, ...] = ()

    @property
    def good(self) -> float | None:
        """The share of good requests; None without any."""
        return 1 - self.bad / self.requests if self.requests and self.bad is not None else None


@dataclass(frozen=True)
class Use:
    """One host's use of one thing, as shares of what it has."""

    points: Points
    peak: float | None

    @property
    def now(self) -> float | None:
        """The last known."""
        return next((p for p in reversed(self.points) if p is not None), None)

    @property
    def average(self) -> float | None:
        """Over what is known."""
        return mean(self.points)


@dataclass(frozen=True)
class Host:
    """One host over the span."""

    name: str
    cpu: Use
    memory: Use
    disk: Use


@dataclass(frozen=True)
class Report:
    """Everything that a page shows."""

    environment: str
    span: Span
    apps: tuple[App, ...]
    hosts: tuple[Host, ...]
    alerts: tuple[Firing, ...]
    releases: tuple[Release, ...]
    gaps: tuple[tuple[int, int], ...]
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def recorded(self) -> bool:
        """Whether there is anything at all."""
        return bool(self.apps or self.hosts) and self.covered > 0

    @property
    def covered(self) -> int:
        """Seconds of the span with figures."""
        return self.span.seconds - sum(end - start for start, end in self.gaps)


def mean(points: Points) -> float | None:
    """The average of what is known."""
    known = [p for p in points if p is not None]
    return sum(known) / len(known) if known else None


def compute(answers: Answers, span: Span) -> Report:
    """The report's figures. Apps by requests, hosts by name."""
    marks = began(answers.of("releases"), span)
    known = {a["name"]: a for a in answers.overview.get("apps") or ()}
    names = {dict(k).get("app", "") for q in ("responses", "load") for k in answers.of(q)}
    apps = [
        _app(n, answers, span, marks, known.get(n)) for n in sorted((names | set(known)) - {""})
    ]
    hosts = {dict(k).get("host", "") for kind in KINDS for k in answers.of(kind)}
    found = [_host(name, answers, span) for name in sorted(hosts - {""})]
    series = [a.load for a in apps] + [a.errors for a in apps] + [h.cpu.points for h in found]
    columns = zip(*series, strict=True) if series else [()] * len(span.times)
    there = [any(value is not None for value in column) for column in columns]
    return Report(
        environment=str(answers.overview.get("environment") or ""),
        span=span,
        apps=tuple(sorted(apps, key=lambda a: -(a.requests or 0))),
        hosts=tuple(found),
        alerts=tuple(firings(answers.of("alerts"), span)),
        releases=marks,
        gaps=tuple(gaps(span, there)),
        failed=dict(answers.failed),
    )


def _app(
    name: str,
    answers: Answers,
    span: Span,
    marks: tuple[Release, ...],
    known: dict[str, object] | None,
) -> App:
    total, bad = _responses(name, answers)
    errors = {at: bad.get(at, 0) / count for at, count in total.items() if count > 0}
    replicas = known.get("replicas") if known else None
    return App(
        name=name,
        requests=sum(total.values()) if total else None,
        bad=sum(bad.values()) if total else None,
        down_minutes=sum(_one(answers, "down", "app", name).values()),
        load=span.fitted(_one(answers, "load", "app", name)),
        errors=span.fitted(errors),
        p50=span.fitted(_one(answers, "p50", "app", name)),
        p95=span.fitted(_one(answers, "p95", "app", name)),
        p99=span.fitted(_one(answers, "p99", "app", name)),
        peak=max(_one(answers, "peak", "app", name).values(), default=None),
        replicas=replicas.get("desired") if isinstance(replicas, dict) else None,
        releases=tuple(mark for mark in marks if mark.app == name),
    )


def _responses(app: str, answers: Answers) -> tuple[dict[int, float], dict[int, float]]:
    """All responses and those that were errors of ours, by time."""
    total: dict[int, float] = {}
    bad: dict[int, float] = {}
    for key, samples in answers.of("responses").items():
        labels = dict(key)
        if labels.get("app") != app:
            continue
        for at, value in samples.items():
            total[at] = total.get(at, 0) + value
            if labels.get("code") == "5xx":
                bad[at] = bad.get(at, 0) + value
    return total, bad


def _host(name: str, answers: Answers, span: Span) -> Host:
    uses = {}
    for kind in KINDS:
        peaks = _one(answers, f"{kind}_peak", "host", name)
        points = span.fitted(_one(answers, kind, "host", name))
        uses[kind] = Use(points, max(peaks.values(), default=None))
    return Host(name, **uses)


def _one(answers: Answers, query: str, label: str, name: str) -> dict[int, float]:
    """One thing's samples."""
    for labels, samples in answers.of(query).items():
        if dict(labels).get(label) == name:
            return samples
    return {}
