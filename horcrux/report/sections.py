"""The report's sections: figures → HTML. Pure, but for the zone of this machine's clock."""

from horcrux.report import units
from horcrux.report.advice import ACT, WATCH, advise
from horcrux.report.charts import Line, Mark
from horcrux.report.figures import App, Report, mean
from horcrux.report.firing import Firing, union_seconds
from horcrux.report.hosts import of_use
from horcrux.report.markup import figure, flowing, table, tag, text
from horcrux.report.span import Span
from horcrux.report.words import good_share

DETAILED = 12  # apps with charts of their own, the most asked for; the table has all of them
SHOWN = 0.01  # the least that a chart of errors reaches to: a trace is to look like one
GOOD, FAIR = 0.999, 0.99  # of requests: fine; worth a look; below, bad
LEVELS = {ACT: "To do", WATCH: "To watch"}


def cards(report: Report) -> str:
    """The four figures that matter most."""
    share, asked = good_share(report), sum(app.requests or 0 for app in report.apps)
    critical = union_seconds([a for a in report.alerts if a.severity == "critical"])
    peaks = [p for h in report.hosts for p in (h.cpu.peak, h.memory.peak) if p is not None]
    most = max(peaks, default=None)
    unknown = "alerts" in report.failed
    shown = (
        (units.count(asked) if report.apps else units.NOTHING, "requests", ""),
        (units.good(share), "of them good", _of_share(share)),
        (
            units.NOTHING if unknown else units.lasting(critical) if critical else "none",
            "with critical alerts" if critical else "critical alerts",
            "" if unknown else "bad" if critical else "good",
        ),
        (units.percent(most), "the highest use of a host's CPU or memory", of_use(most)),
    )
    inner = "".join(
        tag("div", f"{tag('b', text(value), kind)}<span>{text(what)}</span>", "card")
        for value, what, kind in shown
    )
    return tag("div", inner, "cards")


def capacity(report: Report) -> str:
    """What to add, what to watch."""
    found = advise(report)
    if not found:
        return tag("p", "Without figures, there is no advice.", "soft")
    items = "".join(
        tag("li", f"{tag('b', LEVELS.get(a.level, 'Well'))}{flowing(a.text)}", a.level)
        for a in found
    )
    return tag("ul", items, "advice")


def apps(report: Report) -> str:
    """A table of all, and charts of those that are asked most."""
    if not report.apps:
        return tag("p", "There are no apps, or nothing was recorded of them.", "soft")
    columns = (
        ("app", "text"), ("requests", "n"), ("good", "n"), ("down", "n"),
        ("highest load", "n"), ("p50", "n"), ("p95", "n"), ("p99", "n"), ("releases", "n"),
    )  # fmt: skip
    listing = table(columns, (_app_row(app) for app in report.apps))
    detailed = [app for app in report.apps if app.requests][:DETAILED]
    shown = "".join(_app(app, report.span) for app in detailed)
    left = sum(bool(app.requests) for app in report.apps) - len(detailed)
    note = (
        "Good: not answered with a server error (5xx). Down: minutes in which half of the requests or "
        "more failed. Latencies are means of one-minute values."
    )
    if left:
        note += f" Charts are of the {units.many(len(detailed), 'app')} asked most."
    return listing + tag("p", note, "note") + shown


def _app_row(app: App) -> list[str]:
    peak = f"{units.rate(app.peak)}/s" if app.peak is not None else units.NOTHING
    return [
        text(app.name),
        units.count(app.requests),
        tag("span", units.good(app.good), _of_share(app.good)),
        units.lasting(app.down_minutes * units.MINUTE) if app.down_minutes else "none",
        text(peak),
        *(units.seconds(mean(points)) for points in (app.p50, app.p95, app.p99)),
        str(len(app.releases)) if app.releases else units.NOTHING,
    ]


def _app(app: App, span: Span) -> str:
    marks = [Mark(release.at, release.name) for release in app.releases]
    said = [f"{units.count(app.requests)} requests", f"{units.good(app.good)} good"]
    if marks:
        began = units.listed(f"{m.name} ({units.moment(m.at)})" for m in marks[-3:])
        said.append(f"released: {began}" if len(marks) <= 3 else f"last released: {began}")
    head = tag("h3", text(app.name)) + tag("span", text(" · ".join(said)), "note")
    charts = (
        figure("requests a second", span, [Line("load", app.load)], units.rate_mark, marks=marks)
        + figure(
            "share of errors",
            span,
            [Line("errors", app.errors)],
            units.percent_mark,
            marks=marks,
            least=SHOWN,
        )
        + figure(
            "latency",
            span,
            [Line("p95", app.p95), Line("p99", app.p99)],
            units.seconds_mark,
            marks=marks,
        )
    )
    return tag("div", tag("div", head, "head") + tag("div", charts, "charts"), "app")


def alerts(report: Report) -> str:
    """What fired, when, and for how long."""
    if "alerts" in report.failed:
        return tag("p", "Alerts could not be asked for.", "soft")
    if not report.alerts:
        return tag("p", "No alert fired." if report.recorded else "Nothing was recorded.", "soft")
    span = report.span
    ends = f"<span>{text(units.day(span.start))}</span><span>{text(units.day(span.end))}</span>"
    columns = (("alert", ""), ("about", "text"), ("severity", ""), ("times", "n"), ("in all", "n"),
               ("last", ""), ("when", ""))  # fmt: skip
    rows = [_alert_row(alert, span) for alert in report.alerts]
    rows.append(["", "", "", "", "", "", tag("div", ends, "ends note")])
    return table(columns, rows)


def _alert_row(alert: Firing, span: Span) -> list[str]:
    kind = {"critical": "bad", "warning": "warn"}.get(alert.severity, "soft")
    severity = alert.severity if alert.severity in {"critical", "warning"} else "info"
    times = "".join(
        f'<i class="{severity}" style="left:{100 * (start - span.start) / span.seconds:.2f}%;'
        f'width:{100 * (end - start) / span.seconds:.2f}%"></i>'
        for start, end in alert.stretches
    )
    return [
        text(alert.name),
        text(alert.subject or units.NOTHING),
        tag("span", text(alert.severity), kind),
        str(len(alert.stretches)),
        units.lasting(alert.seconds),
        text(units.moment(alert.stretches[-1][0])),
        tag("div", times, "time"),
    ]


def _of_share(value: float | None) -> str:
    if value is None:
        return ""
    return "good" if value >= GOOD else "warn" if value >= FAIR else "bad"
