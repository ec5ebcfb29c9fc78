"""The report's section of hosts: what they have left, now, at the peak, on average."""

from collections.abc import Sequence

from horcrux.report import units
from horcrux.report.charts import COLOURS, Line
from horcrux.report.figures import Host, Report, Use
from horcrux.report.markup import bar, figure, table, tag, text

HIGH, FULL = 0.75, 0.9  # of a host's own: worth a look; worth doing something


def hosts(report: Report) -> str:
    """What hosts have left: now, at the peak, on average."""
    if not report.hosts:
        return tag("p", "Nothing was recorded of the hosts.", "soft")
    columns = [("host", "text")]
    for kind in ("CPU", "memory", "disk"):
        columns += [(f"{kind} now", ""), ("peak", "n"), ("average", "n")]
    listing = table(columns, (_host_row(host) for host in report.hosts))
    kinds = (("processors", "cpu"), ("memory", "memory"), ("disk", "disk"))
    charts = "".join(
        figure(
            f"{title} used",
            report.span,
            _most_used(report.hosts, kind),
            units.percent_mark,
            least=1.0,
        )
        for title, kind in kinds
    )
    some = f"Charts are of the {COLOURS} hosts with the highest averages."
    note = tag("p", some, "note") if len(report.hosts) > COLOURS else ""
    return listing + tag("div", charts, "charts") + note


def _host_row(host: Host) -> list[str]:
    cells = [text(host.name)]
    for use in (host.cpu, host.memory, host.disk):
        cells.append(bar(use.now, units.percent(use.now), high=HIGH, full=FULL))
        cells.append(tag("span", units.percent(use.peak), of_use(use.peak)))
        cells.append(units.percent(use.average))
    return cells


def _most_used(found: Sequence[Host], kind: str) -> list[Line]:
    def use(host: Host) -> Use:
        got: Use = getattr(host, kind)
        return got

    most = sorted(found, key=lambda h: -(use(h).average or 0))[:COLOURS]
    return [Line(host.name, use(host).points) for host in sorted(most, key=lambda h: h.name)]


def of_use(value: float | None) -> str:
    """How a share of a host's own is coloured."""
    if value is None:
        return ""
    return "bad" if value >= FULL else "warn" if value >= HIGH else ""
