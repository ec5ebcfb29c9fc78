"""A blob on its way: once for all, gone on with, never whole when it is wrong."""

import asyncio
import contextlib
import errno
import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from supply.cache import fetch as module
from supply.cache import patience
from supply.cache.body import Body
from supply.cache.failure import MissingError, UnavailableError, UpstreamError, WrongError
from supply.cache.fetch import HELD_BACK, Fetch, Fetches
from supply.cache.index import Index
from supply.cache.settings import Upstream
from supply.cache.store import Store, StoreFullError
from supply.cache.upstream import Client
from tests.support.upstream import FakeUpstream, digest_of, image, upstream

APP = "team/app"
IMAGE = image(1_000_000)
BLOB = max(IMAGE.blobs, key=lambda d: len(IMAGE.blobs[d]))
CONTENT = IMAGE.blobs[BLOB]
SIZE = len(CONTENT)
GIB = 1 << 30


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "FIRST_SECONDS", 0.01)
    monkeypatch.setattr(module, "RESUME_SECONDS", 0.01)


@pytest.fixture
def fake() -> Iterator[FakeUpstream]:
    with upstream() as found:
        found.put(APP, "1", IMAGE)
        yield found


class FromUpstream:
    """All from one upstream, which there is no other for."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def __call__(self, offset: int) -> AbstractAsyncContextManager[Body]:
        return self._client.blob(APP, BLOB, offset)

    def distrust(self) -> bool:
        return False


@pytest.fixture
async def source(fake: FakeUpstream) -> AsyncIterator[FromUpstream]:
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        yield FromUpstream(Client(Upstream("up.test", fake.url, 60), session))


def opened(folder: Path, limit: int = GIB) -> Store:
    return Store(folder, Index(folder / "index.db"), limit)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return opened(tmp_path)


async def read(fetch: Fetch) -> bytes:
    return b"".join([chunk async for chunk in fetch.chunks()])


async def read_until_it_breaks(fetch: Fetch) -> tuple[bytes, Exception | None]:
    """What a reader gets, and why it gets no more."""
    return await rest_of(fetch.chunks())


async def rest_of(chunks: AsyncIterator[bytes]) -> tuple[bytes, Exception | None]:
    got = bytearray()
    try:
        async for chunk in chunks:
            got += chunk
    except (UpstreamError, StoreFullError) as error:
        return bytes(got), error
    return bytes(got), None


def kept(store: Store) -> bytes:
    """What is stored, with nothing half-way beside it."""
    assert not store.partial(BLOB).exists()
    assert store.size(BLOB) == SIZE
    return store.read(BLOB)


async def test_ten_readers_at_once_are_one_to_the_upstream(
    store: Store, fake: FakeUpstream, source: FromUpstream
) -> None:
    fetches = Fetches(store)
    found = await asyncio.gather(*(read(fetches.of(BLOB, source)) for _ in range(10)))
    assert set(found) == {CONTENT}
    assert (fake.bytes_sent, fake.asked("/blobs/")) == (SIZE, 1)
    assert kept(store) == CONTENT


async def test_a_late_reader_joins_in_and_gets_it_from_its_beginning(
    store: Store, fake: FakeUpstream, source: FromUpstream
) -> None:
    fake.limit_rate = 3_000_000
    fetches = Fetches(store)
    first = fetches.of(BLOB, source).chunks()
    got = await anext(first)
    late = fetches.of(BLOB, source)
    assert await read(late) == CONTENT
    assert got + b"".join([chunk async for chunk in first]) == CONTENT
    assert fake.bytes_sent == SIZE


async def test_a_slow_blob_is_given_on_while_it_comes(
    store: Store, fake: FakeUpstream, source: FromUpstream
) -> None:
    fake.limit_rate = 3_000_000
    fetch = Fetches(store).of(BLOB, source)
    await anext(fetch.chunks())
    assert fetch.size == SIZE
    assert fake.bytes_sent < SIZE
    await fetch.ended()


async def test_it_comes_to_its_end_though_its_reader_leaves(
    store: Store, fake: FakeUpstream, source: FromUpstream
) -> None:
    fake.limit_rate = 5_000_000
    fetch = Fetches(store).of(BLOB, source)
    reader = asyncio.ensure_future(read(fetch))
    await fetch.begun()
    reader.cancel()
    await fetch.ended()
    assert kept(store) == CONTENT


@pytest.mark.parametrize("cut", [1, 100_000, SIZE - (64 << 10)])
async def test_a_transfer_that_is_cut_is_gone_on_with(
    store: Store, fake: FakeUpstream, source: FromUpstream, cut: int
) -> None:
    fake.break_after = cut
    assert await read(Fetches(store).of(BLOB, source)) == CONTENT
    assert fake.asked("/blobs/") == 2
    assert fake.bytes_sent <= SIZE + (64 << 10)
    assert kept(store) == CONTENT


async def test_what_came_before_an_upstream_went_is_gone_on_with_when_it_is_back(
    store: Store, fake: FakeUpstream, source: FromUpstream
) -> None:
    fake.limit_rate, fake.break_after = 3_000_000, 500_000
    fetch = Fetches(store).of(BLOB, source)
    reader = fetch.chunks()
    got = await anext(reader)
    fake.gone = True
    more, error = await rest_of(reader)
    assert isinstance(error, UnavailableError)
    assert CONTENT.startswith(got + more)
    have = store.partial(BLOB).stat().st_size
    assert 0 < have < SIZE
    fake.gone, fake.limit_rate = False, None
    again = Fetches(store).of(BLOB, source)
    assert await read(again) == kept(store) == CONTENT
    assert again.got == SIZE - have


async def test_a_blob_that_is_missing_is_told_as_that_to_all(
    store: Store, fake: FakeUpstream, source: FromUpstream
) -> None:
    fake.missing = {BLOB}
    fetches = Fetches(store)
    for found in await asyncio.gather(
        *(read_until_it_breaks(fetches.of(BLOB, source)) for _ in range(3))
    ):
        assert (found[0], type(found[1])) == (b"", MissingError)
    fake.missing = set()
    await asyncio.sleep(0)
    assert await read(fetches.of(BLOB, source)) == CONTENT


async def test_wrong_content_is_never_whole_and_not_kept(
    store: Store, fake: FakeUpstream, source: FromUpstream
) -> None:
    fake.wrong_digest = True
    got, error = await read_until_it_breaks(Fetches(store).of(BLOB, source))
    assert isinstance(error, WrongError)
    assert len(got) <= SIZE - HELD_BACK
    assert (store.size(BLOB), store.partial(BLOB).exists()) == (None, False)
    fake.wrong_digest = False
    assert await read(Fetches(store).of(BLOB, source)) == CONTENT


async def test_a_page_is_refused_and_not_kept(
    store: Store, fake: FakeUpstream, source: FromUpstream
) -> None:
    fake.html = True
    got, error = await read_until_it_breaks(Fetches(store).of(BLOB, source))
    assert (got, type(error)) == (b"", WrongError)
    assert (store.size(BLOB), store.partial(BLOB).exists()) == (None, False)


class Scripted:
    """A source that gives one answer after the other: its beginning, its size, and its pieces."""

    def __init__(self, *bodies: tuple[int, int | None, list[bytes]], others: int = 0) -> None:
        self.bodies, self.others, self.offsets = list(bodies), others, list[int]()
        self.pause_at: int | None = None  # the piece of the first answer that waits for `go_on`
        self.go_on = asyncio.Event()

    @contextlib.asynccontextmanager
    async def __call__(self, offset: int) -> AsyncIterator[Body]:
        self.offsets.append(offset)
        start, size, pieces = self.bodies.pop(0)

        async def chunks() -> AsyncIterator[bytes]:
            for n, piece in enumerate(pieces):
                if n == self.pause_at and len(self.offsets) == 1:
                    await self.go_on.wait()
                yield piece

        yield Body(start, size, chunks())

    def distrust(self) -> bool:
        self.others -= 1
        return self.others >= 0


PIECES = [CONTENT[at : at + 100_000] for at in range(0, SIZE, 100_000)]
WRONG = [b"\0" * len(PIECES[0]), *PIECES[1:]]


async def test_when_a_peer_was_wrong_nobody_gets_its_beginning_with_another_s_end(
    store: Store,
) -> None:
    source = Scripted((0, SIZE, WRONG), (0, SIZE, PIECES), others=1)
    source.pause_at = 5
    fetch = Fetches(store).of(BLOB, source)
    reader = fetch.chunks()
    got = await anext(reader)
    assert got[:10] == b"\0" * 10
    source.go_on.set()
    await fetch.ended()
    more, error = await rest_of(reader)
    assert isinstance(error, UpstreamError)
    assert len(got + more) <= SIZE - HELD_BACK
    assert await read(fetch) == kept(store) == CONTENT


async def test_who_had_nothing_yet_of_what_was_wrong_gets_what_is_right(store: Store) -> None:
    source = Scripted((0, SIZE, WRONG), (0, SIZE, PIECES), others=1)
    source.pause_at = 0
    fetch = Fetches(store).of(BLOB, source)
    reader = asyncio.ensure_future(read(fetch))
    await fetch.begun()
    await asyncio.sleep(0)
    source.go_on.set()
    assert await reader == kept(store) == CONTENT


async def test_a_reader_goes_on_after_a_cut_but_not_where_all_is_begun_anew(store: Store) -> None:
    for start in (500_000, 0):
        source = Scripted((0, SIZE, PIECES[:5]), (start, SIZE, PIECES[start // 100_000 :]))
        source.pause_at = 3
        fetch = Fetches(store).of(BLOB, source)
        reader = fetch.chunks()
        got = await anext(reader)
        source.go_on.set()
        await fetch.ended()
        more, error = await rest_of(reader)
        assert (error is None, got + more == CONTENT) == (start > 0, start > 0)
        store.remove(BLOB)
        await asyncio.sleep(0)


async def test_a_source_without_ranges_begins_anew(store: Store) -> None:
    source = Scripted((0, SIZE, PIECES[:3]), (0, SIZE, PIECES))
    fetch = Fetches(store).of(BLOB, source)
    await fetch.ended()
    assert source.offsets == [0, 300_000]
    assert await read(fetch) == kept(store) == CONTENT


async def test_a_transfer_may_break_often_if_something_comes_each_time(store: Store) -> None:
    offsets = range(0, SIZE, 100_000)
    source = Scripted(*((o, SIZE, [PIECES[n]]) for n, o in enumerate(offsets)))
    assert await read(Fetches(store).of(BLOB, source)) == CONTENT
    assert source.offsets == list(offsets)


async def test_a_transfer_that_does_not_go_on_is_given_up(store: Store) -> None:
    source = Scripted((0, SIZE, PIECES[:3]), *[(300_000, SIZE, list[bytes]())] * 20)
    got, error = await read_until_it_breaks(Fetches(store).of(BLOB, source))
    assert (isinstance(error, UnavailableError), len(source.offsets)) == (True, 6)
    assert CONTENT.startswith(got)
    assert store.partial(BLOB).read_bytes() == CONTENT[:300_000]


async def test_a_size_that_is_not_told_is_known_at_the_end(store: Store) -> None:
    fetch = Fetches(store).of(BLOB, Scripted((0, None, PIECES)))
    assert await read(fetch) == CONTENT
    assert fetch.size == SIZE


async def test_a_blob_of_no_bytes_comes(store: Store) -> None:
    empty = digest_of(b"")
    assert await read(Fetches(store).of(empty, Scripted((0, 0, [])))) == b""
    assert store.size(empty) == 0


async def test_a_restart_goes_on_with_what_there_is(
    tmp_path: Path, fake: FakeUpstream, source: FromUpstream
) -> None:
    fake.limit_rate = 3_000_000
    before = opened(tmp_path)
    fetches = Fetches(before)
    fetch = fetches.of(BLOB, source)
    reader = asyncio.ensure_future(read_until_it_breaks(fetch))
    await anext(fetch.chunks())
    await fetches.close()
    assert isinstance((await reader)[1], UnavailableError)
    before.index.close()
    have = before.partial(BLOB).stat().st_size
    assert 0 < have < SIZE
    after, fake.bytes_sent, fake.limit_rate = opened(tmp_path), 0, None
    resumed = Fetches(after).of(BLOB, source)
    assert await read(resumed) == kept(after) == CONTENT
    assert resumed.got == SIZE - have


async def test_what_was_whole_before_a_restart_is_not_asked_for(store: Store) -> None:
    store.partial(BLOB).write_bytes(CONTENT)
    fetch = Fetches(store).of(BLOB, Scripted())
    assert await read(fetch) == kept(store) == CONTENT
    assert fetch.size == SIZE


@pytest.mark.parametrize("left", [b"\0" * 1000, CONTENT[:-1] + b"\0", CONTENT + b"x"])
async def test_what_was_damaged_by_a_restart_comes_anew(
    store: Store, source: FromUpstream, left: bytes
) -> None:
    store.partial(BLOB).write_bytes(left)
    fetch = Fetches(store).of(BLOB, source)
    got, error = await read_until_it_breaks(fetch)
    assert got == CONTENT or (error is not None and len(got) <= SIZE - HELD_BACK)
    await fetch.ended()
    assert kept(store) == CONTENT


class FullDisk:
    """The files of `partial/`, on a disk that has no room for some writes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, failures: int) -> None:
        self.left, really = failures, Path.open
        disk = self

        class File:
            def __init__(self, path: Path) -> None:
                self._file = really(path, "ab", buffering=0)

            def write(self, data: bytes) -> int:
                if self._file.tell() > 200_000 and disk.left:
                    disk.left -= 1
                    self._file.write(data[:100])  # a write that fails has often written something
                    raise OSError(errno.ENOSPC, "No space left on device")
                return self._file.write(data[: len(data) // 2 + 1])  # nor need it write all of it

            def truncate(self, size: int) -> None:
                self._file.truncate(size)

            def __enter__(self) -> "File":
                return self

            def __exit__(self, *_: object) -> None:
                self._file.close()

        def opened_for(path: Path, mode: str = "r", *args: Any, **named: Any) -> Any:
            if mode == "ab":
                assert named.get("buffering") == 0, "what a buffer holds cannot be taken back"
                return File(path)
            return really(path, mode, *args, **named)

        monkeypatch.setattr(Path, "open", opened_for)


def put(store: Store, data: bytes) -> str:
    digest = digest_of(data)
    store.partial(digest).write_bytes(data)
    store.keep(digest, len(data), digest)
    return digest


async def test_a_full_disk_makes_others_go(
    store: Store, source: FromUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = [put(store, bytes([n]) * (2 << 20)) for n in range(2)]
    FullDisk(monkeypatch, failures=1)
    assert await read(Fetches(store).of(BLOB, source)) == kept(store) == CONTENT
    assert [store.size(d) for d in others] == [None, 2 << 20]


async def test_a_disk_that_stays_full_is_told_and_nothing_is_left_on_it(
    store: Store, source: FromUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    FullDisk(monkeypatch, failures=1000)
    fetch = Fetches(store).of(BLOB, source)
    with pytest.raises(StoreFullError):
        await fetch.ended()
    assert (store.size(BLOB), store.partial(BLOB).exists()) == (None, False)


async def test_only_who_has_nothing_yet_may_be_given_it_past_a_full_disk(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    FullDisk(monkeypatch, failures=1000)
    source = Scripted((0, SIZE, PIECES))
    source.pause_at = 2
    fetch = Fetches(store).of(BLOB, source)
    reader = fetch.chunks()
    got = await anext(reader)
    source.go_on.set()
    more, error = await rest_of(reader)
    assert (CONTENT.startswith(got + more), type(error)) == (True, UnavailableError)
    assert await read_until_it_breaks(fetch) == (b"", fetch._failure)
    assert isinstance(fetch._failure, StoreFullError)


async def test_what_is_larger_than_the_limit_is_told_before_a_byte_of_it_comes(
    tmp_path: Path, source: FromUpstream
) -> None:
    store = opened(tmp_path, limit=SIZE - 1)
    got, error = await read_until_it_breaks(Fetches(store).of(BLOB, source))
    assert (got, type(error)) == (b"", StoreFullError)


async def test_the_limit_holds_when_many_come_at_once(tmp_path: Path, fake: FakeUpstream) -> None:
    blobs = {digest_of(data): data for data in (bytes([n]) * 100_000 for n in range(8))}
    store = opened(tmp_path, limit=350_000)
    fetches = Fetches(store)

    async def one(digest: str, data: bytes) -> None:
        got, error = await read_until_it_breaks(
            fetches.of(digest, Scripted((0, len(data), [data[:50_000], data[50_000:]])))
        )
        assert got == data or isinstance(error, StoreFullError)
        assert store.index.stored() <= 350_000

    await asyncio.gather(*(one(*item) for item in blobs.items()))
    assert 300_000 <= store.index.stored() <= 350_000


async def test_what_is_read_is_not_taken_away(tmp_path: Path, source: FromUpstream) -> None:
    store = opened(tmp_path, limit=SIZE + 1000)
    fetch = Fetches(store).of(BLOB, source)
    reader = fetch.chunks()
    got = await anext(reader)
    await fetch.ended()
    with pytest.raises(StoreFullError):
        store.make_room(2000)
    got += b"".join([chunk async for chunk in reader])
    assert hashlib.sha256(got).hexdigest() == BLOB.partition(":")[2]
    store.make_room(2000)
    assert store.size(BLOB) is None
    with pytest.raises(UnavailableError):
        await read(fetch)
