"""What the cache's index gathers before it writes: when others see it, and what a full disk does to it."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from supply.cache import __main__ as program
from supply.cache.__main__ import made, watch
from supply.cache.index import Index
from supply.cache.names import Name
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


@contextlib.contextmanager
def full_disk(index: Index) -> Iterator[None]:
    """Nothing can be written."""
    index._db.execute("PRAGMA query_only = 1")
    try:
        yield
    finally:
        index._db.execute("PRAGMA query_only = 0")


def test_what_is_counted_on_a_full_disk_is_written_when_there_is_room(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "index.db"
    index = counted(path)
    with full_disk(index):
        index.write_notes()
        assert "the index cannot be written" in caplog.text
        index.count("quay.io", "hits", 1)
        assert index.totals()["quay.io"]["hits"] == 4
        assert seen(path) == {}
    index.write_notes()
    assert seen(path)["quay.io"]["hits"] == 4
    assert index.totals()["quay.io"]["hits"] == 4, "and once"
    index.close()


def test_what_was_used_on_a_full_disk_is_not_the_first_to_go(tmp_path: Path) -> None:
    index = Index(tmp_path / "index.db")
    for name in "abc":
        index.add(name, 10, manifest=False)
    index.use("a")
    with full_disk(index):
        assert index.longest_unused(()) == ("b", 10)
        index.remove("b")
        assert index.longest_unused(()) == ("c", 10), "what is gone does not go again"
        assert (index.size("b"), index.stored(), index.digests()) == (None, 20, {"a", "c"})
    index.write_notes()
    assert index.longest_unused({"c"}) == ("a", 10)
    index.close()
    with contextlib.closing(Index(tmp_path / "index.db")) as again:
        assert again.digests() == {"a", "c"}


def test_content_that_comes_again_on_a_full_disk_is_there(tmp_path: Path) -> None:
    index = Index(tmp_path / "index.db")
    index.add("a", 10, manifest=False)
    with full_disk(index):
        index.remove("a")
        index.add("a", 10, manifest=False)
    index.write_notes()
    assert index.size("a") == 10
    index.close()


def test_a_full_disk_is_no_failure_of_an_answer(tmp_path: Path) -> None:
    index, name = Index(tmp_path / "index.db"), Name("quay.io", "acme/web")
    index.set_tag(name, "v1", "sha256:aa")
    with full_disk(index):
        index.set_private(name, private=True)
        index.forget_tag(name, "v1")
        index.remove("sha256:aa")
    assert index.tag(name, "v1")
    index.close()
