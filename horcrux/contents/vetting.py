"""Whether an image may be deployed, by what is known against it."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from horcrux.contents import inspection
from horcrux.contents.inspection import Report
from horcrux.contents.waivers import Judged
from horcrux.exits import HorcruxError
from horcrux.images.located import Located
from horcrux.settings.vulnerabilities import Vulnerabilities

SHOWN = 20  # vulnerabilities in an error; beyond that their number says more
WAIVED_DAYS = (
    30  # in the example of a waiver: time for Debian to repair it, and for you to build anew
)
NAMED = 3  # packages of one source; glibc has a dozen
DPKG_FILES = "var/lib/dpkg/"
SETTING = "horcrux:images.vulnerabilities"


def check(image: Located, policy: Mapping[str, Any], project: str, today: date) -> list[str]:
    """Refuse an image before it is deployed. Returns what the user is to be told nevertheless.

    `policy`: settings.Vulnerabilities as JSON has it; `project`: its folder. Raises HorcruxError with all
    that is refused; also when there is a policy, and no advisories are kept and none can be had.
    """
    rules = Vulnerabilities.model_validate(dict(policy))
    if rules.refuse == "none":
        return []
    try:
        folder = Path(project)
        advisories = inspection.known(folder, rules.data)
        found = inspection.report(image, rules, folder, today, advisories)
    except HorcruxError as error:
        raise HorcruxError(
            f"{image.name}@{image.digest} is not deployed, since it cannot be checked for known "
            f"vulnerabilities: {error}. To deploy it unchecked: {SETTING}.refuse: none"
        ) from None
    if unread := [line for line in found.contents.unread if line.startswith(DPKG_FILES)]:
        raise HorcruxError(
            f"{image.name}@{image.digest} is not deployed, since what is installed in it cannot be read: "
            f"{'; '.join(unread)}. To deploy it unchecked: {SETTING}.refuse: none"
        )
    refused = found.refused(rules.refuse)
    if refused:
        raise HorcruxError(refusal(found, refused, rules.refuse, today))
    return [f"{image.name}: {line}" for line in found.told]


def refusal(found: Report, refused: Sequence[Judged], refuse: str, today: date) -> str:
    """Why an image is not deployed, and what to do, in words. Pure."""
    where = found.image.name
    lines = [f"  {line(its)}" for its in refused[:SHOWN]]
    if len(refused) > SHOWN:
        lines.append(f"  and {len(refused) - SHOWN} more: horcrux images vulnerabilities")
    until = today + timedelta(days=WAIVED_DAYS)
    return "\n".join(
        [
            f"{where}@{found.image.digest} is not deployed. As of {found.day} it has known vulnerabilities "
            f"of severity {refuse} or higher ({SETTING}.refuse):",
            *lines,
            "Where a fix is named, build the image anew with today's packages. To take one nevertheless, "
            f"write to {SETTING}:",
            f"  waivers: [{{cve: {refused[0].finding.cve}, images: {where}, reason: …, until: {until}}}]",
        ]
    )


def line(its: Judged) -> str:
    """One finding in words."""
    finding = its.finding
    names = ", ".join(finding.packages[:NAMED])
    if (more := len(finding.packages) - NAMED) > 0:
        names += f" and {more} more"
    fixed = f"fixed in {finding.fixed}" if finding.fixed else "not fixed yet"
    ended = f"; its waiver ended on {its.expired.until}" if its.expired else ""
    of = f"{finding.source} {finding.version} ({names})"
    return f"{finding.cve} ({finding.severity.word}): {of}, {fixed}{ended}"
