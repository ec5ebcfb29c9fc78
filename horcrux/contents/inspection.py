"""What is in an image, and what is known against it: read once, and kept by digest."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.parse import quote

from horcrux.contents import filesystem, packages, sbom, tracker, vulnerabilities
from horcrux.contents.advisories import Kept
from horcrux.contents.layers import Unread
from horcrux.contents.packages import Contents
from horcrux.contents.vulnerabilities import Severity
from horcrux.contents.waivers import Judged, judged
from horcrux.images.client import Client
from horcrux.images.located import Located
from horcrux.project import STATE
from horcrux.settings.vulnerabilities import Vulnerabilities

SBOMS, ADVISORIES = "sboms", "advisories"
NAME = 100  # characters of a repository in a file's name, which may have 255
KEPT = 500  # SBOMs, of at most half a megabyte; the oldest go
STALE_DAYS = 7  # Debian makes some security updates each week


@dataclass(frozen=True)
class Report:
    """What is known against an image. `checked`: whether Debian's data says anything of it;
    `day`: of which the data are; `told`: what limits this report.
    """

    image: Located
    contents: Contents
    checked: bool
    day: date
    judged: tuple[Judged, ...]
    undetermined: int
    told: tuple[str, ...]

    def refused(self, refuse: str) -> list[Judged]:
        """What a policy (none, medium, high) does not let pass."""
        if refuse == "none":
            return []
        least = Severity[refuse.upper()]
        return [its for its in self.judged if not its.waiver and its.finding.severity >= least]


def bill(image: Located, project: Path) -> tuple[str, Contents]:
    """The image's SBOM, made where it is not kept, and what it says. Raises HorcruxError."""
    where = quote(image.repository, safe="")[:NAME]
    # Of several processors' images, another machine reads another.
    name = f"{where}@{image.digest.replace(':', '-')}-{filesystem.here()}.json"
    path = project / STATE / SBOMS / name
    text = path.read_text(errors="replace") if path.exists() else ""
    contents = sbom.parse(text)
    if contents is None:
        contents = _read(image)
        text = sbom.document(contents, image.repository, image.digest)
        _write(path, text)
    return text, contents


def known(project: Path, data: str, *, anew: bool = False) -> tuple[Kept, str | None]:
    """The advisories that the project keeps: see tracker.current."""
    return tracker.current(project / STATE / ADVISORIES, project, data, anew=anew)


def report(
    image: Located,
    policy: Vulnerabilities,
    project: Path,
    today: date,
    advisories: tuple[Kept, str | None],
) -> Report:
    """What is known against an image; `advisories`: see known. Raises HorcruxError when it cannot be read."""
    kept, missed = advisories
    _, contents = bill(image, project)
    release = contents.system.release if contents.system else ""
    sources = vulnerabilities.sources(contents)
    checked = bool(sources) and release in kept.releases
    about = kept.of(release, sources) if checked else []
    found = vulnerabilities.findings(contents, about)
    told = [*_of_data(kept, missed, today), *_of_image(contents, found.unchecked, checked=checked)]
    return Report(
        image=image,
        contents=contents,
        checked=checked,
        day=kept.day,
        judged=tuple(judged(found.found, policy.waivers, image.name, today)),
        undetermined=found.undetermined,
        told=tuple(told),
    )


def _read(image: Located) -> Contents:
    with Client(image.what, image.place) as client:
        files = filesystem.files(client, image.repository, image.digest, packages.tells)
    read = {path: its for path, its in files.items() if isinstance(its, bytes)}
    unread = {path: its for path, its in files.items() if isinstance(its, Unread) and its.reason}
    return packages.contents(read, [f"{path}: {its.reason}" for path, its in unread.items()])


def _write(path: Path, text: str) -> None:
    """All of it or nothing: others may make the same at the same time."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "w") as file:
        file.write(text)
    Path(name).replace(path)
    for old in sorted(path.parent.glob("*.json"), key=_changed)[:-KEPT]:
        old.unlink(missing_ok=True)


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # somebody else takes it away just now
        return 0


def _of_data(kept: Kept, missed: str | None, today: date) -> Iterator[str]:
    if missed:
        yield f"what is known is of {kept.day}, and could not be renewed: {missed}"
    elif (today - kept.day).days >= STALE_DAYS:
        age = (today - kept.day).days
        yield f"what is known is {age} days old; to renew it: horcrux images advisories --fetch"


def _of_image(contents: Contents, unchecked: Mapping[str, int], *, checked: bool) -> Iterator[str]:
    if contents.system is None and not contents.packages:
        yield "it says nothing of what is in it, so nothing was checked"
    elif vulnerabilities.is_debian(contents) and not vulnerabilities.sources(contents):
        yield "it has no list of Debian's packages, so nothing was checked"
    elif not checked:
        name = contents.system.name if contents.system else "an unnamed distribution"
        yield f"the data say nothing of {name}, so nothing was checked"
    elif unchecked:
        kinds = ", ".join(f"{count} of {kind}" for kind, count in sorted(unchecked.items()))
        yield f"packages that Debian's data say nothing of were not checked: {kinds}"
    for line in contents.unread:
        yield f"not read: {line}"
