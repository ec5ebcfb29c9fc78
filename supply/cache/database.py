"""The file of the cache's index: its tables, and whether it is whole."""

import sqlite3
from pathlib import Path

TABLES = """
CREATE TABLE IF NOT EXISTS blobs (
  digest TEXT PRIMARY KEY, size INTEGER NOT NULL, used REAL NOT NULL, manifest INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS blobs_used ON blobs (manifest, used);
CREATE TABLE IF NOT EXISTS links (
  upstream TEXT, repository TEXT, digest TEXT, PRIMARY KEY (upstream, repository, digest)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS private (
  upstream TEXT, repository TEXT, PRIMARY KEY (upstream, repository)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tags (
  upstream TEXT, repository TEXT, tag TEXT, digest TEXT NOT NULL, checked REAL NOT NULL,
  PRIMARY KEY (upstream, repository, tag)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS totals (
  upstream TEXT, name TEXT, value REAL NOT NULL, PRIMARY KEY (upstream, name)) WITHOUT ROWID;
"""


def opened(path: Path) -> sqlite3.Connection:
    """The database, made where there is none. Raises sqlite3.DatabaseError for one that is damaged."""
    database = sqlite3.connect(path, isolation_level=None)
    try:
        database.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;" + TABLES)
        # A damaged page may lie anywhere; the index is small enough to look at all of it.
        (told,) = database.execute("PRAGMA quick_check(1)").fetchone()
        if told != "ok":
            raise sqlite3.DatabaseError(told)
    except sqlite3.DatabaseError:
        database.close()
        raise
    return database
