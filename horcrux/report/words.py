"""The report's summary: what somebody reads who reads nothing else. Pure."""

from horcrux.report.figures import Report
from horcrux.report.firing import union_seconds
from horcrux.report.units import MINUTE, count, good, lasting, many, moment


def sentences(report: Report) -> list[str]:
    """The span in a few sentences, the most important first."""
    if not report.recorded:
        return [
            "Nothing was recorded in this time: monitoring did not run, or it has no records that old."
        ]
    return [_served(report), _downtime(report), _alerts(report), *_changes(report), *_holes(report)]


def good_share(report: Report) -> float | None:
    """The share of good requests over all apps."""
    asked = sum(app.requests or 0 for app in report.apps)
    return 1 - sum(app.bad or 0 for app in report.apps) / asked if asked else None


def _served(report: Report) -> str:
    asked = sum(app.requests or 0 for app in report.apps)
    apps = many(len(report.apps), "app")
    if not asked:
        return f"{apps.capitalize()}, and no requests were counted."
    return (
        f"{apps.capitalize()} served {count(asked)} requests, "
        f"{good(good_share(report))} of them good."
    )


def _downtime(report: Report) -> str:
    down = [app for app in report.apps if app.down_minutes >= 1]
    if not down:
        return "No app was down."
    worst = max(down, key=lambda app: app.down_minutes)
    took = lasting(worst.down_minutes * MINUTE)
    if len(down) == 1:
        return f"{worst.name} was down for {took}; no other app was."
    return f"{many(len(down), 'app')} were down for a time, {worst.name} the longest ({took})."


def _alerts(report: Report) -> str:
    if any(what == "alerts" for what in report.failed):
        return "Alerts could not be asked for."
    critical = [a for a in report.alerts if a.severity == "critical"]
    others = [a for a in report.alerts if a.severity == "warning"]
    rest = f"{many(len(others), 'warning')}" if others else ""
    if not critical:
        return f"No critical alert fired; {rest or 'no warning did either'}."
    took = lasting(union_seconds(critical))
    text = f"{many(len(critical), 'critical alert')} fired, for {took} in all"
    return f"{text}; {rest}." if rest else f"{text}."


def _changes(report: Report) -> list[str]:
    if not report.releases:
        return []
    apps = len({release.app for release in report.releases})
    return [f"{many(len(report.releases), 'release')} of {many(apps, 'app')}."]


def _holes(report: Report) -> list[str]:
    missing = report.span.seconds - report.covered
    if not missing:
        return []
    first = report.gaps[0]
    if first == (report.span.start, first[1]) and len(report.gaps) == 1:
        return [f"The records begin on {moment(first[1])}: of what was before, nothing is known."]
    return [f"For {lasting(missing)} nothing was recorded; what happened then is not in here."]
