"""An image's files from its layers: what is over what, and what an archive by somebody else may not do."""

import gzip
import io
import random
import shutil
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from horcrux.contents import layers, unpacking
from horcrux.contents.layers import Unread, over, read
from horcrux.contents.unpacking import Checked, failures
from horcrux.exits import HorcruxError
from tests.support.image import digest_of

LEFT = 1 << 30
NAMES = st.sampled_from(["a", "b", "c"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)


@dataclass
class Change:
    """A layer: files, folders, and what it takes away of what is below."""

    files: dict[str, bytes] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    emptied: set[str] = field(default_factory=set)

    @property
    def all_folders(self) -> set[str]:
        paths = [*self.files, *(f"{path}/." for path in self.folders)]
        return {parent for path in paths for parent in _parents(path)}

    def on_disk(self, root: Path) -> None:
        """Applied to a folder, in the plainest way: first what goes, then what comes."""
        for path in self.gone:
            _removed(root / path)
        for path in self.emptied:
            if (root / path).is_dir():
                for child in (root / path).iterdir():
                    _removed(child)
        for path in sorted(self.all_folders):
            if not (root / path).is_dir():
                _removed(root / path)
                (root / path).mkdir()
        for path, content in self.files.items():
            _removed(root / path)
            (root / path).write_bytes(content)

    def entries(self) -> Iterator[tarfile.TarInfo | tuple[str, bytes]]:
        for path in self.all_folders:
            entry = tarfile.TarInfo(path)
            entry.type = tarfile.DIRTYPE
            yield entry
        yield from self.files.items()
        for path in self.gone:
            folder, _, name = path.rpartition("/")
            yield f"{folder}/.wh.{name}", b""
        for path in self.emptied:
            yield f"./{path}/.wh..wh..opq", b""


def _parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]


def _removed(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    elif path.exists():
        path.unlink()


@st.composite
def changes(draw: st.DrawFn) -> Change:
    found = Change(gone=draw(st.sets(PATHS, max_size=3)), emptied=draw(st.sets(PATHS, max_size=2)))
    for path in draw(st.sets(PATHS, max_size=4)):
        taken = {*found.files, *found.all_folders}
        if path not in taken and not found.files.keys() & set(_parents(path)):
            found.files[path] = draw(st.binary(max_size=3))
    for path in draw(st.sets(PATHS, max_size=2)):
        if not found.files.keys() & {path, *_parents(path)}:
            found.folders.add(path)
    return found


def archive(entries: Iterable[tarfile.TarInfo | tuple[str, bytes]]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as made:
        for entry in entries:
            info, content = entry if isinstance(entry, tuple) else (entry, b"")
            info = tarfile.TarInfo(info) if isinstance(info, str) else info
            info.size = len(content)
            made.addfile(info, io.BytesIO(content))
    return packed.getvalue()


def stream(data: bytes, piece: int = 1000) -> Checked:
    pieces = (data[at : at + piece] for at in range(0, len(data), piece))
    return Checked(pieces, digest_of(data), "shop")


def files(*archives: bytes, left: int = LEFT) -> Mapping[str, bytes | Unread]:
    found: Mapping[str, bytes | Unread] = {}
    for data in archives:
        source = stream(data)
        found = over(found, read(source, found, lambda _: True, left))
        source.finish()
    return found


@given(st.lists(changes(), max_size=4), st.randoms())
def test_layers_make_what_they_make_on_a_disk(made: list[Change], chance: random.Random) -> None:
    with TemporaryDirectory() as folder:
        root, packed = Path(folder), []
        for change in made:
            change.on_disk(root)
            entries = list(change.entries())
            chance.shuffle(entries)
            packed.append(archive(entries))
        there = {
            str(path.relative_to(root)): path.read_bytes()
            for path in root.rglob("*")
            if path.is_file()
        }
    assert files(*packed) == there


@pytest.mark.parametrize(
    "pack",
    [
        lambda data: data,
        gzip.compress,
        lambda data: gzip.compress(data[:700]) + gzip.compress(data[700:]),
        zstandard.compress,
        lambda data: zstandard.compress(data[:700]) + zstandard.compress(data[700:]),
    ],
    ids=["plain", "gzip", "two gzips", "zstd", "two zstds"],
)
def test_layers_are_unpacked_by_what_they_are(pack: Callable[[bytes], bytes]) -> None:
    data = archive([("a", b"x" * 3000)])
    assert files(pack(data)) == {"a": b"x" * 3000}


def test_content_that_is_not_its_digest_s_is_refused() -> None:
    data = archive([("a", b"1")])
    source = Checked(iter([data]), digest_of(data + b"0"), "shop@sha256:1")
    read(source, {}, lambda _: True, LEFT)
    with pytest.raises(HorcruxError, match=r"shop@sha256:1.*has other content than its digest"):
        source.finish()


def test_what_follows_the_archive_counts_for_the_digest_too() -> None:
    data = archive([("a", b"1")])
    more = b"\0" * (2 * unpacking.PIECE)
    source = Checked(iter([data, more, b"1"]), digest_of(data + more), "shop")
    read(source, {}, lambda _: True, LEFT)
    with pytest.raises(HorcruxError, match="other content"):
        source.finish()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no archive" * 100,
        gzip.compress(archive([("a", b"1" * 5000)]))[:-20],
        gzip.compress(b"no archive" * 100),
        b"\x28\xb5\x2f\xfd" + b"no zstd" * 100,
        archive([("a", b"1" * 5000)])[:3000],
    ],
    ids=["empty", "text", "cut gzip", "gzipped text", "no zstd", "cut archive"],
)
def test_what_is_no_archive_is_one_of_the_known_failures(data: bytes) -> None:
    with pytest.raises(failures()):
        files(data)


