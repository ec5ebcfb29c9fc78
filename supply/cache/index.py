"""What the cache knows of its content: sizes, last uses, which repository names what, and what tags meant."""

import logging
import sqlite3
import time
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from supply.cache.database import opened
from supply.cache.names import Name

UNWRITTEN = "the index cannot be written: %s"

log = logging.getLogger("cache")


@dataclass(frozen=True)
class Tag:
    """What a tag meant when its upstream was last asked (seconds since the epoch)."""

    digest: str
    checked: float


class Index:
    """A database of SQLite beside the content; it can be lost: the store finds what there is.

    Uses and totals are gathered and written together, when `write_notes` is called and before they are
    read: to write each costs as much as all the rest of an answer. What cannot be written, as on a full disk,
    is kept in memory, and heeded from there.
    """

    def __init__(self, path: Path) -> None:
        self._used: dict[str, float] = {}
        self._counted: defaultdict[tuple[str, str], float] = defaultdict(float)
        self._gone: set[str] = set()  # removed, and still in the file
        try:
            self._db = opened(path)
        except sqlite3.OperationalError:  # the disk, not the file
            raise
        except sqlite3.DatabaseError as error:
            log.warning("%s is damaged (%s) and begun anew", path, error)
            for file in path.parent.glob(f"{path.name}*"):
                file.unlink()
            self._db = opened(path)

    def close(self) -> None:
        """Let go of the file."""
        self.write_notes()
        self._db.close()

    def write_notes(self) -> None:
        """Write what was gathered."""
        if not self._used and not self._counted and not self._gone:
            return
        try:
            with self._db:  # all of it, or nothing
                self._db.execute("BEGIN")
                self._db.executemany(
                    "DELETE FROM blobs WHERE digest = ?", [(d,) for d in self._gone]
                )
                self._db.executemany(
                    "UPDATE blobs SET used = max(used, ?) WHERE digest = ?",
                    [(when, digest) for digest, when in self._used.items()],
                )
                self._db.executemany(
                    "INSERT INTO totals VALUES (?, ?, ?) "
                    "ON CONFLICT DO UPDATE SET value = value + excluded.value",
                    [(*key, amount) for key, amount in self._counted.items()],
                )
        except sqlite3.OperationalError as error:
            log.warning(UNWRITTEN, error)
            return
        self._used.clear()
        self._counted.clear()
        self._gone.clear()

    def add(self, digest: str, size: int, *, manifest: bool) -> None:
        """Content has come."""
        self._gone.discard(digest)
        row = (digest, size, time.time(), manifest)
        self._write("INSERT OR REPLACE INTO blobs VALUES (?, ?, ?, ?)", [row])

    def size(self, digest: str) -> int | None:
        """Bytes; None where there is no such content."""
        row = self._db.execute("SELECT size FROM blobs WHERE digest = ?", (digest,)).fetchone()
        return row[0] if row and digest not in self._gone else None

    def digests(self) -> set[str]:
        """Of all content."""
        return {row[0] for row in self._db.execute("SELECT digest FROM blobs")} - self._gone

    def use(self, digest: str) -> None:
        """Content was asked for: it is not the longest unused any more."""
        self._used[digest] = time.time()

    def remove(self, digest: str) -> None:
        """Content is gone."""
        self._used.pop(digest, None)
        if not self._write("DELETE FROM blobs WHERE digest = ?", [(digest,)]):
            self._gone.add(digest)

    def stored(self) -> int:
        """Bytes of all content."""
        if self._gone:
            rows = self._db.execute("SELECT digest, size FROM blobs")
            return sum(size for digest, size in rows if digest not in self._gone)
        return int(self._db.execute("SELECT coalesce(sum(size), 0) FROM blobs").fetchone()[0])

    def longest_unused(self, spared: Collection[str]) -> tuple[str, int] | None:
        """What is to go first, with its size: blobs before manifests, which cost nothing to keep."""
        self.write_notes()
        rows = self._db.execute(
            "SELECT digest, size, manifest, used FROM blobs ORDER BY manifest, used"
        )
        left = (r for r in rows if r[0] not in self._gone and r[0] not in spared)
        found = (
            min(left, key=lambda r: (r[2], max(r[3], self._used.get(r[0], 0.0))), default=None)
            if self._used  # what could not be written
            else next(left, None)
        )
        return (found[0], found[1]) if found else None

    def link(self, name: Name, digests: Iterable[str]) -> None:
        """A repository has these: whoever may read it may have them."""
        rows: list[tuple[object, ...]] = [(name.upstream, name.repository, d) for d in digests]
        self._write("INSERT OR IGNORE INTO links VALUES (?, ?, ?)", rows)

    def linked(self, name: Name, digest: str) -> bool:
        """Whether a repository is known to have it."""
        query = "SELECT 1 FROM links WHERE upstream = ? AND repository = ? AND digest = ?"
        return bool(self._db.execute(query, (name.upstream, name.repository, digest)).fetchone())

    def set_private(self, name: Name, private: bool) -> None:
        """Whether a repository is for some alone. It is remembered for longer than our account there."""
        how = (
            "INSERT OR IGNORE INTO private VALUES (?, ?)"
            if private
            else "DELETE FROM private WHERE upstream = ? AND repository = ?"
        )
        self._write(how, [(name.upstream, name.repository)])

    def private(self, name: Name) -> bool:
        """Whether a repository was for some alone when that was last asked."""
        query = "SELECT 1 FROM private WHERE upstream = ? AND repository = ?"
        return bool(self._db.execute(query, (name.upstream, name.repository)).fetchone())

    def set_tag(self, name: Name, tag: str, digest: str) -> None:
        """The upstream has just said what a tag means."""
        row = (name.upstream, name.repository, tag, digest, time.time())
        self._write("INSERT OR REPLACE INTO tags VALUES (?, ?, ?, ?, ?)", [row])

    def tag(self, name: Name, tag: str) -> Tag | None:
        """What a tag meant last."""
        query = "SELECT digest, checked FROM tags WHERE upstream = ? AND repository = ? AND tag = ?"
        row = self._db.execute(query, (name.upstream, name.repository, tag)).fetchone()
        return Tag(*row) if row else None

    def forget_tag(self, name: Name, tag: str) -> None:
        """The upstream says that there is no such tag any more."""
        query = "DELETE FROM tags WHERE upstream = ? AND repository = ? AND tag = ?"
        self._write(query, [(name.upstream, name.repository, tag)])

    def count(self, upstream: str, name: str, amount: float) -> None:
        """Add to a total, which outlives the process."""
        self._counted[upstream, name] += amount

    def totals(self) -> dict[str, dict[str, float]]:
        """All totals by upstream and name."""
        self.write_notes()
        found: dict[str, dict[str, float]] = {}
        for upstream, name, value in self._db.execute("SELECT * FROM totals"):
            found.setdefault(upstream, {})[name] = value
        for (upstream, name), value in self._counted.items():  # what could not be written
            its = found.setdefault(upstream, {})
            its[name] = its.get(name, 0.0) + value
        return found

    def _write(self, statement: str, rows: list[tuple[object, ...]]) -> bool:
        """A full disk costs what would have been noted, not the answer to a client; whether it was noted."""
        try:
            self._db.executemany(statement, rows)
        except sqlite3.OperationalError as error:
            log.warning(UNWRITTEN, error)
            return False
        return True
