"""What is known against an image, as it is shown to people and told to programs."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from horcrux.contents.inspection import Report
from horcrux.contents.vulnerabilities import Severity
from horcrux.contents.waivers import Judged
from horcrux.progress import output
from horcrux.report import units
from horcrux.report.units import plain

COLOURS = {Severity.HIGH: "bold red", Severity.MEDIUM: "yellow", Severity.LOW: ""}
TOLD = Severity.MEDIUM  # and above; what Debian calls minor is counted, and shown with --all


def show(name: str, report: Report, refused: Sequence[Judged], *, every: bool) -> None:
    """An image's, for people; `every`: those of severity low, too."""
    output().print(_headline(name, report, len(refused)))
    shown = [its for its in report.judged if every or its.waiver or its.finding.severity >= TOLD]
    if shown:
        output().print(_table(sorted(shown, key=lambda its: its.waiver is not None), refused))
    for line in report.told:
        output().print(f" ! {plain(line)}", markup=False, highlight=False)


def _table(shown: Sequence[Judged], refused: Sequence[Judged]) -> Table:
    table = Table(box=None, header_style="dim")
    for name in (" severity", "issue", "source", "version", "fixed in"):
        table.add_column(name, overflow="fold")
    table.add_column("")
    for its in shown:
        table.add_row(*_row(its, refused=its in refused))
    return table


def _headline(name: str, report: Report, refused: int) -> Text:
    system = report.contents.system
    what = units.many(len(report.contents.packages), "package")
    line = Text.assemble((plain(name), "bold"), f": {plain(system.name) if system else what}")
    if not report.checked:
        return line
    counts = Counter(its.finding.severity for its in report.judged if not its.waiver)
    for severity in sorted(Severity, reverse=True):
        line.append(", ").append(
            f"{counts[severity]} {severity.word}", COLOURS[severity] if counts[severity] else "dim"
        )
    waived = sum(its.waiver is not None for its in report.judged)
    if waived:
        line.append(f", {waived} waived", "dim")
    if report.undetermined:
        line.append(f", {report.undetermined} undetermined", "dim")
    if refused:
        line.append(f"; {refused} refused", "red")
    return line


def _row(its: Judged, *, refused: bool) -> list[Text]:
    finding, style = its.finding, "dim" if its.waiver else ""
    mark = "✗" if refused else " "
    cells = [
        finding.cve, finding.source, finding.version,
        finding.fixed or units.NOTHING, _of_waiver(its) or finding.note,
    ]  # fmt: skip
    first = Text(f"{mark}{finding.severity.word}", style or COLOURS[finding.severity])
    return [first, *(Text(plain(cell), style) for cell in cells)]


def _of_waiver(its: Judged) -> str:
    if its.waiver:
        return f"waived until {its.waiver.until}: {its.waiver.reason}"
    return f"its waiver ended on {its.expired.until}" if its.expired else ""


def plain_data(name: str, report: Report, refused: Sequence[Judged]) -> dict[str, Any]:
    """An image's, for programs."""
    system = report.contents.system
    return {
        "name": name,
        "repository": report.image.repository,
        "digest": report.image.digest,
        "system": system.name if system else None,
        "packages": len(report.contents.packages),
        "checked": report.checked,
        "as_of": report.day,
        "vulnerabilities": [_finding(its, refused=its in refused) for its in report.judged],
        "undetermined": report.undetermined,
        "told": report.told,
    }


def _finding(its: Judged, *, refused: bool) -> dict[str, Any]:
    finding, waiver = its.finding, its.waiver or its.expired
    return {
        "issue": finding.cve,
        "severity": finding.severity.word,
        "urgency": finding.urgency,
        "source": finding.source,
        "version": finding.version,
        "packages": finding.packages,
        "fixed_in": finding.fixed,
        "note": finding.note or None,
        "refused": refused,
        "waived": its.waiver is not None,
        "waiver": waiver.model_dump(mode="json") if waiver else None,
    }
