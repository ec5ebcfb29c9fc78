"""What the cache's index gathers before it writes: when others see it, and what a full disk does to it."""

import asyncio
import contextlib
from pathlib import Path

import pytest

from supply.cache import __main__ as program
from supply.cache.__main__ import made, watch
from supply.cache.index import Index
from supply.cache.peers import Peers
from supply.cache.settings import Settings
from supply.cache.store import Store

TOLD = {"quay.io": {"hits": 3.0, "served_bytes": 70.0}}
PATIENCE_SECONDS = 20


def counted(path: Path) -> Index:
    index = Index(path)
    for _ in range(3):
        index.count("quay.io", "hits", 1)
    index.count("quay.io", "served_bytes", 70)
    return index


def seen(path: Path) -> dict[str, dict[str, float]]:
    """What is in the file: all that is left when the process is killed."""
    with contextlib.closing(Index(path)) as other:
        return other.totals()


def test_what_was_counted_is_known_at_once_and_written_together(tmp_path: Path) -> None:
    path = tmp_path / "index.db"
    index = counted(path)
    assert seen(path) == {}
    index.write_notes()
    assert seen(path) == TOLD
    index.count("quay.io", "hits", 1)
    assert index.totals()["quay.io"]["hits"] == 4
    index.close()


def test_what_was_counted_outlives_an_end_that_was_asked_for(tmp_path: Path) -> None:
    counted(tmp_path / "index.db").close()
    assert seen(tmp_path / "index.db") == TOLD


async def test_it_is_written_while_nobody_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "NOTE_SECONDS", 0.01)
    path = tmp_path / "index.db"
    index, nobody = counted(path), None
    store = Store(tmp_path, index, 1000)
    settings = Settings("manager-1", "cache.test", "", 1000, {}, {})
    server = made(settings, store, nobody, Peers(nobody, ""))  # type: ignore[arg-type]
    watching = asyncio.create_task(watch(server, index))
    async with asyncio.timeout(PATIENCE_SECONDS):
        while seen(path) != TOLD:
            assert not watching.done()
            await asyncio.sleep(0.01)
    watching.cancel()
    index.close()


def test_a_use_makes_nothing_younger_than_it_is(tmp_path: Path) -> None:
    index = Index(tmp_path / "index.db")
    for name in "abc":
        index.add(name, 10, manifest=False)
    index.use("a")
    index.remove("a")
    index.add("a", 10, manifest=False)
    index.use("b")
    assert index.longest_unused(()) == ("c", 10)
    index.remove("c")
    assert index.longest_unused(()) == ("a", 10)
    index.close()


def test_a_full_disk_costs_what_was_counted_and_no_more(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    index = counted(tmp_path / "index.db")
    index._db.execute("PRAGMA max_page_count = 1")  # as few as it has already
    for n in range(3000):
        index.count(f"registry-{n}.example", "hits", 1)
    index.write_notes()
    assert "the index cannot be written" in caplog.text
    assert index.totals() == {}
    index.count("quay.io", "hits", 1)
    assert index.totals() == {"quay.io": {"hits": 1.0}}
    index.close()
