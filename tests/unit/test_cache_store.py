"""What is on disk: checked, bounded, the longest unused going first, and there after a restart."""

import asyncio
import shutil
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import pytest

from supply.cache import store as module
from supply.cache.index import Index
from supply.cache.names import Name
from supply.cache.store import CorruptError, Store, StoreFullError
from supply.oci import digest_of

Usage = namedtuple("Usage", "total used free")
NAME = Name("quay.io", "team/app")
GIB = 1 << 30


def opened(folder: Path, limit: int = GIB) -> Store:
    return Store(folder, Index(folder / "index.db"), limit)


def put(store: Store, data: bytes) -> str:
    """A blob as a fetch leaves it."""
    digest = digest_of(data)
    store.partial(digest).write_bytes(data)
    store.keep(digest, len(data), digest)
    return digest


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return opened(tmp_path)


async def test_content_is_found_by_its_digest(store: Store) -> None:
    digest = put(store, b"content")
    name = digest.partition(":")[2]
    assert store.path(digest).parts[-3:] == ("blobs", name[:2], name)
    assert (store.size(digest), await store.good(digest), store.read(digest)) == (7, 7, b"content")
    assert await store.good(digest_of(b"other")) is None


async def test_a_manifest_is_content_too(store: Store) -> None:
    digest = digest_of(b"{}")
    store.add(digest, b"{}")
    assert (await store.good(digest), store.read(digest)) == (2, b"{}")


def test_what_is_not_what_it_should_be_is_not_kept(store: Store) -> None:
    digest = digest_of(b"right")
    store.partial(digest).write_bytes(b"wrong")
    with pytest.raises(CorruptError):
        store.keep(digest, 5, digest_of(b"wrong"))
    assert (store.size(digest), store.partial(digest).exists()) == (None, False)


@pytest.mark.parametrize("damage", ["gone", "cut", "changed"])
async def test_damage_on_disk_is_found_and_what_is_damaged_goes(
    tmp_path: Path, damage: str
) -> None:
    digest = put(opened(tmp_path), b"content")
    store = opened(tmp_path)
    path = store.path(digest)
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(b"conten" if damage == "cut" else b"Content")
    assert await store.good(digest) is None
    assert (path.exists(), store.index.size(digest)) == (False, None)
    assert store.corrupted == (1 if damage == "changed" else 0)


