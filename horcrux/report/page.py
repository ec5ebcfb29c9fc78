"""The report's page: one HTML file that asks nobody for anything, also well-formed as XML."""

from horcrux.report import hosts, sections, units
from horcrux.report.figures import Report
from horcrux.report.markup import flowing, tag, text
from horcrux.report.style import CSS
from horcrux.report.words import sentences


def render(report: Report, made: float) -> str:
    """The whole file; `made`: when, as seconds since the epoch."""
    span, name = report.span, report.environment
    title = f"{name}, {_dates(report)}"
    exact = f"{units.moment(span.start)} to {units.moment(span.end)}, {units.lasting(span.seconds)}"
    parts = [
        tag("h1", f"{text(name)} <span class='soft'>{text(_dates(report))}</span>"),
        tag("p", text(exact), "note"),
        tag("p", flowing(" ".join(sentences(report))), "lead"),
        sections.cards(report),
        _missing(report),
        tag("h2", "Capacity"),
        sections.capacity(report),
        tag("h2", "Apps"),
        sections.apps(report),
        tag("h2", "Alerts"),
        sections.alerts(report),
        tag("h2", "Hosts"),
        hosts.hosts(report),
        tag("p", f"Made {text(units.moment(made))} by horcrux report.", "note made"),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"/>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>'
        f"<title>{text(title)}</title><style>{CSS}</style></head>\n"
        f"<body><main>\n{chr(10).join(part for part in parts if part)}\n</main></body></html>\n"
    )


def _dates(report: Report) -> str:
    first, last = units.day(report.span.start), units.day(report.span.end)
    dates = first if first == last else f"{first} to {last}"
    return f"{dates} {units.year(report.span.end)}"


def _missing(report: Report) -> str:
    """What is not in the report: stretches without records, questions without answers."""
    lines = [
        f"Nothing was recorded from {units.moment(start)} to {units.moment(end)} "
        f"({units.lasting(end - start)})."
        for start, end in report.gaps
        if report.recorded
    ]
    lines += [f"Not in here: {what} ({why})." for what, why in report.failed.items()]
    return "".join(tag("p", text(line), "note") for line in lines)