def test_a_small_download_that_unpacks_to_more_than_there_may_be_ends() -> None:
    bomb = gzip.compress(archive([("a", b"\0" * 3_000_000)]))
    assert len(bomb) < 10_000
    with pytest.raises(tarfile.ReadError, match="unpacked"):
        files(bomb, left=1_000_000)


def test_headers_are_not_read_without_a_limit() -> None:
    header = tarfile.TarInfo("pax")
    header.type, header.size = tarfile.XHDTYPE, unpacking.HEADER_LIMIT + 1
    with pytest.raises(tarfile.ReadError, match="a header of"):
        files(header.tobuf() + b"\0" * (2 << 20))


def test_files_above_the_limit_are_named_and_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "FILE_LIMIT", 10)
    monkeypatch.setattr(layers, "KEPT_LIMIT", 15)
    found = files(archive([("a", b"1" * 11), ("b", b"2" * 9)]), archive([("c", b"3" * 9)]))
    assert found["b"] == b"2" * 9
    assert found["a"] == Unread("it has 11 bytes, which is too much")
    assert found["c"] == Unread("it has 9 bytes, which is too much")


def link(name: str, target: str, kind: bytes) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, target
    return entry


def test_links_stand_for_what_is_read_or_are_named() -> None:
    below = archive([("lib/a", b"1"), ("x/status", b"")])
    above = archive(
        [
            link("etc/hard", "lib/a", tarfile.LNKTYPE),
            link("etc/empty", "x/status", tarfile.LNKTYPE),
            link("etc/soft", "../lib/a", tarfile.SYMTYPE),
            link("etc/lost", "/nowhere", tarfile.LNKTYPE),
            link("etc/pipe", "", tarfile.FIFOTYPE),
        ]
    )
    found = files(below, above)
    assert (found["etc/hard"], found["etc/empty"]) == (b"1", b"")
    assert found["etc/soft"] == Unread("")
    assert found["etc/lost"] == Unread("it is a link to what is not read")
    assert found["etc/pipe"] == Unread("it is no file")


def test_names_cannot_lead_out_of_the_image() -> None:
    assert files(archive([("../../etc/a", b"1"), ("/etc/b", b"2"), ("./etc/./c", b"3")])) == {
        "etc/a": b"1", "etc/b": b"2", "etc/c": b"3",
    }  # fmt: skip