async def test_a_disk_that_cannot_be_read_is_like_damage(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Path) -> str:
        raise OSError(5, "Input/output error")

    digest = put(store, b"content")
    monkeypatch.setattr(module, "VERIFY_SECONDS", -1.0)
    monkeypatch.setattr(module, "_digest_of_file", broken)
    assert (await store.good(digest), store.corrupted) == (None, 1)


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Files that have been read to be checked."""
    found: list[Path] = []
    really: Callable[[Path], str] = module._digest_of_file

    def counted(path: Path) -> str:
        found.append(path)
        return really(path)

    monkeypatch.setattr(module, "_digest_of_file", counted)
    return found


async def test_content_is_checked_once_an_hour_and_after_a_restart(
    tmp_path: Path, checks: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = put(opened(tmp_path), b"content")
    store = opened(tmp_path)
    for _ in range(3):
        assert await store.good(digest) == 7
    assert len(checks) == 1
    monkeypatch.setattr(module, "VERIFY_SECONDS", -1.0)
    assert await store.good(digest) == 7
    assert len(checks) == 2


async def test_ten_who_ask_at_once_wait_for_one_check(tmp_path: Path, checks: list[Path]) -> None:
    digest = put(opened(tmp_path), b"content")
    store = opened(tmp_path)
    assert await asyncio.gather(*(store.good(digest) for _ in range(10))) == [7] * 10
    assert len(checks) == 1
    store.path(digest).write_bytes(b"Content")
    again = opened(tmp_path)
    assert await asyncio.gather(*(again.good(digest) for _ in range(10))) == [None] * 10
    assert (len(checks), again.corrupted) == (2, 1)


async def test_who_loses_patience_does_not_end_the_check_of_others(tmp_path: Path) -> None:
    digest = put(opened(tmp_path), b"content")
    store = opened(tmp_path)
    first, second = (asyncio.ensure_future(store.good(digest)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == 7


async def test_the_longest_unused_goes_first(tmp_path: Path) -> None:
    store = opened(tmp_path, limit=30)
    first, second, third = (put(store, bytes([n]) * 10) for n in range(3))
    await store.good(first)
    store.make_room(10)
    assert [store.size(d) for d in (first, second, third)] == [10, None, 10]
    assert (store.evicted, store.path(second).exists()) == (10, False)


def test_manifests_go_after_all_blobs(tmp_path: Path) -> None:
    store = opened(tmp_path, limit=30)
    store.add(manifest := digest_of(b"m" * 10), b"m" * 10)
    blobs = [put(store, bytes([n]) * 10) for n in range(2)]
    store.make_room(20)
    assert [store.size(d) for d in (manifest, *blobs)] == [10, None, None]
    store.make_room(30)
    assert store.size(manifest) is None


def test_what_is_in_use_stays_however_little_room_there_is(tmp_path: Path) -> None:
    store = opened(tmp_path, limit=20)
    read, other = put(store, b"a" * 10), put(store, b"b" * 10)
    with store.using(read), store.using(read):
        with pytest.raises(StoreFullError):
            store.make_room(20)
        assert [store.size(d) for d in (read, other)] == [10, None]
    store.make_room(20)
    assert store.size(read) is None


def test_what_can_never_fit_costs_nothing_else_its_place(tmp_path: Path) -> None:
    store = opened(tmp_path, limit=30)
    kept = put(store, b"a" * 10)
    with pytest.raises(StoreFullError):
        store.make_room(31)
    with pytest.raises(StoreFullError), store.using("sha256:large"):
        store.promise("sha256:large", 31)
    assert store.size(kept) == 10


def test_what_is_on_its_way_has_its_room_already(tmp_path: Path) -> None:
    store = opened(tmp_path, limit=30)
    old = put(store, b"a" * 10)
    first, second = digest_of(b"1" * 15), digest_of(b"2" * 15)
    with store.using(first):
        store.promise(first, 15)
        assert store.size(old) == 10
        store.partial(first).write_bytes(b"1" * 5)
        with store.using(second):
            store.promise(second, 15)
            assert store.size(old) is None, "both will be here, and with them it is too much"
            with pytest.raises(StoreFullError):
                store.make_room(1)
        store.partial(first).write_bytes(b"1" * 15)
        store.keep(first, 15, first)
        store.make_room(15)
        assert store.size(first) == 15, "what has come is not counted twice"


def test_what_was_left_half_way_goes_before_anything_whole(tmp_path: Path) -> None:
    store = opened(tmp_path, limit=30)
    kept = put(store, b"a" * 10)
    left, running = store.partial(digest_of(b"left")), store.partial(digest_of(b"running"))
    left.write_bytes(b"l" * 10)
    running.write_bytes(b"r" * 10)
    with store.using(digest_of(b"running")):
        store.make_room(10)
        assert (store.size(kept), left.exists(), running.exists()) == (10, False, True)


def test_some_of_the_disk_is_left_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = opened(tmp_path)
    digests = [put(store, bytes([n]) * 100) for n in range(4)]

    def usage(_: Path) -> Usage:
        used = 800 + sum(store.path(d).exists() for d in digests) * 100
        return Usage(2000, used, 2000 - used)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    store.make_room(700)
    assert store.evicted == 0, "100 are left, which is 5 %"
    store.make_room(850)
    assert store.evicted == 200


def test_room_is_shed_where_the_disk_says_that_there_is_some(tmp_path: Path) -> None:
    store = opened(tmp_path)
    digests = [put(store, bytes([n]) * 100) for n in range(3)]
    store.shed(150)
    assert [store.size(d) for d in digests] == [None, None, 100]
    with pytest.raises(StoreFullError):
        store.shed(101)


async def test_all_is_there_after_a_restart(tmp_path: Path) -> None:
    before = opened(tmp_path)
    digest = put(before, b"content")
    before.partial(digest_of(b"half")).write_bytes(b"ha")
    before.index.link(NAME, [digest])
    before.index.set_tag(NAME, "1", digest)
    before.index.count("quay.io", "hits", 2)
    before.index.close()
    after = opened(tmp_path)
    after.index.count("quay.io", "hits", 3)
    assert await after.good(digest) == 7
    assert after.partial(digest_of(b"half")).read_bytes() == b"ha"
    assert after.index.linked(NAME, digest)
    assert not after.index.linked(Name("quay.io", "other"), digest)
    tag = after.index.tag(NAME, "1")
    assert tag
    assert (tag.digest, after.index.totals()) == (digest, {"quay.io": {"hits": 5.0}})
    after.index.forget_tag(NAME, "1")
    assert after.index.tag(NAME, "1") is None


@pytest.mark.parametrize("damage", [None, b"this is no database" * 100, b""])
async def test_an_index_that_is_lost_costs_neither_the_content_nor_the_service(
    tmp_path: Path, damage: bytes | None
) -> None:
    before = opened(tmp_path)
    digest, wrong = put(before, b"content"), put(before, b"wrong")
    before.index.close()
    for file in tmp_path.glob("index.db*"):
        file.unlink()
    if damage is not None:
        (tmp_path / "index.db").write_bytes(damage)
    before.path(wrong).write_bytes(b"wrung")
    after = opened(tmp_path)
    assert (await after.good(digest), await after.good(wrong)) == (7, None)
    assert after.index.stored() == 7
    assert not after.index.linked(NAME, digest), "whose it is has to be asked anew"


def test_content_that_went_while_nobody_looked_is_not_counted(tmp_path: Path) -> None:
    before = opened(tmp_path)
    before.path(put(before, b"content")).unlink()
    assert opened(tmp_path).index.stored() == 0


async def test_an_index_that_cannot_be_written_costs_no_answer(store: Store) -> None:
    digest = put(store, b"content")
    store.index._db.execute("PRAGMA max_page_count = 1")  # as few as it has already
    for n in range(3000):
        store.index.link(NAME, [digest_of(bytes([n % 256, n // 256]))])
    assert not store.index.linked(NAME, digest_of(bytes([2999 % 256, 2999 // 256])))
    assert await store.good(digest) == 7
