"""Debian's advisories, kept in the project's folder, so that they are there without the internet.

What is kept is not the tracker's JSON of some 60 MB, which takes seconds to read, but a database of what has
ever been vulnerable. It is replaced as a whole, never changed while others read it.
"""

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from horcrux.contents.vulnerabilities import NEVER, Advisory

FILE = "debian.sqlite"
VERSION = "1"  # of the tables below; what another Horcrux kept is got anew
AT_ONCE = 500  # names in one question; SQLite takes 999 or more
TABLES = """
CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE advisories (
  release TEXT, source TEXT, cve TEXT, status TEXT, urgency TEXT, fixed TEXT, security TEXT, unstable TEXT,
  minor TEXT, PRIMARY KEY (release, source, cve)
) WITHOUT ROWID;
"""
Row = tuple[str, ...]


@dataclass(frozen=True)
class Kept:
    """The advisories that are kept.

    `data`: from where, as the settings name it; `mark`: by which that place tells whether it has changed;
    `at`: of when they are, in seconds; `tried`: when newer ones could not be had.
    """

    path: Path
    data: str
    mark: str
    at: float
    tried: float
    count: int
    releases: tuple[str, ...]

    @property
    def day(self) -> date:
        """Of which day they are."""
        return datetime.fromtimestamp(self.at, UTC).date()

    def of(self, release: str, sources: Collection[str]) -> list[Advisory]:
        """What they say of packages in a release."""
        names = sorted(sources)
        with closing(_connected(self.path)) as database:
            return [
                Advisory(*row)
                for start in range(0, len(names), AT_ONCE)
                for row in _selected(database, release, names[start : start + AT_ONCE])
            ]


def kept(folder: Path) -> Kept | None:
    """What is kept in a folder; None where nothing is, or nothing that this version reads."""
    path = folder / FILE
    if not path.exists():
        return None
    try:
        with closing(_connected(path)) as database:
            about = dict(database.execute("SELECT key, value FROM about"))
    except sqlite3.Error:
        return None
    if about.get("version") != VERSION:
        return None
    return Kept(
        path=path,
        data=about["data"],
        mark=about["mark"],
        at=float(about["at"]),
        tried=float(about["tried"]),
        count=int(about["count"]),
        releases=tuple(json.loads(about["releases"])),
    )


def keep(
    folder: Path, told: Iterable[tuple[str, Any]], *, data: str, mark: str, at: float
) -> Kept | None:
    """Keep what the tracker told, a source package at a time; None when no advisory was in it.

    Whatever `told` raises is raised, and what was kept stays.
    """
    new = folder / f"{FILE}.new"
    new.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(new, isolation_level=None)) as database:
            database.executescript(
                f"PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; {TABLES} BEGIN"
            )
            count, releases = _fill(database, told)
            about = {
                "version": VERSION, "data": data, "mark": mark, "at": str(at), "tried": "0",
                "count": str(count), "releases": json.dumps(sorted(releases)),
            }  # fmt: skip
            database.executemany("INSERT INTO about VALUES (?, ?)", about.items())
            database.execute("COMMIT")
        if not count:
            return None
        new.replace(folder / FILE)
    finally:
        new.unlink(missing_ok=True)
    return kept(folder)


def note(found: Kept, **about: float | str) -> None:
    """Take note of when they were found to be current (`at`), or could not be renewed (`tried`)."""
    with closing(_connected(found.path)) as database, database:
        for key, value in about.items():
            database.execute("UPDATE about SET value = ? WHERE key = ?", (str(value), key))


def rows(source: str, issues: Mapping[str, Any]) -> Iterator[Row]:
    """What is kept of a source package: (release, then the fields of Advisory) for each issue.

    What never was in a release is left out. Raises what comes of data in other shapes.
    """
    for cve, issue in issues.items():
        releases = issue["releases"]
        unstable = str(releases.get("sid", {}).get("fixed_version") or "")
        for release, its in releases.items():
            fixed = str(its.get("fixed_version") or "")
            if fixed != NEVER:
                security = its.get("repositories", {}).get(f"{release}-security") or ""
                yield (
                    release, source, cve, its["status"], its.get("urgency") or "", fixed, security, unstable,
                    its.get("nodsa") or "",
                )  # fmt: skip


def _fill(database: sqlite3.Connection, told: Iterable[tuple[str, Any]]) -> tuple[int, set[str]]:
    """How many advisories there are, and of which releases."""
    count = 0
    releases: set[str] = set()
    for source, issues in told:
        releases.update(*(issue["releases"] for issue in issues.values()))
        found = list(rows(source, issues))
        database.executemany("INSERT OR REPLACE INTO advisories VALUES (?,?,?,?,?,?,?,?,?)", found)
        count += len(found)
    return count, releases


def _selected(database: sqlite3.Connection, release: str, names: Collection[str]) -> Iterator[Row]:
    marks = ",".join("?" * len(names))
    yield from database.execute(
        "SELECT source, cve, status, urgency, fixed, security, unstable, minor FROM advisories "  # noqa: S608
        f"WHERE release = ? AND source IN ({marks})",
        (release, *names),
    )


def _connected(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=10)
