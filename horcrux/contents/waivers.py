"""Waivers: known vulnerabilities that somebody takes, for a reason and until a day. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase

from horcrux.contents.vulnerabilities import Finding
from horcrux.settings.vulnerabilities import Waiver


@dataclass(frozen=True)
class Judged:
    """A finding, and the waiver that holds for it today; else the latest that has expired."""

    finding: Finding
    waiver: Waiver | None = None
    expired: Waiver | None = None


def judged(
    findings: Iterable[Finding], waivers: Sequence[Waiver], image: str, today: date
) -> list[Judged]:
    """Each finding with its waiver; `image`: see Located.name.

    The day that a waiver names is the last on which it holds.
    """
    return [_judged(finding, waivers, image, today) for finding in findings]


def _judged(finding: Finding, waivers: Sequence[Waiver], image: str, today: date) -> Judged:
    meant = [
        waiver
        for waiver in waivers
        if waiver.cve == finding.cve and fnmatchcase(image, waiver.images)
    ]
    if not meant:
        return Judged(finding)
    last = max(meant, key=lambda waiver: waiver.until)
    return Judged(finding, last) if last.until >= today else Judged(finding, expired=last)
