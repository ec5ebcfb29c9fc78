"""Known vulnerabilities of an image: its packages laid beside Debian's advisories. Pure.

What the tracker's words mean: https://security-team.debian.org/security_tracker.html. Alpine's and Python's
packages, and those of distributions made from Debian, are not looked at: Debian's data says nothing of them.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum

from debian_inspector.version import (  # type: ignore[import-untyped]
    Version,
    compare_version_objects,
)

from horcrux.contents.packages import Contents, Package

DEBIAN = "debian"
KERNEL = "linux"  # headers of it may be in an image; the kernel that runs is the host's
LONGEST = 250  # characters of a version; Debian's have 60 at most, and comparing takes their square
NEVER = "0"  # the version in which an issue is fixed where it never was


class Severity(IntEnum):
    """How bad, in the tracker's own judgement; ADR 26 says why not by CVSS."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3

    @property
    def word(self) -> str:
        """As settings and people write it."""
        return self.name.lower()


@dataclass(frozen=True)
class Advisory:
    """What the tracker says of an issue of a source package in one release.

    `status`: open, resolved or undetermined; `fixed`: the version that has it no more, in this release;
    `security`: the version among the release's security updates; `unstable`: `fixed` in Debian's unstable;
    `minor`: why there is no security update for it (no-dsa).
    """

    source: str
    cve: str
    status: str
    urgency: str
    fixed: str = ""
    security: str = ""
    unstable: str = ""
    minor: str = ""


@dataclass(frozen=True)
class Finding:
    """An image's packages, from one source, that have a known vulnerability.

    `fixed`: the version of the source to have in their place, None where the release has none yet;
    `note`: what else the tracker says.
    """

    severity: Severity
    cve: str
    source: str
    version: str
    packages: tuple[str, ...]
    fixed: str | None
    urgency: str
    note: str = ""


@dataclass(frozen=True)
class Findings:
    """The worst first. `undetermined`: issues of which nobody has found out yet whether they are there;
    `unchecked`: packages that were not looked at, by kind.
    """

    found: tuple[Finding, ...]
    undetermined: int
    unchecked: Mapping[str, int]


def is_debian(contents: Contents) -> bool:
    """Whether Debian's advisories are about this image."""
    return contents.system is not None and contents.system.id == DEBIAN


def sources(contents: Contents) -> set[str]:
    """The source packages to look advisories up for."""
    if not is_debian(contents):
        return set()
    return {package.source for package in contents.packages if package.kind == "deb"} - {KERNEL}


def findings(contents: Contents, advisories: Iterable[Advisory]) -> Findings:
    """What is known of the image's packages; `advisories`: of its release."""
    looked_at = sources(contents)
    installed: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    unchecked: Counter[str] = Counter()
    for package in contents.packages:
        if package.kind == "deb" and package.source in looked_at:
            installed[package.source][package.source_version].append(package.name)
        elif not _is_kernel(package):
            unchecked[package.kind] += 1
    found, undetermined = [], 0
    for advisory in advisories:
        if advisory.urgency == "unimportant":  # not a vulnerability as Debian builds the package
            continue
        for version, names in installed.get(advisory.source, {}).items():
            if not affected(version, advisory):
                continue
            if advisory.status == "undetermined":
                undetermined += 1
            else:
                found.append(_finding(advisory, version, names))
    return Findings(tuple(sorted(found, key=_worst_first)), undetermined, dict(unchecked))


def affected(version: str, advisory: Advisory) -> bool:
    """Whether a version of the advisory's source has its issue."""
    if advisory.fixed == NEVER:
        return False
    if advisory.status == "resolved":
        return older(version, advisory.fixed)
    # A version newer than the release's, from backports say, may have what unstable has.
    return not advisory.unstable or older(version, advisory.unstable)


def older(version: str, than: str) -> bool:
    """By dpkg's order; a version that is none counts as older: rather told than missed."""
    if max(len(version), len(than)) > LONGEST:
        return version != than
    try:
        return bool(compare_version_objects(_version(version), _version(than)) < 0)
    except (ValueError, TypeError):
        return version != than


def _version(text: str) -> Version:
    """A version in its parts. The library's own reader refuses some that dpkg takes: 1.0~, 1.0-2+."""
    epoch, colon, rest = text.rpartition(":")
    if not rest[:1].isdigit():
        raise ValueError(text)
    upstream, dash, revision = rest.rpartition("-")
    return Version(
        int(epoch) if colon else 0, upstream if dash else rest, revision if dash else "0"
    )


def _finding(advisory: Advisory, version: str, names: Iterable[str]) -> Finding:
    return Finding(
        severity=_severity(advisory),
        cve=advisory.cve,
        source=advisory.source,
        version=version,
        packages=tuple(sorted(set(names))),
        fixed=advisory.fixed or None if advisory.status == "resolved" else None,
        urgency=advisory.urgency,
        note=advisory.minor,
    )


def _severity(advisory: Advisory) -> Severity:
    """Debian's urgency; where it has none, a security update says that it is more than minor."""
    urgency = advisory.urgency.rstrip("*")  # stars: taken over from the NVD, in older entries
    known = {"high": Severity.HIGH, "medium": Severity.MEDIUM, "low": Severity.LOW}
    if urgency in known:
        return known[urgency]
    if urgency == "end-of-life":  # nobody looks after the package in this release any more
        return Severity.MEDIUM
    updated = (
        advisory.status == "resolved"
        and advisory.security
        and not older(advisory.security, advisory.fixed)
    )
    return Severity.MEDIUM if updated else Severity.LOW


def _is_kernel(package: Package) -> bool:
    return package.kind == "deb" and package.source == KERNEL


def _worst_first(finding: Finding) -> tuple[int, bool, str, str, str]:
    return (-finding.severity, finding.fixed is None, finding.source, finding.cve, finding.version)
