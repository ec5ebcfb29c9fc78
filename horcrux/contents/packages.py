"""What is installed in an image, from the files in which package managers keep it. Pure.

Programs that were copied into an image without a package manager are in none of these files, and so not here.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from typing import TypeGuard

DPKG = "var/lib/dpkg/status"
DISTROLESS = "var/lib/dpkg/status.d/"  # a file for each package, where there is no dpkg
APK = ("lib/apk/db/installed", "usr/lib/apk/db/installed")
RELEASE = ("usr/lib/os-release", "etc/os-release")  # the first is what distributions ship
PYTHON = (".dist-info/METADATA", ".egg-info/PKG-INFO")
BY_DEBIAN = "usr/lib/python3/dist-packages/"  # dpkg has these itself
FIELD = re.compile(
    r"^(Package|Version|Source|Status|Architecture):[ \t]*(.*?)[ \t]*$", re.MULTILINE
)
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9+._-]*")
SOURCE = re.compile(r"(\S+)(?:\s+\(([^)\s]+)\))?")
ABSENT = {"not-installed", "config-files"}  # dpkg's words for a package whose files are not there


@dataclass(frozen=True, order=True)
class Package:
    """A package; `kind` is that of package URLs (deb, apk, pypi), `source` what it was built from.

    Debian's advisories speak of sources, whose version may differ from the package's.
    """

    kind: str
    name: str
    version: str
    architecture: str = ""
    source: str = ""
    source_version: str = ""


@dataclass(frozen=True)
class System:
    """The distribution: `id` as in os-release (debian, alpine), `release` its code name, else its number."""

    id: str
    release: str
    name: str


@dataclass(frozen=True)
class Contents:
    """What an image has. `unread`: files that would have told more, and why they were not read."""

    system: System | None
    packages: tuple[Package, ...]
    unread: tuple[str, ...] = ()


def tells(path: str) -> bool:
    """Whether a file (without a leading slash) says what is installed."""
    if path in (DPKG, *APK, *RELEASE):
        return True
    if path.startswith(DISTROLESS):
        return not path.endswith(".md5sums")
    return path.endswith(PYTHON) and not path.startswith(BY_DEBIAN)


def contents(files: Mapping[str, bytes], unread: Iterable[str] = ()) -> Contents:
    """What is installed, from the files for which `tells` is true."""
    found = {package for path, data in files.items() for package in _packages(path, data)}
    return Contents(_system(files), tuple(sorted(found)), tuple(sorted(unread)))


def _packages(path: str, data: bytes) -> Iterator[Package]:
    if path == DPKG or path.startswith(DISTROLESS):
        yield from _dpkg(data.decode(errors="replace"))
    elif path in APK:
        yield from _apk(data.decode(errors="replace"))
    elif path.endswith(PYTHON):
        yield from _python(data)


def _dpkg(text: str) -> Iterator[Package]:
    for paragraph in text.split("\n\n"):
        found = dict(FIELD.findall(paragraph))
        name, version = found.get("Package"), found.get("Version")
        state = found.get("Status", "install ok installed").split()[-1:]
        if not _is_name(name) or not version or (state and state[0] in ABSENT):
            continue
        told = SOURCE.match(found.get("Source", ""))
        source, source_version = told.groups() if told else (name, None)
        yield Package(
            "deb", name, version, found.get("Architecture", ""), source, source_version or version
        )


def _apk(text: str) -> Iterator[Package]:
    for paragraph in text.split("\n\n"):
        lines = (line.partition(":") for line in paragraph.splitlines())
        found = {key: value for key, _, value in lines if len(key) == 1}
        name, version = found.get("P"), found.get("V")
        if _is_name(name) and version:
            yield Package("apk", name, version, found.get("A", ""), found.get("o") or name, version)


def _python(data: bytes) -> Iterator[Package]:
    headers = BytesHeaderParser().parsebytes(data)
    name, version = headers.get("Name"), headers.get("Version")
    if _is_name(name) and version:
        normal = re.sub(
            r"[-_.]+", "-", str(name).strip()
        ).lower()  # PEP 503: how names are compared
        yield Package("pypi", normal, str(version).strip())


def _is_name(name: object) -> TypeGuard[str]:
    """Whether a package can have it; what an image says is somebody else's."""
    return isinstance(name, str) and NAME.fullmatch(name.strip()) is not None


def _system(files: Mapping[str, bytes]) -> System | None:
    told: dict[str, str] = {}
    for path in RELEASE:
        for line in files.get(path, b"").decode(errors="replace").splitlines():
            key, equals, value = line.partition("=")
            if equals:
                told[key.strip()] = value.strip().strip("\"'")
    if "ID" not in told:
        return None
    # Images without a shell are Debian's, too, and name the release in VERSION alone: 12 (bookworm).
    named = re.search(r"\(([a-z]+)\)", told.get("VERSION", ""))
    release = told.get("VERSION_CODENAME") or (named[1] if named else told.get("VERSION_ID", ""))
    return System(told["ID"], release, told.get("PRETTY_NAME") or told["ID"])
