"""The same made-up advisories twice, as Debian's tracker tells them and as debsecan reads them; and a system.

debsecan.json has the system, the tracker's JSON, and what debsecan 0.4.20.1 found. To make it anew,
where there is a debsecan: `python -m tests.unit.recorded.debsecan > tests/unit/recorded/debsecan.json`.

debsecan's own format (version 1, zlib) has for each issue the version of unstable that is repaired, and the
other versions in the archive that are; the tracker's JSON has for each release from which version on it is.
"""

import json
import random
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path
from typing import Any, NamedTuple

VERSIONS = (
    "1.0-1",
    "1.0-2",
    "1.0-2+deb12u1",
    "1.0-2+deb12u2",
    "1:0.5-1",
    "1:0.5-1+b2",
    "1:1.0~rc1-1",
    "1:2.0-1",
)
URGENCIES = {"not yet assigned": " ", "low": "L", "medium": "M", "high": "H"}
SUITE = "bookworm"


class Made(NamedTuple):
    """A dpkg status file, the tracker's JSON, and debsecan's data."""

    status: str
    tracker: dict[str, Any]
    data: bytes


def made(seed: int = 7, sources: int = 60) -> Made:
    """VERSIONS are in Debian's order, so that what is repaired where needs no comparison here."""
    chance = random.Random(seed)
    status, tracker, names, lines = [], {}, [], []
    for number in range(sources):
        source = f"source-{number}"
        status += _packages(chance, source)
        issues = {}
        for _ in range(chance.randrange(8)):
            cve = f"CVE-2026-{10000 + len(names)}"
            urgency = chance.choice(list(URGENCIES))
            fixed = chance.choice([None, *range(len(VERSIONS))])
            unstable = chance.choice([None, *range(fixed or 0, len(VERSIONS))])
            if fixed is not None and unstable is None:
                unstable = len(VERSIONS) - 1
            issues[cve] = {"releases": _releases(urgency, fixed, unstable)}
            names.append(f"{cve},,An issue")
            others = VERSIONS[fixed:] if fixed is not None else ()
            mark = "F" if fixed is not None else " "
            new = VERSIONS[unstable] if unstable is not None else ""
            flags = f"S{URGENCIES[urgency]}?{mark}"
            lines.append(f"{source},{len(names) - 1},{flags},{new},{' '.join(others)}")
        if issues:
            tracker[source] = issues
    text = "\n".join(["VERSION 1", *names, "", *lines, "", ""])
    return Made("\n".join(status), tracker, zlib.compress(text.encode()))


def _packages(chance: random.Random, source: str) -> list[str]:
    """One or two packages of a source, one of which may have a version of its own."""
    version = chance.choice(VERSIONS)
    own, state = (
        chance.choice([True, False]),
        chance.choice(["install ok installed"] * 4 + ["deinstall ok config-files"]),
    )
    first = [
        f"Package: lib{source}",
        f"Status: {state}",
        f"Source: {source} ({version})",
        "Version: 9:1",
    ]
    second = [f"Package: {source}", "Status: install ok installed", f"Version: {version}"]
    return ["\n".join([*first, ""]), *(["\n".join([*second, ""])] if own else [])]


def _releases(urgency: str, fixed: int | None, unstable: int | None) -> dict[str, Any]:
    def told(at: int | None) -> dict[str, str]:
        if at is None:
            return {"status": "open", "urgency": urgency}
        return {"status": "resolved", "fixed_version": VERSIONS[at], "urgency": urgency}

    return {SUITE: told(fixed), "sid": told(unstable)}


def _found(system: Made) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, SUITE).write_bytes(system.data)
        status = Path(folder, "status")
        status.write_text(system.status)
        command = [
            "debsecan",
            "--suite",
            SUITE,
            "--source",
            f"file://{folder}",
            "--status",
            str(status),
        ]
        done = subprocess.run(
            [*command, "--format", "simple"], check=True, capture_output=True, text=True
        )
    return sorted(done.stdout.splitlines())


if __name__ == "__main__":
    system = made()
    recorded = {"status": system.status, "tracker": system.tracker, "found": _found(system)}
    json.dump(recorded, sys.stdout, indent=1)
    print()
